"""The development issuer: signs tokens for the demo and the tests, and is off once a real issuer is configured."""

import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey
from uuid_utils.compat import uuid7

from app.authz.jwk import FixedKeys
from app.authz.roles import Role
from app.authz.tokens import ACCESS_TYPE, SUBJECT_CHARACTERS
from app.settings import DEVELOPMENT_ISSUER, Settings
from app.tenants.region_path import RegionPath
from app.tenants.scope import EntityBinding

if TYPE_CHECKING:
    import asyncpg

KEY_FILE: Final = "development-issuer.json"
LIFETIME: Final = timedelta(hours=12)
_ALGORITHM: Final = "ES256"

_UPSERT_PRINCIPAL: Final = """
insert into principal (id, issuer, subject, name) values ($1, $2, $3, $4)
on conflict (issuer, subject) do update set name = excluded.name
returning id
"""
_ADD_GRANT: Final = """
insert into principal_grant
  (id, principal_id, role, region_id, entity_kind, entity_id, holder_subject, holder_name, status, people, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'ACTIVE', 1, 'Penerbit token pengembangan')
on conflict (
  principal_id, role, (coalesce(region_id, 0)), (coalesce(entity_id, '00000000-0000-0000-0000-000000000000'::uuid))
) where valid_to is null and status = 'ACTIVE' do nothing
"""


class DevelopmentIssuerOff(RuntimeError):
    """A real issuer is configured, so nothing is signed here."""

    def __init__(self) -> None:
        super().__init__("Tokens come from KESOS_ISSUER; the development issuer is off while it is set.")


def _make_key(path: Path) -> None:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": _ALGORITHM}, auto_kid=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may start at once: the file appears whole, and the first one to link it wins.
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(key.as_dict(private=True)))
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        Path(draft).unlink()


def _key(settings: Settings) -> ECKey:
    if not settings.is_development:
        raise DevelopmentIssuerOff
    path = settings.data_dir / KEY_FILE
    if not path.exists():
        _make_key(path)
    return ECKey.import_key(orjson.loads(path.read_bytes()))


def development_keys(settings: Settings) -> FixedKeys:
    """The public key of the development issuer, made at first use and kept in the data folder.

    Raises:
        DevelopmentIssuerOff: a real issuer is configured.
    """
    return FixedKeys([_key(settings).as_dict(private=False)])


def issue_token(settings: Settings, subject: str, *, lifetime: timedelta = LIFETIME) -> str:
    """A bearer token of the development issuer for ``subject``.

    Raises:
        DevelopmentIssuerOff: a real issuer is configured.
        ValueError: the subject is empty or longer than 255 characters.
    """
    key = _key(settings)
    if not 0 < len(subject) <= SUBJECT_CHARACTERS:
        raise ValueError("a subject has 1 to 255 characters")
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": DEVELOPMENT_ISSUER,
        "aud": settings.audience,
        "sub": subject,
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
    }
    return jwt.encode({"alg": _ALGORITHM, "kid": key.kid, "typ": ACCESS_TYPE}, claims, key)


def development_subject(role: Role, region: RegionPath) -> str:
    """The subject that stands for ``role`` in ``region``, such as ``dev:TKSK:33.02.01``."""
    return f"dev:{role.value}:{region.code}"


async def ensure_principal(
    connection: "asyncpg.Connection[asyncpg.Record]",
    *,
    subject: str,
    name: str,
    role: Role,
    region: RegionPath,
    entity: EntityBinding | None = None,
) -> UUID:
    """Make sure that the development issuer's ``subject`` is a principal with this grant, and return its id.

    Run again, it changes nothing but the name. ``connection`` is one of the database's owner or administrator, and nobody
    gives the grant, so it is for development alone; where people give grants, ``app.authz.grants`` keeps the rules.
    """
    async with connection.transaction():
        principal_id: UUID = await connection.fetchval(_UPSERT_PRINCIPAL, uuid7(), DEVELOPMENT_ISSUER, subject, name)
        await connection.execute(
            _ADD_GRANT,
            uuid7(),
            principal_id,
            role.value,
            region.id or None,
            entity.kind if entity else None,
            entity.id if entity else None,
            subject,
            name,
        )
    return principal_id
