"""Roles are given by people: to others, within their own region, for a time, and where it takes two, by two."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.authz.permissions import Permission
from app.authz.roles import Role
from tests.principals.office import BANYUMAS, CILACAP, GIVE, VILLAGE, Office, given, in_days

TWO_PEOPLE = [Role.REGENCY_ADMIN, Role.REGENCY_APPROVER, Role.BANK_OFFICER, Role.DUKCAPIL_OFFICER]


async def test_a_role_for_which_one_is_enough_counts_at_once(office: Office) -> None:
    subject, until = f"dev:{uuid4()}", in_days(365)
    answer = await office.give(await office.admin(), subject=subject, validTo=until)
    assert answer["__typename"] == "GrantGiven"
    grant = answer["grant"]
    assert grant["principal"] == {"subject": subject, "name": "Sari Wulandari"}
    assert (grant["role"], grant["region"]["code"]) == ("REGENCY_VERIFIER", BANYUMAS)
    assert (grant["status"], grant["inForce"], grant["people"]) == ("ACTIVE", True, 1)
    assert (grant["givenBy"], grant["reason"]) == ("Administrator", "SK 800/12/2026")
    assert datetime.fromisoformat(grant["validTo"]) == datetime.fromisoformat(until)
    assert (grant["lapsesAt"], grant["confirmedBy"], grant["revokedBy"]) == (None, None, None)
    assert Permission.REGISTRY_FAMILY_READ in await office.permissions(subject)


async def test_whoever_has_never_logged_in_can_be_given_a_role(office: Office) -> None:
    subject = f"dev:{uuid4()}"
    newcomer = office.api.named(subject)
    assert (await newcomer.post("{ me { permissions } }")).status_code == 401
    await office.give(await office.admin(), subject=subject)
    assert (await newcomer.post("{ me { permissions } }")).status_code == 200


@pytest.mark.parametrize("role", TWO_PEOPLE)
async def test_a_role_that_takes_two_is_only_proposed_and_permits_nothing(office: Office, role: Role) -> None:
    subject = f"dev:{uuid4()}"
    grant = (await office.give(await office.admin(), role, subject=subject))["grant"]
    assert (grant["status"], grant["inForce"], grant["people"]) == ("PROPOSED", False, 2)
    assert grant["lapsesAt"] is not None
    assert await office.permissions(subject) == []


async def test_it_counts_once_somebody_else_has_confirmed_it(office: Office) -> None:
    subject = f"dev:{uuid4()}"
    proposed = (await office.give(await office.admin(), Role.REGENCY_APPROVER, subject=subject))["grant"]
    answer = await office.confirm(await office.admin(), proposed["id"])
    assert answer["__typename"] == "GrantConfirmed"
    grant = answer["grant"]
    assert (grant["status"], grant["inForce"], grant["confirmedBy"]) == ("ACTIVE", True, "Administrator")
    assert grant["validFrom"] == grant["confirmedAt"] > proposed["validFrom"]
    assert Permission.REGISTRY_FAMILY_READ in await office.permissions(subject)


async def test_whoever_proposes_does_not_confirm(office: Office) -> None:
    admin, subject = await office.admin(), f"dev:{uuid4()}"
    grant = (await office.give(admin, Role.REGENCY_APPROVER, subject=subject))["grant"]
    answer = await office.confirm(admin, grant["id"])
    assert (answer["__typename"], answer["code"]) == ("Refused", "SECOND_PERSON_NEEDED")
    assert await office.permissions(subject) == []


async def test_nobody_gives_or_confirms_for_themselves(office: Office) -> None:
    subject = await office.newcomer((Role.REGENCY_ADMIN, BANYUMAS))
    oneself = office.api.named(subject)
    answer = await office.give(oneself, subject=subject)
    assert (answer["__typename"], answer["code"]) == ("Refused", "GRANT_FOR_ONESELF")
    proposed = (await office.give(await office.admin(), Role.REGENCY_APPROVER, subject=subject))["grant"]
    answer = await office.confirm(oneself, proposed["id"])
    assert (answer["__typename"], answer["code"]) == ("Refused", "GRANT_FOR_ONESELF")
    assert (await office.row(proposed["id"]))["status"] == "PROPOSED"


async def test_what_is_confirmed_is_not_confirmed_again(office: Office) -> None:
    grant = (await office.give(await office.admin(), Role.REGENCY_APPROVER))["grant"]
    await office.confirm(await office.admin(), grant["id"])
    answer = await office.confirm(await office.admin(), grant["id"])
    assert (answer["__typename"], answer["code"]) == ("Conflict", "GRANT_NOT_PROPOSED")


async def test_a_proposal_lapses(office: Office) -> None:
    grant = (await office.give(await office.admin(), Role.REGENCY_APPROVER))["grant"]
    lapses_in = datetime.fromisoformat(grant["lapsesAt"]) - datetime.now(tz=UTC)
    assert timedelta(days=13) < lapses_in <= timedelta(days=14)
    row = await office.row(grant["id"])
    await office.owner.execute("update principal_grant set lapses_at = now() where id = $1", row["id"])
    answer = await office.confirm(await office.admin(), grant["id"])
    assert (answer["__typename"], answer["code"]) == ("Conflict", "PROPOSAL_LAPSED")


async def test_a_proposal_waits_no_longer_than_the_grant_would_last(office: Office) -> None:
    grant = (await office.give(await office.admin(), Role.REGENCY_APPROVER, validTo=in_days(3)))["grant"]
    assert grant["lapsesAt"] == grant["validTo"]


@pytest.mark.parametrize(
    ("role", "code"),
    [
        (Role.REGENCY_VERIFIER, CILACAP),
        (Role.PSM, "33.01.01.2001"),
        (Role.TKSK, "33.01.01"),
        (Role.PROVINCE_OFFICER, "33"),
    ],
)
async def test_a_region_beyond_the_givers_own_looks_like_one_that_is_not_there(
    office: Office, role: Role, code: str
) -> None:
    admin, elsewhere = await office.admin(), "98" if code == "33" else code.replace("33.01", "33.99")
    foreign, nowhere = await office.give(admin, role, code), await office.give(admin, role, elsewhere)
    assert (foreign["__typename"], foreign["code"], foreign["fields"]) == ("InvalidInput", "REGION_UNKNOWN", ["region"])
    assert foreign | {"message": foreign["message"].replace(code, elsewhere)} == nowhere
    assert (await office.give(await office.admin(""), role, code))["__typename"] == "GrantGiven"


async def test_the_country_is_not_a_regencys_to_give(office: Office) -> None:
    assert (await office.give(await office.admin(), Role.MINISTRY_ANALYST, "0"))["code"] == "REGION_UNKNOWN"
    grant = (await office.give(await office.admin(""), Role.MINISTRY_ANALYST, "0"))["grant"]
    assert (grant["status"], grant["region"]) == ("ACTIVE", None)


async def test_within_the_own_region_an_unknown_one_is_told_the_same_way(office: Office) -> None:
    answer = await office.give(await office.admin(), Role.PSM, "33.02.99.2001")
    assert (answer["__typename"], answer["code"], answer["fields"]) == ("InvalidInput", "REGION_UNKNOWN", ["region"])


async def test_a_refused_gift_makes_nobody_known(office: Office) -> None:
    subject = f"dev:{uuid4()}"
    await office.give(await office.admin(), code=CILACAP, subject=subject)
    assert await office.owner.fetchval("select count(*) from principal where subject = $1", subject) == 0


@pytest.mark.parametrize(
    ("changes", "code", "fields"),
    [
        ({"region": "3302"}, "REGION_CODE_MALFORMED", ["region"]),
        ({"region": "33.02.01"}, "ROLE_LEVEL_WRONG", ["role", "region"]),
        ({"region": "0"}, "ROLE_LEVEL_WRONG", ["role", "region"]),
        ({"role": "PSM"}, "ROLE_LEVEL_WRONG", ["role", "region"]),
        ({"role": "PUBLIC"}, "ROLE_NEVER_GIVEN", ["role"]),
        ({"role": "SYSTEM_OPERATOR"}, "ROLE_NEVER_GIVEN", ["role"]),
        ({"role": "EWARONG_AGENT"}, "ENTITY_WRONG", ["entity"]),
        ({"entity": {"kind": "ewarong", "id": str(uuid4())}}, "ENTITY_WRONG", ["entity"]),
        ({"role": "LKS_MANAGER", "entity": {"kind": "ewarong", "id": str(uuid4())}}, "ENTITY_WRONG", ["entity"]),
        ({"role": "LKS_MANAGER", "entity": {"kind": "lks", "id": "7"}}, "ID_INVALID", ["entity"]),
        ({"validTo": "2026-01-01T00:00:00+07:00"}, "VALIDITY_WRONG", ["validTo"]),
        ({"validTo": in_days(732)}, "VALIDITY_WRONG", ["validTo"]),
        ({"subject": ""}, "TEXT_WRONG", ["subject"]),
        ({"subject": "x" * 256}, "TEXT_WRONG", ["subject"]),
        ({"subject": "nul\0"}, "TEXT_WRONG", ["subject"]),
        ({"name": "  "}, "TEXT_WRONG", ["name"]),
        ({"name": "x" * 201}, "TEXT_WRONG", ["name"]),
        ({"name": "bell \a"}, "TEXT_WRONG", ["name"]),
        ({"reason": "\n"}, "TEXT_WRONG", ["reason"]),
        ({"reason": "x" * 1001}, "TEXT_WRONG", ["reason"]),
    ],
)
async def test_an_input_that_cannot_be_is_refused_by_its_field(
    office: Office, changes: dict[str, Any], code: str, fields: list[str]
) -> None:
    admin = await office.admin()
    answer = (await admin.query(GIVE, input=given() | changes))["grantGive"]
    assert (answer["__typename"], answer["code"], answer["fields"]) == ("InvalidInput", code, fields)
    assert answer["message"]


async def test_an_agent_is_bound_to_one_outlet(office: Office) -> None:
    entity = uuid4()
    answer = await office.give(
        await office.admin(), Role.EWARONG_AGENT, VILLAGE, entity={"kind": "ewarong", "id": str(entity)}
    )
    row = await office.row(answer["grant"]["id"])
    assert (row["entity_kind"], row["entity_id"]) == ("ewarong", entity)


async def test_who_is_audited_does_not_appoint_the_auditor(office: Office) -> None:
    answer = await office.give(await office.admin(), Role.AUDITOR)
    assert (answer["__typename"], answer["code"]) == ("Refused", "HIGHER_OFFICE_NEEDED")
    assert (await office.give(await office.admin(""), Role.AUDITOR))["__typename"] == "GrantGiven"


async def test_the_same_grant_is_not_given_twice(office: Office) -> None:
    subject = f"dev:{uuid4()}"
    for role in (Role.REGENCY_VERIFIER, Role.REGENCY_APPROVER):
        assert (await office.give(await office.admin(), role, subject=subject))["__typename"] == "GrantGiven"
        answer = await office.give(await office.admin(), role, subject=subject)
        assert (answer["__typename"], answer["code"]) == ("Conflict", "GRANT_EXISTS")
    villages = [await office.give(await office.admin(), Role.PSM, f"33.02.01.200{n}", subject=subject) for n in (1, 2)]
    assert [answer["__typename"] for answer in villages] == ["GrantGiven"] * 2


@pytest.mark.parametrize("ended", ["valid_to = now()", "status = 'PROPOSED', lapses_at = now()"])
async def test_what_has_ended_can_be_given_again(office: Office, ended: str) -> None:
    subject = f"dev:{uuid4()}"
    grant = (await office.give(await office.admin(), subject=subject))["grant"]
    row = await office.row(grant["id"])
    await office.owner.execute(f"update principal_grant set {ended} where id = $1", row["id"])  # noqa: S608  (a test's own words)
    assert (await office.give(await office.admin(), subject=subject))["__typename"] == "GrantGiven"


async def test_a_name_is_the_givers_own_and_does_not_tell_what_others_call_the_principal(office: Office) -> None:
    subject = f"dev:{uuid4()}"
    await office.give(await office.admin(CILACAP), code=CILACAP, subject=subject, name="Sari di Cilacap")
    answer = await office.give(await office.admin(), subject=subject, name="Sari di Banyumas")
    assert answer["grant"]["principal"]["name"] == "Sari di Banyumas"
    me = await office.api.named(subject).query("{ me { principal { name } grants { regionCode } } }")
    assert me["me"]["principal"]["name"] == "Sari di Cilacap"
    assert len(me["me"]["grants"]) == 2


@pytest.mark.parametrize("role", [Role.PROVINCE_OFFICER, Role.REGENCY_APPROVER, Role.TKSK, Role.AUDITOR])
async def test_others_give_nothing_and_hear_so_by_a_code(office: Office, role: Role) -> None:
    code = {Role.PROVINCE_OFFICER: "33", Role.TKSK: "33.02.01", Role.AUDITOR: ""}.get(role, BANYUMAS)
    caller = office.api.named(await office.newcomer((role, code)))
    response = await caller.post(GIVE, {"input": given(Role.PSM, VILLAGE, reason="")})
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "NOT_PERMITTED", "permission": "principals:grant:change"}
    assert response.json()["data"] == {"grantGive": None}


async def test_refusals_speak_the_callers_language(office: Office) -> None:
    admin = await office.admin()
    variables = {"input": given(Role.PUBLIC)}
    texts = [
        (await admin.post(GIVE, variables, accept_language=language)).json()["data"]["grantGive"]["message"]
        for language in ("id", "en")
    ]
    assert texts == ["Peran PUBLIC tidak diberikan kepada siapa pun.", "Nobody is given the role PUBLIC."]
