"""What every argument of the schema is given on the walk: the caller's own things and those of the neighbour."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.authz.roles import Role
from app.domain.audit.models import Purpose
from app.domain.registry.sealing import Seal
from app.tenants.server import DatabaseServer
from tests.isolation.exporting import export_of, plant_exports
from tests.isolation.happenings import FUTURE, READER
from tests.isolation.importing import CURSORS, duplicate_of, import_of, plant_imports
from tests.isolation.matchings import matching_of, plant_matchings
from tests.isolation.planting import plant, quiet_district
from tests.isolation.walking import Values
from tests.isolation.working import job_of, plant_jobs
from tests.support.client import ApiClient
from tests.support.world import BANYUMAS, CILACAP, Regency

if TYPE_CHECKING:
    import asyncpg


@dataclass(frozen=True, slots=True)
class Belongings:
    """Ids, a number and cursors of one regency."""

    family: str
    person: str
    nik: str
    families_after: str
    persons_after: str
    grant: str
    grants_after: str
    event: str
    events_after: str
    matching: str
    matchings_after: str
    job: str
    jobs_after: str
    export: str
    exports_after: str
    import_: str
    duplicate: str
    imports_after: str
    of_import_after: Mapping[str, str]
    """Cursors of the lists of the import, by their field."""


_CURSORS = """query($region: String!, $district: String!, $since: DateTime!) {
  families(first: 5, region: $region) { pageInfo { endCursor } }
  persons(first: 5, region: $region) { pageInfo { endCursor } }
  grants(first: 1, region: $district) { nodes { id } pageInfo { endCursor } }
  civilRegistryMatchings(first: 1, region: $region) { pageInfo { endCursor } }
  jobs(first: 1, region: $region) { pageInfo { endCursor } }
  exports(first: 1) { pageInfo { endCursor } }
  auditEvents(first: 2, filter: {since: $since}) { nodes { id } pageInfo { endCursor } }
}"""


async def plant_belongings(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` all that ``belongings`` looks for, but for its families and what happens to them."""
    for planting in (plant, plant_matchings, plant_imports, plant_jobs, plant_exports):
        await planting(server, *regencies)


async def belongings(
    api: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal, regency: Regency
) -> Belongings:
    """What a clerk of ``regency`` could have written down."""
    person = await owner.fetchrow(
        "select p.* from person p join family f on f.regency_id = p.regency_id and f.id = p.family_id "
        "where p.regency_id = $1 and p.presence = 'PRESENT' and p.nik_sealed is not null order by p.id desc limit 1",
        regency.id,
    )
    assert person is not None
    clerk = await api.as_(Role.REGENCY_ADMIN, regency.code)
    imports = await clerk.query(CURSORS, id=import_of(regency), region=regency.code)
    pages = await clerk.query(_CURSORS, region=regency.code, district=quiet_district(regency), since=FUTURE)
    return Belongings(
        family=f"Family:{regency.id}:{person['family_id']}",
        person=f"Person:{regency.id}:{person['id']}",
        nik=seal.unseal(person["nik_sealed"]),
        families_after=pages["families"]["pageInfo"]["endCursor"],
        persons_after=pages["persons"]["pageInfo"]["endCursor"],
        grant=pages["grants"]["nodes"][0]["id"],
        grants_after=pages["grants"]["pageInfo"]["endCursor"],
        event=pages["auditEvents"]["nodes"][0]["id"],
        events_after=pages["auditEvents"]["pageInfo"]["endCursor"],
        matching=matching_of(regency),
        matchings_after=pages["civilRegistryMatchings"]["pageInfo"]["endCursor"],
        job=job_of(regency),
        jobs_after=pages["jobs"]["pageInfo"]["endCursor"],
        export=export_of(regency),
        exports_after=pages["exports"]["pageInfo"]["endCursor"],
        import_=import_of(regency),
        duplicate=duplicate_of(regency),
        imports_after=imports["imports"]["pageInfo"]["endCursor"],
        of_import_after={name: page["pageInfo"]["endCursor"] for name, page in imports["import"].items()},
    )


