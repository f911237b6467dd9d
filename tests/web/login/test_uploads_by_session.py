"""Browsers upload with their session, and other sites cannot make them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest_asyncio

from app.main import create_app
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.web.login.conftest import OWN_PAGE, Browser, login_settings
from tests.web.login.oidc_provider import PUBLIC_URL, Provider

CSV = b"nik;nama\n9901010102900001;SITI\n"


@pytest_asyncio.fixture
async def at_kesos(
    provider: Provider, settings: Settings, server: DatabaseServer, tmp_path: Path
) -> AsyncIterator[Browser]:
    """A browser at the whole application, which keeps files in the folder of the test."""
    own = {"read_pool_size": 1, "write_pool_size": 1, "seal_seconds": 0.0, "files_dir": tmp_path / "files"}
    app = create_app(login_settings(settings, provider.issuer).model_copy(update=own), server)
    browser = Browser(app)
    async with app.router.lifespan_context(app):
        yield browser
    await browser.http.aclose()


async def upload(browser: Browser, headers: dict[str, str]) -> httpx2.Response:
    return await browser.http.post(f"{PUBLIC_URL}/uploads?region=33.02", content=CSV, headers=headers)


async def test_a_session_uploads_as_its_token_would(at_kesos: Browser, tmp_path: Path) -> None:
    await at_kesos.log_in()
    answer = await upload(at_kesos, OWN_PAGE)
    assert (answer.status_code, answer.json()["kind"]) == (201, "CSV")
    assert len(list((tmp_path / "files").iterdir())) == 1


async def test_another_site_cannot_make_a_browser_upload(at_kesos: Browser, tmp_path: Path) -> None:
    await at_kesos.log_in()
    for headers in (
        {},
        {"sec-fetch-site": "same-origin"},
        {"x-kesos-csrf": "1", "sec-fetch-site": "cross-site"},
        {"x-kesos-csrf": "1", "origin": "https://evil.test"},
    ):
        answer = await upload(at_kesos, headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "CSRF"), headers
    assert not (tmp_path / "files").exists()


async def test_a_browser_that_has_not_logged_in_uploads_nothing(at_kesos: Browser, tmp_path: Path) -> None:
    answer = await upload(at_kesos, OWN_PAGE)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert not (tmp_path / "files").exists()
