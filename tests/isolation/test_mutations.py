"""What mutations could reach: nothing of a neighbour, be it known by its id or by its code."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, GraphQLUnionType, get_named_type
from uuid_utils.compat import uuid7

from app.authz.roles import Role
from app.domain.bansos.models.programmes import TermsState
from app.domain.registry.service import load_editions
from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.architecture.tables import TENANT, WALLED
from tests.isolation.cycles import PROGRAMME as AID
from tests.isolation.cycles import clear_decidable, plant_decidable
from tests.isolation.ewarong_agents import NOWHERE as NO_OUTLETS
from tests.isolation.ewarong_agents import barred, planned, plant_aims, proposed
from tests.isolation.ewarong_oversight import NOWHERE as NO_VIOLATIONS
from tests.isolation.ewarong_oversight import inspected, plant_violations, recorded, said, stepped
from tests.isolation.ewarong_sales import NOWHERE as NO_SALES
from tests.isolation.ewarong_sales import plant_sale, reported, synced, taken_back
from tests.isolation.ewarong_signals import NOWHERE as NO_SIGNALS
from tests.isolation.ewarong_signals import plant_open_signal, screened, triaged
from tests.isolation.ewarong_supply import NOWHERE as NO_SUPPLIERS
from tests.isolation.ewarong_supply import delivered, observed, plant_supplier, priced, registered, sold
from tests.isolation.memberships import clear_changeable, plant_changeable
from tests.isolation.payments import clear_payable, plant_payable
from tests.isolation.walking import reachable_types
from tests.support.aid import plant_programme, plant_terms
from tests.support.client import ApiClient, Caller, Json, api_of
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

SCHEMA: Final = api().planner.blueprint.schema
_GIVE: Final = "mutation($i: GrantGiveInput!) { grantGive(input: $i) { ... on GrantGiven { grant { id } } } }"


@dataclass(frozen=True, slots=True)
class Aim:
    """What an input names: a regency by its code, and things there by their ids."""

    code: str
    grant: str
    """A grant that is proposed."""
    upload: str
    """A file that the caller has sent."""
    import_: str
    """An import that waits for a decision."""
    duplicate: str
    """A probable duplicate in it."""
    job: str
    """A job that waits."""
    export: str
    """An export of whoever asks."""
    programme: str
    """A programme that runs there alone."""
    terms: str
    """Terms that are proposed, of another such programme."""
    members: Mapping[str, str]
    """A person, and memberships that wait for something, by the mutation that does it."""
    cycles: Mapping[str, str]
    """Cycles that wait for a decision, by the mutation that takes it."""
    payments: Mapping[str, str]
    """Cycles, orders of payment and cards, by the mutation that can be done to them."""
    outlets: Mapping[str, str]
    """Outlets and what belongs to them, by their types."""
    violations: Mapping[str, str]
    """Violations, by the mutation that can be done to them."""


TOLD: Final = {"EwarongSyncResult"}
"""How parts of a mutation went: made of what the caller has sent, and of what it has just done."""
NOWHERE: Final = Aim(
    "33.98",
    grant=f"PrincipalGrant:{uuid4()}",
    upload=str(uuid4()),
    import_=f"Import:3301:{uuid4()}",
    duplicate=f"ImportDuplicate:3301:{uuid4()}",
    job=f"Job:3301:{uuid4()}",
    export=f"Export:3301:{uuid4()}",
    programme="TIDAK_ADA",
    terms=f"ProgrammeTerms:{uuid4()}",
    members=defaultdict(lambda: f"HealthMembership:3301:{uuid4()}", membershipPropose=f"Person:3301:{uuid4()}"),
    cycles=defaultdict(lambda: f"AidCycle:3301:{uuid4()}"),
    payments=defaultdict(
        lambda: f"PaymentOrder:3301:{uuid4()}",
        {
            name: f"{type_}:3301:{uuid4()}"
            for type_, names in (
                ("AidCycle", ("kksCardsOpen", "paymentOrdersMake", "cycleSettle", "cycleReconcile", "cycleClose")),
                ("KksCard", ("kksCardsPrint", "kksCardMove", "kksCardReplace")),
            )
            for name in names
        },
    ),
    outlets={**NO_OUTLETS, **NO_SUPPLIERS, **NO_SALES, **NO_SIGNALS},
    violations=NO_VIOLATIONS,
)


def _giving(aim: Aim) -> Json:
    return {
        "subject": str(uuid4()),
        "name": "Sari",
        "role": "REGENCY_VERIFIER",
        "region": aim.code,
        "validTo": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
        "reason": "Uji",
    }


INPUTS: Final[dict[str, Callable[[Aim], Json]]] = {
    "grantGive": _giving,
    "grantConfirm": lambda aim: {"id": aim.grant},
    "grantRevoke": lambda aim: {"id": aim.grant, "reason": "Uji"},
    "exportDelete": lambda aim: {"id": aim.export},
    "civilRegistryMatchingStart": lambda aim: {"region": aim.code, "idempotencyKey": str(uuid4())},
    "importStart": lambda aim: {
        "idempotencyKey": str(uuid4()),
        "uploadId": aim.upload,
        "format": "KESOS_CSV",
        "region": aim.code,
        "edition": "DTSEN:2026-Q3",
    },
    "importApply": lambda aim: {"id": aim.import_, "version": 1},
    "importCheck": lambda aim: {"id": aim.import_},
    "importDiscard": lambda aim: {"id": aim.import_},
    "jobCancel": lambda aim: {"id": aim.job},
    "importDuplicateDecide": lambda aim: {"id": aim.duplicate, "decision": "SAME_PERSON"},
    "programmeTermsPropose": lambda aim: {
        "programme": aim.programme,
        "validFrom": "2030-01-01",
        "periodMonths": 3,
        "amount": 1,
        "rules": [],
    },
    "membershipPropose": lambda aim: {"person": aim.members["membershipPropose"], "segment": "PBI_REGIONAL"},
    "membershipVerify": lambda aim: {"id": aim.members["membershipVerify"], "version": 1},
    "membershipDecide": lambda aim: {"id": aim.members["membershipDecide"], "version": 1, "decision": "APPROVE"},
    "membershipDeactivate": lambda aim: {
        "id": aim.members["membershipDeactivate"],
        "version": 1,
        "reason": "DECEASED",
        "decree": "Uji",
    },
    "membershipsDeactivate": lambda aim: {"region": aim.code, "reason": "DUPLICATE", "decree": "Uji"},
    "membershipReactivate": lambda aim: {
        "id": aim.members["membershipReactivate"],
        "facilityName": "Uji",
        "facilityLetter": "1",
        "officeStatement": "2",
    },
    "membershipReactivationDecide": lambda aim: {
        "id": aim.members["membershipReactivationDecide"],
        "version": 1,
        "decision": "REJECT",
        "reason": "Uji",
    },
    "membershipReview": lambda aim: {"region": aim.code, "idempotencyKey": str(uuid4())},
    "cycleGenerate": lambda aim: {
        "programme": AID,
        "period": "2030-01-01",
        "region": aim.code,
        "idempotencyKey": str(uuid4()),
    },
    "cycleVerify": lambda aim: {"id": aim.cycles["cycleVerify"], "version": 1},
    "cycleApprove": lambda aim: {"id": aim.cycles["cycleApprove"], "version": 1},
    "cycleRelease": lambda aim: {"id": aim.cycles["cycleRelease"], "version": 1},
    "cycleRevise": lambda aim: {
        "id": aim.cycles["cycleRevise"],
        "version": 1,
        "reason": "Uji",
        "idempotencyKey": str(uuid4()),
    },
    "paymentOrdersMake": lambda aim: {"cycle": aim.payments["paymentOrdersMake"], "version": 1},
    "paymentOrderSpm": lambda aim: {"id": aim.payments["paymentOrderSpm"], "version": 1, "number": "1"},
    "paymentOrderOmspan": lambda aim: {"id": aim.payments["paymentOrderOmspan"], "version": 1},
    "paymentOrderDisburse": lambda aim: {"id": aim.payments["paymentOrderDisburse"], "version": 1, "number": "1"},
    "paymentOrderInstruct": lambda aim: {"id": aim.payments["paymentOrderInstruct"], "version": 1},
    "paymentOrderReturn": lambda aim: {"id": aim.payments["paymentOrderReturn"], "version": 1},
    "paymentOrderSend": lambda aim: {"id": aim.payments["paymentOrderSend"]},
    "bankResultsRead": lambda aim: {
        "order": aim.payments["bankResultsRead"],
        "uploadId": aim.upload,
        "idempotencyKey": str(uuid4()),
    },
    "cycleSettle": lambda aim: {"id": aim.payments["cycleSettle"], "version": 1},
    "cycleReconcile": lambda aim: {"id": aim.payments["cycleReconcile"], "version": 1},
    "cycleClose": lambda aim: {"id": aim.payments["cycleClose"], "version": 1},
    "kksCardsOpen": lambda aim: {"cycle": aim.payments["kksCardsOpen"], "bank": "BRI"},
    "kksCardsPrint": lambda aim: {
        "cards": [{"id": aim.payments["kksCardsPrint"], "lastFour": "0042", "token": f"token-{uuid4().hex}"}]
    },
    "kksCardMove": lambda aim: {
        "id": aim.payments["kksCardMove"],
        "version": 1,
        "state": "BLOCKED",
        "reason": "Uji",
    },
    "kksCardReplace": lambda aim: {"id": aim.payments["kksCardReplace"], "version": 1},
    "idleBalancesReturn": lambda aim: {"region": aim.code, "programme": AID, "idempotencyKey": str(uuid4())},
    "ewarongAgentPropose": lambda aim: proposed(aim.code),
    "ewarongAgentAmend": lambda aim: {"id": aim.outlets["EwarongAgent"], "version": 1, "name": "Uji"},
    "ewarongDueDiligenceRecord": lambda aim: {
        "id": aim.outlets["EwarongAgent"],
        "version": 1,
        "assessments": [{"criterion": "MARKET_PRICE", "met": True}],
    },
    "ewarongAgentDecide": lambda aim: {
        "id": aim.outlets["EwarongAgent"],
        "version": 1,
        "act": "FREEZE",
        "reason": "Uji",
    },
    "barredOwnersList": lambda aim: barred(aim.code),
    "ewarongServicePlan": lambda aim: planned(aim.code, aim.outlets["EwarongAgent"]),
    "ewarongServiceCancel": lambda aim: {"id": aim.outlets["EwarongService"]},
    "priceObservationReport": lambda aim: observed(aim.outlets["EwarongAgent"]),
    "referencePricePublish": lambda aim: priced(aim.code),
    "ewarongSupplierRegister": lambda aim: registered(aim.code),
    "ewarongDeliveryReport": lambda aim: delivered(aim.outlets["EwarongAgent"], aim.outlets["EwarongSupplier"]),
    "ewarongOtherSalesReport": lambda aim: sold(aim.outlets["EwarongAgent"]),
    "ewarongTransactionReport": lambda aim: reported(aim.outlets["EwarongAgent"], aim.outlets["token"]),
    "ewarongTransactionsSync": lambda aim: synced(aim.outlets["EwarongAgent"], aim.outlets["token"]),
    "ewarongTransactionReverse": lambda aim: taken_back(aim.outlets["EwarongTransaction"]),
    "ewarongScreeningStart": lambda aim: screened(aim.code),
    "ewarongSignalTriage": lambda aim: triaged(aim.outlets["EwarongSignal"]),
    "ewarongInspectionReport": lambda aim: inspected(aim.outlets["EwarongAgent"]),
    "ewarongViolationRecord": lambda aim: recorded(aim.outlets["EwarongAgent"]),
    "ewarongViolationWarn": lambda aim: stepped(aim.violations["ewarongViolationWarn"]),
    "ewarongViolationDismiss": lambda aim: stepped(aim.violations["ewarongViolationDismiss"]),
    "ewarongViolationRemedied": lambda aim: stepped(aim.violations["ewarongViolationRemedied"]),
    "ewarongViolationRecommend": lambda aim: stepped(aim.violations["ewarongViolationRecommend"]),
    "ewarongViolationDecide": lambda aim: stepped(aim.violations["ewarongViolationDecide"], decision="KEPT_BY_BANK"),
    "ewarongViolationReply": lambda aim: said(aim.violations["ewarongViolationReply"], idempotencyKey=str(uuid4())),
    "ewarongViolationAppeal": lambda aim: said(aim.violations["ewarongViolationAppeal"], idempotencyKey=str(uuid4())),
    "ewarongAppealAnswer": lambda aim: said(aim.violations["ewarongAppealAnswer"], accepted=False),
    "programmeTermsConfirm": lambda aim: {"id": aim.terms},
    "programmeTermsReject": lambda aim: {"id": aim.terms, "reason": "Uji"},
    "programmeQuotaSet": lambda aim: {
        "programme": aim.programme,
        "region": aim.code,
        "year": 2030,
        "families": 1,
        "source": "Uji",
    },
}
"""How each mutation is aimed. Whoever adds a mutation says here how it could reach a neighbour."""
ACTING: Final = {
    "cycleVerify": Role.REGENCY_VERIFIER,
    "cycleApprove": Role.REGENCY_APPROVER,
    "ewarongAgentDecide": Role.BANK_OFFICER,
    "ewarongDueDiligenceRecord": Role.REGENCY_VERIFIER,
    "ewarongDeliveryReport": Role.EWARONG_AGENT,
    "ewarongOtherSalesReport": Role.EWARONG_AGENT,
    "priceObservationReport": Role.REGENCY_VERIFIER,
    "referencePricePublish": Role.REGENCY_VERIFIER,
    "ewarongTransactionReport": Role.EWARONG_AGENT,
    "ewarongTransactionsSync": Role.EWARONG_AGENT,
    "ewarongTransactionReverse": Role.REGENCY_VERIFIER,
    "ewarongSignalTriage": Role.REGENCY_VERIFIER,
    "ewarongInspectionReport": Role.REGENCY_VERIFIER,
    "ewarongViolationRecord": Role.REGENCY_VERIFIER,
    "ewarongViolationRecommend": Role.REGENCY_APPROVER,
    "ewarongAppealAnswer": Role.REGENCY_APPROVER,
    "ewarongViolationDecide": Role.BANK_OFFICER,
    "ewarongViolationReply": Role.EWARONG_AGENT,
    "ewarongViolationAppeal": Role.EWARONG_AGENT,
    "idleBalancesReturn": Role.MINISTRY_ADMIN,
    "membershipDecide": Role.REGENCY_APPROVER,
    "membershipReactivationDecide": Role.REGENCY_APPROVER,
    "programmeTermsConfirm": Role.REGENCY_APPROVER,
    "programmeTermsReject": Role.REGENCY_APPROVER,
}
"""Who calls a mutation in a regency, where that is not its administrator."""
NAMELESS: Final = {"exportStart"}
"""Mutations that name no thing of anybody. What an export holds is what a query shows; ``tests/exports`` looks for neighbours in it."""


@pytest_asyncio.fixture(scope="module")
async def writable(api_settings: Settings, server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over the database in which tests may write."""
    async with open_loader(server) as loader:
        await load_editions(loader)
    # Nobody answers there, and nobody works on what is started.
    asking = api_settings.model_copy(update={"dukcapil_url": "http://127.0.0.1:9"})
    async with api_of(asking, server) as client:
        yield client


