"""What every argument of the schema is given on the walk: the caller's own things and those of the neighbour."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.authz.roles import Role
from app.domain.audit.models import Purpose
from app.domain.insights.overlap import OverlapKind
from app.domain.registry.sealing import Seal
from app.tenants.server import DatabaseServer
from tests.isolation.cycles import PERIOD, cycle_of, entitlement_of, exclusion_of, generation_of, plant_cycles
from tests.isolation.cycles import PROGRAMME as AID
from tests.isolation.ewarong_agents import outlet_of, outlet_values, plant_outlets, service_of
from tests.isolation.ewarong_oversight import inspection_of, oversight_values, plant_oversight, violation_of
from tests.isolation.ewarong_sales import plant_sales, sale_of, sale_values
from tests.isolation.ewarong_signals import plant_signals, screening_of, signal_of, signal_values
from tests.isolation.ewarong_supply import PRICE_OF_BANYUMAS, plant_supply, supply_of, supply_values
from tests.isolation.exporting import export_of, plant_exports
from tests.isolation.happenings import FUTURE, READER
from tests.isolation.importing import CURSORS, duplicate_of, import_of, plant_imports
from tests.isolation.ledgers import entry_of, plant_ledger, return_of, wallet_of
from tests.isolation.matchings import matching_of, plant_matchings
from tests.isolation.memberships import membership_of, plant_memberships, review_of
from tests.isolation.payments import bank_file_of, card_of, order_of, plant_payments
from tests.isolation.planting import plant, quiet_district
from tests.isolation.programmes import PROGRAMME, TERMS, plant_programmes, quota_of
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
    quota: str
    quotas_after: str
    cycle: str
    generation: str
    entitlement: str
    exclusion: str
    order: str
    bank_file: str
    card: str
    of_payments_after: Mapping[str, str]
    """Cursors of the lists of payments, by their field."""
    membership: str
    review: str
    wallet: str
    entry: str
    idle_return: str
    of_ledger_after: Mapping[str, str]
    """Cursors of the lists of the ledger, by their field."""
    of_insurance_after: Mapping[str, str]
    """Cursors of the lists of memberships, by their field."""
    of_aid_after: Mapping[str, str]
    """Cursors of the lists of cycles, by their field."""
    of_import_after: Mapping[str, str]
    """Cursors of the lists of the import, by their field."""
    of_ewarong: tuple[str, ...]
    """Ids of ``at_outlets``."""


_CURSORS = """query($region: String!, $district: String!, $since: DateTime!) {
  families(first: 5, region: $region) { pageInfo { endCursor } }
  persons(first: 5, region: $region) { pageInfo { endCursor } }
  grants(first: 1, region: $district) { nodes { id } pageInfo { endCursor } }
  civilRegistryMatchings(first: 1, region: $region) { pageInfo { endCursor } }
  jobs(first: 1, region: $region) { pageInfo { endCursor } }
  exports(first: 1) { pageInfo { endCursor } }
  programme(code: "PKH") { quotas(first: 1) { pageInfo { endCursor } } }
  auditEvents(first: 2, filter: {since: $since}) { nodes { id } pageInfo { endCursor } }
}"""


_LEDGER = """query($region: String!, $wallet: ID!) {
  journalEntries(first: 1, region: $region) { pageInfo { endCursor } }
  wallets(first: 1, region: $region) { pageInfo { endCursor } }
  node(id: $wallet) { ... on Wallet { entries(first: 1) { pageInfo { endCursor } } } }
}"""
_RETURNS = "query($region: String!) { idleReturns(first: 1, region: $region) { pageInfo { endCursor } } }"
_INSURANCE = """query($region: String!) {
  healthMemberships(first: 1, region: $region) { pageInfo { endCursor } }
  membershipsAtRisk(first: 1, region: $region) { pageInfo { endCursor } }
  membershipReviews(first: 1, region: $region) { pageInfo { endCursor } }
}"""
_PAYMENTS = """query($region: String!, $order: ID!) {
  paymentOrders(first: 1, region: $region) { pageInfo { endCursor } }
  kksCards(first: 1, region: $region) { pageInfo { endCursor } }
  paymentOrder(id: $order) {
    jobs(first: 1) { pageInfo { endCursor } }
    files(first: 1) { nodes { results(first: 1) { pageInfo { endCursor } } } pageInfo { endCursor } }
  }
}"""
_LISTS = """query($region: String!, $cycle: ID!) {
  aidCycles(first: 1, region: $region) { pageInfo { endCursor } }
  entitlements(first: 1, cycle: $cycle) { nodes { family { payments(first: 1) { pageInfo { endCursor } } } } pageInfo { endCursor } }
  aidExclusions(first: 1, cycle: $cycle) { pageInfo { endCursor } }
}"""


async def plant_belongings(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` all that ``belongings`` looks for, but for its families and what happens to them."""
    for planting in (
        plant,
        plant_matchings,
        plant_imports,
        plant_jobs,
        plant_exports,
        plant_programmes,
        plant_cycles,
        plant_payments,
        plant_ledger,
        plant_memberships,
    ):
        await planting(server, *regencies)
    await plant_market(server, *regencies)


