"""How much is read to find who is registered: as many rows as the file has, and not the rows of the province for each of them."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from tests.imports.applying.office import Office, Person, family

FAMILIES = 150
_READ = """
select coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)::int from pg_stat_xact_user_tables
where relname in ('family', 'person')"""


def _count_reads(office: Office) -> list[int]:
    """Rows of the registry that each transaction has read, added when it commits."""
    read: list[int] = []

    def count(connection: Any) -> None:
        read.append(connection.exec_driver_sql(_READ).scalar())

    # Only the transaction itself can tell what it has read so far.
    engine = office.database._engine.sync_engine
    sa.event.listen(engine, "commit", count)
    return read


async def test_a_person_of_an_edition_is_looked_up_and_not_searched_for(office: Office) -> None:
    village = office.villages[office.regencies[0]][0]
    old = [family(f"K{number}", village, Person(f"P{number}"), decile=3) for number in range(FAMILIES)]
    await office.apply(old)
    await office.loader.execute("select analyze_imports()")
    read = _count_reads(office)
    await office.edition([replace(each, decile=4) for each in old], batch_families=FAMILIES)
    assert FAMILIES <= max(read) < 20 * FAMILIES
    assert [row[3] for row in await office.families()] == [4] * FAMILIES