@pytest_asyncio.fixture(scope="module")
async def administrator(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(server) as connection:
        # What is planted is seen at once, and need not wait for the disk.
        await connection.execute("set synchronous_commit to off")
        yield connection
        await clear_payable(connection, CILACAP)
        await clear_decidable(connection, CILACAP)
        await clear_changeable(connection, CILACAP)


def mutations() -> dict[str, GraphQLField]:
    assert SCHEMA.mutation_type is not None
    return dict(SCHEMA.mutation_type.fields)


def members_of(field: GraphQLField) -> list[GraphQLObjectType]:
    """The types of what a mutation may answer."""
    union = get_named_type(field.type)
    assert isinstance(union, GraphQLUnionType)
    return list(union.types)


def document(name: str) -> str:
    """The mutation, with all leaves of all that it may answer but ids and moments, which are new each time."""
    field = mutations()[name]
    members = members_of(field)
    input_type = field.args["input"].type
    selected = " ".join(f"... on {member.name} {{ {' '.join(_leaves(member))} }}" for member in members)
    return f"mutation($i: {input_type}) {{ answer: {name}(input: $i) {{ __typename {selected} }} }}"


def _leaves(type_: GraphQLObjectType) -> list[str]:
    return [
        name if not isinstance(get_named_type(field.type), GraphQLObjectType) else f"{name} {{ __typename }}"
        for name, field in type_.fields.items()
    ]


async def proposal(client: ApiClient, regency: Regency) -> str:
    """A grant that waits in ``regency``."""
    giving = _giving(replace(NOWHERE, code=regency.code)) | {"role": "REGENCY_APPROVER"}
    admin = await client.as_(Role.REGENCY_ADMIN, regency.code)
    grant: str = (await admin.query(_GIVE, i=giving))["grantGive"]["grant"]["id"]
    return grant


_UPLOAD: Final = """
insert into upload (regency_id, id, village_low, village_high, region_id, principal_id, name, size, sha256, kind, expires_at)
values ($1::int, $2, $3, $4, $1::int, $5, 'berkas', 1, sha256('x'), 'CSV', now() + interval '1 hour')
"""
_IMPORT: Final = """
insert into registry_import (regency_id, id, village_low, village_high, region_id, upload_id, idempotency_key, format, mode, edition_id,
  stage, persons_accepted, created_by, created_by_name)
select regency_id, $2, village_low, village_high, region_id, id, $2, 'KESOS_CSV', 'ADDITION', (select min(id) from registry_edition),
  'VALIDATED', 1, principal_id, 'Uji' from upload where id = $1
"""
_DUPLICATE: Final = """
insert into import_duplicate (regency_id, id, village_low, village_high, import_id, line, other_line, score)
select regency_id, $2, village_low, village_high, id, 1, 2, 90 from registry_import where id = $1
"""
_EXPORT: Final = """
insert into export (regency_id, id, village_low, village_high, principal_id, idempotency_key, job_id, format, root_field, operation,
  document_hash, request_digest, request_sealed, expires_at)
select regency_id, id, village_low, village_high, created_by, id, $2, 'CSV', 'families', '', sha256('x'),
  decode(repeat('00', 16), 'hex'), 'x', now() + interval '1 hour' from registry_import where id = $1
"""
_JOB: Final = """
insert into job (regency_id, id, village_low, village_high, kind, subject_id, principal_id, principal_name)
select regency_id, $2, village_low, village_high, 'IMPORT_APPLY', id, created_by, created_by_name from registry_import where id = $1
"""


async def aim_at(
    regency: Regency,
    caller: Caller,
    client: ApiClient,
    administrator: "asyncpg.Connection[asyncpg.Record]",
) -> Aim:
    """Things in ``regency``: an upload of ``caller``, and an import of that."""
    principal = UUID((await caller.query("{ me { principal { id } } }"))["me"]["principal"]["id"])
    # What earlier tests have left begun would stand in the way.
    await administrator.execute("update registry_import set stage = 'DISCARDED' where regency_id = $1", regency.id)
    upload, started, duplicate, job = (UUID(int=uuid7().int) for _ in range(4))
    low, high = regency.path.villages.low, regency.path.villages.high
    await administrator.execute(_UPLOAD, regency.id, upload, low, high, principal)
    await administrator.execute(_IMPORT, upload, started)
    await administrator.execute(_DUPLICATE, started, duplicate)
    await administrator.execute(_JOB, started, job)
    await administrator.execute(_EXPORT, started, job)
    programme, other = [f"UJI_{uuid4().hex[:12].upper()}" for _ in range(2)]
    for code in (programme, other):
        await plant_programme(administrator, code, region=regency.path)
    state, later = TermsState.PROPOSED, date(2030, 1, 1)
    terms = await plant_terms(administrator, other, version=2, valid_from=later, state=state)
    return Aim(
        regency.code,
        grant=await proposal(client, regency),
        upload=str(upload),
        import_=f"Import:{regency.id}:{started}",
        duplicate=f"ImportDuplicate:{regency.id}:{duplicate}",
        job=f"Job:{regency.id}:{job}",
        export=f"Export:{regency.id}:{started}",
        programme=programme,
        terms=f"ProgrammeTerms:{terms}",
        members=await plant_changeable(administrator, regency),
        cycles=await plant_decidable(administrator, regency),
        payments=await plant_payable(administrator, regency),
        outlets={
            **await plant_aims(administrator, regency),
            **await plant_supplier(administrator, regency),
            **await plant_sale(administrator, regency),
            **await plant_open_signal(administrator, regency),
        },
        violations=await plant_violations(administrator, regency),
    )


_TERMS_THERE: Final = """
select md5(string_agg(t::text, '' order by t::text)) from programme_terms t join programme p on p.code = t.programme_code
where p.village_low >= $1 and p.village_high <= $2
"""


async def state(administrator: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> list[str | None]:
    """A digest of every row of ``regency``; what is in the audit trail tells of the attempts themselves."""
    low, high = regency.path.villages.low, regency.path.villages.high
    digests = []
    for table in sorted(TENANT | WALLED - {"audit_event"}):
        inside = (
            "village_low >= $1 and village_high <= $2"
            if table in WALLED
            else "regency_id between $1::bigint / 1000000 and $2::bigint / 1000000"
        )
        digest = f"select md5(string_agg(t::text, '' order by t::text)) from {table} t where {inside}"  # noqa: S608  (a test's own words)
        digests.append(await administrator.fetchval(digest, low, high))
    # Terms of programmes are no secret, but whose they are to change is a matter of region.
    return [*digests, await administrator.fetchval(_TERMS_THERE, low, high)]


async def answer(caller: Caller, name: str, aim: Aim) -> Json:
    found: Json = (await caller.query(document(name), i=INPUTS[name](aim)))["answer"]
    return found


def test_every_mutation_is_covered() -> None:
    assert set(mutations()) == set(INPUTS) | NAMELESS
    for field in mutations().values():
        assert isinstance(get_named_type(field.args["input"].type), GraphQLInputObjectType)


def test_what_mutations_answer_is_walked_below_queries_but_for_what_tells_how_they_went() -> None:
    """A payload may hold rows of a neighbour only through types that the walk of queries visits."""
    by_query = reachable_types(SCHEMA, "Query")
    beyond = {name for name in reachable_types(SCHEMA, "Mutation") if name not in by_query} - TOLD
    members = {member.name for field in mutations().values() for member in members_of(field)}
    assert beyond == members | {"Mutation"}


@pytest.mark.parametrize("name", sorted(INPUTS))
async def test_a_neighbours_thing_is_refused_exactly_like_one_that_is_not_there(
    writable: ApiClient, administrator: "asyncpg.Connection[asyncpg.Record]", name: str
) -> None:
    banyumas = await writable.as_(ACTING.get(name, Role.REGENCY_ADMIN), BANYUMAS.code)
    foreign = await aim_at(CILACAP, banyumas, writable, administrator)
    before = await state(administrator, CILACAP)
    refused = await answer(banyumas, name, foreign)
    assert refused["__typename"] in {"InvalidInput", "NotFound"}
    unknown = await answer(banyumas, name, NOWHERE)
    assert str(refused).replace(foreign.code, NOWHERE.code) == str(unknown)
    assert await state(administrator, CILACAP) == before


@pytest.mark.parametrize("name", sorted(INPUTS))
async def test_the_same_input_does_something_for_whoever_may(
    writable: ApiClient, administrator: "asyncpg.Connection[asyncpg.Record]", name: str
) -> None:
    # What is for the regency alone to do, somebody there does, who has a grant of the ministry besides.
    ministry = await writable.granted((Role.MINISTRY_ADMIN, ""), (ACTING.get(name, Role.REGENCY_ADMIN), CILACAP.code))
    aim = await aim_at(CILACAP, ministry, writable, administrator)
    before = await state(administrator, CILACAP)
    done = await answer(ministry, name, aim)
    assert done["__typename"] not in {"InvalidInput", "NotFound", "Conflict", "Refused"}
    assert await state(administrator, CILACAP) != before
