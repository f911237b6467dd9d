"""What a file calls the columns that rules speak of: an issue names a column as its sender knows it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.domain.registry.imports.models import ImportFormat, RowSubject
from app.domain.registry.opensid.registered import FAMILY_COLUMNS, PERSON_COLUMNS

_OPENSID: Final[Mapping[RowSubject, Mapping[str, str]]] = {
    RowSubject.FAMILY: {**FAMILY_COLUMNS, "kk": "no_kk", "relationship": "kk_level", "presence": "status_dasar"},
    RowSubject.PERSON: {**PERSON_COLUMNS, "kk": "no_kk"},
}
_NAMES: Final[Mapping[ImportFormat, Mapping[RowSubject, Mapping[str, str]]]] = {ImportFormat.OPENSID: _OPENSID}
_SAME: Final[Mapping[str, str]] = MappingProxyType({})


def file_columns(file_format: ImportFormat, subject: RowSubject) -> Mapping[str, str]:
    """The columns that files of this format call otherwise than the registry does."""
    return _NAMES.get(file_format, {}).get(subject, _SAME)


def file_column(file_format: ImportFormat, subject: RowSubject, column: str) -> str:
    """The header of the column that holds ``column`` of the registry, or ``nik``, ``kk`` or ``village``."""
    return file_columns(file_format, subject).get(column, column)
