"""Regions as the reference executor resolves them: one small query for each field of each parent."""

from typing import Any, Final

from tests.differential.rows import (
    Arguments,
    Reader,
    Resolver,
    Row,
    connection_of,
    decoded_cursor,
    region_id,
    villages_of,
)

_BY_CODE: Final = """
select * from region
where ($1::bigint is null or parent_id = $1) and ($2::text is null or level = $2::region_level)
  and ($3::text is null or position($3 in lower(name)) > 0)
  and ($4::bigint is null or (village_low >= $4 and village_high <= $5 and id <> $6::bigint))
  and ($7::text is null or code > $7)
order by code limit $8
"""
_BY_NAME: Final = """
select * from region
where ($1::bigint is null or parent_id = $1) and ($2::text is null or level = $2::region_level)
  and ($3::text is null or position($3 in lower(name)) > 0)
  and ($4::bigint is null or (village_low >= $4 and village_high <= $5 and id <> $6::bigint))
  and ($7::text is null or (name, id) > ($7, $8::bigint))
order by name, id limit $9
"""
_COUNTED: Final = """
select count(*) from region
where ($1::bigint is null or parent_id = $1) and ($2::text is null or level = $2::region_level)
  and ($3::text is null or position($3 in lower(name)) > 0)
  and ($4::bigint is null or (village_low >= $4 and village_high <= $5 and id <> $6::bigint))
"""
KEYS: Final[dict[str, tuple[type, ...]]] = {"CODE": (str,), "NAME": (str, int)}


def tagged(row: Row | None) -> Row | None:
    """A region that tells its type where a field returns a Node."""
    return None if row is None else {**row, "__typename": "Region", "node_id": f"Region:{row['code']}"}


async def _regions(reader: Reader, statement: str, *arguments: object) -> list[Row]:
    return [row for found in await reader.rows(statement, *arguments) if (row := tagged(found)) is not None]


async def by_id(reader: Reader, region: int | None) -> Row | None:
    """The region with this id."""
    return tagged(await reader.row("select * from region where id = $1", region))


async def page(reader: Reader, arguments: Arguments, parent: int | None) -> Row:
    """Regions below ``parent``, or anywhere, by the arguments of the field."""
    within, search, order = arguments.get("within"), arguments.get("search"), arguments["order"]
    low, high = villages_of(within) if within is not None else (None, None)
    conditions = (
        parent,
        arguments.get("level"),
        search.casefold() if search is not None else None,
        low,
        high,
        region_id(within) if within is not None else None,
    )
    after = arguments.get("after")
    after_keys = decoded_cursor(after, order, KEYS[order]) if after is not None else None
    rows = await _regions(
        reader,
        _BY_CODE if order == "CODE" else _BY_NAME,
        *conditions,
        *(after_keys or [None] * len(KEYS[order])),
        arguments["first"] + 1,
    )

    async def count() -> int:
        counted = await reader.row(_COUNTED, *conditions)
        return int(counted["count"]) if counted is not None else 0

    return connection_of(
        rows,
        arguments,
        order=order,
        keys=lambda row: [row["code"]] if order == "CODE" else [row["name"], row["id"]],
        count=count,
    )


async def _region(reader: Reader, _root: Row, arguments: Arguments) -> Row | None:
    if arguments["namespace"] == "KEMENDAGRI":
        return await by_id(reader, region_id(arguments["code"]))
    alias = await reader.row(
        "select region_id from region_alias where namespace = 'BPS' and code = $1", arguments["code"]
    )
    return await by_id(reader, alias["region_id"]) if alias is not None else None


async def _ancestors(reader: Reader, region: Row, _arguments: Arguments) -> list[Row]:
    above: list[Row] = []
    parent = region["parent_id"]
    while parent is not None:
        found = await by_id(reader, parent)
        if found is None:
            break
        above.insert(0, found)
        parent = found["parent_id"]
    return above


async def _aliases(reader: Reader, region: Row, _arguments: Arguments) -> list[Row]:
    return await reader.rows("select * from region_alias where region_id = $1 order by namespace, code", region["id"])


async def _changes(reader: Reader, region: Row, _arguments: Arguments) -> list[Row]:
    return await reader.rows(
        "select * from region_change where from_id = $1 or to_id = $1 order by changed_on, id", region["id"]
    )


async def _regions_field(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    return await page(reader, arguments, None)


async def _children(reader: Reader, region: Row, arguments: Arguments) -> Row:
    return await page(reader, arguments, region["id"])


def _of_village(divisor: int) -> Resolver:
    def resolve(reader: Reader, row: Row, _arguments: Arguments) -> Any:
        return by_id(reader, row["village_id"] // divisor)

    return resolve


def _linked(column: str) -> Resolver:
    return lambda reader, row, _arguments: by_id(reader, row[column])


FIELDS: Final[dict[str, Resolver]] = {
    "Query.region": _region,
    "Query.regions": _regions_field,
    "Region.id": lambda _reader, region, _arguments: region["node_id"],
    "Region.parent": _linked("parent_id"),
    "Region.ancestors": _ancestors,
    "Region.children": _children,
    "Region.aliases": _aliases,
    "Region.changes": _changes,
    "RegionChange.fromRegion": _linked("from_id"),
    "RegionChange.toRegion": _linked("to_id"),
    "Family.village": _of_village(1),
    "Family.district": _of_village(10_000),
    "Family.regency": _of_village(1_000_000),
    "Person.village": _of_village(1),
    "Person.regency": _of_village(1_000_000),
    "RegistrySummary.region": _linked("region_id"),
    "RegistrySummaryRow.region": _linked("region_id"),
}
