"""The rules that staged rows are held against, each a piece of SQL that says which rows break it.

Rules of one row share a scan of the staged table (``RowRule``). Rules that take several rows (``SetRule``) read narrow copies of the
staged rows, made once by ``lay_out``: the staged rows are 500 bytes wide, the copies 100, and they have statistics.
Nothing is written but what is found: a row without issue is accepted.
"""

from typing import Final, NamedTuple

from app.domain.registry.imports import reading_findings, rule_findings
from app.domain.registry.imports.file_columns import file_column
from app.domain.registry.imports.models import RowSubject, Severity
from app.domain.registry.imports.running import STAGED_FAMILIES, STAGED_PERSONS, Check
from app.domain.registry.nik import (
    KK_ISSUED_ELSEWHERE,
    NIK_BIRTH_DATE_DIFFERS,
    NIK_ISSUED_ELSEWHERE,
    NIK_SEX_DIFFERS,
    Finding,
)

_FAMILY, _PERSON = RowSubject.FAMILY, RowSubject.PERSON
_ERROR, _WARNING = Severity.ERROR, Severity.WARNING


class RowRule(NamedTuple):
    """A rule of one row by itself."""

    finding: Finding
    severity: Severity
    column: str
    broken: str
    """An SQL condition about the staged row ``r``."""
    value: str
    """An SQL text of ``r``: what stands in the cell, masked."""


class SetRule(NamedTuple):
    """A rule of several rows."""

    subject: RowSubject
    finding: Finding
    severity: Severity
    column: str
    broken: str
    """A query of the lines that break the rule: line, masked value, the other line that the finding names."""


def masked_sql(text: str) -> str:
    """SQL that shows an expression as ``reading_findings.masked`` would; for texts that are no NIK and no KK."""
    return f"case when length({text}) <= 3 then {text} else left({text}, 2) || repeat('*', least(length({text}) - 2, 16)) end"


_FAMILY_ROWS: Final = (
    RowRule(rule_findings.VILLAGE_MISSING, _ERROR, "village", "r.village_id is null and r.village_code is null", "''"),
    RowRule(
        rule_findings.VILLAGE_UNKNOWN,
        _ERROR,
        "village",
        "r.village_id is null and r.village_code is not null",
        "left(r.village_code, 13)",
    ),
    RowRule(
        rule_findings.VILLAGE_OUTSIDE,
        _ERROR,
        "village",
        "r.village_id not between :low and :high",
        "left(r.village_code, 13)",
    ),
    RowRule(
        KK_ISSUED_ELSEWHERE,
        _WARNING,
        "kk",
        "r.kk_regency <> r.village_id / 1000000",
        "r.kk_masked",
    ),
    RowRule(rule_findings.DECILE_OUT_OF_RANGE, _ERROR, "decile", "r.decile not between 1 and 10", "r.decile::text"),
    RowRule(
        rule_findings.PERCENTILE_OUT_OF_RANGE,
        _ERROR,
        "percentile",
        "r.percentile not between 1 and 100",
        "r.percentile::text",
    ),
    RowRule(
        rule_findings.PERCENTILE_OF_OTHER_DECILE,
        _ERROR,
        "percentile",
        "r.percentile between 1 and 100 and r.decile between 1 and 10 and (r.percentile - 1) / 10 + 1 <> r.decile",
        "r.percentile::text",
    ),
    RowRule(
        rule_findings.RANKED_IN_FUTURE, _ERROR, "ranked_on", "r.ranked_on > :today", masked_sql("r.ranked_on::text")
    ),
    RowRule(
        reading_findings.COORDINATES_INVALID,
        _ERROR,
        "latitude",
        "(r.latitude is null) <> (r.longitude is null) or abs(r.latitude) > 90 or abs(r.longitude) > 180",
        "''",
    ),
)
# A row that could not be read was refused by the reader, who knows the cell; this is for what a file left empty.
_UNREFUSED: Final = """not exists (
  select from import_issue i where i.regency_id = :regency_id and i.import_id = :import_id
  and i.subject = 'PERSON' and i.line = r.line and i.severity = 'ERROR')"""
