"""The API behind a real issuer: browsers with a session, service accounts, and keys that change."""

from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.discovery import Discovery
from app.authz.enforcer import load_role_matrix
from app.authz.keys import RemoteJwks
from app.authz.remote import Timing
from app.authz.tokens import TokenVerifier
from app.main import create_app
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.authz.people import People
from tests.web.login.conftest import OWN_PAGE, Browser, login_settings
from tests.web.login.oidc_provider import AUDIENCE, PUBLIC_URL, SERVICE, WEB_CLIENT, Provider

ME = {"query": "{ me { principal { subject } permissions } }"}


@pytest_asyncio.fixture
async def at_kesos(provider: Provider, settings: Settings, server: DatabaseServer) -> AsyncIterator[Browser]:
    """A browser at the whole application."""
    small = {"read_pool_size": 1, "write_pool_size": 1, "seal_seconds": 0.0}
    app = create_app(login_settings(settings, provider.issuer).model_copy(update=small), server)
    browser = Browser(app)
    async with app.router.lifespan_context(app):
        yield browser
    await browser.http.aclose()


@pytest_asyncio.fixture
async def service(provider: Provider, people: People) -> str:
    """The subject of the service account, which Kesos knows."""
    subject = await people.add(provider.issuer, ("MINISTRY_ANALYST", None))
    await people.connection.execute(
        "delete from principal_grant using principal p where principal_id = p.id and p.subject = $1", SERVICE
    )
    await people.connection.execute("delete from principal where subject = $1", SERVICE)
    await people.connection.execute("update principal set subject = $1 where subject = $2", SERVICE, subject)
    return SERVICE


async def ask(browser: Browser, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await browser.http.post(f"{PUBLIC_URL}/graphql", json=ME, headers=named)


def code(response: httpx2.Response) -> str:
    found: str = response.json()["errors"][0]["extensions"]["code"]
    return found


async def test_a_session_asks_as_its_token_would(at_kesos: Browser, provider: Provider) -> None:
    await at_kesos.log_in()
    answer = await ask(at_kesos, **OWN_PAGE)
    seen = provider.seen()["answer"]
    assert answer.json() == (await ask(at_kesos, authorization=f"Bearer {seen['access_token']}")).json()
    assert answer.json()["data"]["me"]["permissions"]


async def test_a_session_is_refused_to_other_sites(at_kesos: Browser) -> None:
    await at_kesos.log_in()
    for headers in ({}, {"sec_fetch_site": "cross-site", "x_kesos_csrf": "1"}, {"sec_fetch_site": "same-origin"}):
        answer = await ask(at_kesos, **headers)
        assert (answer.status_code, code(answer)) == (403, "CSRF")


async def test_without_a_session_nobody_is_known(at_kesos: Browser) -> None:
    answer = await ask(at_kesos, **OWN_PAGE)
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


async def test_a_page_of_the_api_asks_who_comes_and_shows_graphiql_to_whom_it_may(
    at_kesos: Browser, provider: Provider, people: People
) -> None:
    asked = await at_kesos.get("/graphql", accept="text/html")
    assert asked.headers["location"] == "/login?next=/graphql"
    provider.state(subject=await people.add(provider.issuer, ("MINISTRY_ADMIN", None)))
    landed = await at_kesos.log_in("/login?next=/graphql")
    assert landed.headers["location"] == "/graphql"
    page = await at_kesos.get("/graphql", accept="text/html")
    assert page.status_code == 200
    assert "GraphiQL.createFetcher" in page.text


async def test_a_login_is_an_event_of_the_audit(at_kesos: Browser, provider: Provider, people: People) -> None:
    subject = await people.add(provider.issuer, ("REGENCY_ADMIN", 3302))
    provider.state(subject=subject)
    await at_kesos.log_in()
    found = await people.connection.fetch(
        "select action::text, operation from audit_event where principal_id = $1", await people.id_of(subject)
    )
    assert [tuple(row) for row in found] == [("LOGIN", "login")]


async def test_a_service_account_is_known_by_its_client(at_kesos: Browser, provider: Provider, service: str) -> None:
    answer = await ask(at_kesos, authorization=f"Bearer {provider.service_token()}")
    assert answer.json()["data"]["me"]["principal"] == {"subject": service}


async def test_a_service_account_that_nobody_entered_is_refused(at_kesos: Browser, provider: Provider) -> None:
    provider.state(claims={"sub": "another-client"})
    answer = await ask(at_kesos, authorization=f"Bearer {provider.service_token()}")
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


async def test_an_id_token_opens_nothing(at_kesos: Browser, provider: Provider) -> None:
    await at_kesos.log_in()
    at_kesos.http.cookies.clear()
    seen = provider.seen()["answer"]
    assert (await ask(at_kesos, authorization=f"Bearer {seen['access_token']}")).status_code == 200
    answer = await ask(at_kesos, authorization=f"Bearer {seen['id_token']}")
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


async def test_an_id_token_is_refused_by_its_type_even_where_the_audience_is_ours(
    browser: Browser, provider: Provider
) -> None:
    """Where KESOS_AUDIENCE is the client id, nothing but the type tells the two apart."""
    await browser.log_in()
    verifier = TokenVerifier(issuer=provider.issuer, audience=WEB_CLIENT, keys=RemoteJwks(Discovery(provider.issuer)))
    with pytest.raises(Unauthenticated) as refusal:
        await verifier.verify(provider.seen()["answer"]["id_token"])
    assert refusal.value.reason == "TOKEN_TYPE"


async def test_a_new_key_is_picked_up_and_a_withdrawn_one_ends_its_tokens(
    provider: Provider, database: Database, service: str
) -> None:
    authenticator = Authenticator(
        issuer=provider.issuer,
        audience=AUDIENCE,
        keys=RemoteJwks(Discovery(provider.issuer), Timing(refresh_seconds=0.0)),
        database=database,
        matrix=load_role_matrix(),
        principal_cache_seconds=60.0,
    )
    old = provider.service_token()
    assert (await authenticator.authenticate(old)).principal.subject == service
    provider.state(keys=["second", "first"])
    new = provider.service_token()
    assert await authenticator.authenticate(new)
    assert authenticator.remembered(old)
    provider.state(keys=["third", "second"])
    assert await authenticator.authenticate(provider.service_token())
    assert authenticator.remembered(old) is None
    with pytest.raises(Unauthenticated) as refusal:
        await authenticator.authenticate(old)
    assert refusal.value.reason == "TOKEN_KEY_UNKNOWN"
    assert authenticator.remembered(new)
