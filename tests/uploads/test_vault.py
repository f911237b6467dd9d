"""Sealed files: what is written comes back from anywhere in it, and nothing that was changed does."""

import csv
import io
import os
import stat
import threading
import zipfile
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain import sealing_keys
from app.domain.registry.sealing import Seal
from app.domain.sealing_keys import SealingKeys
from app.domain.vault import CHUNK_BYTES, TAG_BYTES, FileDamaged, FileGone, Vault
from app.settings import Settings

OLD, NEW = {"2025": bytes([1]) * 32}, {"2025": bytes([1]) * 32, "2026": bytes([2]) * 32}
PATTERN = sha256(b"kesos").digest() * (3 * CHUNK_BYTES // 32 + 1)
NOW, AN_HOUR = timedelta(0), timedelta(hours=1)
sizes = st.one_of(
    st.integers(0, 200),
    st.builds(lambda chunks, off: max(0, chunks * CHUNK_BYTES + off), st.integers(1, 3), st.integers(-2, 2)),
)
several = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "files", OLD)


def content(size: int) -> bytes:
    """``size`` bytes, no two chunks of which are alike."""
    return b"".join(
        bytes([number]) + PATTERN[: min(CHUNK_BYTES, size - at) - 1]
        for number, at in enumerate(range(0, size, CHUNK_BYTES))
    )


def keep(vault: Vault, data: bytes) -> UUID:
    file_id = uuid4()
    with vault.create(file_id) as writer:
        writer.write(data)
    return file_id


def path(vault: Vault, file_id: UUID) -> Path:
    return vault.folder / f"{file_id}.sealed"


def read(vault: Vault, file_id: UUID) -> bytes:
    with vault.open(file_id) as reader:
        return reader.read()


@several
@given(sizes, st.lists(st.integers(1, 2 * CHUNK_BYTES), max_size=4), st.data())
def test_what_is_written_in_any_pieces_is_read_from_any_place(
    vault: Vault, size: int, cuts: list[int], data: st.DataObject
) -> None:
    whole, file_id, at = content(size), uuid4(), 0
    with vault.create(file_id) as writer:
        for cut in [*cuts, size]:
            assert writer.write(whole[at : at + cut]) == len(whole[at : at + cut])
            at += cut
    assert (writer.size, writer.sha256) == (size, sha256(whole).digest())
    with vault.open(file_id) as reader:
        assert reader.size == reader.seek(0, os.SEEK_END) == size
        for _ in range(4):
            begin, length = data.draw(st.integers(0, size + 2)), data.draw(st.integers(0, CHUNK_BYTES + 2))
            reader.seek(begin)
            assert reader.read(length) == whole[begin : begin + length]
            assert reader.tell() == max(begin, min(begin + length, size))
    vault.delete(file_id)


@several
@given(st.sampled_from([0, 1, 100, CHUNK_BYTES, CHUNK_BYTES + 1]), st.data())
def test_any_byte_that_is_changed_is_noticed(vault: Vault, size: int, data: st.DataObject) -> None:
    file_id = keep(vault, content(size))
    sealed = bytearray(path(vault, file_id).read_bytes())
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path(vault, file_id).write_bytes(sealed)
    with pytest.raises(FileDamaged):
        read(vault, file_id)


