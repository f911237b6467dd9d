"""Families that are registered and that a full edition has no more."""

from typing import Final

from app.domain.registry.imports.matching import ACCEPTED_PERSON
from app.domain.registry.imports.models import DepartureReason
from app.domain.registry.imports.running import REGISTERED_FAMILIES, REGISTERED_PERSONS, STAGED_PERSONS, Check

# A family stays where a member of it stands in a row that is refused: the file has it, and somebody has to mend the row. A member who
# was away before (moved, not found) is not missed: nobody expects the edition to have them.

_STATEMENTS: Final = (
    "create temp table departing (regency_id int, id uuid, village_id bigint) on commit drop",
    f"""insert into departing select r.regency_id, r.id, r.village_id from {REGISTERED_FAMILIES} r
where r.status = 'ACTIVE' and not exists (
  select from matched_family f where f.regency_id = r.regency_id and f.id = r.id
)""",  # noqa: S608  (our own words)
    "analyze departing",
    f"""insert into import_departure (regency_id, import_id, village_low, village_high, family_regency_id, family_id,
  family_village_id, reason)
with member as (
  select r.regency_id, r.family_id, r.presence <> 'DECEASED' as living, p.line is not null as seen,
    r.presence in ('PRESENT', 'NEW_MEMBER') as here, s.presence is not distinct from 'DECEASED' as said_dead,
    refused.line is not null as refused
  from departing d join {REGISTERED_PERSONS} r on r.regency_id = d.regency_id and r.family_id = d.id
  left join matched_person o on o.regency_id = r.regency_id and o.id = r.id
  left join (select p.line from checked_person p where {ACCEPTED_PERSON}) p on p.line = o.line
  left join {STAGED_PERSONS} s on s.line = p.line
  left join (select p.line, p.nik_digest from checked_person p where not ({ACCEPTED_PERSON})) refused
    on refused.nik_digest = r.nik_digest
), told as (
  select regency_id, family_id, bool_or(living and not said_dead) as anybody_alive,
    bool_or(living and seen and not said_dead) as anybody_seen, bool_or(here and not seen) as anybody_missed,
    bool_or(living and refused) as anybody_refused
  from member group by regency_id, family_id
)
select :regency_id, :import_id, :low, :high, d.regency_id, d.id, d.village_id,
  case when not t.anybody_alive then '{DepartureReason.MEMBERS_DECEASED.value}'
    when t.anybody_seen and not t.anybody_missed then '{DepartureReason.MEMBERS_MOVED.value}'
    else '{DepartureReason.NOT_IN_EDITION.value}' end
from departing d left join told t on t.regency_id = d.regency_id and t.family_id = d.id
where t.anybody_refused is not true""",  # noqa: S608  (our own words)
)


async def find_departures(check: Check) -> int:
    """Write the families that leave, each with the reason; returns how many. Matches and refused lines are known by now."""
    written = 0
    for statement in _STATEMENTS:
        written = await check.execute(statement)
    return written
