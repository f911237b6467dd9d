"""Files of any format as parcels of staged rows."""

from collections.abc import Iterator
from typing import BinaryIO

from app.domain.registry.imports.formats.kesos_csv import read_kesos_csv
from app.domain.registry.imports.formats.opensid import read_opensid_parcels
from app.domain.registry.imports.formats.profile import Profile
from app.domain.registry.imports.formats.profiled import read_with_profile
from app.domain.registry.imports.formats.regsosek import read_regsosek
from app.domain.registry.imports.models import ImportFormat
from app.domain.registry.imports.staging import FAMILY_COPY, ISSUE_COPY, PERSON_COPY, Parcel, Reading

__all__ = ["FAMILY_COPY", "ISSUE_COPY", "PERSON_COPY", "Parcel", "Reading", "read_parcels"]


def read_parcels(
    source: BinaryIO,
    *,
    format: ImportFormat,  # noqa: A002  (the word of the field, as in the column and the API)
    profile: Profile | None,
    encoding: str,
    reading: Reading,
) -> Iterator[Parcel]:
    """Read ``source`` (seekable; it stays open) in parcels of some thousand rows.

    Args:
        source: the file.
        format: what it looks like.
        profile: how a file of ``ImportFormat.PROFILE`` is read.
        encoding: of csv files; another one than UTF-8 is never guessed.
        reading: what the import is about.

    Raises:
        DomainError: the whole file cannot be used (``file_errors``); this may come after the first parcels.
        ValueError: the format is PROFILE and there is no profile.
    """
    match format:
        case ImportFormat.KESOS_CSV:
            yield from read_kesos_csv(source, encoding, reading)
        case ImportFormat.OPENSID:
            yield from read_opensid_parcels(source, encoding, reading)
        case ImportFormat.REGSOSEK_2022:
            yield from read_regsosek(source, reading)
        case ImportFormat.PROFILE:
            if profile is None:
                raise ValueError("a file of format PROFILE is read by a profile")
            yield from read_with_profile(source, profile, encoding, reading)
