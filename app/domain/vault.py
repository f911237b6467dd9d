"""Files of personal data, sealed: what is uploaded or exported lies on the disk of the deployment and tells nothing to who takes the disk.

A file is a header (version, key id, salt) and chunks of 1 MiB, each sealed with AES-256-GCM by itself (the STREAM construction of
Hoang, Reyhanitabar, Rogaway and Vizár, as age and Tink have it). The key is derived by HKDF for this one file, from a key of the
deployment, the salt, the header and the id of the file. So a nonce is the number of the chunk and a byte that says whether it is the last,
and never comes twice; and a chunk that is changed, moved, left out or taken from another file does not open, nor does a file
that was cut. Any chunk is read without those before it.
"""

import io
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.domain.base import DomainError, NotFound
from app.domain.sealing_keys import KEY_BYTES, SealingKeys
from app.settings import Settings

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CHUNK_BYTES: Final = 1_048_576
TAG_BYTES: Final = 16
_SEALED_BYTES: Final = CHUNK_BYTES + TAG_BYTES
_MAGIC: Final = b"KESOSVAULT1"
_SALT_BYTES: Final = 32
_PURPOSE: Final = b"kesos file "
_LONGEST_KEY_ID: Final = 255
_SUFFIX: Final = ".sealed"
_PART: Final = ".part"


class FileDamaged(DomainError):
    """A sealed file was changed, cut or exchanged, or its key is not here."""

    code = "FILE_DAMAGED"

    def __init__(self) -> None:
        super().__init__(
            "Berkas yang disimpan rusak atau kuncinya tidak tersedia. Unggah atau buat lagi berkas ini.",
            "The stored file is damaged, or its key is not here. Upload or make the file again.",
        )


class FileGone(NotFound):
    """There is no such file, or no longer."""

    code = "FILE_GONE"

    def __init__(self) -> None:
        super().__init__(
            "Berkas sudah tidak disimpan. Unggah atau buat lagi berkas ini.",
            "The file is not kept any more. Upload or make it again.",
        )


class _Cipher:
    """Seals and opens the chunks of one file."""

    def __init__(self, key: bytes, header: bytes, file_id: UUID) -> None:
        derived = HKDF(SHA256(), KEY_BYTES, salt=header, info=_PURPOSE + file_id.bytes).derive(key)
        self._aead = AESGCM(derived)

    @staticmethod
    def _nonce(number: int, *, is_last: bool) -> bytes:
        return number.to_bytes(11, "big") + bytes([is_last])

    def seal_into(self, chunk: memoryview, target: memoryview, number: int, *, is_last: bool) -> None:
        """Seal ``chunk`` into ``target``, which is longer by the tag."""
        self._aead.encrypt_into(self._nonce(number, is_last=is_last), chunk, None, target)

    def open_into(self, sealed: memoryview, target: memoryview, number: int, *, is_last: bool) -> None:
        """Open ``sealed`` into ``target``, which is shorter by the tag."""
        try:
            self._aead.decrypt_into(self._nonce(number, is_last=is_last), sealed, None, target)
        except InvalidTag as error:
            raise FileDamaged from error


