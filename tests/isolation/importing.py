"""Imports with ids and moments that are the same in every database, each marked with its regency.

What lies across Banyumas and its neighbours bears the mark of Cilacap: Banyumas does not see it.
"""

from typing import TYPE_CHECKING, Final

from app.tenants.server import DatabaseServer
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

CURSORS: Final = """query($id: ID!, $region: String!) {
  imports(first: 1, region: $region) { pageInfo { endCursor } }
  import(id: $id) {
    rows(first: 1) { pageInfo { endCursor } } duplicates(first: 1) { pageInfo { endCursor } }
    newFamilies(first: 1) { pageInfo { endCursor } } changes(first: 1) { pageInfo { endCursor } }
    departures(first: 1) { pageInfo { endCursor } } } }"""
_IMPORT: Final = """
insert into registry_import (regency_id, id, village_low, village_high, region_id, upload_id, idempotency_key, format, profile, mode,
  edition_id, stage, families_staged, families_left, created_by, created_by_name, created_at, validated_at)
values ($1::bigint / 1000000, $2::text::uuid, $1, $3, $4::bigint, $2::text::uuid, $2::text::uuid, 'PROFILE', $5, 'EDITION',
  (select min(id) from registry_edition), 'VALIDATED', $4::bigint, $4::bigint + 1, '01b00000-0000-7000-8000-000000000000', $5,
  '2100-01-01Z', '2100-01-02Z')
on conflict do nothing
"""
_PLACE: Final = "regency_id, import_id, village_low, village_high"
_OF_IMPORT: Final = "i.regency_id, i.id, i.village_low, i.village_high"
_SUBJECT: Final = "case when n % 2 = 0 then 'FAMILY' else 'PERSON' end"
_NAMED: Final = """
with named as (select $1::text::uuid as import, $2::text::uuid as first, $3::text::uuid as second),
  i as (select registry_import.* from registry_import join named on named.import = id)
insert into
"""
_SAID: Final = """
import_issue ({place}, subject, line, code, column_name, severity, value_masked, other_line)
select {own}, {subject}, n, 'NIK_SERIAL_ZERO', 'nik', case when n % 3 = 0 then 'ERROR' else 'WARNING' end, i.created_by_name, 1
from i, generate_series(2, 8) n
;
import_match ({place}, subject, line, registered_regency_id, registered_id, outcome, changed)
select {own}, {subject}, n, i.regency_id, i.id, case when n < 4 then 'CHANGED' else 'MOVED' end, array[i.created_by_name]
from i, generate_series(2, 5) n
;
import_departure ({place}, family_regency_id, family_id, family_village_id, reason)
select {own}, i.regency_id, f.id, f.village_id, 'NOT_IN_EDITION'
from i, lateral (select * from family where regency_id = i.regency_id order by id limit 3) f
;
staged_family ({place}, line, id, family_key, village_id, decile)
select {own}, n, i.id, '', f.village_id, 1
from i, generate_series(2, 9) n, lateral (select * from family where regency_id = i.regency_id order by id limit 1) f
;
staged_person ({place}, line, id, family_key, name)
select {own}, n, i.id, '', i.created_by_name from i, generate_series(2, 9) n
;
import_batch ({place}, number, first_village_id, last_village_id, families)
select {own}, 1, i.village_low, i.village_high, 1 from i
;
import_duplicate ({place}, id, line, other_line, score)
select {own}, first, 3, 4, 90 from i, named
;
import_duplicate ({place}, id, line, person_regency_id, person_id, score, decision)
select {own}, second, 5, i.regency_id, i.id, 80, 'SAME_PERSON' from i, named
"""


def _uuid(kind: int, place: int) -> str:
    """The id of the import (kind 0), or of one of its two duplicates (1, 2), at ``place``."""
    return f"01c00000-0000-7000-8000-{kind}{place:011}"


def import_of(regency: Regency) -> str:
    """The node id of the import of all of ``regency``."""
    return f"Import:{regency.id}:{_uuid(0, regency.id)}"


def duplicate_of(regency: Regency) -> str:
    """The node id of its first probable duplicate."""
    return f"ImportDuplicate:{regency.id}:{_uuid(1, regency.id)}"


async def plant_imports(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` an import of all of it; with neighbours also one that lies across them."""
    async with connected(server) as owner:
        for regency in regencies:
            await _plant(owner, regency.id, regency.path.villages.low, regency.path.villages.high, regency.mark)
        if CILACAP in regencies:
            await _plant(owner, 33, CILACAP.path.villages.low, BANYUMAS.path.villages.high, CILACAP.mark)


async def _plant(owner: "asyncpg.Connection[asyncpg.Record]", region: int, low: int, high: int, mark: str) -> None:
    ids = [_uuid(kind, region) for kind in range(3)]
    if await owner.execute(_IMPORT, low, ids[0], high, region, mark) == "INSERT 0 0":
        return
    for statement in _SAID.format(place=_PLACE, own=_OF_IMPORT, subject=_SUBJECT).split(";"):
        await owner.execute(_NAMED + statement, *ids)
