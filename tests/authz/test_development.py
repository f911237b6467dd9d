"""The development issuer: there for the demo, and gone with a real issuer."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.development import (
    KEY_FILE,
    DevelopmentIssuerOff,
    development_keys,
    development_subject,
    ensure_principal,
    issue_token,
)
from app.authz.enforcer import RoleMatrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.settings import DEVELOPMENT_ISSUER, Settings
from app.tenants.scope import EntityBinding
from app.tenants.session import Database
from tests.authz.issuer import EC_KEY, ISSUER, claims_for, key_server, token
from tests.authz.people import People, region

SECRET = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def development(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "kesos")


def real(development: Settings, jwks_url: str = "https://sso.test/jwks.json") -> Settings:
    """The same deployment, data folder and all, after a real issuer was configured."""
    return Settings.model_validate(
        {
            "data_dir": development.data_dir,
            "issuer": ISSUER,
            "jwks_url": jwks_url,
            "sealing_keys": {"one": SECRET},
            "digest_key": SECRET,
        }
    )


def key_of(settings: Settings) -> ECKey:
    return ECKey.import_key(json.loads((settings.data_dir / KEY_FILE).read_text()))


async def reason(authenticator: Authenticator, text: str) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        await authenticator.authenticate(text)
    return refusal.value.reason


def test_the_key_is_made_once_and_only_its_owner_reads_it(development: Settings) -> None:
    issue_token(development, "someone")
    file = development.data_dir / KEY_FILE
    made = file.read_bytes()
    issue_token(development, "someone")
    assert file.read_bytes() == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in development.data_dir.iterdir()] == [KEY_FILE]


def test_processes_that_start_together_agree_on_the_key(development: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: issue_token(development, "someone"), range(16)))
    for text in tokens:
        assert jwt.decode(text, key_of(development)).claims["sub"] == "someone"


def test_only_the_public_half_is_handed_out(development: Settings) -> None:
    key = development_keys(development).get(key_of(development).kid or "")
    assert key is not None
    assert not key.key.is_private


def test_a_token_is_for_this_audience_and_ends(development: Settings) -> None:
    text = issue_token(development, "dev:PSM:33.02.01.2001", lifetime=timedelta(minutes=5))
    claims = jwt.decode(text, key_of(development)).claims
    assert claims["iss"] == DEVELOPMENT_ISSUER
    assert claims["aud"] == development.audience
    assert claims["sub"] == "dev:PSM:33.02.01.2001"
    assert claims["exp"] - claims["iat"] == 300


@pytest.mark.parametrize("subject", ["", "x" * 256])
def test_a_subject_has_a_length(development: Settings, subject: str) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        issue_token(development, subject)


def test_subjects_say_role_and_region() -> None:
    assert development_subject(Role.TKSK, region("33.02.01")) == "dev:TKSK:33.02.01"
    assert development_subject(Role.AUDITOR, region("")) == "dev:AUDITOR:0"


def test_it_signs_nothing_and_has_no_keys_once_a_real_issuer_is_configured(development: Settings) -> None:
    issue_token(development, "someone")
    with pytest.raises(DevelopmentIssuerOff, match="KESOS_ISSUER") as off:
        issue_token(real(development), "someone")
    assert str(off.value).count(".") == 1
    with pytest.raises(DevelopmentIssuerOff):
        development_keys(real(development))


def test_without_development_no_key_is_made(development: Settings) -> None:
    with pytest.raises(DevelopmentIssuerOff):
        issue_token(real(development), "someone")
    assert not development.data_dir.exists()


async def test_with_a_real_issuer_the_development_key_opens_nothing(
    development: Settings, database: Database, matrix: RoleMatrix, people: People
) -> None:
    subject = await people.add(ISSUER, ("PSM", 330201))
    development_token = issue_token(development, subject)
    key = key_of(development)
    with key_server(EC_KEY) as server:
        authenticator = Authenticator.of_settings(real(development, server.url), database, matrix)
        assert await authenticator.authenticate(token(claims_for(subject)))
        assert await reason(authenticator, development_token) == "TOKEN_KEY_UNKNOWN"
        assert await reason(authenticator, token(claims_for(subject), key=key)) == "TOKEN_KEY_UNKNOWN"
        assert await reason(authenticator, token(claims_for(subject), key=key, kid="ec")) == "TOKEN_SIGNATURE"
        posing = token(claims_for(subject, iss=DEVELOPMENT_ISSUER))
        assert await reason(authenticator, posing) == "TOKEN_ISSUER"


async def test_in_development_only_its_own_tokens_count(
    development: Settings, database: Database, matrix: RoleMatrix, people: People
) -> None:
    authenticator = Authenticator.of_settings(development, database, matrix)
    subject = await people.add(DEVELOPMENT_ISSUER, ("PSM", 330201))
    assert await authenticator.authenticate(issue_token(development, subject))
    assert await reason(authenticator, token(claims_for(subject, iss=DEVELOPMENT_ISSUER))) == "TOKEN_KEY_UNKNOWN"
    foreign = token(claims_for(subject), key=key_of(development))
    assert await reason(authenticator, foreign) == "TOKEN_ISSUER"


async def test_an_ensured_principal_may_do_what_its_role_may(
    development: Settings, database: Database, matrix: RoleMatrix, people: People
) -> None:
    subject = development_subject(Role.TKSK, region("33.02.01"))
    principal_id = await ensure_principal(
        people.connection, subject=subject, name="TKSK Lumbir", role=Role.TKSK, region=region("33.02.01")
    )
    authenticator = Authenticator.of_settings(development, database, matrix)
    access = await authenticator.authenticate(issue_token(development, subject))
    assert access.principal.id == principal_id
    assert access.permissions == matrix.permissions(Role.TKSK)
    assert access.scope(Permission.REGISTRY_NAME_READ).covers(region("33.02.01"))
    assert not access.scope(Permission.REGISTRY_NAME_READ).covers(region("33.02"))


@pytest.mark.parametrize("code", ["", "33.02"])
async def test_ensuring_again_changes_nothing_but_the_name(people: People, code: str) -> None:
    subject = f"dev:{uuid4()}"
    ids = {
        await ensure_principal(
            people.connection, subject=subject, name=name, role=Role.LKS_MANAGER, region=region(code), entity=entity
        )
        for entity in (None, EntityBinding("lks", uuid4()))
        for name in ("Yayasan", "Yayasan", "Yayasan Baru")
        for _ in range(2)
    }
    assert len(ids) == 1
    rows = await people.connection.fetch(
        "select p.name, g.region_id, g.entity_kind from principal p join principal_grant g on g.principal_id = p.id "
        "where p.subject = $1 order by g.entity_kind nulls first",
        subject,
    )
    expected = region(code).id or None
    assert [tuple(row) for row in rows] == [("Yayasan Baru", expected, None), ("Yayasan Baru", expected, "lks")]


async def test_ensuring_does_not_bring_back_whoever_was_switched_off(
    development: Settings, database: Database, matrix: RoleMatrix, people: People
) -> None:
    subject = f"dev:{uuid4()}"

    async def ensure() -> None:
        await ensure_principal(
            people.connection, subject=subject, name="PSM", role=Role.PSM, region=region("33.02.01.2001")
        )

    await ensure()
    await people.deactivate(subject)
    await ensure()
    authenticator = Authenticator.of_settings(development, database, matrix)
    assert await reason(authenticator, issue_token(development, subject)) == "PRINCIPAL_UNKNOWN"