def argument_values(own: Belongings, foreign: Belongings) -> dict[str, Values]:
    """Values by ``Type.field(argument)``. Optional enums need none: every value is walked."""
    regions = [json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, CILACAP.village(1, 1), "33", "34")]
    pages = Values([100], ["1", None])
    # A proof is charged for all that it may hold, so fewer events are asked for with theirs.
    pages_of_events = Values([14], ["1"])
    anywhere = Values(once=regions)
    sought = [f"{{search: {json.dumps(text)}}}" for text in ("s", CILACAP.mark, BANYUMAS.mark)]
    reveals = Values(["AUDIT"], [purpose.value for purpose in Purpose])
    after_central_java = Values(once=[json.dumps(base64.urlsafe_b64encode(b'["CODE", "33"]').decode())])
    return {
        "Query.families(first)": pages,
        "Query.families(after)": _cursors(own.families_after, foreign.families_after),
        "Query.families(region)": anywhere,
        "Query.families(filter)": Values(
            once=[
                *sought,
                "{deciles: {from: 1, to: 4}}",
                "{statuses: [ACTIVE, MOVED]}",
                '{search: "x33", deciles: {from: 1, to: 10}, statuses: [ACTIVE]}',
            ]
        ),
        "Query.persons(first)": pages,
        "Query.persons(after)": _cursors(own.persons_after, foreign.persons_after),
        "Query.persons(region)": anywhere,
        "Query.persons(filter)": Values(
            once=[
                *sought,
                "{identityStatuses: [MATCHED, NIK_ISSUED]}",
                "{presences: [PRESENT, DECEASED]}",
                "{sex: FEMALE}",
                '{bornFrom: "1950-01-01", bornTo: "2000-12-31"}',
            ]
        ),
        "Query.family(id)": Values([own.family, foreign.family]),
        "Query.person(id)": Values([own.person, foreign.person]),
        "Query.personByNik(nik)": Values([own.nik, foreign.nik]),
        "Query.node(id)": Values(_ids(own) + _ids(foreign)),
        "Query.nodes(ids)": Values(
            [["Region:33", *[each for pair in zip(_ids(foreign), _ids(own), strict=True) for each in pair]]]
        ),
        "Query.grants(first)": pages,
        "Query.grants(after)": _cursors(own.grants_after, foreign.grants_after),
        "Query.grants(region)": Values([quiet_district(BANYUMAS), quiet_district(CILACAP)]),
        "Query.auditEvents(first)": pages_of_events,
        "Query.auditEvents(after)": _cursors(own.events_after, foreign.events_after),
        "Query.auditEvents(region)": anywhere,
        "Query.auditEvents(filter)": Values(
            [{"since": FUTURE}],
            [
                f'{{since: "{FUTURE}", actions: [READ, REVEAL]}}',
                f'{{since: "{FUTURE}", until: "2100-01-01T02:30:00Z"}}',
                f'{{since: "{FUTURE}", principalId: "{READER}"}}',
            ],
        ),
        "Query.subjectAccess(first)": pages_of_events,
        "Query.subjectAccess(after)": _cursors(own.events_after, foreign.events_after),
        "Query.subjectAccess(nik)": Values([own.nik, foreign.nik]),
        "Query.subjectAccess(since)": Values([FUTURE]),
        "Query.civilRegistryMatching(id)": Values([own.matching, foreign.matching]),
        "Query.civilRegistryMatchings(first)": pages,
        "Query.civilRegistryMatchings(after)": _cursors(own.matchings_after, foreign.matchings_after),
        "Query.civilRegistryMatchings(region)": anywhere,
        "Query.export(id)": Values([own.export, foreign.export]),
        "Query.exports(first)": pages,
        "Query.exports(after)": _cursors(own.exports_after, foreign.exports_after),
        "Query.job(id)": Values([own.job, foreign.job]),
        "Query.jobs(first)": pages,
        "Query.jobs(after)": _cursors(own.jobs_after, foreign.jobs_after),
        "Query.jobs(region)": anywhere,
        "Query.jobs(filter)": Values(once=["{states: [FAILED], kinds: [EXPORT, MATCHING]}", "{states: [QUEUED]}"]),
        **_import_values(own, foreign, pages),
        "AuditEvent.inclusionProof(seal)": Values(once=[json.dumps("0" * 64)]),
        "Query.region(code)": Values([CILACAP.code], ['"33"']),
        "Query.regions(first)": pages,
        "Query.regions(after)": after_central_java,
        "Query.regions(search)": Values(once=['"cilacap"']),
        "Query.regions(within)": Values(["33"], [json.dumps(CILACAP.code)]),
        "Query.registrySummary(region)": Values(["33", CILACAP.code, BANYUMAS.code]),
        "Query.registrySummary(by)": Values(["VILLAGE"], ["PROVINCE", "REGENCY", "DISTRICT"]),
        "Person.nikRevealed(purpose)": reveals,
        "Family.kkRevealed(purpose)": reveals,
        "Region.children(first)": pages,
        "Region.children(after)": after_central_java,
        "Region.children(search)": Values(once=['"cilacap"']),
    }


def _import_values(own: Belongings, foreign: Belongings, pages: Values) -> dict[str, Values]:
    lists: dict[str, Values] = {}
    for name, after in own.of_import_after.items():
        lists[f"Import.{name}(first)"] = pages
        lists[f"Import.{name}(after)"] = _cursors(after, foreign.of_import_after[name])
    return lists | {
        "Query.import(id)": Values([own.import_, foreign.import_]),
        "Query.imports(first)": pages,
        "Query.imports(after)": _cursors(own.imports_after, foreign.imports_after),
        "Query.imports(region)": Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")]),
        "Query.imports(filter)": Values(once=["{stages: [VALIDATED], formats: [PROFILE]}", "{stages: [APPLIED]}"]),
        "Import.rows(filter)": Values(
            once=[
                '{severities: [WARNING], codes: ["NIK_SERIAL_ZERO"], subject: FAMILY, lines: {from: 1, to: 6}}',
                "{severities: [ERROR], subject: PERSON}",
            ]
        ),
        "Import.duplicates(filter)": Values(once=["{decided: true}", "{decided: false}"]),
        "Import.changes(filter)": Values(
            once=["{outcomes: [CHANGED, MOVED], subject: PERSON}", "{outcomes: [SAME], subject: FAMILY}"]
        ),
    }


def _ids(belongings: Belongings) -> list[str]:
    return [
        belongings.family,
        belongings.person,
        belongings.grant,
        belongings.event,
        belongings.matching,
        belongings.job,
        belongings.export,
        belongings.import_,
        belongings.duplicate,
    ]


def _cursors(*cursors: str) -> Values:
    return Values(once=[json.dumps(cursor) for cursor in cursors])
