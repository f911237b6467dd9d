"""Taking the programmes of files over into the database. What was in force is never rewritten: changed terms are a new version.

Programmes are reference data that kesos_app only adds terms to, so this runs on a connection of kesos_loader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid5

import asyncpg
import sqlalchemy as sa

from app.domain.bansos.models.programmes import (
    TermsState,
    legal_basis,
    programme,
    programme_quota,
    programme_relation,
    programme_terms,
)
from app.domain.bansos.programmes.drafts import Row
from app.domain.bansos.programmes.files import ProgrammeFile, TermsEntry, shipped_programmes
from app.domain.base import DomainError
from app.tenants.region_path import RegionPath, Span

Loader: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

FILES_ID: Final = UUID("00000000-0000-7000-8000-000000000003")
"""Who has proposed terms that came from a file."""
OPERATOR_ID: Final = UUID("00000000-0000-7000-8000-000000000001")
"""Who has confirmed them: whoever runs the server and took the file over (``app.authz.authorize.OPERATOR_ID``)."""
_NAMES: Final = {FILES_ID: "Berkas program", OPERATOR_ID: "Operator server"}
_IDS: Final = UUID("0198b9a2-0015-5000-8000-000000000000")
_TURN: Final = "select pg_advisory_xact_lock(hashtext('programmes'))"
_CHANGEABLE: Final = frozenset({"name", "name_english", "channels", "legal_basis_id", "valid_from", "valid_to"})
"""Columns of a programme that a later file may say anew; the others say what cycles, wallets and rights stand on."""


class ProgrammeDataDiffers(DomainError):
    """A file says otherwise what is in the database and must stay as it is."""

    code = "PROGRAMME_DATA_DIFFERS"

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(
            f"{what} sudah ada di basis data dengan isi lain: {advice}.",
            f"{what} is in the database with other content: {advice}.",
        )


class ProgrammeOtherUnknown(DomainError):
    """A file relates its programme to one that is not there."""

    code = "PROGRAMME_NOT_FOUND"

    def __init__(self, programme_code: str, other: str) -> None:
        super().__init__(
            f"{programme_code}: tidak ada program {other}; muat berkas program itu lebih dulu.",
            f"{programme_code}: there is no programme {other}; load the file of that one first.",
        )


class ProgrammeRegionUnknown(DomainError):
    """A file names a region that the tree does not hold."""

    code = "REGION_UNKNOWN"

    def __init__(self, programme_code: str, codes: list[str]) -> None:
        named = ", ".join(codes)
        super().__init__(
            f"{programme_code}: pohon wilayah tidak memuat {named}.",
            f"{programme_code}: the region tree does not hold {named}.",
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading has changed."""

    programmes: int
    """Programmes that are new or changed."""
    terms: int
    """Versions of terms that are new."""
    kept: tuple[str, ...]
    """Versions such as ``PKH 3`` that people have decided otherwise than the files say: theirs stand."""


async def load_programmes(loader: Loader, given: Sequence[ProgrammeFile] | None = None) -> Loaded:
    """Make the database hold the programmes ``given``, or those that Kesos ships with. Run again, it changes nothing.

    Quotas that are there stay: people set them. All or nothing, in one transaction.

    Raises:
        ProgrammeDataDiffers: terms, a relation or a legal basis that may be in use is to become another.
        ProgrammeRegionUnknown: a region is not in the tree.
        ProgrammeOtherUnknown: a relation names a programme that is not there.
    """
    entries = shipped_programmes() if given is None else given
    programmes, terms, kept = 0, 0, list[str]()
    async with loader.transaction():
        # Two processes that start at once must not both find a programme missing.
        await loader.execute(_TURN)
        for entry in entries:
            await _regions(loader, entry)
            await _legal_bases(loader, entry)
        for entry in entries:
            programmes += await _programme(loader, entry)
        for entry in entries:
            for version in entry.terms:
                stood = await _terms(loader, entry, version)
                terms += stood is None
                if stood == "kept":
                    kept.append(f"{entry.code} {version.version}")
            await _relations(loader, entry)
            await _quotas(loader, entry)
    return Loaded(programmes, terms, tuple(kept))


async def _regions(loader: Loader, entry: ProgrammeFile) -> None:
    asked = {RegionPath.parse(code).id: code for quota in entry.quotas for code in quota.families}
    if entry.path.id:
        asked[entry.path.id] = entry.path.code
    known = {row["id"] for row in await loader.fetch("select id from region where id = any($1::bigint[])", list(asked))}
    if unknown := sorted(code for region_id, code in asked.items() if region_id not in known):
        raise ProgrammeRegionUnknown(entry.code, unknown)


async def _legal_bases(loader: Loader, entry: ProgrammeFile) -> None:
    for each in entry.legal_bases:
        row = each.model_dump()
        found = await _one(loader, legal_basis, {"id": each.id})
        if found is None:
            await _insert(loader, legal_basis, [row])
        elif found | {"valid_to": None} != row | {"valid_to": None}:
            raise ProgrammeDataDiffers(f"legal basis {each.id}", "give the other one an id of its own")
        elif found["valid_to"] != each.valid_to:
            await loader.execute("update legal_basis set valid_to = $2 where id = $1", each.id, each.valid_to)


