"""Families for the differential tests: two districts of Yogyakarta with the oddities that a seed seldom gives.

They live in the database that all tests share, in two regencies that no other test writes to, and are removed at the end.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Final

from app.domain.registry.sealing import Seal
from app.domain.registry.seed import seed_registry
from app.domain.registry.service import load_editions
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.support.world import connected

if TYPE_CHECKING:
    import asyncpg

PROVINCE: Final = "34"
CITY: Final = "34.71"
COUNTRYSIDE: Final = "34.02"
_DISTRICTS: Final = {"34.71.03": 26, "34.02.01": 12}
_REGENCIES: Final = [3471, 3402]
_TODAY: Final = date(2026, 7, 31)

# $1: ids of the families of the city, $2: of the countryside, $3: of persons of the city, $4: of persons of the countryside.
_ODDITIES: Final = (
    r"update family set head_name = 'Sri ""Ayu"" \ O''Brien é', latitude = -7, longitude = 110.5, "
    "updated_at = '2026-01-02 03:04:05.120000+00', last_pkh_on = '2026-02-01', has_boat = null where id = $1[1]",
    "update family set decile = null, kk_sealed = null, kk_digest = null, kk_masked = null, address = null, hamlet = null, "
    "rw = null, rt = null, latitude = null, longitude = null, house_ownership = null, floor_area_m2 = null, toilet = null, "
    "updated_at = '2026-01-02 03:04:05+00' where id = $1[2]",
    "update family set status = 'MOVED' where id = $1[3]",
    "update family set head_name = 'Slamet Riyadi' where id in ($1[4], $1[5], $2[1])",
    "update family set head_name = '', updated_at = '2026-01-02 03:04:05.123456+00', decile = null where id = $2[2]",
    "update welfare_rank set percentile = null where family_id = $1[4]",
    "update welfare_rank set ranked_on = '2026-01-01' where family_id = any($1)",
    "update person set family_id = null, relationship = null, member_no = null, birth_date = null, birth_place = null, "
    "nik_sealed = null, nik_digest = null, nik_masked = null, no_nik_reason = 'NEGLECTED', temporary_id = 'TMP-1' "
    "where id = $3[1]",
    "update person set presence = 'DECEASED' where id in ($3[2], $4[2])",
    "update person set name = '100%_\\ Dewi', birth_date = '1948-02-29' where id in ($3[3], $3[4], $4[3])",
    "update person set identity_status = 'NO_IDENTITY', working = null, education_level = null where id in ($3[5], $4[4])",
    "update person set birth_date = null where id in ($3[6], $4[4])",
    # The same number in two regencies: uniqueness holds within one.
    "update person set (nik_sealed, nik_digest, nik_masked) = (select o.nik_sealed, o.nik_digest, o.nik_masked from person o "
    "where o.id = $3[7]) where id = $4[5]",
)
_TREE: Final = (
    "insert into region_change (kind, from_id, to_id, changed_on, decree, former_name) values "
    "('RENAME', 3471031001, 3471031001, '2001-02-03', 'Perda 1/2001', 'Lama'), "
    "('SPLIT', 3471031001, 3471031002, '2001-02-03', 'Perda 2/2001', null), "
    "('STATUS', 3402012001, 3471031001, '1999-01-01', 'Perda 3/1999', null)",
    "insert into region_alias (namespace, code, region_id, source) values ('BPS', '3471030', 347103, 'uji'), "
    "('BPS', '3471030001', 3471031001, 'uji'), ('KEMENDAGRI', '34.71.03.1999', 3471031001, 'uji \"dua\"')",
    "update region set valid_from = '1990-01-01', valid_to = '2030-12-31', decree = null where id = 3471031002",
)
_CLEARANCE: Final = (
    "delete from welfare_rank where regency_id = any($1)",
    "delete from person where regency_id = any($1)",
    "delete from family where regency_id = any($1)",
    "delete from registry_summary where regency_id = any($1)",
    "delete from registry_cohort where regency_id = any($1)",
    "delete from region_change where from_id / 1000000 = any($1)",
    "delete from region_alias where source like 'uji%' and region_id / 10000 in (347103, 3471031001 / 10000) "
    "and $1::int[] is not null",
    "update region set valid_from = null, valid_to = null, decree = (select decree from region where id = 3471031001) "
    "where id = 3471031002 and $1::int[] is not null",
)
