"""Families, persons and editions as the reference executor resolves them."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from tests.differential.rows import Arguments, Reader, Resolver, Row, connection_of, decoded_cursor, villages_of

UNRANKED: Final = 11
_FAMILIES: Final = {
    "VILLAGE": "select * from family where $1::bigint is null or (village_id, id) > ($1, $2::uuid) order by village_id, id",
    "NAME": "select * from family where $1::text is null or (head_name, id) > ($1, $2::uuid) order by head_name, id",
    "DECILE": "select * from family where $1::bigint is null "
    "or (coalesce(decile, 11), village_id, id) > ($1, $2::bigint, $3::uuid) order by coalesce(decile, 11), village_id, id",
}
_PERSONS: Final = {
    "VILLAGE": "select * from person where $1::bigint is null or (village_id, id) > ($1, $2::uuid) order by village_id, id",
    "NAME": "select * from person where $1::text is null or (name, id) > ($1, $2::uuid) order by name, id",
}
FAMILY_KEYS: Final[dict[str, tuple[type, ...]]] = {
    "VILLAGE": (int, UUID),
    "NAME": (str, UUID),
    "DECILE": (int, int, UUID),
}
PERSON_KEYS: Final[dict[str, tuple[type, ...]]] = {"VILLAGE": (int, UUID), "NAME": (str, UUID)}


def family_keys(order: str, family: Row) -> list[Any]:
    """Where a family stands in a list."""
    if order == "DECILE":
        return [family["decile"] or UNRANKED, family["village_id"], family["id"]]
    return [family["head_name"] if order == "NAME" else family["village_id"], family["id"]]


def person_keys(order: str, person: Row) -> list[Any]:
    """Where a person stands in a list."""
    return [person["name"] if order == "NAME" else person["village_id"], person["id"]]


def tagged(type_name: str, row: Row | None) -> Row | None:
    """A row that tells its type where a field returns a Node."""
    if row is None:
        return None
    return {**row, "__typename": type_name, "node_id": f"{type_name}:{row['regency_id']}:{row['id']}"}


def _all(type_name: str, rows: list[Row]) -> list[Row]:
    return [row for found in rows if (row := tagged(type_name, found)) is not None]


async def family_by_id(reader: Reader, regency: int, id_: UUID | None) -> Row | None:
    """The family, if the principal may see it."""
    found = await reader.rows("select * from family where regency_id = $1 and id = $2", regency, id_)
    return tagged("Family", next(iter(reader.seen(Permission.REGISTRY_FAMILY_READ, found)), None))


async def person_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The person, if the principal may see it."""
    found = await reader.rows("select * from person where regency_id = $1 and id = $2", regency, id_)
    return tagged("Person", next(iter(reader.seen(Permission.REGISTRY_PERSON_READ, found)), None))


def _in_region(region: str | None, row: Row) -> bool:
    if region is None:
        return True
    low, high = villages_of(region)
    village: int = row["village_id"]
    return low <= village <= high


def _named(reader: Reader, row: Row, name: str, search: str | None) -> bool:
    if search is None:
        return True
    return search.casefold() in name.lower() and reader.reaches(Permission.REGISTRY_NAME_READ, row)


def _listed_family(reader: Reader, family: Row, arguments: Arguments) -> bool:
    wanted = arguments.get("filter") or {}
    deciles, statuses = wanted.get("deciles"), wanted.get("statuses")
    return (
        reader.reaches(Permission.REGISTRY_FAMILY_READ, family)
        and (arguments["order"] != "NAME" or reader.reaches(Permission.REGISTRY_NAME_READ, family))
        and _in_region(arguments.get("region"), family)
        and (deciles is None or deciles["from"] <= (family["decile"] or UNRANKED) <= deciles["to"])
        and (statuses is None or family["status"] in statuses)
        and _named(reader, family, family["head_name"], wanted.get("search"))
    )


def _born(person: Row, first: str | None, last: str | None) -> bool:
    if first is None and last is None:
        return True
    born = person["birth_date"]
    return (
        born is not None
        and (first is None or born >= date.fromisoformat(first))
        and (last is None or born <= date.fromisoformat(last))
    )


def _listed_person(reader: Reader, person: Row, arguments: Arguments) -> bool:
    wanted = arguments.get("filter") or {}
    statuses, presences, sex = wanted.get("identityStatuses"), wanted.get("presences"), wanted.get("sex")
    return (
        reader.reaches(Permission.REGISTRY_PERSON_READ, person)
        and (arguments["order"] != "NAME" or reader.reaches(Permission.REGISTRY_NAME_READ, person))
        and _in_region(arguments.get("region"), person)
        and (statuses is None or person["identity_status"] in statuses)
        and (presences is None or person["presence"] in presences)
        and (sex is None or person["sex"] == sex)
        and _born(person, wanted.get("bornFrom"), wanted.get("bornTo"))
        and _named(reader, person, person["name"], wanted.get("search"))
    )