@several
@given(st.sampled_from([0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 5]), st.data())
def test_a_file_that_was_cut_anywhere_does_not_open(vault: Vault, size: int, data: st.DataObject) -> None:
    file_id = keep(vault, content(size))
    sealed = path(vault, file_id).read_bytes()
    header = len(sealed) - size - TAG_BYTES * max(1, -(-size // CHUNK_BYTES))
    ends = st.one_of(st.integers(0, len(sealed) - 1), st.sampled_from([0, header, header + CHUNK_BYTES + TAG_BYTES]))
    path(vault, file_id).write_bytes(sealed[: min(data.draw(ends), len(sealed) - 1)])
    with pytest.raises(FileDamaged):
        vault.open(file_id)


def test_chunks_that_change_places_or_come_from_another_file_do_not_open(vault: Vault) -> None:
    first, second = keep(vault, content(3 * CHUNK_BYTES)), keep(vault, content(3 * CHUNK_BYTES))
    sealed, other = path(vault, first).read_bytes(), path(vault, second).read_bytes()
    wide = CHUNK_BYTES + TAG_BYTES
    header = len(sealed) - 3 * wide
    head, chunks = sealed[:header], [sealed[header + n * wide :][:wide] for n in range(3)]
    foreign = other[header : header + wide]
    for changed in ([1, 0, 2], [0, 0, 2], [0, 2], [0, 1, 2, 2]):
        path(vault, first).write_bytes(head + b"".join(chunks[number] for number in changed))
        with pytest.raises(FileDamaged):
            read(vault, first)
    path(vault, first).write_bytes(head + foreign + chunks[1] + chunks[2])
    with pytest.raises(FileDamaged):
        read(vault, first)
    path(vault, first).write_bytes(other)
    with pytest.raises(FileDamaged):
        vault.open(first)
    path(vault, first).write_bytes(sealed)
    assert read(vault, first) == content(3 * CHUNK_BYTES)


def test_the_disk_tells_nothing_of_a_file(vault: Vault) -> None:
    secret = b"9901010102900001;SITI;"
    first, second = keep(vault, secret * 1_000), keep(vault, secret * 1_000)
    one, two = path(vault, first).read_bytes(), path(vault, second).read_bytes()
    assert b"SITI" not in one
    assert b"990101" not in one
    assert one[-1_000:] != two[-1_000:]


def test_a_file_is_read_by_its_owner_alone(vault: Vault) -> None:
    file_id = keep(vault, b"a")
    assert stat.S_IMODE(path(vault, file_id).stat().st_mode) == 0o600
    assert stat.S_IMODE(vault.folder.stat().st_mode) == 0o700


def test_after_rotation_old_files_open_and_new_ones_name_the_new_key(vault: Vault) -> None:
    file_id = keep(vault, b"old")
    rotated = Vault(vault.folder, NEW)
    assert read(rotated, file_id) == b"old"
    newer = keep(rotated, b"new")
    assert b"2026" in path(vault, newer).read_bytes()
    with pytest.raises(FileDamaged):
        vault.open(newer)


def test_a_key_of_the_same_name_with_other_bytes_does_not_open(vault: Vault) -> None:
    file_id = keep(vault, b"a")
    with pytest.raises(FileDamaged):
        Vault(vault.folder, {"2025": bytes(32)}).open(file_id)


def test_nothing_is_there_before_a_file_is_finished_nor_after_it_failed(vault: Vault) -> None:
    file_id = uuid4()
    with suppress(RuntimeError), vault.create(file_id) as writer:
        writer.write(b"a" * 2 * CHUNK_BYTES)
        with pytest.raises(FileGone):
            vault.open(file_id)
        raise RuntimeError
    assert list(vault.folder.iterdir()) == []
    with vault.create(file_id) as writer:
        writer.write(b"a")
        writer.finish()
        assert read(vault, file_id) == b"a"
        with pytest.raises(ValueError, match="closed"):
            writer.write(b"b")


def test_a_file_that_is_made_again_takes_the_place_of_the_first(vault: Vault) -> None:
    file_id = keep(vault, b"first")
    with vault.open(file_id) as reading, vault.create(file_id) as writer:
        writer.write(b"second")
        writer.finish()
        assert reading.read() == b"first"
    assert read(vault, file_id) == b"second"


def test_what_is_deleted_is_gone_and_may_be_deleted_again(vault: Vault) -> None:
    file_id = keep(vault, b"a")
    vault.delete(file_id)
    vault.delete(file_id)
    with pytest.raises(FileGone):
        vault.open(file_id)


def test_zip_and_text_are_written_and_read_through_the_seal(vault: Vault) -> None:
    file_id = uuid4()
    rows = [[str(number), 'nama; "Siti"', "é"] for number in range(60_000)]
    with vault.create(file_id) as writer, zipfile.ZipFile(writer, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("a.csv", "w", force_zip64=True) as member:
            text = io.TextIOWrapper(member, encoding="utf-8", newline="")
            csv.writer(text).writerows(rows)
            text.flush()
            text.detach()
        archive.writestr("b.csv", b"x" * CHUNK_BYTES)
    assert writer.size > 2 * CHUNK_BYTES
    with vault.open(file_id) as reader, zipfile.ZipFile(reader) as archive:
        assert archive.testzip() is None
        with archive.open("a.csv") as member:
            assert list(csv.reader(io.TextIOWrapper(member, encoding="utf-8", newline=""))) == rows
    lines = uuid4()
    with vault.create(lines) as writer:
        text = io.TextIOWrapper(io.BufferedWriter(writer), encoding="utf-8", newline="")
        csv.writer(text).writerows(rows)
        text.close()
    with io.TextIOWrapper(io.BufferedReader(vault.open(lines)), encoding="utf-8", newline="") as text:
        assert list(csv.reader(text)) == rows


def test_what_killed_processes_left_is_swept_and_nothing_else(vault: Vault) -> None:
    kept, ended = keep(vault, b"a"), uuid4()
    writer = vault.create(ended)
    writer.write(b"a" * 2 * CHUNK_BYTES)
    assert vault.sweep(AN_HOUR) == 0
    assert vault.sweep(NOW) == 1
    writer.discard()
    assert [file.name for file in vault.folder.iterdir()] == [f"{kept}.sealed"]
    assert list(vault.older_than(AN_HOUR)) == []
    assert list(vault.older_than(NOW)) == [kept]


def test_an_empty_deployment_has_nothing_to_sweep(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "none", OLD)
    assert vault.sweep(NOW) == 0
    assert list(vault.older_than(NOW)) == []


def test_files_lie_where_the_settings_say(tmp_path: Path) -> None:
    unset = Settings(data_dir=tmp_path)
    assert Vault.of_settings(unset).folder == tmp_path / "files"
    elsewhere = Vault.of_settings(Settings(data_dir=tmp_path, files_dir=tmp_path / "shared"))
    assert elsewhere.folder == tmp_path / "shared"
    # Every process of the deployment has the same keys.
    assert read(Vault(elsewhere.folder, SealingKeys.of_settings(unset).sealing), keep(elsewhere, b"a")) == b"a"


def test_processes_that_begin_at_once_agree_on_the_keys_that_are_made(tmp_path: Path) -> None:
    begins, made = threading.Barrier(8), []

    def begin() -> None:
        begins.wait()
        made.append(SealingKeys.of_settings(Settings(data_dir=tmp_path)))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [made[0]] * 8
    assert [file.name for file in tmp_path.iterdir()] == ["sealing-keys.json"]
    assert len(made[0].digest) == sealing_keys.KEY_BYTES
    number = "9901010102900001"
    assert Seal(made[0].sealing, made[0].digest).digest(number) == Seal.of_settings(Settings(data_dir=tmp_path)).digest(
        number
    )