_PERSON_ROWS: Final = (
    RowRule(reading_findings.NAME_MISSING, _ERROR, "name", f"r.name is null and {_UNREFUSED}", "''"),
    RowRule(reading_findings.CODE_MISSING, _ERROR, "sex", f"r.sex is null and {_UNREFUSED}", "''"),
    RowRule(reading_findings.CODE_MISSING, _ERROR, "relationship", f"r.relationship is null and {_UNREFUSED}", "''"),
    RowRule(
        reading_findings.BIRTH_DATE_IN_FUTURE,
        _ERROR,
        "birth_date",
        "r.birth_date > :today",
        masked_sql("r.birth_date::text"),
    ),
    RowRule(NIK_SEX_DIFFERS, _WARNING, "nik", "r.nik_sex <> r.sex", "r.nik_masked"),
    # A NIK shows two digits of the year, so dates a century apart agree.
    RowRule(
        NIK_BIRTH_DATE_DIFFERS,
        _WARNING,
        "nik",
        "r.nik_birth_date <> r.birth_date and to_char(r.nik_birth_date, 'YYMMDD') <> to_char(r.birth_date, 'YYMMDD')",
        "r.nik_masked",
    ),
    RowRule(reading_findings.PREGNANT_NOT_FEMALE, _WARNING, "pregnant", "r.pregnant and r.sex = 'MALE'", "'t'"),
)

_LAY_OUT: Final = (
    """create temp table checked_family (
  line int, village_id bigint, family_key bytea, kk_digest bytea, first_line int
) on commit drop""",
    """create temp table checked_person (
  line int, family_line int, village_id bigint, nik_regency int, head boolean, here boolean, nik_digest bytea, name text,
  birth_date date
) on commit drop""",
    # What the members of a family say about it: how many heads, the first of them, and whether somebody lives there.
    "create temp table family_members (family_line int, heads int, head_line int, here boolean) on commit drop",
    f"""insert into checked_family
select line, village_id, family_key, kk_digest, line from {STAGED_FAMILIES} f""",  # noqa: S608  (our own words)
    "analyze checked_family",
    """update checked_family f set first_line = r.first_line from (
  select family_key, min(line) as first_line from checked_family group by family_key having count(*) > 1
) r where f.family_key = r.family_key and f.line <> r.first_line""",
    # Persons of a KK that stands twice belong to the family that comes first.
    f"""insert into checked_person
select p.line, f.line, f.village_id, p.nik_regency, coalesce(p.relationship = 'HEAD', false),
  coalesce(p.presence in ('PRESENT', 'NEW_MEMBER'), true), p.nik_digest, p.name, p.birth_date
from {STAGED_PERSONS} p
left join checked_family f on f.family_key = p.family_key and f.first_line = f.line""",  # noqa: S608  (our own words)
    "analyze checked_person",
    """insert into family_members
select family_line, count(*) filter (where head), min(line) filter (where head), bool_or(here)
from checked_person where family_line is not null group by family_line""",
    "analyze family_members",
)

_KK_OF: Final = f"(select s.kk_masked from {STAGED_FAMILIES} s where s.line = f.line)"  # noqa: S608  (our own words)
_NIK_OF: Final = f"(select s.nik_masked from {STAGED_PERSONS} s where s.line = p.line)"  # noqa: S608  (our own words)
IN_FILE: Final = (
    # Twice in one village, the second is refused; in two villages, both are, because nobody can tell where the family lives.
    SetRule(
        _FAMILY,
        rule_findings.KK_REPEATED,
        _ERROR,
        "kk",
        f"""with repeated as (
  select first_line, (array_agg(line order by line))[2] as second_line, min(village_id) <> max(village_id) as scattered
  from checked_family group by first_line having count(*) > 1
)
select f.line, {_KK_OF}, case when f.line = f.first_line then r.second_line else f.first_line end
from checked_family f join repeated r using (first_line) where f.line <> f.first_line or r.scattered""",  # noqa: S608  (our own words)
    ),
    SetRule(
        _FAMILY,
        rule_findings.FAMILY_WITHOUT_PERSONS,
        _ERROR,
        "kk",
        f"""select f.line, {_KK_OF}, null::int from checked_family f
left join family_members m on m.family_line = f.line where f.line = f.first_line and m.family_line is null""",  # noqa: S608  (our own words)
    ),
    SetRule(
        _FAMILY,
        rule_findings.KK_HEAD_MISSING,
        _ERROR,
        "relationship",
        "select m.family_line, '', null::int from family_members m where m.heads = 0",
    ),
    SetRule(
        _FAMILY,
        rule_findings.KK_HEAD_DUPLICATE,
        _ERROR,
        "relationship",
        "select m.family_line, '', m.head_line from family_members m where m.heads > 1",
    ),
    SetRule(
        _PERSON,
        rule_findings.FAMILY_MISSING,
        _ERROR,
        "kk",
        """select p.line, '', null::int from checked_person p where p.family_line is null and not exists (
  select from import_issue i where i.regency_id = :regency_id and i.import_id = :import_id
  and i.subject = 'PERSON' and i.line = p.line and i.severity = 'ERROR')""",
    ),
    SetRule(
        _PERSON,
        rule_findings.NIK_REPEATED,
        _ERROR,
        "nik",
        f"""with repeated as (
  select nik_digest, min(line) as first_line from checked_person where nik_digest is not null
  group by nik_digest having count(*) > 1
)
select p.line, {_NIK_OF}, r.first_line from checked_person p join repeated r using (nik_digest) where p.line <> r.first_line""",  # noqa: S608  (our own words)
    ),
    SetRule(
        _PERSON,
        rule_findings.PERSON_REPEATED,
        _ERROR,
        "name",
        f"""select p.line, {masked_sql("p.name")}, min(o.line) from checked_person p
join checked_person o on o.family_line = p.family_line and lower(o.name) = lower(p.name)
  and o.birth_date is not distinct from p.birth_date and o.line < p.line
where p.nik_digest is null group by p.line, p.name""",  # noqa: S608  (our own words)
    ),
    SetRule(
        _PERSON,
        NIK_ISSUED_ELSEWHERE,
        _WARNING,
        "nik",
        f"""select p.line, {_NIK_OF}, null::int from checked_person p
where p.nik_regency <> p.village_id / 1000000""",  # noqa: S608  (our own words)
    ),
)
"""Rules that take several rows of the file."""

