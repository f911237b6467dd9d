"""Wall 1: Casbin reads ``policies/`` and answers, once for every role and permission, whether this role may do that.

Only roles and permissions are asked about, so the answers are a small matrix. It is filled when a process starts, from
Casbin and nothing else, and remembered.
"""

from pathlib import Path
from typing import Final

import casbin
from casbin.model import Model
from casbin.persist import Adapter, load_policy_line

import policies
from app.authz.permissions import Permission
from app.authz.roles import Role

POLICY_FOLDER: Final = Path(policies.__file__).parent
_INHERITANCE_FILE: Final = "roles.csv"


class PolicyInvalid(RuntimeError):
    """The policy files cannot be used; the message names file and line."""


def _check_rule(file: Path, fields: list[str]) -> None:
    match fields:
        case ["p", role, permission] if file.name != _INHERITANCE_FILE:
            Role(role)
            Permission(permission)
            if permission.partition(":")[0] != file.stem:
                raise ValueError(f"'{permission}' belongs in {permission.partition(':')[0]}.csv")
        case ["g", role, inherited] if file.name == _INHERITANCE_FILE:
            Role(role)
            Role(inherited)
        case _:
            raise ValueError("a rule is 'p, ROLE, permission', or 'g, ROLE, INHERITED ROLE' in roles.csv")


class PolicyFolder(Adapter):  # type: ignore[misc]  # casbin ships no types
    """Every CSV of a folder as one policy. Casbin skips lines that it does not know; this adapter refuses them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_policy(self, model: Model) -> None:
        """Put every rule into Casbin's ``model``.

        Raises:
            PolicyInvalid: a rule is malformed, stands twice or in the wrong file, or names what does not exist.
        """
        seen: set[tuple[str, ...]] = set()
        for file in sorted(self._folder.glob("*.csv")):
            for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
                rule = text.strip()
                if not rule or rule.startswith("#"):
                    continue
                fields = [part.strip() for part in rule.split(",")]
                try:
                    _check_rule(file, fields)
                except ValueError as error:
                    raise PolicyInvalid(f"{file.name}:{number}: {error}") from error
                if tuple(fields) in seen:
                    raise PolicyInvalid(f"{file.name}:{number}: this rule stands here twice")
                seen.add(tuple(fields))
                load_policy_line(rule, model)


class RoleMatrix:
    """Casbin's answer for every (role, permission)."""

    __slots__ = ("_permissions",)

    def __init__(self, enforcer: casbin.Enforcer) -> None:
        # Casbin is asked for the rules of a role and of those that it inherits, which is what the matcher of model.conf compares. To have
        # it match 1,300 pairs one by one would be half of the time that Kesos takes to start; a test does.
        self._permissions = {
            role: frozenset(
                Permission(permission) for _, permission in enforcer.get_implicit_permissions_for_user(role.value)
            )
            for role in Role
        }

    def permissions(self, role: Role) -> frozenset[Permission]:
        """What ``role`` may do, inherited permissions included."""
        return self._permissions[role]

    def allows(self, role: Role, permission: Permission) -> bool:
        """Whether ``role`` may do ``permission``."""
        return permission in self._permissions[role]

    def holders(self, permission: Permission) -> frozenset[Role]:
        """The roles that may do ``permission``."""
        return frozenset(role for role, permissions in self._permissions.items() if permission in permissions)


def load_role_matrix(folder: Path = POLICY_FOLDER) -> RoleMatrix:
    """Read ``model.conf`` and the CSVs of ``folder`` and ask Casbin everything; call it once when the process starts.

    Raises:
        PolicyInvalid: a rule cannot be read, or a permission is granted to no role.
    """
    matrix = RoleMatrix(casbin.Enforcer(str(folder / "model.conf"), PolicyFolder(folder)))
    unheld = [permission.value for permission in Permission if not matrix.holders(permission)]
    if unheld:
        raise PolicyInvalid(f"no role has {', '.join(unheld)}")
    return matrix
