"""What the head of an upload says: the name of the file, how it comes, how long it is, and its digest (RFC 9530)."""

import base64
import binascii
import re
import unicodedata
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from starlette.datastructures import Headers

from app.domain.uploads.errors import UploadTooLarge
from app.domain.uploads.models import LONGEST_NAME
from app.web.bodies import expect_uncompressed
from app.web.logs import masked
from app.web.refusals import BadRequest

_UNNAMED: Final = "upload"
_LONGEST_HEADER: Final = 2_048
_EXTENDED_NAME: Final = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", re.IGNORECASE)
_QUOTED_NAME: Final = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_TOKEN_NAME: Final = re.compile(r"filename\s*=\s*([^;\s\"]+)", re.IGNORECASE)
_DIGESTS: Final = ("repr-digest", "content-digest", "digest")
_SHA_256: Final = re.compile(
    r"(?:^|,)\s*sha-256\s*=\s*(?::([A-Za-z0-9+/=]{44}):|([A-Za-z0-9+/=]{44}))\s*(?:[;,]|$)", re.IGNORECASE
)
_SHA_256_BYTES: Final = 32
_LENGTH_DIGITS: Final = 15


class NameInvalid(BadRequest):
    """The name of the file cannot be shown to anybody."""

    code = "UPLOAD_NAME_INVALID"

    def __init__(self) -> None:
        super().__init__(
            f"Nama berkas di Content-Disposition harus teks yang dapat dibaca, paling panjang {LONGEST_NAME} karakter.",
            f"The file name in Content-Disposition must be readable text of at most {LONGEST_NAME} characters.",
        )


class DigestInvalid(BadRequest):
    """A digest was sent that cannot be compared."""

    code = "UPLOAD_DIGEST_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "Tulis digest sebagai Repr-Digest: sha-256=:<Base64 dari 32 byte>:, atau jangan kirim.",
            "Write the digest as Repr-Digest: sha-256=:<Base64 of 32 bytes>:, or leave it out.",
        )


def expect_file(headers: Headers) -> None:
    """Make sure that the body is a file, neither compressed on the way nor wrapped in a form.

    Raises:
        BadRequest: 415, it is.
    """
    expect_uncompressed(headers)
    if headers.get("content-type", "").lower().startswith("multipart/"):
        raise BadRequest(
            "Kirim isi berkas saja sebagai isi permintaan, bukan formulir multipart (curl --data-binary @berkas).",
            "Send the file alone as the body, not a multipart form (curl --data-binary @file).",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


def declared_length(headers: Headers, *, most: int) -> int:
    """How many bytes are announced; 0 where nothing is.

    Raises:
        UploadTooLarge: more than ``most``, or no number.
    """
    length = headers.get("content-length", "0")
    if len(length) > _LENGTH_DIGITS or not (length.isascii() and length.isdecimal()) or int(length) > most:
        raise UploadTooLarge(most)
    return int(length)


def file_name(headers: Headers) -> str:
    """The name of the file as ``Content-Disposition`` tells it, without folders and without what could be a NIK.

    Raises:
        NameInvalid: it is too long, or holds what cannot be shown.
    """
    disposition = headers.get("content-disposition")
    if disposition is None:
        return _UNNAMED
    if len(disposition) > _LONGEST_HEADER:
        raise NameInvalid
    if (extended := _EXTENDED_NAME.search(disposition)) is not None:
        name = unquote(extended[1], errors="replace")
    elif (quoted := _QUOTED_NAME.search(disposition)) is not None:
        name = _as_sent(re.sub(r"\\(.)", r"\1", quoted[1]))
    elif (token := _TOKEN_NAME.search(disposition)) is not None:
        name = _as_sent(token[1])
    else:
        return _UNNAMED
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1].strip())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or "�" in name:
        raise NameInvalid
    return masked(name)


def _as_sent(text: str) -> str:
    """``text`` of a header, which Starlette reads as Latin-1, in UTF-8 where it is that: curl sends names as they are."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def announced_digest(headers: Headers) -> bytes | None:
    """The SHA-256 that the body is said to have; None where nothing is said.

    Raises:
        DigestInvalid: a digest of another kind, one that cannot be read, or two that differ.
    """
    found = set()
    for name in _DIGESTS:
        for value in headers.getlist(name):
            match = _SHA_256.search(value) if len(value) <= _LONGEST_HEADER else None
            if match is None:
                raise DigestInvalid
            found.add(_decoded(match[1] or match[2]))
    if len(found) > 1:
        raise DigestInvalid
    return found.pop() if found else None


def _decoded(text: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise DigestInvalid from error
    if len(digest) != _SHA_256_BYTES:
        raise DigestInvalid
    return digest
