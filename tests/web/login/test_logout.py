"""The end of a session."""

import httpx2

from tests.web.login.conftest import Browser
from tests.web.login.oidc_provider import PUBLIC_URL, WEB_CLIENT, Provider

SAME_SITE = {"sec_fetch_site": "same-origin"}


async def test_logout_ends_the_session_here_and_at_the_provider(browser: Browser, provider: Provider) -> None:
    provider.state(claims={"note": "x" * 3000})  # a session of two cookies
    await browser.log_in()
    answer = await browser.post("/logout", **SAME_SITE)
    assert answer.status_code == 303
    assert answer.headers["clear-site-data"] == '"storage"'
    assert browser.cookie("kesos-session") is None
    assert browser.cookie("kesos-session-1") is None
    assert (await browser.who()).status_code == 401
    to = httpx2.URL(answer.headers["location"])
    assert str(to).startswith(f"{provider.issuer}/session/end?")
    assert to.params["client_id"] == WEB_CLIENT
    assert to.params["post_logout_redirect_uri"] == f"{PUBLIC_URL}/logout/done"
    assert "id_token_hint" not in to.params
    asked = await browser.get(str(to))
    assert (asked.status_code, "op.logoutForm" in asked.text) == (200, True)
    done = await browser.get("/logout/done")
    assert "Anda sudah keluar" in done.text


async def test_an_address_alone_logs_nobody_out(browser: Browser, provider: Provider) -> None:
    await browser.log_in()
    page = await browser.get("/logout", **{"sec-fetch-site": "cross-site"})
    assert '<form method="post" action="/logout">' in page.text
    # A browser holds to this also where the form's answer redirects.
    assert f"form-action 'self' {provider.issuer}" in page.headers["content-security-policy"]
    assert await browser.subject()


async def test_another_site_logs_nobody_out(browser: Browser) -> None:
    await browser.log_in()
    for headers in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.test"},
        {"sec_fetch_site": "cross-site", "origin": PUBLIC_URL},
        {},
    ):
        answer = await browser.post("/logout", **headers)
        assert (answer.status_code, "CSRF" in answer.text) == (403, True)
    assert await browser.subject()
    assert (await browser.post("/logout", origin=PUBLIC_URL)).status_code == 303
    assert (await browser.who()).status_code == 401


async def test_who_has_no_session_may_log_out_at_the_provider(browser: Browser) -> None:
    assert (await browser.post("/logout", **SAME_SITE)).status_code == 303
