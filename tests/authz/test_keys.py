"""The key set of an issuer, fetched over real sockets."""

import asyncio
import json
import time

import pytest
from joserfc.jwk import ECKey

from app.authz.development import KEY_FILE, development_keys
from app.authz.discovery import Discovery, IssuerMetadata
from app.authz.keys import KeysUnavailable, RemoteJwks, issuer_keys
from app.authz.remote import DocumentInvalid, Timing
from app.authz.tokens import TokenVerifier, Unauthenticated
from app.settings import Settings
from tests.authz.issuer import AUDIENCE, EC_KEY, ED_KEY, ISSUER, RSA_KEY, key_server, token

NEW_KEY = ECKey.generate_key("P-256", {"kid": "new"})


async def test_keys_are_fetched_at_first_use_and_once() -> None:
    with key_server(RSA_KEY, EC_KEY, ED_KEY) as server:
        source = RemoteJwks(server.url)
        assert server.requests == 0
        found = [await source.find(kid) for kid in ("rsa", "ec", "ed", "ec")]
        assert [key.algorithms for key in found if key] == [
            {"RS256"},
            {"ES256"},
            {"EdDSA", "Ed25519"},
            {"ES256"},
        ]
        assert server.requests == 1


async def test_many_callers_at_once_fetch_once() -> None:
    with key_server(EC_KEY) as server:
        server.delay_seconds = 0.1
        source = RemoteJwks(server.url)
        assert all(await asyncio.gather(*(source.find("ec") for _ in range(20))))
        assert server.requests == 1


@pytest.mark.parametrize("name", ["forged-{}", "forged"], ids=["many names", "one name"])
async def test_unknown_keys_are_asked_for_once_a_minute_at_most(name: str) -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url)
        await source.find("ec")
        sought = (source.find(name.format(number)) for number in range(50))
        assert await asyncio.gather(*sought) == [None] * 50
        assert server.requests == 1


async def test_a_new_key_is_found_when_the_time_has_come() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, Timing(refresh_seconds=0.2))
        assert await source.find("ec")
        server.publish(EC_KEY, NEW_KEY)
        assert await source.find("new") is None
        await asyncio.sleep(0.25)
        assert await source.find("new")
        assert server.requests == 2


async def test_a_withdrawn_key_goes_with_the_next_fetch() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, Timing(refresh_seconds=0.0))
        assert await source.find("ec")
        server.publish(NEW_KEY)
        assert await source.find("new")
        assert await source.find("ec") is None


async def test_a_known_key_is_asked_for_again_when_the_set_is_old() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, Timing(refresh_seconds=0.0, max_age_seconds=0.2))
        assert await source.find("ec")
        server.publish(NEW_KEY)
        await asyncio.sleep(0.25)
        assert await source.find("ec") is None
        assert server.requests == 2


async def test_what_is_known_to_be_current_goes_with_the_key() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, Timing(refresh_seconds=0.0))
        assert not source.is_current("ec")
        await source.find("ec")
        assert source.is_current("ec")
        server.publish(NEW_KEY)
        await source.find("new")
        assert not source.is_current("ec")
        assert source.is_current("new")


async def test_an_old_key_set_makes_somebody_ask_again() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, Timing(max_age_seconds=0.2, refresh_seconds=0.0))
        await source.find("ec")
        await asyncio.sleep(0.25)
        assert not source.is_current("ec")
        await source.find("ec")
        assert source.is_current("ec")
        assert server.requests == 2


async def test_while_the_issuer_is_ill_one_caller_a_while_waits_for_it_and_no_other() -> None:
    timing = Timing(fetch_seconds=1.0, max_age_seconds=0.1, refresh_seconds=0.2)
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, timing)
        await source.find("ec")
        server.delay_seconds = 30.0
        await asyncio.sleep(0.25)
        assert await source.find("ec")
        assert source.is_current("ec")
        assert server.requests == 2
        await asyncio.sleep(0.25)
        assert not source.is_current("ec")
        first = asyncio.create_task(source.find("ec"))
        await asyncio.sleep(0.1)
        assert all(await asyncio.gather(*(source.find("ec") for _ in range(20))))
        assert not first.done()
        assert await first
        assert server.requests == 3


