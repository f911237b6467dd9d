"""Who acts: a principal and its grants, as the database holds them."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson

from app.authz.roles import Role
from app.tenants.region_path import RegionPath
from app.tenants.scope import EntityBinding

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """One role in one region, where needed bound to one thing there: this e-Warong, this LKS, this caseload."""

    role: Role
    region: RegionPath
    entity: EntityBinding | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody (or some job) that acts, known to an issuer as ``subject``."""

    id: UUID
    issuer: str
    subject: str
    name: str
    grants: tuple[Grant, ...]

    @classmethod
    def of_row(cls, issuer: str, subject: str, row: Mapping[str, Any]) -> Self:
        """The principal of a row that the SQL function ``principal_by_subject`` returns.

        A grant of a role that this version does not know is left out: another version of Kesos may share the database.
        """
        grants = (_grant(row["id"], grant) for grant in row["grants"])
        return cls(
            id=UUID(row["id"]),
            issuer=issuer,
            subject=subject,
            name=row["name"],
            grants=tuple(grant for grant in grants if grant is not None),
        )


@dataclass(frozen=True, slots=True)
class FoundPrincipal:
    """A principal as it was looked up: ``snapshot`` tells which changes it holds, ``changes_in`` when it changes by itself.

    ``changes_in`` are the seconds from the look-up until a grant begins or ends; infinite where none does. It is a span of time
    and no moment, so that the clocks of the database and of this machine need not agree.
    """

    principal: Principal
    snapshot: str
    changes_in: float

    @classmethod
    def of_json(cls, issuer: str, subject: str, document: bytes) -> Self:
        """Read what the SQL function ``principal_by_subject`` returns."""
        row = orjson.loads(document)
        changes_in = row["changes_in"]
        return cls(
            Principal.of_row(issuer, subject, row), row["snapshot"], math.inf if changes_in is None else changes_in
        )


def _grant(principal_id: str, row: dict[str, Any]) -> Grant | None:
    try:
        role = Role(row["role"])
    except ValueError:
        _log.warning(
            "grant of an unknown role is ignored", extra={"principal_id": principal_id, "unknown_role": row["role"]}
        )
        return None
    entity = EntityBinding(row["entity_kind"], UUID(row["entity_id"])) if row["entity_id"] else None
    return Grant(role, RegionPath.of_id(row["region_id"]), entity)