async def plant_market(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` outlets and all that happens at them."""
    for planting in (plant_outlets, plant_oversight, plant_sales, plant_supply, plant_signals):
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
    lists = await clerk.query(_LISTS, region=regency.code, cycle=cycle_of(regency))
    insurance = await clerk.query(_INSURANCE, region=regency.code)
    payments = await clerk.query(_PAYMENTS, region=regency.code, order=order_of(regency))
    (answer,) = payments["paymentOrder"]["files"]["nodes"]
    ledger = await clerk.query(_LEDGER, region=regency.code, wallet=wallet_of(regency))
    returns = await (await api.as_(Role.MINISTRY_ADMIN, regency.code)).query(_RETURNS, region=regency.code)
    (paid,) = lists["entitlements"]["nodes"]
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
        quota=quota_of(regency),
        quotas_after=pages["programme"]["quotas"]["pageInfo"]["endCursor"],
        cycle=cycle_of(regency),
        generation=generation_of(regency),
        entitlement=entitlement_of(regency),
        exclusion=await exclusion_of(owner, regency),
        order=order_of(regency),
        bank_file=bank_file_of(regency),
        card=await card_of(owner, regency),
        of_payments_after={
            "paymentOrders": payments["paymentOrders"]["pageInfo"]["endCursor"],
            "kksCards": payments["kksCards"]["pageInfo"]["endCursor"],
            "jobs": payments["paymentOrder"]["jobs"]["pageInfo"]["endCursor"],
            "files": payments["paymentOrder"]["files"]["pageInfo"]["endCursor"],
            "results": answer["results"]["pageInfo"]["endCursor"],
        },
        membership=membership_of(regency),
        review=review_of(regency),
        wallet=wallet_of(regency),
        entry=entry_of(regency),
        idle_return=return_of(regency),
        of_ledger_after={
            "journalEntries": ledger["journalEntries"]["pageInfo"]["endCursor"],
            "wallets": ledger["wallets"]["pageInfo"]["endCursor"],
            "entries": ledger["node"]["entries"]["pageInfo"]["endCursor"],
            "idleReturns": returns["idleReturns"]["pageInfo"]["endCursor"],
        },
        of_insurance_after={name: page["pageInfo"]["endCursor"] for name, page in insurance.items()},
        of_aid_after={
            "aidCycles": lists["aidCycles"]["pageInfo"]["endCursor"],
            "entitlements": lists["entitlements"]["pageInfo"]["endCursor"],
            "aidExclusions": lists["aidExclusions"]["pageInfo"]["endCursor"],
            "payments": paid["family"]["payments"]["pageInfo"]["endCursor"],
        },
        of_import_after={name: page["pageInfo"]["endCursor"] for name, page in imports["import"].items()},
        of_ewarong=at_outlets(regency),
    )


def at_outlets(regency: Regency) -> tuple[str, ...]:
    """Ids of an outlet of ``regency`` and of what belongs to it."""
    return (
        *(outlet_of(regency), service_of(regency), inspection_of(regency), violation_of(regency)),
        *supply_of(regency),
        *(sale_of(regency), signal_of(regency), screening_of(regency)),
    )


def argument_values(
    own: Belongings, foreign: Belongings, both: tuple[Regency, Regency] = (BANYUMAS, CILACAP)
) -> dict[str, Values]:
    """Values by ``Type.field(argument)``, those of outlets of ``both``. Optional enums need none: every value is walked."""
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
        "Query.node(id)": Values(_PUBLIC_IDS + _ids(own) + _ids(foreign)),
        "Query.nodes(ids)": Values(
            [[*_PUBLIC_IDS, *[each for pair in zip(_ids(foreign), _ids(own), strict=True) for each in pair]]]
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
        **_programme_values(own, foreign, pages),
        **_aid_values(own, foreign, pages),
        **_payment_values(own, foreign, pages),
        **_insurance_values(own, foreign, pages),
        **_ledger_values(own, foreign, pages, pages_of_events),
        **_overlap_values(own, foreign, pages),
        **_eligibility_values(),
        **outlet_values(pages, both),
        **oversight_values(pages, both),
        **supply_values(pages, both),
        **sale_values(pages, both),
        **signal_values(pages, both),
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


def _programme_values(own: Belongings, foreign: Belongings, pages: Values) -> dict[str, Values]:
    day = Values(once=['"2026-10-01"'])
    return {
        "Query.programme(code)": Values([PROGRAMME]),
        "Query.programmes(first)": pages,
        "Query.programmes(after)": Values(once=[json.dumps(base64.urlsafe_b64encode(b'["CODE", "PBI_JK"]').decode())]),
        "Query.programmes(on)": day,
        "Query.programmes(region)": Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "36")]),
        "Programme.terms(on)": day,
        "Programme.relations(on)": day,
        "Programme.versions(first)": pages,
        "Programme.versions(after)": _cursors(own.quotas_after),
        "Programme.quotas(first)": pages,
        "Programme.quotas(after)": _cursors(own.quotas_after, foreign.quotas_after),
        "Programme.quotas(year)": Values(once=["2098", "2026"]),
        "Programme.quotas(region)": Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")]),
    }


def _aid_values(own: Belongings, foreign: Belongings, pages: Values) -> dict[str, Values]:
    places = Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")])
    programme, period = Values(once=[json.dumps(AID), '"PKH"']), Values(once=[json.dumps(PERIOD)])
    cycles = [json.dumps(own.cycle), json.dumps(foreign.cycle)]

    def after(name: str) -> Values:
        return _cursors(own.of_aid_after[name], foreign.of_aid_after[name])

    return {
        "Query.aidCycle(id)": Values([own.cycle, foreign.cycle]),
        "Query.aidCycles(first)": pages,
        "Query.aidCycles(after)": after("aidCycles"),
        "Query.aidCycles(region)": places,
        "Query.aidCycles(programme)": programme,
        "Query.aidCycles(period)": period,
        "Query.entitlements(first)": pages,
        "Query.entitlements(after)": after("entitlements"),
        "Query.entitlements(cycle)": Values(once=cycles),
        "Query.entitlements(region)": places,
        "Query.entitlements(programme)": programme,
        "Query.entitlements(period)": period,
        "Query.aidExclusions(first)": pages,
        "Query.aidExclusions(after)": after("aidExclusions"),
        "Query.aidExclusions(cycle)": Values([own.cycle, foreign.cycle]),
        "Query.aidExclusions(reason)": Values(once=['"DOUBLE_AID"']),
        "Query.aidSummary(region)": Values(["33", CILACAP.code, BANYUMAS.code]),
        "Query.aidSummary(by)": Values(["REGENCY"], ["PROVINCE"]),
        "Query.aidSummary(programme)": Values([AID]),
        "Query.aidSummary(period)": Values([PERIOD]),
        "Family.entitlements(first)": pages,
        "Family.entitlements(after)": after("entitlements"),
        "Family.entitlements(programme)": programme,
        "Family.entitlements(period)": period,
        "Family.payments(first)": pages,
        "Family.payments(after)": after("payments"),
        "Family.payments(asOf)": Values(once=['"2100-12-31"', '"2020-01-01"']),
        "Family.payments(programme)": programme,
    }


def _payment_values(own: Belongings, foreign: Belongings, pages: Values) -> dict[str, Values]:
    places = Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")])

    def after(name: str) -> Values:
        return _cursors(own.of_payments_after[name], foreign.of_payments_after[name])

    return {
        "Query.paymentOrder(id)": Values([own.order, foreign.order]),
        "Query.paymentOrders(first)": pages,
        "Query.paymentOrders(after)": after("paymentOrders"),
        "Query.paymentOrders(region)": places,
        "Query.paymentOrders(cycle)": Values(once=[json.dumps(own.cycle), json.dumps(foreign.cycle)]),
        "Query.kksCards(first)": pages,
        "Query.kksCards(after)": after("kksCards"),
        "Query.kksCards(region)": places,
        "PaymentOrder.jobs(first)": Values([2], ["1"]),
        "PaymentOrder.jobs(after)": after("jobs"),
        "PaymentOrder.files(first)": Values([2], ["1"]),
        "PaymentOrder.files(after)": after("files"),
        "BankFile.results(first)": Values([2], ["1"]),
        "BankFile.results(after)": after("results"),
    }


def _insurance_values(own: Belongings, foreign: Belongings, pages: Values) -> dict[str, Values]:
    lists: dict[str, Values] = {}
    for name, after in own.of_insurance_after.items():
        lists[f"Query.{name}(first)"] = pages
        lists[f"Query.{name}(after)"] = _cursors(after, foreign.of_insurance_after[name])
        lists[f"Query.{name}(region)"] = Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")])
    return lists


def _ledger_values(own: Belongings, foreign: Belongings, pages: Values, pages_with_proofs: Values) -> dict[str, Values]:
    places = Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")])
    programme = Values(once=[json.dumps(AID), '"PKH"'])

    def after(name: str) -> Values:
        return _cursors(own.of_ledger_after[name], foreign.of_ledger_after[name])

    def both(mine: str, theirs: str) -> Values:
        return Values(once=[json.dumps(mine), json.dumps(theirs)])

    return {
        "Query.journalEntry(id)": Values([own.entry, foreign.entry]),
        "Query.journalEntries(first)": pages_with_proofs,
        "Query.journalEntries(after)": after("journalEntries"),
        "Query.journalEntries(region)": places,
        "Query.journalEntries(programme)": programme,
        "Query.journalEntries(cycle)": both(own.cycle, foreign.cycle),
        "Query.journalEntries(family)": both(own.family, foreign.family),
        "Query.journalEntries(wallet)": both(own.wallet, foreign.wallet),
        "Query.wallets(first)": pages_with_proofs,
        "Query.wallets(after)": after("wallets"),
        "Query.wallets(region)": places,
        "Query.wallets(programme)": programme,
        "Query.wallets(holding)": Values(once=["true", "false"]),
        "Query.ledgerBalances(region)": Values([None, "33"], [json.dumps(CILACAP.code), json.dumps(BANYUMAS.code)]),
        "Query.ledgerBalances(by)": Values(["REGENCY"], ["PROVINCE"]),
        "Query.ledgerBalances(programme)": programme,
        "Query.idleReturns(first)": pages,
        "Query.idleReturns(after)": after("idleReturns"),
        "Query.idleReturns(region)": places,
        "Query.idleReturns(programme)": programme,
        "Wallet.entries(first)": Values([2], ["1"]),
        "Wallet.entries(after)": after("entries"),
        "JournalEntry.inclusionProof(seal)": Values(once=[json.dumps("0" * 64)]),
    }


def _overlap_values(own: Belongings, foreign: Belongings, pages: Values) -> dict[str, Values]:
    period = Values([PERIOD], ['"2030-01-01"'])
    regions = Values(["33"], [json.dumps(code) for code in (BANYUMAS.code, CILACAP.code)])
    kinds = [kind.value for kind in OverlapKind]
    return {
        "Query.aidOverlap(region)": regions,
        "Query.aidOverlap(by)": Values(["DISTRICT"], ["PROVINCE", "REGENCY", "VILLAGE"]),
        "Query.aidOverlap(period)": period,
        "Query.aidOverlap(decileTo)": Values(once=["10", "1"]),
        "Query.aidOverlapFamilies(first)": pages,
        "Query.aidOverlapFamilies(after)": _cursors(own.families_after, foreign.families_after),
        "Query.aidOverlapFamilies(region)": regions,
        "Query.aidOverlapFamilies(kind)": Values(["WITHOUT_AID"], kinds),
        "Query.aidOverlapFamilies(period)": period,
        "Query.aidOverlapFamilies(decileTo)": Values(once=["10"]),
    }


def _eligibility_values() -> dict[str, Values]:
    sentence = '"desil {family.decile}"'
    rule = (
        f'number: 1, code: "UJI", condition: "family.decile <= 2", met: {sentence}, metEnglish: {sentence}, unmet: {sentence}, '
        f"unmetEnglish: {sentence}"
    )
    component = (
        'component: "ANAK", name: "anak", nameEnglish: "child", condition: "person.age < 18", mostPerFamily: 2, '
        "amounts: [{year: 2026, amount: 1200000}]"
    )
    return {
        "Query.eligibilityTry(programme)": Values(["SEMBAKO"], ['"PKH"']),
        "Query.eligibilityTry(period)": Values(["2026-07-01"]),
        "Query.eligibilityTry(region)": Values([BANYUMAS.code, CILACAP.code], [json.dumps(CILACAP.village(1, 1))]),
        "Query.eligibilityTry(terms)": Values(
            once=[
                f"{{amount: 100000, rules: [{{{rule}}}]}}",
                f"{{mostPersons: 3, rules: [], components: [{{{component}}}]}}",
            ]
        ),
        "Family.whyNot(programme)": Values(["SEMBAKO"], ['"PKH"']),
        "Family.whyNot(period)": Values(["2026-07-01"]),
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


_PUBLIC_IDS = ["Region:33", f"Programme:{PROGRAMME}", TERMS, "Commodity:RICE", PRICE_OF_BANYUMAS]


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
        belongings.quota,
        belongings.cycle,
        belongings.generation,
        belongings.entitlement,
        belongings.exclusion,
        belongings.wallet,
        belongings.entry,
        belongings.idle_return,
        belongings.order,
        belongings.bank_file,
        belongings.card,
        belongings.membership,
        belongings.review,
        *belongings.of_ewarong,
    ]


def _cursors(*cursors: str) -> Values:
    return Values(once=[json.dumps(cursor) for cursor in cursors])
