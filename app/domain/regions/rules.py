"""How codes are read and what a change of the tree must satisfy, before any database is asked."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.domain.regions.errors import RegionChangeRefused, RegionCodeMalformed
from app.domain.regions.models import RegionChangeKind, RegionKind
from app.tenants.region_path import RegionCodeInvalid, RegionLevel, RegionPath

_SHOWN_CHARACTERS: Final = 20
_BPS_CODE: Final = re.compile(r"[1-9]\d(?:\d\d(?:\d{3}(?:\d{3})?)?)?", re.ASCII)
_BPS_LEVELS: Final = {2: RegionLevel.PROVINCE, 4: RegionLevel.REGENCY, 7: RegionLevel.DISTRICT, 10: RegionLevel.VILLAGE}
_VILLAGE_KINDS: Final = {1: RegionKind.KELURAHAN, 2: RegionKind.DESA, 3: RegionKind.DESA_ADAT}
_NAME_BEGINS: Final = {RegionKind.KABUPATEN: "Kabupaten", RegionKind.KOTA: "Kota"}
_FIRST_KOTA: Final = 71


def _quoted(code: str) -> str:
    """Escaped and cut short: what a caller sent may hold NUL or lone surrogates, and no answer can carry those."""
    return ascii(code[:_SHOWN_CHARACTERS])


def parse_region(code: str) -> RegionPath:
    """Read a dotted Kemendagri code (``33``, ``33.02``, ``33.02.01``, ``33.02.01.2001``). The region need not exist.

    Raises:
        RegionCodeMalformed: the text has another form, for instance that of a BPS code.
    """
    try:
        return RegionPath.parse(code)
    except RegionCodeInvalid as error:
        shown = _quoted(code)
        if error.looks_like_bps:
            raise RegionCodeMalformed(
                f"{shown} bukan kode Kemendagri: kode Kemendagri ditulis dengan titik (33.02), "
                "sedangkan kode BPS harus disertai namespace BPS.",
                f"{shown} is no Kemendagri code: those are written with dots (33.02), "
                "and a BPS code needs its namespace BPS.",
            ) from None
        raise RegionCodeMalformed(
            f"{shown} bukan kode wilayah Kemendagri, yang ditulis seperti 33, 33.02, 33.02.01, atau 33.02.01.2001.",
            f"{shown} is no Kemendagri region code; those look like 33, 33.02, 33.02.01 or 33.02.01.2001.",
        ) from None


@dataclass(frozen=True, slots=True)
class BpsCode:
    """A well-formed code of the BPS. Which region it denotes only ``region_alias`` knows."""

    level: RegionLevel
    code: str


def parse_bps_code(code: str) -> BpsCode:
    """Read a BPS code: 2, 4, 7 or 10 digits without dots, for a province, regency, district or village.

    Raises:
        RegionCodeMalformed: the text has another form, for instance that of a Kemendagri code.
    """
    if _BPS_CODE.fullmatch(code) is None:
        shown = _quoted(code)
        raise RegionCodeMalformed(
            f"{shown} bukan kode BPS, yang terdiri atas 2, 4, 7, atau 10 angka tanpa titik.",
            f"{shown} is no BPS code; those are 2, 4, 7 or 10 digits without dots.",
        )
    return BpsCode(_BPS_LEVELS[len(code)], code)


def kind_of(path: RegionPath) -> RegionKind:
    """What a region is in law, as its code tells: regencies 71-99 are kota, villages 1xxx kelurahan and 2xxx desa.

    Raises:
        ValueError: the country is no region of the tree.
    """
    match path.level:
        case RegionLevel.PROVINCE:
            return RegionKind.PROVINCE
        case RegionLevel.REGENCY:
            return RegionKind.KOTA if path.id % 100 >= _FIRST_KOTA else RegionKind.KABUPATEN
        case RegionLevel.DISTRICT:
            return RegionKind.DISTRICT
        case RegionLevel.VILLAGE:
            return _VILLAGE_KINDS[path.id // 1000 % 10]
        case RegionLevel.COUNTRY:
            raise ValueError("the country is no region of the tree")


def _check_name(path: RegionPath, name: str) -> None:
    """A regency carries its kind in its name (Kabupaten Banyumas, Kota Tegal), no other region does."""
    word = _NAME_BEGINS.get(kind_of(path))
    if word is not None and not name.startswith(f"{word} "):
        raise RegionChangeRefused(
            f"Nama wilayah berkode {path.code} harus diawali {word}.",
            f"The name of a region with the code {path.code} must begin with {word}.",
        )


@dataclass(frozen=True, slots=True)
class RegionChange:
    """One step of the history of the tree: what ``origin`` became on ``changed_on`` by ``decree``.

    A decree that touches several regions is several steps of one day: a split into two is two SPLIT from one origin,
    and districts that move to a new regency are one SPLIT each, from the old code to the new.
    """

    kind: RegionChangeKind
    origin: RegionPath
    successor: RegionPath
    """The same as ``origin`` for a RENAME, another region of the same level for everything else."""
    changed_on: date
    """The first day of the new state."""
    decree: str
    name: str | None = None
    """The name of a successor that the tree does not hold yet, or the new name in a RENAME."""
    origin_ends: bool = False
    """Whether nothing is left of the origin after a SPLIT. A MERGE or STATUS always ends it, a RENAME never does."""

    @property
    def ends_origin(self) -> bool:
        """Whether the origin and everything in it stops on ``changed_on``."""
        return self.origin_ends or self.kind in {RegionChangeKind.MERGE, RegionChangeKind.STATUS}

    def check(self) -> None:
        """Hold the change against the rules that need no database.

        Raises:
            RegionChangeRefused: a rename that changes the code or says no name; another change that keeps the code or
                crosses levels; a change of status after which the region is what it was; a regency whose name does not
                begin as its code demands; or a text that is empty or holds control characters.
        """
        for text in (self.decree,) if self.name is None else (self.decree, self.name):
            if not text.strip() or not text.isprintable():
                raise RegionChangeRefused(
                    "Nama dan dasar hukum harus berupa teks yang dapat dibaca.",
                    "Name and decree must be readable text.",
                )
        if self.name is not None:
            _check_name(self.successor, self.name)
        if self.kind is RegionChangeKind.RENAME:
            if self.successor != self.origin or self.name is None or self.origin_ends:
                raise RegionChangeRefused(
                    "Ganti nama mempertahankan wilayah dan kodenya, dan memerlukan nama baru.",
                    "A rename keeps the region and its code, and needs the new name.",
                )
        elif self.successor == self.origin or self.successor.level is not self.origin.level:
            raise RegionChangeRefused(
                f"{self.origin.code} hanya dapat berubah menjadi wilayah lain pada tingkat yang sama.",
                f"{self.origin.code} can only turn into another region of the same level.",
            )
        elif self.kind is RegionChangeKind.STATUS and kind_of(self.successor) is kind_of(self.origin):
            raise RegionChangeRefused(
                f"{self.successor.code} berstatus sama dengan {self.origin.code}.",
                f"{self.successor.code} has the same status as {self.origin.code}.",
            )
