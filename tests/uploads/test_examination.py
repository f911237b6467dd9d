"""What a file is, and what is refused, by its content alone."""

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.uploads.archives import MOST_WORKBOOK_BYTES
from app.domain.uploads.errors import (
    UploadDamaged,
    UploadEmpty,
    UploadTypeUnsupported,
    UploadUnsafe,
)
from app.domain.uploads.examination import HEAD_BYTES, examine, examine_head
from app.tenants.errors import DomainError
from tests.uploads.files import CSV, DAMAGED, GOOD, UNSAFE, UNSUPPORTED, compound, long_directory, workbook, zipped


def refused(content: bytes) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        examine(io.BytesIO(content))  # type: ignore[arg-type]  # read and seek are all that is needed
    return refusal.value


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_known_by_its_content(name: str) -> None:
    content, kind = GOOD[name]
    assert examine(io.BytesIO(content)).value == kind  # type: ignore[arg-type]  # as above
    examine_head(content[:HEAD_BYTES])


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_file_of_another_kind_is_refused_and_the_sender_told_what_to_do(name: str) -> None:
    refusal = refused(UNSUPPORTED[name])
    assert isinstance(refusal, UploadTypeUnsupported)
    assert "xlsx" in refusal.english
    assert "xlsx" in refusal.indonesian
    assert refusal.english != refusal.indonesian


@pytest.mark.parametrize("name", UNSAFE)
def test_an_archive_that_would_do_harm_is_refused(name: str) -> None:
    assert isinstance(refused(UNSAFE[name]), UploadUnsafe)


@pytest.mark.parametrize("name", DAMAGED)
def test_an_archive_that_cannot_be_read_is_refused(name: str) -> None:
    assert isinstance(refused(DAMAGED[name]), UploadDamaged)


@pytest.mark.parametrize("content", [b"", zipped({})])
def test_nothing_is_no_file(content: bytes) -> None:
    assert isinstance(refused(content), UploadEmpty)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a PDF", "PDF"),
        ("a program", "Windows program"),
        ("a web page", "HTML"),
        ("an old workbook", "save it as .xlsx"),
        ("a workbook with a password", "save it without one"),
        ("a zip with a password", "make it without one"),
        ("a form", "curl --data-binary"),
        ("gzip", "unpack it first"),
        ("an OpenDocument", "another office document"),
    ],
)
def test_the_message_names_what_the_file_is(name: str, words: str) -> None:
    assert words in refused(UNSUPPORTED[name]).english


def test_a_wrong_file_is_known_by_its_first_bytes_where_they_say_it() -> None:
    for name in ("a program", "a PDF", "a web page", "gzip", "prose"):
        with pytest.raises(UploadTypeUnsupported):
            examine_head(UNSUPPORTED[name][:HEAD_BYTES])
    examine_head(compound(encrypted=True)[:HEAD_BYTES])


@pytest.mark.parametrize(
    "bomb", [zipped({"families.csv": bytes(200_000_000)}), long_directory(10_000_000)], ids=["zeros", "directory"]
)
def test_a_bomb_is_refused_without_being_unpacked(bomb: bytes) -> None:
    file = io.BytesIO(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(UploadUnsafe):
            examine(file)  # type: ignore[arg-type]  # as above
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_workbook_is_unpacked_in_pieces() -> None:
    large = workbook(rows=60_000)
    tracemalloc.start()
    try:
        examine(io.BytesIO(large))  # type: ignore[arg-type]  # as above
        assert tracemalloc.get_traced_memory()[1] < len(large) + 12_000_000
    finally:
        tracemalloc.stop()
    assert len(large) * 3 < MOST_WORKBOOK_BYTES


def code_of(content: bytes) -> str:
    """What becomes of ``content``: the code of its refusal, or that it is taken."""
    try:
        examine(io.BytesIO(content))  # type: ignore[arg-type]  # as above
    except DomainError as refusal:
        return refusal.code
    return "UPLOAD_TAKEN"


@given(st.binary(max_size=300))
def test_whatever_comes_is_taken_or_refused_with_a_code(content: bytes) -> None:
    for begin in (b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", zipped({"a.csv": CSV})[:-40]):
        assert code_of(begin + content).startswith("UPLOAD_")


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_an_archive_with_any_byte_changed_is_taken_or_refused_with_a_code(at: int, byte: int) -> None:
    content = bytearray(workbook())
    content[at % len(content)] = byte
    assert code_of(bytes(content)).startswith("UPLOAD_")
