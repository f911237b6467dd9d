"""Logging in with a browser at a real provider, and everything that must not log anybody in."""

import base64
import hashlib
from http.cookies import SimpleCookie
from typing import Any

import httpx2
import pytest

from app.settings import Settings
from app.tenants.session import Database
from app.web.login import site_path
from tests.authz.issuer import key_server
from tests.authz.people import People
from tests.web.login.conftest import Browser, Site, login_settings, site_of
from tests.web.login.oidc_provider import PUBLIC_CLIENT, PUBLIC_URL, WEB_CLIENT, WEB_SECRET, Provider

pytestmark = pytest.mark.long


def finished(response: httpx2.Response, status: int, code: str) -> str:
    """The text of a page that tells a person what went wrong."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert code in response.text
    assert response.headers["x-request-id"] in response.text
    assert "<h1>" in response.text
    return response.text


async def nobody(browser: Browser) -> bool:
    """Whether ``browser`` has no session."""
    return browser.cookie("kesos-session") is None and (await browser.who()).status_code == 401


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
async def test_a_browser_logs_in_and_is_then_known(
    browser: Browser, site: Site, provider: Provider, people: People, algorithm: str
) -> None:
    subject = await people.add(provider.issuer, ("PSM", 330201))
    provider.state(algorithm=algorithm, subject=subject)
    assert await nobody(browser)
    answer = await browser.log_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert await browser.subject() == subject
    (attempt,) = site.attempts
    assert attempt.access is not None
    assert attempt.access.principal.id == await people.id_of(subject)
    assert (attempt.subject, attempt.reason) == (subject, None)


async def test_the_provider_is_asked_with_pkce_state_nonce_and_resource(browser: Browser, provider: Provider) -> None:
    await browser.log_in()
    seen = provider.seen()
    asked, exchanged = seen["authorization"], seen["token"]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(exchanged["code_verifier"].encode()).digest())
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (challenge.decode().rstrip("="), "S256")
    assert len(exchanged["code_verifier"]) >= 43
    assert len(asked["state"]) >= 20
    assert len(asked["nonce"]) >= 20
    assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", WEB_CLIENT, "openid")
    assert asked["resource"] == exchanged["resource"] == PUBLIC_URL
    assert asked["redirect_uri"] == exchanged["redirect_uri"] == f"{PUBLIC_URL}/login/callback"
    assert exchanged["authorization"].startswith("Basic ")
    assert WEB_SECRET not in str(exchanged)


async def test_a_client_without_a_secret_logs_in_too(
    provider: Provider, settings: Settings, database: Database
) -> None:
    public = {"client_id": PUBLIC_CLIENT, "client_secret": None}
    site = site_of(login_settings(settings, provider.issuer).model_copy(update=public), database)
    browser = site.browser()
    assert (await browser.log_in()).status_code == 303
    assert await browser.subject()
    assert provider.seen()["token"]["client_id"] == PUBLIC_CLIENT
    await site.close()


async def test_each_login_has_its_own_secrets(browser: Browser, provider: Provider) -> None:
    logins = []
    for _ in range(2):
        await browser.log_in()
        seen = provider.seen()
        logins.append((seen["authorization"]["state"], seen["authorization"]["nonce"], seen["token"]["code_verifier"]))
    assert not set(logins[0]) & set(logins[1])


async def test_cookies_are_for_this_site_alone_and_end_with_the_token(browser: Browser, provider: Provider) -> None:
    began = await browser.get("/login")
    answer = await browser.log_in()
    token = provider.seen()["answer"]["access_token"]
    for response, name, longest in ((began, "kesos-login", 600), (answer, "kesos-session", 300)):
        cookies = [SimpleCookie(header) for header in response.headers.get_list("set-cookie")]
        (cookie,) = [jar[f"__Host-{name}"] for jar in cookies if f"__Host-{name}" in jar]
        assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "lax")
        assert cookie["secure"]
        assert cookie["httponly"]
        assert longest - 10 < int(cookie["max-age"]) <= longest
        assert not any(part in cookie.value for part in token.split("."))
        assert len(cookie.OutputString()) < 4096


async def test_the_login_cookie_is_gone_after_the_login(browser: Browser) -> None:
    await browser.to_callback()
    assert browser.cookie("kesos-login")
    await browser.log_in()
    assert browser.cookie("kesos-login") is None


async def test_a_new_login_takes_the_place_of_the_old_one(browser: Browser, provider: Provider, people: People) -> None:
    provider.state(claims={"note": "x" * 3000})
    await browser.log_in()
    first = browser.cookie("kesos-session"), browser.cookie("kesos-session-1")
    assert all(first)
    other = await people.add(provider.issuer, ("PSM", 330201))
    provider.state(subject=other, claims={}, keys=["first"])  # the provider forgets who was there
    await browser.log_in()
    assert await browser.subject() == other
    assert browser.cookie("kesos-session") != first[0]
    assert browser.cookie("kesos-session-1") is None


async def test_a_large_token_travels_in_two_cookies(browser: Browser, provider: Provider) -> None:
    provider.state(claims={"note": "x" * 3000})
    assert (await browser.log_in()).status_code == 303
    assert await browser.subject()
    value = browser.cookie("kesos-session-1")
    assert value
    browser.forget("kesos-session-1")
    assert (await browser.who()).status_code == 401
    browser.keep("kesos-session-1", value)
    assert await browser.subject()


async def test_a_token_that_no_cookie_holds_is_told_to_the_person(browser: Browser, provider: Provider) -> None:
    provider.state(claims={"note": "x" * 5500})
    finished(await browser.log_in(), 502, "LOGIN_TOKEN_TOO_LARGE")
    assert await nobody(browser)


@pytest.mark.parametrize(
    "wanted", ["/graphql", "/graphql?q=%7Bme%7D", "/a//b", "/x?next=https://evil.test", "/" + "x" * 511]
)
async def test_after_login_the_browser_goes_where_it_wanted(browser: Browser, wanted: str) -> None:
    path = str(httpx2.URL("/login", params={"next": wanted}))
    assert (await browser.log_in(path)).headers["location"] == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "\n//evil.test",
        " //evil.test",
        "javascript:alert(1)",
        "evil.test",
        "@evil.test",
        "",
        "/login",
        "/login?next=/login",
        "/logout",
        "/\x00",
        "/\u2028/evil.test",
        "/" + "x" * 512,
        None,
    ],
)
def test_no_path_leads_off_the_site_or_round_in_circles(wanted: str | None) -> None:
    assert site_path(wanted) == "/"


async def test_the_browser_never_leaves_the_site(browser: Browser) -> None:
    for wanted in ("https://evil.test", "//evil.test", "/\\evil.test"):
        path = str(httpx2.URL("/login", params={"next": wanted}))
        assert (await browser.log_in(path)).headers["location"] == "/"


async def test_a_login_is_finished_once(browser: Browser, site: Site) -> None:
    callback = await browser.to_callback()
    flow = browser.cookie("kesos-login")
    assert flow
    assert (await browser.get(callback)).status_code == 303
    finished(await browser.get(callback), 400, "LOGIN_EXPIRED")
    # Also where the login cookie was kept: the provider takes a code once.
    thief = site.browser()
    thief.keep("kesos-login", flow)
    finished(await thief.get(callback), 502, "LOGIN_REFUSED")
    assert await nobody(thief)
    assert [attempt.reason for attempt in site.attempts] == [None, "LOGIN_REFUSED"]


async def test_nobody_is_logged_in_by_the_login_of_another(browser: Browser, site: Site) -> None:
    callback = await browser.to_callback()
    victim = site.browser()
    finished(await victim.get(callback), 400, "LOGIN_EXPIRED")
    await victim.get("/login")
    finished(await victim.get(callback), 400, "LOGIN_EXPIRED")
    assert await nobody(victim)
    assert site.attempts == []


@pytest.mark.parametrize("state", ["", "x", None, "kesos"])
async def test_another_state_is_refused(browser: Browser, site: Site, state: str | None) -> None:
    url = httpx2.URL(await browser.to_callback())
    changed = url.copy_remove_param("state") if state is None else url.copy_set_param("state", state)
    finished(await browser.get(str(changed)), 400, "LOGIN_EXPIRED")
    assert await nobody(browser)
    assert site.attempts == []


@pytest.mark.parametrize("code", ["", "x", None])
async def test_another_code_is_refused(browser: Browser, code: str | None) -> None:
    url = httpx2.URL(await browser.to_callback())
    changed = url.copy_remove_param("code") if code is None else url.copy_set_param("code", code)
    finished(await browser.get(str(changed)), 502, "LOGIN_REFUSED")
    assert await nobody(browser)


async def test_a_code_is_worth_nothing_without_its_verifier(browser: Browser, site: Site) -> None:
    stolen = httpx2.URL(await browser.to_callback()).params["code"]
    thief = site.browser()
    url = httpx2.URL(await thief.to_callback()).copy_set_param("code", stolen)
    finished(await thief.get(str(url)), 502, "LOGIN_REFUSED")
    assert await nobody(thief)


@pytest.mark.parametrize("named", ["https://evil.test", "", None])
async def test_an_answer_that_does_not_name_the_issuer_is_refused(browser: Browser, named: str | None) -> None:
    url = httpx2.URL(await browser.to_callback())
    assert "iss" in url.params
    changed = url.copy_remove_param("iss") if named is None else url.copy_set_param("iss", named)
    finished(await browser.get(str(changed)), 502, "ISSUER_DIFFERS")
    assert await nobody(browser)


async def test_a_changed_or_foreign_login_cookie_is_none(browser: Browser) -> None:
    callback = await browser.to_callback()
    flow = browser.cookie("kesos-login")
    assert flow
    for changed in (flow[:-1] + ("A" if flow[-1] != "A" else "B"), flow[:-8], "x", "....", "a.b.c.d.e"):
        browser.keep("kesos-login", changed)
        finished(await browser.get(callback), 400, "LOGIN_EXPIRED")


async def test_the_id_token_of_another_login_is_refused(browser: Browser, provider: Provider) -> None:
    await browser.log_in()
    provider.state(answer={"id_token": provider.seen()["answer"]["id_token"]})
    finished(await browser.log_in(), 502, "ID_TOKEN_INVALID_CLAIM")


async def test_the_access_token_of_another_person_is_refused(browser: Browser, provider: Provider) -> None:
    provider.state(answer={"access_token": provider.service_token()})
    finished(await browser.log_in(), 502, "SUBJECTS_DIFFER")
    assert await nobody(browser)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"id_token": None}, "ID_TOKEN_MISSING"),
        ({"id_token": "x"}, "ID_TOKEN_MALFORMED"),
        ({"id_token": 7}, "LOGIN_UNVERIFIED"),
        ({"access_token": None}, "LOGIN_UNVERIFIED"),
        ({"access_token": 7}, "LOGIN_UNVERIFIED"),
        ({"error": "server_error"}, "LOGIN_REFUSED"),
    ],
    ids=str,
)
async def test_an_answer_of_the_token_endpoint_that_makes_no_sense_ends_in_a_page(
    browser: Browser, provider: Provider, site: Site, answer: dict[str, Any], code: str
) -> None:
    provider.state(answer=answer)
    response = await browser.log_in()
    finished(response, response.status_code, code)
    assert response.status_code in {502, 503}
    assert await nobody(browser)
    (attempt,) = site.attempts
    assert attempt.reason
    assert attempt.access is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"claims": {"aud": "another"}}, "TOKEN_AUDIENCE"),
        ({"claims": {"cnf": {"jkt": "x"}}}, "TOKEN_BOUND"),
        ({"claims": {"sub": "another"}}, "SUBJECTS_DIFFER"),
        ({"claims": {"iss": "https://evil.test"}}, "TOKEN_ISSUER"),
        ({"claims": {"exp": 1}}, "TOKEN_EXPIRED"),
        ({"format": "opaque"}, "TOKEN_MALFORMED"),
    ],
    ids=str,
)
async def test_an_access_token_that_is_not_for_kesos_begins_no_session(
    browser: Browser, provider: Provider, changes: dict[str, Any], code: str
) -> None:
    provider.state(**changes)
    finished(await browser.log_in(), 502, code)
    assert await nobody(browser)


async def test_an_id_token_signed_with_a_key_of_somebody_else_is_refused(
    browser: Browser, provider: Provider, site: Site
) -> None:
    await browser.log_in()
    kept = provider.seen()["answer"]["id_token"]
    provider.state(keys=["unheard-of"])
    other = site.browser()
    await other.log_in()
    header, _, signature = provider.seen()["answer"]["id_token"].split(".")
    provider.state(keys=["first"], answer={"id_token": f"{header}.{kept.split('.')[1]}.{signature}"})
    finished(await browser.log_in(), 502, "ID_TOKEN_")


async def test_a_provider_that_falls_silent_in_the_middle_ends_in_a_page(browser: Browser, provider: Provider) -> None:
    callback = await browser.to_callback()
    provider.state(hangs_up=True)
    finished(await browser.get(callback), 503, "LOGIN_UNAVAILABLE")
    assert await nobody(browser)


async def test_who_cancels_at_the_provider_is_told_so(browser: Browser, provider: Provider, site: Site) -> None:
    provider.state(denies=True)
    finished(await browser.log_in(), 403, "LOGIN_DENIED")
    assert [attempt.reason for attempt in site.attempts] == ["LOGIN_DENIED"]


async def test_nothing_that_an_address_says_is_repeated(browser: Browser) -> None:
    state = httpx2.URL(await browser.to_callback()).params["state"]
    injected = "<script>alert(1)</script>"
    for given in (state, injected):
        url = httpx2.URL("/login/callback", params={"state": given, "error": injected, "error_description": injected})
        page = (await browser.get(str(url), **{"accept-language": injected})).text
        assert "script" not in page
        assert "alert" not in page


async def test_kesos_starts_without_the_issuer_and_says_that_it_does_not_answer(
    settings: Settings, database: Database
) -> None:
    with key_server() as gone:
        issuer = gone.url.removesuffix("/jwks.json")
    site = site_of(login_settings(settings, issuer), database)
    browser = site.browser("en")
    page = finished(await browser.get("/login"), 503, "LOGIN_UNAVAILABLE")
    assert "The login provider does not answer" in page
    assert (await browser.get("/logout")).status_code == 200
    await site.close()


@pytest.mark.parametrize("subject", ["never-registered", "<script>alert(1)</script>", "x" * 255])
async def test_login_makes_nobody_known(
    browser: Browser, site: Site, provider: Provider, people: People, subject: str
) -> None:
    count = "select count(*) from principal"
    before = await people.connection.fetchval(count)
    provider.state(subject=subject)
    response = await browser.log_in()
    assert response.status_code == 403
    assert "Anda belum terdaftar di Kesos" in response.text
    assert response.text.count(subject.replace("<", "&lt;").replace(">", "&gt;")) == 1
    assert "<script" not in response.text
    assert await nobody(browser)
    assert await people.connection.fetchval(count) == before
    (attempt,) = site.attempts
    assert (attempt.subject, attempt.access, attempt.reason) == (subject, None, "PRINCIPAL_UNKNOWN")


async def test_an_unknown_person_reads_it_in_english_too(site: Site, provider: Provider) -> None:
    provider.state(subject="never-registered")
    page = (await site.browser("en").log_in()).text
    assert '<html lang="en">' in page
    assert "Ask the Kesos administrator" in page


async def test_who_is_unknown_now_has_no_session_from_before(browser: Browser, provider: Provider) -> None:
    await browser.log_in()
    assert await browser.subject()
    provider.state(subject="never-registered", keys=["first"])
    assert (await browser.log_in()).status_code == 403
    assert await nobody(browser)


async def test_what_is_not_written_down_does_not_happen(browser: Browser, site: Site) -> None:
    site.audit_fails = True
    finished(await browser.log_in(), 500, "INTERNAL_ERROR")
    assert await nobody(browser)


async def test_no_secret_of_a_login_is_logged(
    browser: Browser, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(0):
        callback = httpx2.URL(await browser.to_callback())
        await browser.get(str(callback))
    seen = provider.seen()
    secrets = [seen["token"]["code_verifier"], seen["answer"]["access_token"], seen["answer"]["id_token"], WEB_SECRET]
    own = "".join(record.getMessage() for record in caplog.records if record.name.startswith(("app", "authlib")))
    assert not any(secret in own for secret in [*secrets, callback.params["code"], callback.params["state"]])
