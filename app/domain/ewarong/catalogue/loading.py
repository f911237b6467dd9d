"""Taking the catalogue of files over into the database. What was judged by a rule or a number is never rewritten.

Reference data that kesos_app only reads, so this runs on a connection of kesos_loader, after the programmes.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

import asyncpg
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.domain.ewarong.catalogue.errors import CatalogueDataDiffers, CatalogueFileInvalid, CatalogueProgrammeUnknown
from app.domain.ewarong.models.catalogue import Unit, basket_rule, commodity, commodity_group, ewarong_threshold

Loader: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Row: TypeAlias = dict[str, Any]

_TURN: Final = "select pg_advisory_xact_lock(hashtext('ewarong_catalogue'))"
_Code: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")]
_ADDED: Final = ("groups", "commodities", "rules", "thresholds")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Group(_Strict):
    name: str
    name_english: str


class _Commodity(_Strict):
    name: str
    name_english: str
    group: str | None = None
    unit: Unit
    source: str


class _Rule(_Strict):
    programme: str
    channel: Literal["BANK", "POS", "E_WARONG"]
    valid_from: date
    valid_to: date | None = None
    open: bool = True
    groups: list[str] = Field(default_factory=list)
    prohibited: list[str] = Field(default_factory=list)
    balanced: list[str] = Field(default_factory=list)
    legal_basis: str | None = None
    source: str


class _Threshold(_Strict):
    code: _Code
    valid_from: date
    value: Decimal
    unit: str
    source: str


class CatalogueFile(_Strict):
    """What the files of the catalogue say together."""

    groups: dict[_Code, _Group] = Field(default_factory=dict)
    commodities: dict[_Code, _Commodity] = Field(default_factory=dict)
    never: list[str] = Field(default_factory=list)
    """Commodities that no basket of ``rules`` may hold, in whatever era."""
    rules: list[_Rule] = Field(default_factory=list)
    thresholds: list[_Threshold] = Field(default_factory=list)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        """Foreign keys do not reach into arrays, so what they name is looked at here."""
        keys = [f"{each.programme} {each.channel} from {each.valid_from}" for each in self.rules]
        keys += [f"{each.code} from {each.valid_from}" for each in self.thresholds]
        if twice := sorted(key for key in set(keys) if keys.count(key) > 1):
            raise ValueError(f"{twice[0]} is there already: let the other one begin on a later day")
        for rule in self.rules:
            named = {"groups": [*rule.groups, *rule.balanced], "commodities": [*rule.prohibited, *self.never]}
            known: dict[str, set[str]] = {"groups": set(self.groups), "commodities": set(self.commodities)}
            for kind, codes in named.items():
                if unknown := sorted(set(codes) - known[kind]):
                    raise ValueError(
                        f"{rule.programme} from {rule.valid_from} names {kind} that are not there: {unknown[0]}"
                    )
            if set(rule.balanced) - set(rule.groups):
                raise ValueError(
                    f"{rule.programme} from {rule.valid_from}: a basket is balanced by groups that it may hold"
                )
            if rule.open != bool(rule.groups):
                raise ValueError(
                    f"{rule.programme} from {rule.valid_from}: what is open holds groups, and nothing else does"
                )
        return self


@dataclass(frozen=True, slots=True)
class CatalogueLoaded:
    """How many rows loading has added or changed."""

    commodities: int
    """With their groups."""
    rules: int
    thresholds: int


def shipped_catalogue() -> CatalogueFile:
    """The catalogue that Kesos ships with."""
    folder = files("app.domain.ewarong.catalogue") / "data"
    said: Row = {}
    for name in ("commodities", "baskets", "thresholds"):
        said |= tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    return CatalogueFile.model_validate(said)


def read_catalogue(text: str, name: str) -> CatalogueFile:
    """What a region adds to the catalogue that Kesos ships with: ``text`` is TOML, and ``name`` what errors call it.

    It may name groups and commodities that are shipped, and what no basket may hold stays so.

    Raises:
        CatalogueFileInvalid: it is no TOML, or does not hold together; the text says where.
    """
    try:
        said = tomllib.loads(text)
        if unknown := sorted(said.keys() - set(_ADDED)):
            raise CatalogueFileInvalid(name, f"{unknown[0]} is not known: look for a typing error, or leave it out")
        shipped = shipped_catalogue().model_dump()
        for kind in ("groups", "commodities"):
            # What is shipped comes back with the next `kesos migrate`, so a file does not say it otherwise.
            if there := sorted(shipped[kind].keys() & said.get(kind, {}).keys()):
                raise CatalogueFileInvalid(name, f"{kind}.{there[0]} is there already: choose another code")
        return CatalogueFile.model_validate(
            shipped
            | {kind: shipped[kind] | said.get(kind, {}) for kind in ("groups", "commodities")}
            | {kind: shipped[kind] + said.get(kind, []) for kind in ("rules", "thresholds")}
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        told = first["msg"].removeprefix("Value error, ")
        raise CatalogueFileInvalid(name, f"{place}: {told}" if place else told) from None
    except (tomllib.TOMLDecodeError, AttributeError, TypeError) as error:
        raise CatalogueFileInvalid(name, f"it is no TOML of a catalogue: {error}") from None


async def load_catalogue(loader: Loader, given: CatalogueFile | None = None) -> CatalogueLoaded:
    """Make the database hold the catalogue ``given``, or the one that Kesos ships with. Run again, it changes nothing.

    All or nothing, in one transaction. The programmes must be there already.

    Raises:
        CatalogueProgrammeUnknown: a rule is of a programme that is not there.
        CatalogueDataDiffers: a unit, a rule or a number by which something may have been judged is to become another.
    """
    said = shipped_catalogue() if given is None else given
    async with loader.transaction():
        # Two processes that start at once must not both find a row missing.
        await loader.execute(_TURN)
        commodities = sum([await _group(loader, code, each) for code, each in said.groups.items()])
        commodities += sum([await _commodity(loader, code, each) for code, each in said.commodities.items()])
        rules = sum([await _rule(loader, said.never, each) for each in said.rules])
        thresholds = sum([await _threshold(loader, each) for each in said.thresholds])
    return CatalogueLoaded(commodities, rules, thresholds)


async def _group(loader: Loader, code: str, entry: _Group) -> bool:
    return await _put(loader, commodity_group, {"code": code}, entry.model_dump(), {"name", "name_english"})


async def _commodity(loader: Loader, code: str, entry: _Commodity) -> bool:
    row: Row = {
        "name": entry.name,
        "name_english": entry.name_english,
        "group_code": entry.group,
        "unit": entry.unit.value,
        "source": entry.source,
    }
    # Quantities and prices that are there count in the unit, and baskets were judged by the group.
    return await _put(loader, commodity, {"code": code}, row, {"name", "name_english", "source"})


async def _rule(loader: Loader, never: list[str], entry: _Rule) -> bool:
    if not await loader.fetchval("select exists (select from programme where code = $1)", entry.programme):
        raise CatalogueProgrammeUnknown(entry.programme)
    key: Row = {
        "programme_code": entry.programme,
        "channel": entry.channel,
        "valid_from": entry.valid_from,
    }
    row: Row = {
        "valid_to": entry.valid_to,
        "open": entry.open,
        "groups": entry.groups,
        "prohibited": [*never, *entry.prohibited] if entry.open else [],
        "balanced": entry.balanced,
        "legal_basis_id": entry.legal_basis,
        "source": entry.source,
    }
    return await _put(loader, basket_rule, key, row, {"valid_to", "legal_basis_id", "source"})


async def _threshold(loader: Loader, entry: _Threshold) -> bool:
    key: Row = {"code": entry.code, "valid_from": entry.valid_from}
    row: Row = {"value": entry.value, "unit": entry.unit, "source": entry.source}
    return await _put(loader, ewarong_threshold, key, row, {"source"})


async def _put(loader: Loader, table: sa.Table, key: Row, row: Row, changeable: set[str]) -> bool:
    """Whether anything had to be written."""
    where = " and ".join(f"{name} = ${number}" for number, name in enumerate(key, start=1))
    found = await loader.fetchrow(f"select * from {table.name} where {where}", *key.values())  # noqa: S608  (names of columns)
    if found is None:
        columns = [*key, *row]
        places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        await loader.execute(
            f"insert into {table.name} ({', '.join(columns)}) values ({places})",  # noqa: S608  (names of columns)
            *key.values(),
            *row.values(),
        )
        return True
    changed = [name for name, value in row.items() if found[name] != value]
    if set(changed) - changeable:
        named = " ".join(str(value) for value in key.values())
        raise CatalogueDataDiffers(
            f"{table.name} {named}",
            "give a rule or number a later valid_from, and a commodity of another unit its own code",
        )
    for name in changed:
        await loader.execute(
            f"update {table.name} set {name} = ${len(key) + 1} where {where}",  # noqa: S608  (names of columns)
            *key.values(),
            row[name],
        )
    return bool(changed)
