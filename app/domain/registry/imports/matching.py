"""Who of a file is registered already, and what the file says otherwise; who is registered and not in a full edition any more.

A family is known by its KK, or where it has none by its head; a person by the NIK, or within the family by name and birth date. The
registry is looked at within the span of the import, which is what whoever runs it may see.
"""

from typing import Final

from app.domain.registry.imports import rule_findings
from app.domain.registry.imports.file_columns import file_columns
from app.domain.registry.imports.models import (
    FAMILY_ATTRIBUTES,
    PERSON_ATTRIBUTES,
    ImportMode,
    MatchOutcome,
    RowSubject,
    Severity,
)
from app.domain.registry.imports.rules import HEAD_REJECTED, SetRule, list_refused, masked_sql, record
from app.domain.registry.imports.running import (
    REGISTERED_FAMILIES,
    REGISTERED_PERSONS,
    STAGED_FAMILIES,
    STAGED_PERSONS,
    Check,
)

_NOT_COMPARED: Final = {"member_no"}
"""The order of members is that of a file; it says nothing about anybody."""
_NOT_REFUSED: Final = "not exists (select from refused_line x where x.subject = '{subject}' and x.line = {line})"


def _not_refused(subject: RowSubject, line: str) -> str:
    return _NOT_REFUSED.format(subject=subject.value, line=line)


ACCEPTED_FAMILY: Final = _not_refused(RowSubject.FAMILY, "f.line")
"""Whether row f of ``checked_family`` is accepted, once all errors are known and listed.

``verdicts`` tells the rule, and where else it stands.
"""
ACCEPTED_PERSON: Final = (
    f"p.family_line is not null and {_not_refused(RowSubject.FAMILY, 'p.family_line')} "
    f"and {_not_refused(RowSubject.PERSON, 'p.line')}"
)
"""The same of row p of ``checked_person``."""

_TABLES: Final = (
    "create temp table matched_family (line int, regency_id int, id uuid, village_id bigint) on commit drop",
    """create temp table matched_person (
  line int, regency_id int, id uuid, family_id uuid, village_id bigint, in_family boolean
) on commit drop""",
)
_HERE_FIRST: Final = """coalesce(r.village_id = f.village_id, false) desc, coalesce(r.regency_id = f.village_id / 1000000, false) desc,
  r.regency_id, r.id"""
# A KK is unique in a regency, so a province may hold it more than once; the one that lies nearest is the one that is meant.
_FAMILIES: Final = (
    f"""insert into matched_family
select distinct on (f.line) f.line, r.regency_id, r.id, r.village_id
from checked_family f join {REGISTERED_FAMILIES} r on r.kk_digest = f.kk_digest and r.status = 'ACTIVE'
where f.line = f.first_line order by f.line, {_HERE_FIRST}""",  # noqa: S608  (our own words)
    f"""insert into matched_family
select distinct on (f.line) f.line, r.regency_id, r.id, r.village_id
from checked_family f join family_members m on m.family_line = f.line
join checked_person h on h.line = m.head_line and {_not_refused(RowSubject.PERSON, "h.line")}
join {REGISTERED_PERSONS} p on p.nik_digest = h.nik_digest and p.presence <> 'DECEASED' and p.relationship = 'HEAD'
join {REGISTERED_FAMILIES} r on r.regency_id = p.regency_id and r.id = p.family_id and r.status = 'ACTIVE' and r.kk_digest is null
where f.kk_digest is null order by f.line, {_HERE_FIRST}""",  # noqa: S608  (our own words)
    "analyze matched_family",
)
_OF_OWN_FAMILY: Final = "coalesce(r.regency_id = m.regency_id and r.family_id = m.id, false)"
_PERSONS_BY_NIK: Final = f"""insert into matched_person
select distinct on (p.line) p.line, r.regency_id, r.id, r.family_id, r.village_id, {_OF_OWN_FAMILY}
from checked_person p join {REGISTERED_PERSONS} r on r.nik_digest = p.nik_digest
left join matched_family m on m.line = p.family_line
where {_not_refused(RowSubject.PERSON, "p.line")} and (r.presence <> 'DECEASED' or {_OF_OWN_FAMILY})
order by p.line, {_OF_OWN_FAMILY} desc, (r.presence <> 'DECEASED') desc,
  coalesce(r.regency_id = p.village_id / 1000000, false) desc, r.regency_id, r.id"""  # noqa: S608  (our own words)
