"""What a token must be, and everything that it must not be."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from app.authz.authentication import Unauthenticated
from app.authz.keys import ALGORITHMS, FixedKeys
from app.authz.tokens import TokenVerifier
from tests.authz.issuer import (
    AUDIENCE,
    EC_KEY,
    ED_KEY,
    ISSUER,
    KEYS,
    PUBLIC_KEYS,
    RSA_KEY,
    claims_for,
    encode,
    forge,
    public,
    signer,
    token,
    without,
)

NOW = int(time.time())
VERIFIER = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=FixedKeys(PUBLIC_KEYS))
OTHER_EC_KEY = ECKey.generate_key("P-256", {"kid": "ec"})
OTHER_RSA_KEY = RSAKey.generate_key(2048, {"kid": "rsa"})


def refused(text: str, *, verifier: TokenVerifier = VERIFIER) -> str:
    """The reason why ``text`` is no valid token."""
    with pytest.raises(Unauthenticated) as refusal:
        asyncio.run(verifier.verify(text))
    assert refusal.value.code == "UNAUTHENTICATED"
    return refusal.value.reason


def accepted(text: str, *, verifier: TokenVerifier = VERIFIER) -> str:
    return asyncio.run(verifier.verify(text)).subject


def access_header(algorithm: str) -> dict[str, object]:
    return {"alg": algorithm, "kid": KEYS[algorithm].kid, "typ": "at+jwt"}


def hmac_with(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


def test_the_algorithms_are_these_and_no_more() -> None:
    assert {"RS256", "ES256", "EdDSA", "Ed25519"} == ALGORITHMS


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_good_token_names_its_subject(algorithm: str) -> None:
    assert accepted(token(algorithm=algorithm)) == "someone"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_an_access_token_says_so(typ: str) -> None:
    assert accepted(token(typ=typ)) == "someone"


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "logout+jwt", "dpop+jwt", "at+jwt ", "application/jwt", "JOSE", "", None]
)
def test_what_does_not_is_none_whatever_it_claims(typ: str | None) -> None:
    header = {"alg": "ES256", "kid": "ec"} | ({} if typ is None else {"typ": typ})
    for claims in (claims_for(), claims_for(nonce="n", at_hash="h")):
        assert refused(forge(header, claims, signer("ES256", EC_KEY))) == "TOKEN_TYPE"


def test_what_is_verified_names_its_key_and_its_end() -> None:
    expires = int(time.time()) + 300
    verified = asyncio.run(VERIFIER.verify(token(claims_for(exp=expires))))
    assert (verified.kid, verified.expires, verified.usable_until) == ("ec", expires, expires + 30.0)


def test_thumbprints_are_passed_over() -> None:
    thumbprints: dict[str, Any] = {"x5t": "unused", "x5t#S256": "unused"}
    assert accepted(token(**thumbprints)) == "someone"


def test_the_audience_may_be_one_of_several() -> None:
    assert accepted(token(claims_for(aud=["other", AUDIENCE]))) == "someone"


def test_clocks_may_differ_by_half_a_minute() -> None:
    assert accepted(token(claims_for(exp=int(time.time()) - 20))) == "someone"
    assert accepted(token(claims_for(iat=int(time.time()) + 20))) == "someone"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
def test_a_token_without_algorithm_is_refused(name: str) -> None:
    assert refused(forge({"alg": name, "kid": "ec", "typ": "at+jwt"}, claims_for(), lambda _: b"")) == "TOKEN_HEADER"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY, ED_KEY], ids=lambda key: str(key.kid))
def test_a_public_key_is_no_shared_secret(algorithm: str, key: RSAKey | ECKey | OKPKey) -> None:
    header = {"alg": algorithm, "kid": key.kid, "typ": "at+jwt"}
    secrets = (
        key.as_pem(private=False),
        key.as_pem(private=False).strip(),
        key.as_der(private=False),
        json.dumps(key.as_dict(private=False)).encode(),
    )
    for secret in secrets:
        assert refused(forge(header, claims_for(), hmac_with(secret))) == "TOKEN_HEADER"


@pytest.mark.parametrize("algorithm", ["RS512", "PS256", "ES384", "ES512", "ES256K", "Ed448", "RSA-OAEP", "dir", "foo"])
def test_other_algorithms_are_refused(algorithm: str) -> None:
    assert refused(token(alg=algorithm)) == "TOKEN_HEADER"


@pytest.mark.parametrize("named", sorted(ALGORITHMS))
@pytest.mark.parametrize("signed", KEYS)
def test_the_algorithm_belongs_to_the_key(named: str, signed: str) -> None:
    text = token(algorithm=signed, alg=named)
    if KEYS[named] is KEYS[signed]:
        assert accepted(text) == "someone"
    else:
        assert refused(text) == "TOKEN_SIGNATURE"


def test_a_key_that_names_its_algorithm_verifies_no_other() -> None:
    key = OKPKey.generate_key("Ed25519", {"kid": "ed", "alg": "EdDSA"})
    verifier = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=FixedKeys(public(key)))
    assert accepted(token(algorithm="EdDSA", key=key), verifier=verifier) == "someone"
    assert refused(token(algorithm="Ed25519", key=key), verifier=verifier) == "TOKEN_SIGNATURE"


@pytest.mark.parametrize(("algorithm", "key"), [("ES256", OTHER_EC_KEY), ("RS256", OTHER_RSA_KEY)])
def test_another_key_of_the_same_name_is_refused(algorithm: str, key: Key) -> None:
    assert refused(token(algorithm=algorithm, key=key)) == "TOKEN_SIGNATURE"


@pytest.mark.parametrize(
    "kid",
    [
        "nobody",
        "",
        "EC",
        " ec",
        "ec\0",
        "ec/../rsa",
        "../../../../dev/null",
        "/etc/passwd",
        "file:///dev/null",
        "https://attacker.test/jwks.json",
        "ec' or '1'='1",
        "ec; cat /etc/passwd",
        "${jndi:ldap://attacker.test}",
        "__class__",
        "\ud800",
    ],
)
def test_an_unknown_key_is_refused(kid: str) -> None:
    assert refused(token(kid=kid)) == "TOKEN_KEY_UNKNOWN"


def test_a_key_id_of_any_length_is_refused_unread() -> None:
    assert refused(token(kid="x" * 1000)) == "TOKEN_MALFORMED"


@pytest.mark.parametrize("kid", [None, 7, ["ec"], {"kid": "ec"}, True])
def test_a_key_id_is_a_string(kid: object) -> None:
    assert refused(token(kid=kid)) == "TOKEN_HEADER"


def test_the_key_id_is_required() -> None:
    assert refused(forge({"alg": "ES256", "typ": "at+jwt"}, claims_for(), signer("ES256", EC_KEY))) == "TOKEN_HEADER"


@pytest.mark.parametrize(
    "injected",
    [
        {"jwk": OTHER_EC_KEY.as_dict(private=False)},
        {"jku": "https://attacker.test/jwks.json"},
        {"x5u": "https://attacker.test/chain.pem"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"crit": []},
        {"crit": 7},
        {"crit": None},
        {"cty": "JWT"},
        {"enc": "A256GCM"},
        {"zip": "DEF"},
        {"invented": 1},
        {"typ": 7},
    ],
    ids="+".join,
)
def test_a_header_that_brings_more_than_the_name_of_a_key_is_refused(injected: dict[str, Any]) -> None:
    own = token(key=OTHER_EC_KEY, **injected)
    genuine = token(**injected)
    assert refused(own) in {"TOKEN_HEADER", "TOKEN_MALFORMED"}
    assert refused(genuine) in {"TOKEN_HEADER", "TOKEN_MALFORMED"}


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (claims_for(aud="other"), "TOKEN_AUDIENCE"),
        (claims_for(aud=["other"]), "TOKEN_AUDIENCE"),
        (claims_for(aud=[]), "TOKEN_AUDIENCE"),
        (claims_for(aud=[AUDIENCE, 7]), "TOKEN_AUDIENCE"),
        (claims_for(aud={AUDIENCE: True}), "TOKEN_AUDIENCE"),
        (claims_for(aud=7), "TOKEN_AUDIENCE"),
        (claims_for(aud=None), "TOKEN_AUDIENCE"),
        (without("aud"), "TOKEN_AUDIENCE"),
        (claims_for(iss="https://issuer.kesos.invalid"), "TOKEN_ISSUER"),
        (claims_for(iss=ISSUER + "/"), "TOKEN_ISSUER"),
        (claims_for(iss=[ISSUER]), "TOKEN_ISSUER"),
        (claims_for(iss=None), "TOKEN_ISSUER"),
        (without("iss"), "TOKEN_ISSUER"),
        (claims_for(exp=NOW - 31), "TOKEN_EXPIRED"),
        (claims_for(exp=0), "TOKEN_EXPIRED"),
        (claims_for(exp=-1), "TOKEN_EXPIRED"),
        (claims_for(exp=True), "TOKEN_CLAIMS"),
        (claims_for(exp=NOW + 300.5), "TOKEN_CLAIMS"),
        (claims_for(exp=str(NOW + 300)), "TOKEN_CLAIMS"),
        (claims_for(exp=10**30), "TOKEN_CLAIMS"),
        (claims_for(exp=[NOW + 300]), "TOKEN_CLAIMS"),
        (claims_for(exp=253_402_300_800), "TOKEN_CLAIMS"),
        (claims_for(exp=2**63), "TOKEN_CLAIMS"),
        (claims_for(exp=2**64 - 1), "TOKEN_CLAIMS"),
        (claims_for(exp=float("inf")), "TOKEN_CLAIMS"),
        (claims_for(exp=float("nan")), "TOKEN_CLAIMS"),
        (claims_for(iat=2**63), "TOKEN_CLAIMS"),
        (claims_for(iat=float("nan")), "TOKEN_CLAIMS"),
        (claims_for(iat=[NOW]), "TOKEN_CLAIMS"),
        (claims_for(iat=None), "TOKEN_CLAIMS"),
        (claims_for(nbf=True), "TOKEN_CLAIMS"),
        (claims_for(nbf=str(NOW)), "TOKEN_CLAIMS"),
        (claims_for(nbf=2**63), "TOKEN_CLAIMS"),
        (claims_for(cnf={"jkt": "thumbprint"}), "TOKEN_BOUND"),
        (claims_for(cnf=None), "TOKEN_BOUND"),
        (claims_for(exp=None), "TOKEN_CLAIMS"),
        (without("exp"), "TOKEN_CLAIMS"),
        (claims_for(iat=NOW + 3600), "TOKEN_NOT_YET_VALID"),
        (claims_for(iat=False), "TOKEN_CLAIMS"),
        (claims_for(iat=float(NOW)), "TOKEN_CLAIMS"),
        (claims_for(iat="now"), "TOKEN_CLAIMS"),
        (without("iat"), "TOKEN_CLAIMS"),
        (claims_for(nbf=NOW + 3600), "TOKEN_NOT_YET_VALID"),
        (claims_for(nbf=None), "TOKEN_CLAIMS"),
        (claims_for(""), "TOKEN_CLAIMS"),
        (claims_for("x" * 256), "TOKEN_CLAIMS"),
        (claims_for("nul\0byte"), "TOKEN_CLAIMS"),
        (claims_for("line\nbreak"), "TOKEN_CLAIMS"),
        (claims_for("lone \ud800 surrogate"), "TOKEN_CLAIMS"),
        (claims_for(7), "TOKEN_CLAIMS"),
        (claims_for(["someone"]), "TOKEN_CLAIMS"),
        (claims_for(None), "TOKEN_CLAIMS"),
        (without("sub"), "TOKEN_CLAIMS"),
        ([], "TOKEN_CLAIMS"),
        ("text", "TOKEN_CLAIMS"),
        (7, "TOKEN_CLAIMS"),
        (b"", "TOKEN_CLAIMS"),
        (b"{", "TOKEN_CLAIMS"),
        (b"\xff", "TOKEN_CLAIMS"),
        (b'{"exp": NaN}', "TOKEN_CLAIMS"),
        (b'{"exp": 1e400}', "TOKEN_CLAIMS"),
        (b"[" * 3000, "TOKEN_CLAIMS"),
    ],
)
def test_signed_claims_are_still_checked(claims: object, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # They were made when tests were collected, which may be long ago.
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    assert refused(token(claims)) == reason


def test_a_subject_may_have_255_characters_and_any_script() -> None:
    assert accepted(token(claims_for("x" * 255))) == "x" * 255
    assert accepted(token(claims_for("Ni Luh Ayu / ᬦᬶ"))) == "Ni Luh Ayu / ᬦᬶ"


def test_of_a_name_that_comes_twice_the_last_counts() -> None:
    """As RFC 7515 and 7519 ask of whoever does not refuse it, so that nobody reads such a token otherwise than its issuer."""
    claims = json.dumps(claims_for()).removesuffix("}") + ', "sub": "the last"}'
    assert accepted(token(claims.encode())) == "the last"
    claims = json.dumps(claims_for()).removesuffix("}") + ', "aud": "another"}'
    assert refused(token(claims.encode())) == "TOKEN_AUDIENCE"
    good, unsigned = b'"kid":"ec","typ":"at+jwt","alg":"ES256"', b'"alg":"none"'
    sign = signer("ES256", EC_KEY)
    assert accepted(forge(b"{%b,%b}" % (unsigned, good), claims_for(), sign)) == "someone"
    assert refused(forge(b"{%b,%b}" % (good, unsigned), claims_for(), sign)) == "TOKEN_HEADER"
    assert refused(forge(b"{%b,%b}" % (good, unsigned), claims_for(), lambda _: b"")) == "TOKEN_HEADER"


def test_a_signature_in_another_encoding_is_refused() -> None:
    text = token()
    signed = text.rpartition(".")[0]
    raw = base64.urlsafe_b64decode(text.rpartition(".")[2] + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    assert refused(f"{signed}.{encode(der).decode()}") == "TOKEN_SIGNATURE"
    assert refused(f"{signed}.{encode(raw + b'0').decode()}") == "TOKEN_SIGNATURE"
    assert refused(f"{signed}.{encode(raw[:63]).decode()}") == "TOKEN_SIGNATURE"


def test_a_token_in_another_serialisation_is_refused() -> None:
    header, payload, signature = token().split(".")
    flattened = {"protected": header, "payload": payload, "signature": signature}
    assert refused(json.dumps(flattened)) == "TOKEN_MALFORMED"
    assert refused(json.dumps({"payload": payload, "signatures": [flattened]})) == "TOKEN_MALFORMED"
    encrypted = jwe.encrypt_compact(
        {"alg": "RSA-OAEP-256", "enc": "A256GCM"}, token(), RSAKey.generate_key(2048), ["RSA-OAEP-256", "A256GCM"]
    )
    assert refused(encrypted) == "TOKEN_MALFORMED"


def test_changed_claims_break_the_signature() -> None:
    header, _, signature = token().split(".")
    changed = encode(json.dumps(claims_for("somebody else")).encode()).decode()
    assert refused(f"{header}.{changed}.{signature}") == "TOKEN_SIGNATURE"


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("signature", [b"", b"\0", b"\0" * 64, b"\0" * 256, b"\xff" * 64])
def test_a_made_up_signature_is_refused(algorithm: str, signature: bytes) -> None:
    text = forge(access_header(algorithm), claims_for(), lambda _: signature)
    assert refused(text) == "TOKEN_SIGNATURE"


def test_a_token_of_more_than_8_kib_is_refused_unread() -> None:
    large = token(claims_for(note="x" * 8192))
    assert len(large) > 8192
    assert refused(large) == "TOKEN_TOO_LONG"
    assert accepted(token(claims_for(note="x" * 5000))) == "someone"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "Bearer x",
        "e30.e30.",
        "\0",
        "é.é.é",
        "\ud800",
        "=.=.=",
        "W10.e30.AA",
        base64.urlsafe_b64encode(b"null").decode() + ".e30.AA",
        token() + "=",
        token() + ".AAAA",
        " " + token(),
        token() + "\n",
        "x" * 8192,
    ],
)
def test_garbage_is_refused(text: str) -> None:
    assert refused(text) in {"TOKEN_MALFORMED", "TOKEN_SIGNATURE"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.text() | st.lists(st.text(max_size=40), min_size=3, max_size=3).map(".".join))
def test_no_text_is_more_than_refused(text: str) -> None:
    assert refused(text)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "x5u", "x5t"]),
        json_values,
        max_size=4,
    )
    | json_values
)
def test_no_header_is_more_than_refused(header: object) -> None:
    full = access_header("ES256") | header if isinstance(header, dict) else header
    assert refused(forge(full, b"{}", signer("ES256", EC_KEY)))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["iss", "aud", "sub", "exp", "iat", "nbf"]), json_values, min_size=1))
def test_no_claim_is_more_than_refused_or_harmless(claims: dict[str, object]) -> None:
    with suppress(Unauthenticated):
        assert accepted(token(claims_for() | claims)) == claims.get("sub", "someone")


@pytest.mark.parametrize(
    "jwk",
    [
        OctKey.generate_key(256, {"kid": "k"}).as_dict(private=True),
        ECKey.generate_key("P-384", {"kid": "k"}).as_dict(private=False),
        ECKey.generate_key("secp256k1", {"kid": "k"}).as_dict(private=False),
        OKPKey.generate_key("Ed448", {"kid": "k"}).as_dict(private=False),
        OKPKey.generate_key("X25519", {"kid": "k"}).as_dict(private=False),
        EC_KEY.as_dict(private=True, kid="k"),
        EC_KEY.as_dict(private=False, kid="k", use="enc"),
        EC_KEY.as_dict(private=False, kid="k", key_ops=["sign"]),
        EC_KEY.as_dict(private=False, kid="k", key_ops=7),
        EC_KEY.as_dict(private=False, kid="k", alg="HS256"),
        EC_KEY.as_dict(private=False, kid="k", alg="none"),
        EC_KEY.as_dict(private=False, kid=""),
        EC_KEY.as_dict(private=False, kid=7),
        EC_KEY.as_dict(private=False, kid="k", x="not base64!"),
        EC_KEY.as_dict(private=False, kid="k", crv="P-1"),
        EC_KEY.as_dict(private=False, kid="k", kty="ML-DSA"),
        EC_KEY.as_dict(private=False, kid="k", kty=["EC"]),
        {"kid": "k"},
        {},
        [],
        "k",
        None,
    ],
)
def test_a_key_that_cannot_verify_a_token_is_no_key(jwk: object) -> None:
    assert len(FixedKeys([jwk])) == 0
    assert len(FixedKeys([jwk, *PUBLIC_KEYS])) == len(PUBLIC_KEYS)


def test_a_weak_rsa_key_is_no_key() -> None:
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024, {"kid": "k"})
    with pytest.warns(SecurityWarning):
        assert len(FixedKeys(public(weak))) == 0


def test_of_two_keys_with_one_name_the_first_counts() -> None:
    keys = FixedKeys(public(EC_KEY, OTHER_EC_KEY))
    verifier = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=keys)
    assert accepted(token(), verifier=verifier) == "someone"
    assert refused(token(key=OTHER_EC_KEY), verifier=verifier) == "TOKEN_SIGNATURE"


def test_refusals_and_logs_hold_nothing_of_the_token(caplog: pytest.LogCaptureFixture) -> None:
    text = token(claims_for("secret-subject", aud="other"))
    with caplog.at_level(0), pytest.raises(Unauthenticated) as refusal:
        asyncio.run(VERIFIER.verify(text))
    assert str(refusal.value) == "TOKEN_AUDIENCE"
    assert refusal.value.__cause__ is None
    assert text not in caplog.text
    assert "secret-subject" not in caplog.text