async def _families(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    order, after = arguments["order"], arguments.get("after")
    start = decoded_cursor(after, order, FAMILY_KEYS[order]) if after is not None else None

    async def listed(from_: list[Any] | None) -> list[Row]:
        rows = await reader.rows(_FAMILIES[order], *(from_ or [None] * len(FAMILY_KEYS[order])))
        return [row for row in _all("Family", rows) if _listed_family(reader, row, arguments)]

    async def count() -> int:
        return len(await listed(None))

    return connection_of(
        await listed(start), arguments, order=order, keys=lambda row: family_keys(order, row), count=count
    )


async def _persons(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    order, after = arguments["order"], arguments.get("after")
    start = decoded_cursor(after, order, PERSON_KEYS[order]) if after is not None else None

    async def listed(from_: list[Any] | None) -> list[Row]:
        rows = await reader.rows(_PERSONS[order], *(from_ or [None] * len(PERSON_KEYS[order])))
        return [row for row in _all("Person", rows) if _listed_person(reader, row, arguments)]

    async def count() -> int:
        return len(await listed(None))

    return connection_of(
        await listed(start), arguments, order=order, keys=lambda row: person_keys(order, row), count=count
    )


async def _members(reader: Reader, family: Row, _arguments: Arguments) -> list[Row]:
    rows = await reader.rows(
        "select * from person where regency_id = $1 and family_id = $2 order by member_no, id",
        family["regency_id"],
        family["id"],
    )
    return reader.seen(Permission.REGISTRY_PERSON_READ, _all("Person", rows))


async def _ranks(reader: Reader, family: Row, _arguments: Arguments) -> list[Row]:
    rows = await reader.rows(
        "select * from welfare_rank where regency_id = $1 and family_id = $2 order by ranked_on desc, id",
        family["regency_id"],
        family["id"],
    )
    return reader.seen(Permission.REGISTRY_FAMILY_READ, rows)


def _edition(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return reader.row("select * from registry_edition where id = $1", row["edition_id"])


def _editions(reader: Reader, _root: Row, _arguments: Arguments) -> Any:
    return reader.rows("select * from registry_edition order by published_on desc, id desc")


async def _person_by_nik(reader: Reader, _root: Row, arguments: Arguments) -> Row | None:
    digits = "".join(character for character in arguments["nik"] if character.isdigit())
    rows = await reader.rows(
        "select * from person where nik_digest = $1 and presence <> 'DECEASED' order by regency_id, id",
        reader.seal.digest(digits),
    )
    found = reader.seen(Permission.REGISTRY_PERSON_LOOKUP, reader.seen(Permission.REGISTRY_PERSON_READ, rows))
    return tagged("Person", next(iter(found), None))


def _by_text_id(type_name: str) -> Resolver:
    def resolve(reader: Reader, _root: Row, arguments: Arguments) -> Any:
        _, regency, id_ = arguments["id"].split(":")
        find = family_by_id if type_name == "Family" else person_by_id
        return find(reader, int(regency), UUID(id_))

    return resolve


def _name(column: str) -> Resolver:
    def resolve(reader: Reader, row: Row, _arguments: Arguments) -> str:
        name: str = row[column]
        return name if reader.reaches(Permission.REGISTRY_NAME_READ, row) else f"{name[:1]}***"

    return resolve


def _address(column: str) -> Resolver:
    return lambda reader, row, _arguments: (
        row[column] if reader.reaches(Permission.REGISTRY_ADDRESS_READ, row) else None
    )


def _revealed(column: str) -> Resolver:
    def resolve(reader: Reader, row: Row, _arguments: Arguments) -> str | None:
        sealed = row[column]
        if sealed is None or not reader.reaches(Permission.REGISTRY_NIK_REVEAL, row):
            return None
        return reader.seal.unseal(sealed)

    return resolve


def _same(_reader: Reader, row: Row, _arguments: Arguments) -> Row:
    return row


def _health(reader: Reader, person: Row, _arguments: Arguments) -> Row:
    return person if reader.reaches(Permission.REGISTRY_HEALTH_READ, person) else dict.fromkeys(person)


FIELDS: Final[dict[str, Resolver]] = {
    "Query.families": _families,
    "Query.persons": _persons,
    "Query.family": _by_text_id("Family"),
    "Query.person": _by_text_id("Person"),
    "Query.personByNik": _person_by_nik,
    "Query.registryEditions": _editions,
    "Family.id": lambda _reader, family, _arguments: family["node_id"],
    "Family.headName": _name("head_name"),
    "Family.kkRevealed": _revealed("kk_sealed"),
    **{f"Family.{name}": _address(name) for name in ("address", "hamlet", "rw", "rt", "latitude", "longitude")},
    **{f"Family.{name}": _same for name in ("housing", "assets", "programmesReceived")},
    "Family.members": _members,
    "Family.ranks": _ranks,
    "Family.edition": _edition,
    "Person.id": lambda _reader, person, _arguments: person["node_id"],
    "Person.name": _name("name"),
    "Person.nikRevealed": _revealed("nik_sealed"),
    "Person.education": _same,
    "Person.work": _same,
    "Person.health": _health,
    "Person.family": lambda reader, person, _arguments: family_by_id(reader, person["regency_id"], person["family_id"]),
    "WelfareRank.edition": _edition,
}