HEAD_REJECTED: Final = SetRule(
    _FAMILY,
    rule_findings.KK_HEAD_REJECTED,
    _ERROR,
    "relationship",
    """select m.family_line, '', m.head_line from family_members m
join refused_line h on h.subject = 'PERSON' and h.line = m.head_line
where not exists (select from refused_line r where r.subject = 'FAMILY' and r.line = m.family_line)""",
)
"""Comes last: a family that is not refused for a reason of its own goes with its head."""

_RECORD: Final = """insert into import_issue (regency_id, import_id, village_low, village_high, subject, line, code, column_name,
  severity, value_masked, other_line)
select :regency_id, :import_id, :low, :high, b.subject, b.line, b.code, b.column_name, b.severity, coalesce(b.value, ''), b.other_line
from ({broken}) b (subject, line, code, column_name, severity, value, other_line) on conflict do nothing"""
_REFUSED_LINES: Final = (
    "create temp table refused_line (subject text, line int) on commit drop",
    """insert into refused_line select distinct i.subject, i.line from import_issue i
where i.regency_id = :regency_id and i.import_id = :import_id and i.severity = 'ERROR'""",
    "analyze refused_line",
)
_PREGNANT_MEN: Final = """update staged_person set pregnant = null
where regency_id = :regency_id and import_id = :import_id and pregnant and sex = 'MALE' and exists (
  select from import_issue i where i.regency_id = :regency_id and i.import_id = :import_id and i.code = 'PREGNANT_NOT_FEMALE'
)"""


async def record(check: Check, rule: SetRule) -> int:
    """Write an issue for each line that breaks ``rule``; returns how many."""
    column = file_column(check.format, rule.subject, rule.column)
    constants = f"'{rule.subject.value}', q.line, '{rule.finding.code}', '{column}', '{rule.severity.value}'"
    # S608: rules are words of ours.
    broken = f"select {constants}, q.value, q.other_line from ({rule.broken}) q (line, value, other_line)"  # noqa: S608  (our own words)
    return await check.execute(_RECORD.replace("{broken}", broken))


async def hold_against_rules(check: Check) -> None:
    """Everything that the file says against itself."""
    for rules, table, subject in ((_FAMILY_ROWS, STAGED_FAMILIES, _FAMILY), (_PERSON_ROWS, STAGED_PERSONS, _PERSON)):
        statement = _RECORD.replace("{broken}", _broken_rows(check, rules, table, subject))
        await check.execute(statement)
    await check.execute(_PREGNANT_MEN)
    for statement in _LAY_OUT:
        await check.execute(statement)
    for rule in IN_FILE:
        await record(check, rule)


async def list_refused(check: Check) -> None:
    """Note the lines that are refused so far in ``refused_line``, a temporary table."""
    await check.execute("drop table if exists refused_line")
    for statement in _REFUSED_LINES:
        await check.execute(statement)


def _broken_rows(check: Check, rules: tuple[RowRule, ...], table: str, subject: RowSubject) -> str:
    found = ", ".join(
        f"('{rule.finding.code}', '{file_column(check.format, subject, rule.column)}', '{rule.severity.value}', "
        f"{rule.broken}, {rule.value})"
        for rule in rules
    )
    any_broken = " or ".join(f"({rule.broken})" for rule in rules)
    # S608: rules are words of ours. Few rows break any, so all conditions are asked before each is.
    return f"""select '{subject.value}', r.line, v.code, v.column_name, v.severity, v.value, null::int
from {table} r cross join lateral (values {found}) v (code, column_name, severity, broken, value)
where ({any_broken}) and v.broken"""  # noqa: S608  (our own words)
