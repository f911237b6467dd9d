"""Both walls meet here: the grants whose role has a permission become the scope that the database enforces.

This is the only module that makes a ``TenantScope``; who holds one has been authorised.
"""

from collections.abc import Hashable, Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Final
from uuid import UUID

from app.authz.enforcer import RoleMatrix
from app.authz.permissions import Permission
from app.authz.principal import Grant, Principal
from app.authz.roles import Role
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import TenantScope

OPERATOR_ID: Final = UUID("00000000-0000-7000-8000-000000000001")
"""The principal id that jobs of the command line leave in the audit trail."""
PUBLIC_ID: Final = UUID("00000000-0000-7000-8000-000000000002")
"""The principal id of everybody who comes without a token."""


class NotPermitted(Exception):
    """No grant of the principal has a role with ``permission``."""

    code: Final = "NOT_PERMITTED"

    def __init__(self, permission: Permission) -> None:
        super().__init__(permission.value)
        self.permission = permission


class Access:
    """What one principal may do, and where.

    Made once for a principal and kept while its grants are remembered. Equal scopes of one access are the same object,
    so that ``is`` tells whether two permissions reach equally far.
    """

    __slots__ = ("_interned", "_matrix", "_roles", "_scopes", "_unions", "permissions", "principal", "shape")

    principal: Principal
    permissions: frozenset[Permission]
    shape: Hashable
    """Key of cached query plans: equal for two accesses exactly when they have the same permissions, the same groups of
    permissions that reach equally far, and the same finest level of each group, each in one regency or in several. It tells
    nothing about where the scopes lie, nor whether one holds another."""

    def __init__(self, principal: Principal, matrix: RoleMatrix) -> None:
        self.principal = principal
        self._matrix = matrix
        self._interned: dict[TenantScope, TenantScope] = {}
        self._unions: dict[frozenset[Permission], TenantScope] = {}
        self._roles: dict[Permission, tuple[str, ...]] = {}
        self.permissions = frozenset[Permission]().union(
            *(matrix.permissions(grant.role) for grant in principal.grants)
        )
        self._scopes = {permission: self._reach({permission}) for permission in sorted(self.permissions)}
        classes = {scope: number for number, scope in enumerate(dict.fromkeys(self._scopes.values()))}
        # A string remembers its hash; a tuple of tuples would be hashed again for every request.
        self.shape = " ".join(
            f"{permission.value}={classes[scope]}:{scope.finest.value}:{scope.in_one_regency:d}"
            for permission, scope in self._scopes.items()
        )

    def _reach(self, permissions: Iterable[Permission]) -> TenantScope:
        wanted = frozenset(permissions)
        grants = [
            grant for grant in self.principal.grants if not wanted.isdisjoint(self._matrix.permissions(grant.role))
        ]
        scope = TenantScope.of(
            (grant.region for grant in grants if grant.entity is None),
            ((grant.region, grant.entity) for grant in grants if grant.entity is not None),
        )
        return self._interned.setdefault(scope, scope)

    def roles(self, permission: Permission) -> tuple[str, ...]:
        """The roles that bring ``permission``, sorted; the audit trail keeps them."""
        if permission not in self._roles:
            held = {grant.role.value for grant in self.principal.grants if self._matrix.allows(grant.role, permission)}
            self._roles[permission] = tuple(sorted(held))
        return self._roles[permission]

    @property
    def all_roles(self) -> tuple[str, ...]:
        """The roles of all grants, sorted."""
        return tuple(sorted({grant.role.value for grant in self.principal.grants}))

    @property
    def hull(self) -> Span:
        """The villages from the first to the last that any grant reaches; the whole country where there is none."""
        spans = [grant.region.villages for grant in self.principal.grants] or [RegionPath.country().villages]
        return Span(min(span.low for span in spans), max(span.high for span in spans))

    def scope(self, permission: Permission) -> TenantScope:
        """Where ``permission`` may be used.

        Raises:
            NotPermitted: nowhere.
        """
        try:
            return self._scopes[permission]
        except KeyError:
            raise NotPermitted(permission) from None

    def scope_of_any(self, permissions: Iterable[Permission]) -> TenantScope:
        """Where at least one of ``permissions`` may be used; those that are not held add nothing.

        Raises:
            NotPermitted: none of them is held.
            ValueError: no permission is named, so there is nothing to decide.
        """
        wanted = frozenset(permissions)
        if not wanted:
            raise ValueError("authorising needs a permission")
        held = wanted & self.permissions
        if not held:
            raise NotPermitted(min(wanted))
        if held not in self._unions:
            self._unions[held] = self._reach(held)
        return self._unions[held]

    def within(self, permission: Permission) -> "Access":
        """The same principal, each of whose grants counts only where ``permission`` reaches too; for what carries rows off."""
        reach = [grant.region for grant in self.principal.grants if self._matrix.allows(grant.role, permission)]
        grants = dict.fromkeys(
            replace(grant, region=region)
            for grant in self.principal.grants
            for held in reach
            if (region := _shared(grant.region, held)) is not None
        )
        return Access(replace(self.principal, grants=tuple(grants)), self._matrix)

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that are equal for two accesses exactly when both may do the same in the same villages, with the same things."""
        rights = ((permission.value, scope.settings) for permission, scope in self._scopes.items())
        return sha256(repr(tuple(rights)).encode()).digest()


def _shared(one: RegionPath, other: RegionPath) -> RegionPath | None:
    """The region that lies in both: one of two regions holds the other, or they have no village in common."""
    if one.holds(other):
        return other
    return one if other.holds(one) else None


def authorize(access: Access, permission: Permission) -> TenantScope:
    """The scope in which ``access`` may do ``permission``.

    Raises:
        NotPermitted: it may not, anywhere.
    """
    return access.scope(permission)


def operator_access(region: RegionPath, matrix: RoleMatrix) -> Access:
    """The access of a job that the operator of the server starts at the command line, for all of ``region``."""
    operator = Principal(
        id=OPERATOR_ID,
        issuer="kesos:command-line",
        subject="operator",
        name="Operator server",
        grants=(Grant(Role.SYSTEM_OPERATOR, region),),
    )
    return Access(operator, matrix)


def public_access(matrix: RoleMatrix) -> Access:
    """The access of everybody who comes without a token, in the whole country: for documents that are open to the public."""
    public = Principal(
        id=PUBLIC_ID,
        issuer="kesos:public",
        subject="public",
        name="Masyarakat",
        grants=(Grant(Role.PUBLIC, RegionPath.country()),),
    )
    return Access(public, matrix)
