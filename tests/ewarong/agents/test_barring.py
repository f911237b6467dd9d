"""Who may own no outlet: listed by digest, found wherever they are proposed."""

from contextlib import nullcontext
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.agents.barring import MOST_BARRED, Barred, list_barred
from app.domain.ewarong.agents.errors import TooManyBarred
from app.domain.ewarong.models.agents import Office
from app.domain.registry.sealing import Seal
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.ewarong.agents.paperwork import amend, fresh_nik, mutate, proposal, propose
from tests.support.client import ApiClient, Caller, Json
from tests.support.outlets import plant_agent
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

if TYPE_CHECKING:
    import asyncpg

VILLAGE = BANYUMAS.village(1, 1)


async def bar(caller: Caller, *owners: Json, **others: Any) -> Json:
    given = {"region": BANYUMAS.code, "source": "SK Bupati 1/2026", "owners": list(owners)} | others
    return await mutate(caller, "barredOwnersList", "... on BarredOwnersListed { added changed outlets }", **given)


def official(nik: str, **others: Any) -> Json:
    return {"nik": nik, "office": "VILLAGE_STAFF", "validFrom": "2025-01-01"} | others


async def test_a_barred_owner_is_refused_with_the_office_and_without_the_person(market_api: ApiClient) -> None:
    nik = fresh_nik()
    admin = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    assert (await bar(admin, official(nik)))["added"] == 1
    # Whoever proposes holds a district, and sees no list.
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    refused = await propose(tksk, **proposal(VILLAGE, owner={"name": "Tuan Perangkat", "nik": nik}))
    assert (refused["__typename"], refused["code"], refused["fields"]) == (
        "InvalidInput", "EWARONG_OWNER_BARRED", ["ownerNik"],
    )  # fmt: skip
    assert "perangkat desa" in refused["message"]
    for told in ("Tuan", nik, "SK Bupati"):
        assert told not in refused["message"]
    agent = (await propose(tksk, **proposal(VILLAGE)))["agent"]
    refused = await amend(tksk, id=agent["id"], version=1, owner={"name": "Tuan Perangkat", "nik": nik})
    assert refused["code"] == "EWARONG_OWNER_BARRED"


async def test_the_list_of_one_regency_bars_in_every_other(market_api: ApiClient) -> None:
    nik = fresh_nik()
    admin = await market_api.as_(Role.REGENCY_ADMIN, SLEMAN.code)
    await bar(admin, official(nik), region=SLEMAN.code)
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    refused = await propose(tksk, **proposal(VILLAGE, owner={"name": "Siti", "nik": nik}))
    assert refused["code"] == "EWARONG_OWNER_BARRED"


@pytest.mark.parametrize(
    ("days", "barred"),
    [
        ({"validFrom": "2025-01-01", "validTo": "2025-12-31"}, False),
        ({"validFrom": "2025-01-01", "validTo": "2999-12-31"}, True),
        ({"validFrom": "2999-01-01"}, False),
    ],
)
async def test_an_office_bars_on_its_days(market_api: ApiClient, days: Json, barred: bool) -> None:
    nik = fresh_nik()
    await bar(await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code), official(nik, **days))
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    answer = await propose(tksk, **proposal(VILLAGE, owner={"name": "Siti", "nik": nik}))
    assert ("agent" in answer) is not barred


async def test_a_list_sent_again_changes_nothing_and_a_last_day_is_taken_over(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    nik, other = fresh_nik(), fresh_nik()
    outlet = await plant_agent(market_owner, VILLAGE, owner_digest=seal.digest(nik))
    admin = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    people = (official(nik), official(nik, office="VILLAGE_COUNCIL"), official(other))
    told = {"__typename": "BarredOwnersListed", "outlets": 1}
    assert await bar(admin, *people) == {**told, "added": 3, "changed": 0}
    rows = "select id, listed_at, valid_to from barred_owner where nik_digest = any($1) order by id"
    digests = [seal.digest(nik), seal.digest(other)]
    before = await market_owner.fetch(rows, digests)
    assert await bar(admin, *people) == {**told, "added": 0, "changed": 0}
    assert await market_owner.fetch(rows, digests) == before
    ended = official(nik, validTo="2025-12-31")
    assert await bar(admin, ended, people[1]) == {**told, "added": 0, "changed": 1}
    both = await bar(admin, ended, {**people[1], "validTo": "2025-12-31"})
    assert (both["changed"], both["outlets"]) == (1, 0)
    for row in await market_owner.fetch("select * from barred_owner where nik_digest = any($1)", digests):
        assert nik not in str(dict(row))
    # What was listed later says nothing about an outlet that is there but for whoever looks.
    assert await market_owner.fetchval("select state from ewarong_agent where id = $1", outlet.id) == "ACTIVE"


@pytest.mark.parametrize(
    ("owners", "code"),
    [
        ([], "EWARONG_BARRED_TOO_MANY"),
        ([official(fresh_nik()), official("99")], "NIK_INVALID"),
        ([official(fresh_nik(), validTo="2024-12-31")], "EWARONG_DAYS_INVALID"),
    ],
)
async def test_a_list_is_taken_whole_or_not_at_all(market_api: ApiClient, owners: list[Json], code: str) -> None:
    admin = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    refused = await bar(admin, *owners)
    assert (refused["__typename"], refused["code"], refused["fields"]) == ("InvalidInput", code, ["owners"])
    if code == "NIK_INVALID":
        assert refused["message"].startswith("Orang ke-2:")


@pytest.mark.parametrize("many", [1_000, 1_001])
async def test_a_thousand_people_are_listed_in_one_call_and_no_more(
    market_database: Database, seal: Seal, many: int
) -> None:
    people = [
        Barred(nik=f"990301010180{serial:04}", office=Office.CIVIL_SERVANT, valid_from=date(2025, 1, 1))
        for serial in range(1, many + 1)
    ]
    scope = access_of(load_role_matrix(), grant(Role.REGENCY_ADMIN, BANYUMAS.code)).scope(Permission.EWARONG_OWNER_BAR)
    expected = pytest.raises(TooManyBarred) if many > MOST_BARRED else nullcontext()
    with expected:
        async with market_database.write(scope) as session:
            listed = await list_barred(
                session,
                Actor(uuid4(), "Admin Uji"),
                people,
                where=BANYUMAS.path,
                source="Daftar ASN 2025",
                seal=seal,
                today=date(2026, 7, 1),
                test_provinces=frozenset({"99"}),
            )
        assert (listed.added, listed.changed) == (1_000, 0)


async def test_nobody_lists_for_another_regency_or_without_the_right(market_api: ApiClient) -> None:
    admin = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    for region in (CILACAP.code, BANYUMAS.district(1), "33.99"):
        refused = await bar(admin, official(fresh_nik()), region=region)
        assert (refused["code"], refused["fields"]) == ("REGION_UNKNOWN", ["region"])
    document = "mutation ($input: BarredOwnersListInput!) { barredOwnersList(input: $input) { __typename } }"
    given = {"region": BANYUMAS.code, "source": "SK", "owners": [official(fresh_nik())]}
    for role, where in ((Role.TKSK, BANYUMAS.district(1)), (Role.BANK_OFFICER, BANYUMAS.code)):
        assert await (await market_api.as_(role, where)).codes(document, input=given) == ["NOT_PERMITTED"]
