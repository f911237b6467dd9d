"""Which families and persons of a file the registry holds already, as far as the scope of a transaction shows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.registry.models import family, person
from app.domain.registry.opensid.reader import PersonRow
from app.tenants.region_path import RegionPath

FAMILY_COLUMNS: Final[Mapping[str, str]] = {
    "address": "alamat",
    "hamlet": "dusun",
    "rw": "rw",
    "rt": "rt",
    "latitude": "lat",
    "longitude": "lng",
}
"""Columns of ``family`` that a file fills, with the column of the file."""
PERSON_COLUMNS: Final[Mapping[str, str]] = {
    "name": "nama",
    "relationship": "kk_level",
    "presence": "status_dasar",
    "sex": "sex",
    "birth_date": "tanggallahir",
    "birth_place": "tempatlahir",
    "marital_status": "status_kawin",
    "pregnant": "hamil",
    "has_birth_certificate": "akta_lahir",
    "has_identity_card": "ktp_el",
    "school_participation": "pendidikan_sedang_id",
    "education_level": "pendidikan_sedang_id",
    "highest_diploma": "pendidikan_kk_id",
    "working": "pekerjaan_id",
    "industry": "pekerjaan_id",
    "work_position": "pekerjaan_id",
    "own_business": "pekerjaan_id",
    "health_insurance": "id_asuransi",
    "difficulty_seeing": "cacat_id",
}
"""Columns of ``person`` that a file fills besides the NIK, with the column of the file."""

Stored: TypeAlias = sa.Row[Any]


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry holds of the numbers of a file."""

    families: Mapping[bytes, Stored]
    """Families of the village, by the digest of their KK."""
    elsewhere: frozenset[bytes]
    """Digests of the KK that are registered in other villages."""
    members: Mapping[UUID, Sequence[Stored]] = field(repr=False)
    """All persons of those families, by family."""
    living: frozenset[bytes]
    """Digests of the NIK of living persons, wherever they are."""

    def members_of(self, stored_family: Stored | None) -> Sequence[Stored]:
        """The registered members of a family; nobody where it is not registered."""
        return () if stored_family is None else self.members.get(stored_family.id, ())


async def find_registered(
    session: AsyncSession, village: RegionPath, kk_digests: Iterable[bytes], nik_digests: Iterable[bytes]
) -> Registered:
    """Look up all numbers of a file in two statements."""
    stored_families = await session.execute(
        sa.select(
            family.c.id,
            family.c.regency_id,
            family.c.village_id,
            family.c.kk_digest,
            *(family.c[column] for column in FAMILY_COLUMNS),
        ).where(
            family.c.kk_digest == sa.any_(sa.literal(list(kk_digests), pg.ARRAY(sa.LargeBinary))),
            # Written out, so that the planner sees the condition of the partial index.
            family.c.status == sa.literal_column("'ACTIVE'"),
        )
    )
    families: dict[bytes, Stored] = {}
    elsewhere: set[bytes] = set()
    for stored in stored_families:
        if stored.village_id == village.id:
            families[stored.kk_digest] = stored
        else:
            elsewhere.add(stored.kk_digest)
    family_ids = [stored.id for stored in families.values()]
    is_alive = person.c.presence != sa.literal_column("'DECEASED'")
    stored_persons = await session.execute(
        sa.select(
            person.c.family_id,
            person.c.nik_digest,
            person.c.member_no,
            is_alive.label("alive"),
            *(person.c[column] for column in PERSON_COLUMNS),
        ).where(
            sa.or_(
                sa.and_(
                    person.c.nik_digest == sa.any_(sa.literal(list(nik_digests), pg.ARRAY(sa.LargeBinary))), is_alive
                ),
                sa.and_(
                    person.c.regency_id.in_({stored.regency_id for stored in families.values()}),
                    person.c.family_id == sa.any_(sa.literal(family_ids, pg.ARRAY(pg.UUID(as_uuid=True)))),
                ),
            )
        )
    )
    members: defaultdict[UUID, list[Stored]] = defaultdict(list)
    living: set[bytes] = set()
    for stored in stored_persons:
        if stored.alive and stored.nik_digest is not None:
            living.add(stored.nik_digest)
        if stored.family_id is not None:
            members[stored.family_id].append(stored)
    return Registered(families, frozenset(elsewhere), members, frozenset(living))


def match_members(
    rows: Iterable[PersonRow], members: Sequence[Stored], nik_digests: Mapping[str, bytes]
) -> dict[int, Stored]:
    """Which member of a registered family each row is, by line: by NIK first, then by name and birth date.

    The second way finds people without NIK, those who have got theirs since, and those whose NIK was corrected.
    """
    by_nik = {stored.nik_digest: stored for stored in members if stored.nik_digest is not None}
    without_nik = (stored for stored in members if stored.nik_digest is None)
    found: dict[int, Stored] = {}
    for row in rows:
        if row.nik is not None and (stored := by_nik.pop(nik_digests[row.nik], None)) is not None:
            found[row.line] = stored
    by_name: dict[tuple[str, date | None], Stored] = {
        (stored.name.casefold(), stored.birth_date): stored for stored in (*by_nik.values(), *without_nik)
    }
    for row in rows:
        if row.line not in found and (stored := by_name.pop((row.name.casefold(), row.birth_date), None)) is not None:
            found[row.line] = stored
    return found