async def test_keys_do_not_outlast_the_issuer_for_ever() -> None:
    timing = Timing(max_age_seconds=0.1, refresh_seconds=0.1, lapse_seconds=1.0)
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, timing)
        await source.find("ec")
        server.status = 503
        await asyncio.sleep(0.2)
        assert await source.find("ec")
        await asyncio.sleep(1.0)
        assert not source.is_current("ec")
        with pytest.raises(KeysUnavailable):
            await source.find("ec")
        server.status = 200
        await asyncio.sleep(0.15)
        assert await source.find("ec")


async def test_those_who_waited_in_vain_do_not_wait_again() -> None:
    with key_server(EC_KEY) as server:
        server.delay_seconds = 30.0
        source = RemoteJwks(server.url, Timing(fetch_seconds=0.2))
        answers = await asyncio.gather(*(source.find("ec") for _ in range(20)), return_exceptions=True)
        assert all(isinstance(answer, KeysUnavailable) for answer in answers)
        assert server.requests == 1


async def test_a_caller_that_hangs_up_does_not_make_the_next_one_fetch_again() -> None:
    with key_server(EC_KEY) as server:
        server.delay_seconds = 30.0
        source = RemoteJwks(server.url, Timing(fetch_seconds=1.0))
        caller = asyncio.create_task(source.find("ec"))
        await asyncio.to_thread(server.asked.wait)
        caller.cancel()
        with pytest.raises(KeysUnavailable):
            await source.find("ec")
        assert server.requests == 1


async def test_the_last_keys_stay_while_the_issuer_is_ill() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, Timing(refresh_seconds=0.0))
        await source.find("ec")
        server.status = 503
        assert await source.find("unknown") is None
        assert await source.find("ec")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": "x"}',
        b"\xff",
        b'{"keys": [' + b" " * 70_000 + b"]}",
    ],
)
async def test_an_answer_that_is_no_key_set_is_none(body: bytes) -> None:
    with key_server() as server:
        server.body = body
        with pytest.raises(KeysUnavailable):
            await RemoteJwks(server.url).find("ec")


@pytest.mark.parametrize("status", [204, 404, 500])
async def test_only_a_plain_answer_counts(status: int) -> None:
    with key_server(EC_KEY) as server:
        server.status = status
        with pytest.raises(KeysUnavailable):
            await RemoteJwks(server.url).find("ec")


async def test_redirects_are_not_followed() -> None:
    with key_server(EC_KEY) as elsewhere, key_server(EC_KEY) as server:
        server.status = 302
        server.headers = {"location": elsewhere.url}
        with pytest.raises(KeysUnavailable):
            await RemoteJwks(server.url).find("ec")
        assert elsewhere.requests == 0


async def test_a_slow_issuer_is_given_up() -> None:
    with key_server(EC_KEY) as server:
        server.delay_seconds = 30.0
        began = time.monotonic()
        with pytest.raises(KeysUnavailable):
            await RemoteJwks(server.url, Timing(fetch_seconds=0.2)).find("ec")
        assert time.monotonic() - began < 5


async def test_without_keys_nobody_is_known() -> None:
    with key_server() as server:
        url = server.url
    verifier = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=RemoteJwks(url))
    with pytest.raises(Unauthenticated) as refusal:
        await verifier.verify(token())
    assert refusal.value.reason == "KEYS_UNAVAILABLE"


async def test_a_token_with_a_bad_header_does_not_make_kesos_ask_the_issuer() -> None:
    with key_server(EC_KEY) as server:
        verifier = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=RemoteJwks(server.url))
        for bad in ("garbage", token(alg="none"), token(jku=server.url)):
            with pytest.raises(Unauthenticated):
                await verifier.verify(bad)
        assert server.requests == 0


async def test_discovery_finds_the_keys_at_first_use_and_is_remembered() -> None:
    with key_server(EC_KEY, RSA_KEY) as server:
        source = RemoteJwks(Discovery(server.issuer), Timing(refresh_seconds=0.0))
        assert (server.metadata_requests, server.requests) == (0, 0)
        assert await source.find("ec")
        assert await source.find("unknown") is None
        assert (server.metadata_requests, server.requests) == (1, 2)