# People without NIK, those who have got theirs since, and those whose NIK was corrected. In an addition the family's own
# member comes before a namesake of the number elsewhere; in an edition whoever holds the number has moved here.
_PERSONS_BY_NAME: Final = f"""insert into matched_person
with sought as (
  select p.line, m.regency_id, m.id as family_id, lower(p.name) as name, p.birth_date,
    row_number() over (partition by m.regency_id, m.id, lower(p.name), p.birth_date order by p.line) as place
  from checked_person p join matched_family m on m.line = p.family_line
  where {_not_refused(RowSubject.PERSON, "p.line")}
    and not exists (select from matched_person o where o.line = p.line and ({{taken}}))
), left_over as (
  select r.regency_id, r.id, r.family_id, r.village_id, lower(r.name) as name, r.birth_date,
    row_number() over (
      partition by r.regency_id, r.family_id, lower(r.name), r.birth_date order by r.nik_digest is not null, r.id
    ) as place
  from {REGISTERED_PERSONS} r join (select distinct regency_id, family_id from sought) s using (regency_id, family_id)
  where not exists (
    select from matched_person o where o.regency_id = r.regency_id and o.id = r.id and ({{taken}})
  )
)
select s.line, r.regency_id, r.id, r.family_id, r.village_id, true
from sought s join left_over r using (regency_id, family_id, name, place)
where s.birth_date is not distinct from r.birth_date"""  # noqa: S608  (our own words)
_NAMESAKES: Final = """delete from matched_person p using matched_person own
where not p.in_family and own.in_family and own.line = p.line"""

_REGISTERED_ELSEWHERE: Final = SetRule(
    RowSubject.FAMILY,
    rule_findings.KK_REGISTERED_ELSEWHERE,
    Severity.ERROR,
    "kk",
    f"""select f.line, s.kk_masked, null::int from matched_family r join checked_family f using (line)
join {STAGED_FAMILIES} s using (line) where r.village_id <> f.village_id""",  # noqa: S608  (our own words)
)
_NOBODY_PRESENT: Final = SetRule(
    RowSubject.FAMILY,
    rule_findings.KK_NOBODY_PRESENT,
    Severity.ERROR,
    "presence",
    """select m.family_line, '', null::int from family_members m
where not m.here and not exists (select from matched_family r where r.line = m.family_line)
  and not exists (select from checked_person p join refused_line x on x.subject = 'PERSON' and x.line = p.line
    where p.family_line = m.family_line)""",
)
_NIK_REGISTERED: Final = SetRule(
    RowSubject.PERSON,
    rule_findings.NIK_REGISTERED,
    Severity.ERROR,
    "nik",
    f"""select r.line, s.nik_masked, null::int from matched_person r
join {STAGED_PERSONS} s using (line) where not r.in_family""",  # noqa: S608  (our own words)
)
_HEAD_DIFFERS: Final = SetRule(
    RowSubject.PERSON,
    rule_findings.KK_HEAD_DIFFERS,
    Severity.ERROR,
    "relationship",
    f"""select p.line, '', null::int from checked_person p join matched_family f on f.line = p.family_line
where p.head and {_not_refused(RowSubject.PERSON, "p.line")}
  and not exists (select from matched_person o where o.line = p.line)
  and exists (select from {REGISTERED_PERSONS} r
    where r.regency_id = f.regency_id and r.family_id = f.id and r.relationship = 'HEAD')""",  # noqa: S608  (our own words)
)


def _differs(column: str) -> str:
    return f"s.{column} is not null and s.{column} is distinct from r.{column}"


def _changed(differences: dict[str, str]) -> str:
    """SQL for the columns of which the file (s) has another value than the registry (r); what it does not say is kept."""
    any_differs = " or ".join(differences.values())
    columns = ", ".join(f"case when {differs} then '{column}' end" for column, differs in differences.items())
    return f"case when {any_differs} then array_remove(array[{columns}], null) else '{{}}' end"


