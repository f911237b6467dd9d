"""Terms are proposed by one person and confirmed by another, both of the whole region in which the programme runs."""

from datetime import date
from typing import Any

import pytest

from app.authz.roles import Role
from tests.bansos.programmes.bureau import (
    BANYUMAS,
    CENTRAL_JAVA,
    CILACAP,
    COMPONENT,
    PROPOSE,
    RULE,
    Bureau,
)

IN_FORCE = "query($code: String!, $on: Date) { programme(code: $code) { terms(on: $on) { version amount } } }"


async def in_force(bureau: Bureau, on: str) -> tuple[int, int]:
    caller = await bureau.maker()
    terms = (await caller.query(IN_FORCE, code=bureau.programme, on=on))["programme"]["terms"]
    return terms["version"], terms["amount"]


async def test_proposed_terms_do_not_count_until_somebody_else_confirms_them(bureau: Bureau) -> None:
    answer = await bureau.propose(await bureau.maker())
    assert answer["__typename"] == "ProgrammeTermsProposed"
    terms = answer["terms"]
    assert (terms["version"], terms["state"], terms["amount"], terms["rules"]) == (2, "PROPOSED", 750_000, [RULE])
    assert (terms["proposedBy"], terms["decidedBy"]) == ("Petugas REGENCY_ADMIN", None)
    assert await in_force(bureau, "2027-01-01") == (1, 600_000)
    confirmed = await bureau.confirm(await bureau.checker(), terms["id"])
    assert confirmed["__typename"] == "ProgrammeTermsConfirmed"
    assert (confirmed["terms"]["state"], confirmed["terms"]["decidedBy"]) == ("ACTIVE", "Petugas REGENCY_APPROVER")
    assert await in_force(bureau, "2026-12-31") == (1, 600_000)
    assert await in_force(bureau, "2027-01-01") == (2, 750_000)


async def test_components_come_with_their_amounts_by_year(bureau: Bureau) -> None:
    answer = await bureau.propose(await bureau.maker(), amount=None, mostPersons=4, components=[COMPONENT])
    terms = answer["terms"]
    assert (terms["amount"], terms["mostPersons"]) == (None, 4)
    assert terms["components"] == [
        {"code": "SD"} | {name: value for name, value in COMPONENT.items() if name != "component"}
    ]


async def test_rejected_terms_never_count_and_the_next_proposal_has_the_next_number(bureau: Bureau) -> None:
    rejected = await bureau.reject(await bureau.checker(), await bureau.proposed())
    assert (rejected["terms"]["state"], rejected["terms"]["reason"]) == ("REJECTED", "Anggaran belum ada")
    assert await in_force(bureau, "2027-01-01") == (1, 600_000)
    assert (await bureau.propose(await bureau.maker()))["terms"]["version"] == 3


async def test_whoever_proposes_neither_confirms_nor_rejects(bureau: Bureau) -> None:
    # In a province one role may do both, so that the rule has to look at the person.
    code = (await Bureau.opened(bureau.api, bureau.owner)).programme
    await bureau.owner.execute(
        "update programme set village_low = 3300000000, village_high = 3399999999 where code = $1", code
    )
    one, other = [await bureau.officer(Role.PROVINCE_OFFICER, CENTRAL_JAVA) for _ in range(2)]
    terms = (await bureau.propose(one, programme=code))["terms"]["id"]
    for refused in (await bureau.confirm(one, terms), await bureau.reject(one, terms)):
        assert (refused["__typename"], refused["code"]) == ("Refused", "PROGRAMME_TERMS_OWN_PROPOSAL")
    assert (await bureau.confirm(other, terms))["__typename"] == "ProgrammeTermsConfirmed"


async def test_a_decision_is_made_once(bureau: Bureau) -> None:
    terms = await bureau.proposed()
    assert (await bureau.confirm(await bureau.checker(), terms))["__typename"] == "ProgrammeTermsConfirmed"
    for refused in (
        await bureau.confirm(await bureau.checker(), terms),
        await bureau.reject(await bureau.checker(), terms),
    ):
        assert (refused["__typename"], refused["code"]) == ("Conflict", "PROGRAMME_TERMS_DECIDED")