async def test_the_issuer_may_have_a_path() -> None:
    for path in ("/realms/kesos", "/realms/kesos/"):
        with key_server(EC_KEY) as server:
            server.describe(issuer=server.issuer + path)
            assert await RemoteJwks(Discovery(server.issuer + path)).find("ec")


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.test"},
        {"issuer": None},
        {"issuer": ["https://evil.test"]},
        {"jwks_uri": None},
        {"jwks_uri": 7},
        {"jwks_uri": "http://sso.example/jwks.json"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://["},
        {"jwks_uri": "https:///jwks.json"},
        {"jwks_uri": ""},
        {"token_endpoint": "http://sso.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"end_session_endpoint": "//sso.example"},
    ],
    ids=str,
)
async def test_metadata_that_could_lead_astray_are_none(changes: dict[str, object]) -> None:
    with key_server(EC_KEY) as server:
        server.describe(**changes)
        with pytest.raises(KeysUnavailable):
            await RemoteJwks(Discovery(server.issuer)).find("ec")
        assert server.requests == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"<html>", b"{" + b" " * 70_000 + b"}"], ids=len)
async def test_what_is_no_metadata_is_none(body: bytes) -> None:
    with key_server(EC_KEY) as server:
        server.metadata = body
        with pytest.raises(KeysUnavailable):
            await RemoteJwks(Discovery(server.issuer)).find("ec")


async def test_an_issuer_elsewhere_does_not_send_kesos_to_this_machine() -> None:
    document = {"issuer": "https://sso.test", "jwks_uri": "http://127.0.0.1:9200/jwks"}
    with pytest.raises(DocumentInvalid):
        IssuerMetadata.of_document("https://sso.test", document)
    assert IssuerMetadata.of_document("https://sso.test", document | {"jwks_uri": "https://keys.test/jwks"})


async def test_one_slash_makes_another_issuer() -> None:
    with key_server(EC_KEY) as server, pytest.raises(KeysUnavailable):
        await RemoteJwks(Discovery(server.issuer + "/")).find("ec")


async def test_kesos_starts_before_the_issuer_and_finds_it_later() -> None:
    with key_server(EC_KEY) as server:
        server.status = 503
        source = RemoteJwks(Discovery(server.issuer, Timing(refresh_seconds=0.1)), Timing(refresh_seconds=0.1))
        verifier = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=source)
        with pytest.raises(Unauthenticated) as refusal:
            await verifier.verify(token())
        assert refusal.value.reason == "KEYS_UNAVAILABLE"
        server.status = 200
        await asyncio.sleep(0.15)
        assert await verifier.verify(token())


async def test_the_settings_choose_where_keys_come_from(settings: Settings) -> None:
    with key_server(EC_KEY) as server, key_server(RSA_KEY) as elsewhere:
        issuer = {"issuer": server.issuer}
        discovered = issuer_keys(settings.model_copy(update=issuer))
        assert await discovered.find("ec")
        assert await discovered.find("rsa") is None
        named = issuer_keys(settings.model_copy(update=issuer | {"jwks_url": elsewhere.url}))
        assert await named.find("rsa")
        assert await named.find("ec") is None
        assert (server.metadata_requests, elsewhere.metadata_requests) == (1, 0)
    assert len(development_keys(settings)) == 1
    development_key = json.loads((settings.data_dir / KEY_FILE).read_bytes())
    assert await issuer_keys(settings).find(development_key["kid"])


@pytest.mark.parametrize("issuer", ["http://sso.example", "sso.example", "ftp://127.0.0.1", ""])
def test_an_issuer_does_not_speak_in_clear(issuer: str) -> None:
    with pytest.raises(ValueError, match="KESOS_ISSUER"):
        Discovery(issuer)


@pytest.mark.parametrize(
    "url",
    [
        "http://sso.example/jwks.json",
        "http://10.0.0.1/jwks.json",
        "http://localhost.example/jwks.json",
        "ftp://127.0.0.1/jwks.json",
        "file:///etc/passwd",
        "sso.example/jwks.json",
        "",
    ],
)
def test_keys_do_not_travel_in_clear(url: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        RemoteJwks(url)


@pytest.mark.parametrize(
    "url", ["https://sso.example/jwks.json", "http://127.0.0.1:1/k", "http://[::1]:1/k", "http://localhost:1/k"]
)
def test_https_and_this_machine_are_allowed(url: str) -> None:
    RemoteJwks(url)
