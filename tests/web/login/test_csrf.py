"""A session cookie counts only in requests that pages of Kesos send."""

from tests.web.login.conftest import Browser
from tests.web.login.oidc_provider import PUBLIC_URL

OWN = {"x-kesos-csrf": "1"}


ALLOWED = [
    OWN | {"sec-fetch-site": "same-origin"},
    OWN | {"sec-fetch-site": "none"},
    OWN | {"sec-fetch-site": "same-origin", "origin": PUBLIC_URL},
    OWN | {"origin": PUBLIC_URL},
]
REFUSED = [
    {},
    OWN,
    {"sec-fetch-site": "same-origin"},
    {"origin": PUBLIC_URL},
    {"x-kesos-csrf": "0", "sec-fetch-site": "same-origin"},
    {"x-kesos-csrf": "", "sec-fetch-site": "same-origin"},
    {"x-kesos-csrf": "true", "origin": PUBLIC_URL},
    OWN | {"sec-fetch-site": "same-site"},
    OWN | {"sec-fetch-site": "cross-site"},
    OWN | {"sec-fetch-site": "cross-site", "origin": PUBLIC_URL},
    OWN | {"sec-fetch-site": ""},
    OWN | {"sec-fetch-site": "", "origin": PUBLIC_URL},
    OWN | {"origin": "null"},
    OWN | {"origin": ""},
    OWN | {"origin": "https://evil.test"},
    OWN | {"origin": "http://kesos.test"},
    OWN | {"origin": f"{PUBLIC_URL}:8443"},
    OWN | {"origin": f"{PUBLIC_URL}.evil.test"},
    OWN | {"origin": f"{PUBLIC_URL}/"},
    OWN | {"referer": f"{PUBLIC_URL}/graphql"},
    OWN | {"origin": "https://other.kesos.test"},
]


async def test_a_page_of_kesos_is_answered(browser: Browser) -> None:
    await browser.log_in()
    for headers in ALLOWED:
        assert (await browser.who(headers)).status_code == 200, headers


async def test_what_another_page_may_have_sent_is_refused(browser: Browser) -> None:
    await browser.log_in()
    for headers in REFUSED:
        answer = await browser.who(headers)
        assert (answer.status_code, answer.json()) == (403, {"code": "CSRF"}), headers


async def test_a_session_cookie_that_cannot_be_read_is_no_session(browser: Browser) -> None:
    await browser.log_in()
    value = browser.cookie("kesos-session")
    assert value
    browser.keep("kesos-session", value[:-4] + "AAAA")
    assert (await browser.who()).json() == {"code": "UNAUTHENTICATED"}
    assert (await browser.who({})).status_code == 403


async def test_without_a_cookie_there_is_nothing_to_forge(browser: Browser) -> None:
    assert (await browser.who({})).json() == {"code": "UNAUTHENTICATED"}