async def test_one_proposal_waits_at_a_time(bureau: Bureau) -> None:
    await bureau.proposed()
    refused = await bureau.propose(await bureau.maker(), amount=800_000)
    assert (refused["__typename"], refused["code"]) == ("Conflict", "PROGRAMME_TERMS_PENDING")


@pytest.mark.parametrize("code", [BANYUMAS, CENTRAL_JAVA])
async def test_whoever_holds_a_part_of_the_country_is_told_that_there_is_no_pkh_to_change(
    bureau: Bureau, code: str
) -> None:
    role = Role.REGENCY_ADMIN if code == BANYUMAS else Role.PROVINCE_OFFICER
    caller = await bureau.officer(role, code)
    refused, unknown = [await bureau.propose(caller, programme=name) for name in ("PKH", "TIDAK_ADA")]
    assert refused == unknown
    assert (refused["__typename"], refused["code"]) == ("NotFound", "PROGRAMME_NOT_FOUND")
    quotas = [await bureau.set_quota(caller, programme=name) for name in ("PKH", "TIDAK_ADA")]
    assert quotas[0] == quotas[1] == refused


async def test_another_regency_neither_proposes_nor_decides(bureau: Bureau) -> None:
    refused = await bureau.propose(await bureau.maker(CILACAP))
    assert (refused["__typename"], refused["code"]) == ("NotFound", "PROGRAMME_NOT_FOUND")
    terms = await bureau.proposed()
    nowhere = f"ProgrammeTerms:{'0' * 8}-0000-7000-8000-{'0' * 12}"
    for act in (bureau.confirm, bureau.reject):
        answers = [await act(await bureau.checker(CILACAP), each) for each in (terms, nowhere)]
        assert answers[0] == answers[1]
        assert (answers[0]["__typename"], answers[0]["code"]) == ("NotFound", "PROGRAMME_TERMS_NOT_FOUND")


async def test_the_ministry_changes_a_programme_of_the_country(bureau: Bureau) -> None:
    code = (await Bureau.opened(bureau.api, bureau.owner)).programme
    await bureau.owner.execute("update programme set village_low = 0, village_high = 9999999999 where code = $1", code)
    answer = await bureau.propose(await bureau.officer(Role.MINISTRY_ADMIN), programme=code)
    assert answer["__typename"] == "ProgrammeTermsProposed"


