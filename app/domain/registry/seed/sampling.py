"""The synthetic population as a file in Kesos CSV: all of it is invented, so its numbers stand there in clear."""

import csv
import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import IO, Final, NamedTuple

import sqlalchemy as sa

from app.domain.registry.copy_text import NULL
from app.domain.registry.enums import RegistryScheme
from app.domain.registry.imports.formats.kesos_csv import FAMILIES, PERSONS
from app.domain.registry.models import family, person
from app.domain.registry.seed.places import Village
from app.domain.registry.seed.population import (
    FAMILY_COLUMNS,
    PERSON_COLUMNS,
    PLAIN_NUMBERS,
    RANK_COLUMNS,
    Batch,
    Population,
    SeedRun,
)
from app.domain.registry.service import Edition
from app.tenants.region_path import RegionPath

_BATCH_FAMILIES: Final = 4_000
_RANKED: Final = ("percentile", "ranked_on")
_NOT_IN_FILES: Final = frozenset(
    {
        "regency_id",
        "id",
        "village_id",
        "edition_id",
        "status",
        "head_name",
        "family_id",
        "identity_status",
        "mismatch_reason",
    }
)
_BOOLEANS: Final = {"t": "true", "f": "false", NULL: ""}
_SEALED: Final = {"kk_sealed": "kk", "nik_sealed": "nik"}
_SEAL_COLUMNS: Final = frozenset({"kk_digest", "kk_masked", "nik_digest", "nik_masked"})
_FAST: Final = 1
"""Level of compression: the file is big, and read once or twice."""


class SampleProgress(NamedTuple):
    """How much has been written."""

    families: int
    persons: int


class _Table:
    """Turns COPY rows of one table into csv rows; none of the invented texts needs an escape of COPY."""

    def __init__(self, table: sa.Table, columns: Sequence[str], *first: str) -> None:
        plain = [_SEALED.get(name, name) for name in columns if name not in _SEAL_COLUMNS]
        self._at = {name: at for at, name in enumerate(plain)}
        self._kept = [at for at, name in enumerate(plain) if name not in _NOT_IN_FILES]
        self._said = [
            _BOOLEANS if name in table.c and isinstance(table.c[name].type, sa.Boolean) else {NULL: ""}
            for name in plain
            if name not in _NOT_IN_FILES
        ]
        self.header = [*first, *(plain[at] for at in self._kept)]

    def rows(self, copied: bytes) -> Iterator[list[str]]:
        """The cells of each row."""
        return (line.split("\t") for line in copied.decode().splitlines())

    def at(self, name: str) -> int:
        return self._at[name]

    def kept(self, cells: Sequence[str]) -> list[str]:
        """What a file says of a row."""
        return [said.get(cell, cell) for said, cell in zip(self._said, map(cells.__getitem__, self._kept), strict=True)]


class _Sheet:
    """Writes csv rows to a binary file."""

    def __init__(self, file: IO[bytes], header: Sequence[str]) -> None:
        self._file = file
        self.write([header])

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._file.write(text.getvalue().encode())


class _Sample:
    """Writes batches of families and persons as the rows of two csv files."""

    def __init__(self, families: IO[bytes], persons: IO[bytes]) -> None:
        self._family = _Table(family, FAMILY_COLUMNS, "village", *_RANKED)
        self._person = _Table(person, PERSON_COLUMNS, "kk")
        self._families = _Sheet(families, self._family.header)
        self._persons = _Sheet(persons, self._person.header)

    def write(self, batch: Batch) -> None:
        """Add whole families."""
        ranks = {}
        for line in batch.rank_rows.decode().splitlines():
            rank = dict(zip(RANK_COLUMNS, line.split("\t"), strict=True))
            ranks[rank["family_id"]] = [rank[name] for name in _RANKED]
        id_at, village_at, kk_at = (self._family.at(name) for name in ("id", "village_id", "kk"))
        kks, rows = {}, []
        for cells in self._family.rows(batch.family_rows):
            village, key = cells[village_at], cells[id_at]
            kks[key] = cells[kk_at]
            code = f"{village[:2]}.{village[2:4]}.{village[4:6]}.{village[6:]}"
            rows.append([code, *ranks.get(key, ("", "")), *self._family.kept(cells)])
        self._families.write(rows)
        family_at = self._person.at("family_id")
        self._persons.write(
            [kks[cells[family_at]], *self._person.kept(cells)] for cells in self._person.rows(batch.person_rows)
        )


def write_sample(
    out: Path,
    *,
    region: RegionPath,
    villages: Sequence[Village],
    families: int,
    seed: int,
    today: date,
    on_progress: Callable[[SampleProgress], None] | None = None,
) -> SampleProgress:
    """Write ``families`` synthetic families of ``villages`` (ordered by id) as a zip in Kesos CSV.

    The same region, number, seed and day give the same file. Only a batch of families is in memory; the file appears
    under its name when it is whole.

    Raises:
        OSError: ``out`` cannot be written.
    """
    edition = Edition(0, RegistryScheme.DTSEN, "", "", None, today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1))
    run = SeedRun(region, families, seed, today, (edition,))
    part = out.with_name(f".{out.name}.part")
    done = SampleProgress(0, 0)
    try:
        with (
            tempfile.TemporaryFile(dir=out.parent) as rows_of_families,
            zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST) as archive,
        ):
            with archive.open(PERSONS, "w", force_zip64=True) as member:
                sample = _Sample(rows_of_families, member)
                for batch in Population(run, PLAIN_NUMBERS).batches(villages, _BATCH_FAMILIES):
                    sample.write(batch)
                    done = SampleProgress(done.families + batch.families, done.persons + batch.persons)
                    if on_progress is not None:
                        on_progress(done)
            rows_of_families.seek(0)
            with archive.open(FAMILIES, "w", force_zip64=True) as member:
                shutil.copyfileobj(rows_of_families, member)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return done