def _matches(subject: RowSubject, found: str) -> str:
    """The statement that writes what ``found`` says: line, regency and id of the registered row, whether moved, what changed."""
    return f"""insert into import_match (regency_id, import_id, village_low, village_high, subject, line, registered_regency_id,
  registered_id, outcome, changed)
select :regency_id, :import_id, :low, :high, '{subject.value}', c.line, c.regency_id, c.id,
  case when c.moved then '{MatchOutcome.MOVED.value}' when c.changed <> '{{}}' then '{MatchOutcome.CHANGED.value}'
    else '{MatchOutcome.SAME.value}' end, c.changed
from ({found}) c (line, regency_id, id, moved, changed)"""  # noqa: S608  (our own words)


_FAMILY_DIFFERENCES: Final = {column: _differs(column) for column in FAMILY_ATTRIBUTES}
_PERSON_DIFFERENCES: Final = {
    "nik": _differs("nik_digest"),
    **{column: _differs(column) for column in PERSON_ATTRIBUTES if column not in _NOT_COMPARED},
}
_MATCHES: Final = (
    _matches(
        RowSubject.FAMILY,
        f"""select f.line, m.regency_id, m.id, m.village_id <> f.village_id, {_changed(_FAMILY_DIFFERENCES)}
from matched_family m join checked_family f using (line) join {STAGED_FAMILIES} s using (line)
join {REGISTERED_FAMILIES} r on r.regency_id = m.regency_id and r.id = m.id where {ACCEPTED_FAMILY}""",  # noqa: S608  (our own words)
    ),
    _matches(
        RowSubject.PERSON,
        f"""select p.line, m.regency_id, m.id, m.village_id <> p.village_id or not m.in_family, {_changed(_PERSON_DIFFERENCES)}
from matched_person m join checked_person p using (line) join {STAGED_PERSONS} s using (line)
join {REGISTERED_PERSONS} r on r.regency_id = m.regency_id and r.id = m.id where {ACCEPTED_PERSON}""",  # noqa: S608  (our own words)
    ),
)


def _changes(check: Check, subject: RowSubject, staged: str, masked: str) -> str:
    """The statement that warns of each value that the file has otherwise, in a mode that leaves the registry as it is."""
    names = file_columns(check.format, subject)
    renamed = " ".join(f"when '{column}' then '{name}'" for column, name in names.items())
    column = f"case c.name {renamed} else c.name end" if renamed else "c.name"
    return f"""insert into import_issue (regency_id, import_id, village_low, village_high, subject, line, code, column_name, severity,
  value_masked)
select :regency_id, :import_id, :low, :high, m.subject, m.line, '{rule_findings.CHANGED.code}', {column},
  '{Severity.WARNING.value}', {masked}
from import_match m join {staged} s using (line) cross join lateral (select to_jsonb(s) as said) j
cross join lateral unnest(m.changed) as c(name) cross join lateral (select j.said ->> c.name as text) v
where m.regency_id = :regency_id and m.import_id = :import_id and m.subject = '{subject.value}' and m.changed <> '{{}}'
on conflict do nothing"""  # noqa: S608  (our own words)


async def match_registered(check: Check) -> None:
    """Find who is registered and write it, with what the file says otherwise; in an addition, refuse what does not fit.

    Afterwards ``refused_line`` lists all lines that are refused.
    """
    addition = check.mode is ImportMode.ADDITION
    await list_refused(check)
    for statement in (*_TABLES, *_FAMILIES):
        await check.execute(statement)
    if addition:
        await record(check, _REGISTERED_ELSEWHERE)
    await record(check, _NOBODY_PRESENT)
    await check.execute(_PERSONS_BY_NIK)
    await check.execute("analyze matched_person")
    await check.execute(_PERSONS_BY_NAME.replace("{taken}", "o.in_family" if addition else "true"))
    if addition:
        await check.execute(_NAMESAKES)
        await record(check, _NIK_REGISTERED)
        await list_refused(check)
        await record(check, _HEAD_DIFFERS)
    await list_refused(check)
    await record(check, HEAD_REJECTED)
    await list_refused(check)
    for statement in _MATCHES:
        await check.execute(statement)
    if addition:
        masked = masked_sql("v.text")
        await check.execute(_changes(check, RowSubject.FAMILY, STAGED_FAMILIES, masked))
        nik_or = f"case c.name when 'nik' then s.nik_masked else {masked} end"
        await check.execute(_changes(check, RowSubject.PERSON, STAGED_PERSONS, nik_or))