@pytest.mark.parametrize("role", [Role.REGENCY_VERIFIER, Role.REGENCY_APPROVER, Role.PSM])
async def test_other_roles_propose_nothing(bureau: Bureau, role: Role) -> None:
    caller = await bureau.officer(role, BANYUMAS)
    assert await caller.codes(PROPOSE, input=bureau.terms()) == ["NOT_PERMITTED"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rules": [RULE | {"condition": "family.decil <= 3"}]}, "rules.0.condition"),
        ({"rules": [RULE, RULE | {"number": 20, "code": "LAIN", "condition": "1 +"}]}, "rules.1.condition"),
        ({"rules": [RULE | {"unmetEnglish": "decile {person.age}"}]}, "rules.0.condition"),
        ({"rules": [RULE | {"metEnglish": " "}]}, "rules.0.metEnglish"),
        ({"rules": [RULE | {"code": "desil"}]}, "rules.0.code"),
        ({"rules": [RULE, RULE | {"number": 20}]}, "rules.1.code"),
        ({"rules": [RULE, RULE | {"code": "LAIN"}]}, "rules.1.number"),
        ({"rules": [RULE | {"number": 0}]}, "rules.0.number"),
        ({"rules": [RULE | {"code": f"R{n}", "number": n + 1} for n in range(51)]}, "rules"),
        ({"periodMonths": 5}, "periodMonths"),
        ({"validFrom": "2027-02-01"}, "validFrom"),
        ({"validFrom": "2027-01-02"}, "validFrom"),
        ({"amount": None}, "amount"),
        ({"amount": 0}, "amount"),
        ({"mostPersons": 4}, "mostPersons"),
        ({"idleDays": 0}, "idleDays"),
        ({"secondApprovalAbove": -1}, "secondApprovalAbove"),
        ({"legalBasis": "PERMENSOS-0-1900"}, "legalBasis"),
        ({"legalBasis": "PERMENSOS-21-2019"}, "legalBasis"),
        ({"amount": None, "components": [COMPONENT | {"condition": "family.decile < 3"}]}, "components.0.condition"),
        ({"amount": None, "components": [COMPONENT | {"amounts": []}]}, "components.0.amounts"),
        ({"amount": None, "components": [COMPONENT | {"amounts": [{"year": 2028, "amount": 12}]}]}, "components.0.amounts"),
        ({"amount": None, "components": [COMPONENT | {"amounts": [{"year": 2026, "amount": 13}]}]}, "components.0.amounts"),
        ({"amount": None, "components": [COMPONENT | {"amounts": [{"year": 2026, "amount": 12}] * 2}]}, "components.0.amounts"),
    ],
)  # fmt: skip
async def test_terms_that_cannot_be_are_told_with_their_place(
    bureau: Bureau, changes: dict[str, Any], field: str
) -> None:
    refused = await bureau.propose(await bureau.maker(), **changes)
    assert refused["__typename"] == "InvalidInput", refused
    assert refused["fields"] == [field]
    assert (
        await bureau.owner.fetchval("select count(*) from programme_terms where programme_code = $1", bureau.programme)
        == 1
    )


async def test_terms_begin_after_those_in_force(bureau: Bureau) -> None:
    refused = await bureau.propose(await bureau.maker(), validFrom="2021-01-01")
    assert (refused["code"], refused["fields"]) == ("PROGRAMME_TERMS_OVERLAP", ["validFrom"])


async def test_terms_begin_with_a_period_of_those_before(bureau: Bureau) -> None:
    refused = await bureau.propose(await bureau.maker(), validFrom="2027-02-01", periodMonths=1)
    assert (refused["code"], refused["fields"]) == ("PROGRAMME_TERMS_OUT_OF_STEP", ["validFrom"])


async def test_periods_that_have_a_cycle_keep_their_terms(bureau: Bureau) -> None:
    terms = await bureau.proposed(validFrom="2027-01-01")
    await bureau.cycle(date(2027, 1, 1), date(2027, 3, 31))
    refused = await bureau.confirm(await bureau.checker(), terms)
    assert refused["code"] == "PROGRAMME_TERMS_OVERLAP"
    await bureau.reject(await bureau.checker(), terms)
    assert (await bureau.propose(await bureau.maker()))["code"] == "PROGRAMME_TERMS_OVERLAP"
    assert (await bureau.propose(await bureau.maker(), validFrom="2027-04-01"))["terms"]["version"] == 3


async def test_what_was_done_is_in_the_audit_trail(bureau: Bureau) -> None:
    terms = await bureau.proposed()
    await bureau.confirm(await bureau.checker(), terms)
    rows = await bureau.owner.fetch(
        "select operation, permission, village_low, village_high from audit_event where subject_type = 'ProgrammeTerms' "
        "and subject_ids = array[$1::text::uuid] order by happened_at",
        terms.removeprefix("ProgrammeTerms:"),
    )
    assert [tuple(row.values()) for row in rows] == [
        ("programmeTermsPropose", "bansos:programme:change", 3302000000, 3302999999),
        ("programmeTermsConfirm", "bansos:programme:confirm", 3302000000, 3302999999),
    ]


@pytest.mark.parametrize("amount", ["750000", 750_000.5, True, 2**53])
async def test_money_is_a_whole_number(bureau: Bureau, amount: Any) -> None:
    answer = await (await bureau.maker()).answer(PROPOSE, input=bureau.terms(amount=amount))
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "RUPIAH_INVALID", error