class SealedWriter(io.RawIOBase):
    """A file that is being written, in one go. As a context manager: the file is there when the block ends, and not if it raises.

    ``close`` ends the writing and decides nothing, so that a ``TextIOWrapper`` around it may close it. ``size`` (bytes) and ``sha256``
    are those of what was written; they are final after ``finish``.
    """

    def __init__(self, part: Path, target: Path, header: bytes, cipher: _Cipher) -> None:
        super().__init__()
        self._part, self._target, self._cipher = part, target, cipher
        self._chunk, self._sealed = bytearray(CHUNK_BYTES), bytearray(_SEALED_BYTES)
        self._held = self._number = self.size = 0
        self._digest = sha256()
        self._is_over = False
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._put(header)

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of what was written so far."""
        return self._digest.digest()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: "ReadableBuffer") -> int:
        """Take all of ``data``."""
        if self.closed or self._is_over:
            raise ValueError("write to a file that is closed")
        view = memoryview(data).cast("B")
        self._digest.update(view)
        self.size += len(view)
        at = 0
        while at < len(view):
            # A full chunk is sealed only when more comes: the last one is sealed as the last.
            if self._held == CHUNK_BYTES:
                self._seal(is_last=False)
            taken = min(CHUNK_BYTES - self._held, len(view) - at)
            self._chunk[self._held : self._held + taken] = view[at : at + taken]
            self._held += taken
            at += taken
        return len(view)

    def _seal(self, *, is_last: bool) -> None:
        sealed = memoryview(self._sealed)[: self._held + TAG_BYTES]
        self._cipher.seal_into(memoryview(self._chunk)[: self._held], sealed, self._number, is_last=is_last)
        self._put(sealed)
        self._number += 1
        self._held = 0

    def _put(self, data: "ReadableBuffer") -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def finish(self) -> None:
        """Bring the file to the disk, and then under its name. Does nothing a second time."""
        if self._is_over:
            return
        self._seal(is_last=True)
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._target)
        self._is_over = True
        self.close()
        _sync_folder(self._target.parent)

    def discard(self) -> None:
        """Leave nothing of what was written, where it was not finished."""
        if not self._is_over:
            self._is_over = True
            self._file.close()
            self._part.unlink(missing_ok=True)
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.discard()


class SealedReader(io.RawIOBase):
    """A file that is read from anywhere; ``size`` is its length in bytes. Wrap it in ``io.BufferedReader`` to read lines."""

    def __init__(self, file: io.FileIO, keys: Mapping[str, bytes], file_id: UUID) -> None:
        super().__init__()
        self._file = file
        try:
            header, key = _read_header(file, keys)
            self._begins = len(header)
            self._chunks, self._last = _chunks_of(os.fstat(file.fileno()).st_size - self._begins)
            self.size = (self._chunks - 1) * CHUNK_BYTES + self._last
            self._cipher = _Cipher(key, header, file_id)
            self._sealed, self._chunk = bytearray(_SEALED_BYTES), bytearray(CHUNK_BYTES)
            self._at, self._number = 0, -1
            # Whether the file was cut is known before anybody believes its length.
            self._open(self._chunks - 1)
        except BaseException:
            self.close()
            raise

    def _open(self, number: int) -> None:
        """Have the chunk ``number`` at hand."""
        if number == self._number:
            return
        self._number = -1
        is_last = number == self._chunks - 1
        length = self._last if is_last else CHUNK_BYTES
        sealed = memoryview(self._sealed)[: length + TAG_BYTES]
        self._file.seek(self._begins + number * _SEALED_BYTES)
        if _fill(self._file, sealed) != len(sealed):
            raise FileDamaged
        self._cipher.open_into(sealed, memoryview(self._chunk)[:length], number, is_last=is_last)
        self._number = number

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go on reading elsewhere."""
        begins = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if begins + offset < 0:
            raise ValueError("seek before the beginning")
        self._at = begins + offset
        return self._at

    def tell(self) -> int:
        """Where reading goes on."""
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill ``buffer``, all of it unless the file ends: zipfile takes less for a file that is cut.

        Raises:
            FileDamaged: the file was changed.
        """
        if self.closed:
            raise ValueError("read of a file that is closed")
        target = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(target) and self._at < self.size:
            number, within = divmod(self._at, CHUNK_BYTES)
            self._open(number)
            ends = self._last if number == self._chunks - 1 else CHUNK_BYTES
            taken = min(ends - within, len(target) - filled)
            target[filled : filled + taken] = memoryview(self._chunk)[within : within + taken]
            filled += taken
            self._at += taken
        return filled

    def close(self) -> None:
        """End."""
        if not self.closed:
            self._file.close()
        super().close()


class Vault:
    """The sealed files of a deployment, each under an id that is never used for another."""

    def __init__(self, folder: Path, keys: Mapping[str, bytes]) -> None:
        """Keep files in ``folder``; the last of ``keys`` (id -> 32 bytes) seals, all of them open."""
        if any(len(name.encode()) > _LONGEST_KEY_ID for name in keys):
            raise ValueError(f"the id of a sealing key has at most {_LONGEST_KEY_ID} bytes")
        self.folder, self._keys = folder, keys

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The files of a deployment."""
        folder = settings.files_dir or settings.data_dir / "files"
        return cls(folder, SealingKeys.of_settings(settings).sealing)

    def _path(self, file_id: UUID) -> Path:
        return self.folder / f"{UUID(int=file_id.int)}{_SUFFIX}"

    def create(self, file_id: UUID) -> SealedWriter:
        """Begin a file. One of the same id is replaced when this one is finished: a job that runs again makes it again."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name, key = list(self._keys.items())[-1]
        key_id = name.encode()
        header = _MAGIC + bytes([len(key_id)]) + key_id + os.urandom(_SALT_BYTES)
        target = self._path(file_id)
        part = target.with_name(f"{target.name}.{secrets.token_hex(8)}{_PART}")
        return SealedWriter(part, target, header, _Cipher(key, header, file_id))

    def open(self, file_id: UUID) -> SealedReader:
        """Read a file.

        Raises:
            FileGone: there is none.
            FileDamaged: it was changed or cut, or its key is not here.
        """
        try:
            file = self._path(file_id).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise FileGone from error
        return SealedReader(file, self._keys, file_id)

    def delete(self, file_id: UUID) -> None:
        """Remove a file; one that is not there stays so."""
        self._path(file_id).unlink(missing_ok=True)

    def older_than(self, age: timedelta) -> Iterator[UUID]:
        """The ids of files that were finished longer than ``age`` ago; some may be nobody's (see ``leftovers``)."""
        for path in self._untouched(f"*{_SUFFIX}", age):
            yield UUID(path.name.removesuffix(_SUFFIX))

    def sweep(self, age: timedelta) -> int:
        """Remove what processes that were killed have left unfinished; how many. What was written to within ``age`` stays."""
        left = list(self._untouched(f"*{_PART}", age))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _untouched(self, pattern: str, age: timedelta) -> Iterator[Path]:
        before = time.time() - age.total_seconds()
        for path in self.folder.glob(pattern):
            try:
                if path.stat().st_mtime <= before:
                    yield path
            except FileNotFoundError:
                continue  # somebody else has removed it


def _read_header(file: io.FileIO, keys: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """The header of ``file``, and the key that it names."""
    begin = file.read(len(_MAGIC) + 1)
    if len(begin) <= len(_MAGIC) or not begin.startswith(_MAGIC):
        raise FileDamaged
    rest = file.read(begin[-1] + _SALT_BYTES)
    key = keys.get(rest[: begin[-1]].decode(errors="replace"))
    if key is None or len(rest) < begin[-1] + _SALT_BYTES:
        raise FileDamaged
    return begin + rest, key


def _chunks_of(body: int) -> tuple[int, int]:
    """How many chunks lie in ``body`` bytes, and how long the last of them is once it is open."""
    chunks = -(-body // _SEALED_BYTES)
    last = body - (chunks - 1) * _SEALED_BYTES - TAG_BYTES
    if chunks < 1 or last < 0 or (last == 0 and chunks > 1):
        raise FileDamaged
    return chunks, last


def _fill(file: io.FileIO, target: memoryview) -> int:
    filled = 0
    while filled < len(target) and (got := file.readinto(target[filled:])):
        filled += got
    return filled


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
