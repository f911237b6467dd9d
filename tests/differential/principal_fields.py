"""Grants as the reference executor resolves them."""

from typing import Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from app.authz.roles import Role
from tests.differential import region_fields
from tests.differential.rows import Arguments, Reader, Resolver, Row, connection_of, decoded_cursor, villages_of

KEYS: Final[dict[str, tuple[type, ...]]] = {"NEWEST": (UUID,)}
_GRANTS: Final = """
select *, status = 'ACTIVE' and valid_from <= now() and (valid_to is null or now() < valid_to) as in_force
from principal_grant order by id desc
"""


def _tagged(grant: Row) -> Row:
    return {**grant, "__typename": "PrincipalGrant", "node_id": f"PrincipalGrant:{grant['id']}"}


async def _seen(reader: Reader) -> list[Row]:
    grants = await reader.rows(_GRANTS)
    return [_tagged(grant) for grant in grants if reader.covers(Permission.PRINCIPALS_GRANT_READ, grant)]


async def by_id(reader: Reader, id_: UUID) -> Row | None:
    """The grant, if the principal may see it."""
    return next((grant for grant in await _seen(reader) if grant["id"] == id_), None)


async def _listed(reader: Reader, arguments: Arguments) -> list[Row]:
    region, status, role = (arguments.get(name) for name in ("region", "status", "role"))
    low, high = villages_of(region) if region is not None else (0, 10**10)
    return [
        grant
        for grant in await _seen(reader)
        if low <= grant["village_low"] <= grant["village_high"] <= high
        and status in {None, grant["status"]}
        and role in {None, grant["role"]}
    ]


async def _page(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    grants, after = await _listed(reader, arguments), arguments.get("after")
    keys = decoded_cursor(after, "NEWEST", KEYS["NEWEST"]) if after is not None else None

    async def count() -> int:
        return len(grants)

    rows = grants if keys is None else [grant for grant in grants if grant["id"] < keys[0]]
    return connection_of(rows, arguments, order="NEWEST", keys=lambda grant: [grant["id"]], count=count)


def _role(_reader: Reader, grant: Row, _arguments: Arguments) -> str | None:
    return grant["role"] if grant["role"] in {role.value for role in Role} else None


def _region(reader: Reader, grant: Row, _arguments: Arguments) -> Any:
    return region_fields.by_id(reader, grant["region_id"])


FIELDS: Final[dict[str, Resolver]] = {
    "Query.grants": _page,
    "PrincipalGrant.id": lambda _reader, grant, _arguments: grant["node_id"],
    "PrincipalGrant.principal": lambda _reader, grant, _arguments: grant,
    "PrincipalGrant.role": _role,
    "PrincipalGrant.region": _region,
}
