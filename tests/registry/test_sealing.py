import base64
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app.domain.registry.sealing import DIGEST_BYTES, Seal, SealBroken, mask
from app.settings import Settings

NUMBER = "9901010102900001"
OLD_KEY, NEW_KEY, DIGEST_KEY = (bytes([fill]) * 32 for fill in (1, 2, 3))
SEAL = Seal({"2025": OLD_KEY}, DIGEST_KEY)


@given(st.from_regex(r"[0-9]{16}", fullmatch=True))
def test_what_is_sealed_opens_again(number: str) -> None:
    stored = SEAL.stored(number)
    assert SEAL.unseal(stored.sealed) == number
    assert number.encode() not in stored.sealed
    assert stored.masked == f"{number[:4]}********{number[12:]}"


def test_two_seals_of_one_number_differ_and_their_digests_are_equal() -> None:
    first, second = SEAL.stored(NUMBER), SEAL.stored(NUMBER)
    assert first.sealed != second.sealed
    assert first.digest == second.digest
    assert len(first.digest) == DIGEST_BYTES


def test_numbers_that_are_sealed_in_bulk_are_sealed_like_any() -> None:
    bulk = SEAL.bulk()
    sealed = [bytes.fromhex(bulk.sealed(NUMBER)) for _ in range(3_000)]
    assert {SEAL.unseal(each) for each in sealed} == {NUMBER}
    assert len({each[-28 - len(NUMBER) : -16 - len(NUMBER)] for each in sealed}) == len(sealed), "a nonce came twice"
    assert bytes.fromhex(bulk.digest(NUMBER)) == SEAL.digest(NUMBER)
    assert bulk.sealed(NUMBER) != SEAL.bulk().sealed(NUMBER)


def test_other_numbers_and_other_keys_have_other_digests() -> None:
    assert SEAL.digest(NUMBER) != SEAL.digest("9901010102900002")
    assert SEAL.digest(NUMBER) != Seal({"2025": OLD_KEY}, NEW_KEY).digest(NUMBER)


@pytest.mark.parametrize("position", [6, 17, -1])
def test_a_changed_seal_does_not_open(position: int) -> None:
    sealed = bytearray(SEAL.seal(NUMBER))
    sealed[position] ^= 1
    with pytest.raises(SealBroken, match="changed"):
        SEAL.unseal(bytes(sealed))


def test_a_truncated_seal_does_not_open() -> None:
    with pytest.raises(SealBroken):
        SEAL.unseal(SEAL.seal(NUMBER)[:-1])


def test_after_rotation_the_old_key_opens_and_the_new_one_seals() -> None:
    rotated = Seal({"2025": OLD_KEY, "2026": NEW_KEY}, DIGEST_KEY)
    assert rotated.unseal(SEAL.seal(NUMBER)) == NUMBER
    assert rotated.digest(NUMBER) == SEAL.digest(NUMBER)
    with pytest.raises(SealBroken, match="not configured"):
        SEAL.unseal(rotated.seal(NUMBER))


def test_a_key_of_the_same_name_with_other_bytes_does_not_open() -> None:
    with pytest.raises(SealBroken, match="changed"):
        Seal({"2025": NEW_KEY}, DIGEST_KEY).unseal(SEAL.seal(NUMBER))


def test_no_message_tells_the_number() -> None:
    with pytest.raises(SealBroken) as refusal:
        Seal({"2026": NEW_KEY}, DIGEST_KEY).unseal(SEAL.seal(NUMBER))
    assert NUMBER not in str(refusal.value)


def test_a_mask_keeps_four_digits_at_each_end() -> None:
    assert mask(NUMBER) == "9901********0001"


def test_keys_of_the_settings_are_used(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        sealing_keys={"2025": SecretStr(base64.b64encode(OLD_KEY).decode())},
        digest_key=SecretStr(base64.b64encode(DIGEST_KEY).decode()),
    )
    assert Seal.of_settings(settings).unseal(SEAL.seal(NUMBER)) == NUMBER
    assert list(tmp_path.iterdir()) == []


def test_development_keys_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    sealed = Seal.of_settings(settings).seal(NUMBER)
    assert Seal.of_settings(settings).unseal(sealed) == NUMBER
    (key_file,) = tmp_path.iterdir()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert sorted(json.loads(key_file.read_text())) == ["digest", "sealing"]
