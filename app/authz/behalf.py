"""Acting on behalf of somebody who is not there to show a token: jobs do, with the grants that count when they act."""

from uuid import UUID

import orjson

from app.authz.authorize import OPERATOR_ID, Access, operator_access
from app.authz.enforcer import RoleMatrix
from app.authz.principal import Principal
from app.tenants.region_path import RegionPath
from app.tenants.session import Database


async def access_of(database: Database, principal_id: UUID, matrix: RoleMatrix) -> Access | None:
    """The access of a principal as it is now; None where it is not known, or not active, any more.

    What the operator of the server started at the command line has that of the operator, everywhere.
    """
    if principal_id == OPERATOR_ID:
        return operator_access(RegionPath.country(), matrix)
    rows = await database.reference("select principal_by_id($1)", principal_id)
    document: bytes | None = rows[0][0]
    if document is None:
        return None
    row = orjson.loads(document)
    return Access(Principal.of_row(row["issuer"], row["subject"], row), matrix)