async def _programme(loader: Loader, entry: ProgrammeFile) -> bool:
    villages = entry.path.villages
    row: Row = {
        "code": entry.code,
        "name": entry.name,
        "name_english": entry.name_english,
        "benefit": entry.benefit.value,
        "fund": entry.fund.value,
        "channels": [channel.value for channel in entry.channels],
        "village_low": villages.low,
        "village_high": villages.high,
        "legal_basis_id": entry.legal_basis,
        "valid_from": entry.valid_from,
        "valid_to": entry.valid_to,
    }
    found = await _one(loader, programme, {"code": entry.code})
    if found is None:
        await _insert(loader, programme, [row])
        return True
    changed = {name for name, value in row.items() if found[name] != value}
    if changed - _CHANGEABLE:
        raise ProgrammeDataDiffers(f"programme {entry.code}", "give a programme of another kind or region its own code")
    for name in changed:
        await loader.execute(f"update programme set {name} = $2 where code = $1", entry.code, row[name])  # noqa: S608  (names of columns)
    return bool(changed)


async def _terms(loader: Loader, entry: ProgrammeFile, version: TermsEntry) -> str | None:
    """None where the terms are new; else whether they are the ``same``, or others of people that are ``kept``."""
    draft = entry.draft(version)
    key: Row = {"programme_code": entry.code, "version": version.version}
    rows = draft.rows(entry.code, version.version)
    found = await _one(loader, programme_terms, key)
    if found is not None:
        same = all(found[name] == value for name, value in draft.columns.items()) and [
            await _equal(loader, table, key, wanted) for table, wanted in rows.items()
        ] == [True] * len(rows)
        if same:
            return "same"
        if found["proposed_by"] != FILES_ID:
            return "kept"
        raise ProgrammeDataDiffers(
            f"{entry.code}, terms {version.version}", "terms are never rewritten; make the changed ones a new version"
        )
    after = await loader.fetchval(
        "select max(valid_from) from programme_terms where programme_code = $1 and state = 'ACTIVE'", entry.code
    )
    if after is not None and version.valid_from <= after:
        raise ProgrammeDataDiffers(
            f"{entry.code}, terms valid from {after} or later",
            f"new terms are valid from a later day ({version.version})",
        )
    now = datetime.now(UTC)
    decided = {"id": uuid5(_IDS, f"{entry.code}:{version.version}"), "state": TermsState.ACTIVE.value}
    for prefix, actor in (("proposed", FILES_ID), ("confirmed", OPERATOR_ID)):
        decided |= {f"{prefix}_by": actor, f"{prefix}_by_name": _NAMES[actor], f"{prefix}_at": now}
    await _insert(loader, programme_terms, [key | draft.columns | decided])
    for table, wanted in rows.items():
        await _insert(loader, table, wanted)
    return None


async def _relations(loader: Loader, entry: ProgrammeFile) -> None:
    for each in entry.relations:
        if await _one(loader, programme, {"code": each.other}) is None:
            raise ProgrammeOtherUnknown(entry.code, each.other)
        key: Row = {"programme_code": entry.code, "other_code": each.other, "valid_from": each.valid_from}
        said: Row = {"relation": each.relation.value, "legal_basis_id": each.legal_basis}
        found = await _one(loader, programme_relation, key)
        if found is None:
            await _insert(loader, programme_relation, [key | said | {"valid_to": each.valid_to}])
        elif any(found[name] != value for name, value in said.items()):
            raise ProgrammeDataDiffers(
                f"the relation of {entry.code} to {each.other} from {each.valid_from}",
                "end it with valid_to, and let the other begin after that",
            )
        elif found["valid_to"] != each.valid_to:
            await loader.execute(
                "update programme_relation set valid_to = $4 where programme_code = $1 and other_code = $2 and valid_from = $3",
                *key.values(),
                each.valid_to,
            )


async def _quotas(loader: Loader, entry: ProgrammeFile) -> None:
    now = datetime.now(UTC)
    rows = [
        _quota(entry.code, RegionPath.parse(code), quota.year)
        | {"families": families, "source": quota.source, "updated_at": now}
        for quota in entry.quotas
        for code, families in quota.families.items()
    ]
    for row in rows:
        key = {name: row[name] for name in ("regency_id", "programme_code", "year")}
        if await _one(loader, programme_quota, key) is None:
            await _insert(loader, programme_quota, [row])


def _quota(code: str, regency: RegionPath, year: int) -> Row:
    villages: Span = regency.villages
    return {
        "regency_id": regency.id,
        "programme_code": code,
        "year": year,
        "id": uuid5(_IDS, f"{code}:{year}:{regency.id}"),
        "village_low": villages.low,
        "village_high": villages.high,
    }


async def _one(loader: Loader, table: sa.Table, key: Row) -> Row | None:
    found = await loader.fetchrow(f"select * from {table.name} where {_named(key)}", *key.values())  # noqa: S608  (names of columns)
    return None if found is None else dict(found)


async def _equal(loader: Loader, table: sa.Table, key: Row, wanted: list[Row]) -> bool:
    found = await loader.fetch(f"select * from {table.name} where {_named(key)}", *key.values())  # noqa: S608  (names of columns)
    there: list[Any] = [dict(row) for row in found]
    return len(there) == len(wanted) and all(row in there for row in wanted)


def _named(key: Row) -> str:
    return " and ".join(f"{name} = ${number}" for number, name in enumerate(key, start=1))


async def _insert(loader: Loader, table: sa.Table, rows: list[Row]) -> None:
    if rows:
        columns = list(rows[0])
        places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        await loader.executemany(
            f"insert into {table.name} ({', '.join(columns)}) values ({places})",  # noqa: S608  (names of columns)
            [[row[name] for name in columns] for row in rows],
        )
