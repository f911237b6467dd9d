"""The key set of an issuer, fetched over real sockets."""

import asyncio
import time

import pytest
from joserfc.jwk import ECKey

from app.authz.keys import KeysUnavailable, RemoteJwks
from app.authz.tokens import TokenVerifier, Unauthenticated
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


async def test_an_unknown_key_is_asked_for_once_a_minute_at_most() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url)
        await source.find("ec")
        assert [await source.find(f"forged-{number}") for number in range(50)] == [None] * 50
        assert server.requests == 1


async def test_a_new_key_is_found_when_the_time_has_come() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, refresh_seconds=0.2)
        assert await source.find("ec")
        server.publish(EC_KEY, NEW_KEY)
        assert await source.find("new") is None
        await asyncio.sleep(0.25)
        assert await source.find("new")
        assert server.requests == 2


async def test_a_withdrawn_key_goes_with_the_next_fetch() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, refresh_seconds=0.0)
        assert await source.find("ec")
        server.publish(NEW_KEY)
        assert await source.find("new")
        assert await source.find("ec") is None


async def test_a_known_key_is_asked_for_again_when_the_set_is_old() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, refresh_seconds=0.0, max_age_seconds=0.2)
        assert await source.find("ec")
        server.publish(NEW_KEY)
        await asyncio.sleep(0.25)
        assert await source.find("ec") is None
        assert server.requests == 2


async def test_a_caller_that_hangs_up_does_not_make_the_next_one_fetch_again() -> None:
    with key_server(EC_KEY) as server:
        server.delay_seconds = 30.0
        source = RemoteJwks(server.url)
        caller = asyncio.create_task(source.find("ec"))
        await asyncio.to_thread(server.asked.wait)
        caller.cancel()
        with pytest.raises(KeysUnavailable):
            await source.find("ec")
        assert server.requests == 1


async def test_the_last_keys_stay_while_the_issuer_is_ill() -> None:
    with key_server(EC_KEY) as server:
        source = RemoteJwks(server.url, refresh_seconds=0.0)
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
            await RemoteJwks(server.url, fetch_seconds=0.2).find("ec")
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
