"""Which roles people may give, read from ``policies/grantable.toml``."""

import tomllib
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.authz.enforcer import POLICY_FOLDER, PolicyInvalid
from app.authz.roles import Role
from app.tenants.region_path import RegionLevel

FILE: Final = "grantable.toml"


class RoleRule(BaseModel):
    """How one role is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    levels: Annotated[frozenset[RegionLevel], Field(min_length=1)]
    people: Literal[1, 2]
    given_from: RegionLevel | None = None
    bound_to: Annotated[str, Field(pattern=r"^[a-z]{1,40}$")] | None = None

    @model_validator(mode="after")
    def _givers_stand_above(self) -> "RoleRule":
        if self.given_from is not None and any(level.depth < self.given_from.depth for level in self.levels):
            raise ValueError("given_from lies below a level at which the role is given")
        return self


class Grantable(BaseModel):
    """The roles that may be given, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    longest_days: Annotated[int, Field(ge=1, le=3660)]
    proposal_days: Annotated[int, Field(ge=1, le=366)]
    never: frozenset[Role]
    roles: dict[Role, RoleRule]

    @model_validator(mode="after")
    def _every_role_is_decided_once(self) -> "Grantable":
        if both := self.never & self.roles.keys():
            raise ValueError(f"both never and sometimes given: {_named(both)}")
        if missing := set(Role) - self.never - self.roles.keys():
            raise ValueError(f"neither said how nor that they are never given: {_named(missing)}")
        return self

    def rule_of(self, role: str) -> RoleRule | None:
        """The rule of a role by its name; None for one that is never given, or that this version does not know."""
        return next((rule for known, rule in self.roles.items() if known.value == role), None)

    @property
    def longest(self) -> timedelta:
        """How long a grant may last."""
        return timedelta(days=self.longest_days)

    @property
    def proposal(self) -> timedelta:
        """How long a proposal waits to be confirmed."""
        return timedelta(days=self.proposal_days)


def _named(roles: set[Role] | frozenset[Role]) -> str:
    return ", ".join(sorted(role.value for role in roles))


@lru_cache
def load_grantable(folder: Path = POLICY_FOLDER) -> Grantable:
    """Read ``grantable.toml`` of ``folder``, once.

    Raises:
        PolicyInvalid: the file cannot be read, says something unknown, or leaves a role undecided.
    """
    try:
        return Grantable.model_validate(tomllib.loads((folder / FILE).read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyInvalid(f"{FILE}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise PolicyInvalid(f"{FILE}: {where}: {first['msg']}") from error
