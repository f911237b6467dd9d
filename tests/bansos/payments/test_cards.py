"""Cards: legal ways alone, and never the number of a card or a PIN."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from app.authz.roles import Role
from app.domain.bansos.models.payments import CardState
from app.domain.bansos.payments.cards import TRANSITIONS
from tests.bansos.payments.banks import TOKEN, SimulatedBank
from tests.bansos.payments.office import FAMILIES, Office, key_of
from tests.jobs.workshop import PATIENCE_SECONDS
from tests.support.world import CILACAP

OPEN = """mutation($input: KksCardsOpenInput!) { answer: kksCardsOpen(input: $input) {
  ... on KksCardsOpened { opened } ... on UserError { code } } }"""
PRINT = """mutation($input: KksCardsPrintInput!) { answer: kksCardsPrint(input: $input) {
  ... on KksCardsPrinted { printed } ... on UserError { code message } ... on InvalidInput { fields } } }"""
MOVE = """mutation($input: KksCardMoveInput!) { answer: kksCardMove(input: $input) { __typename
  ... on KksCardMoved { card { id state version stateReason activatedAt } } ... on UserError { code message } } }"""
REPLACE = """mutation($input: KksCardReplaceInput!) { answer: kksCardReplace(input: $input) { __typename
  ... on KksCardReplaced { card { id state lastFour } } ... on UserError { code } } }"""
CARDS = """query($state: KksCardState, $region: String) { kksCards(first: 100, state: $state, region: $region) { totalCount
  nodes { id bank state lastFour version familyId } } }"""
LEGAL = [
    (before, after) for before, afters in TRANSITIONS.items() for after in afters if after is not CardState.PRINTED
]
ILLEGAL = [
    (before, after)
    for before, after in product(CardState, CardState)
    if after not in TRANSITIONS[before] or after is CardState.PRINTED
]


async def cards(office: Office, **filters: Any) -> list[Any]:
    nodes: list[Any] = (await (await office.admin()).query(CARDS, **filters))["kksCards"]["nodes"]
    return nodes


async def do(office: Office, document: str, **given: Any) -> Any:
    return (await (await office.admin()).query(document, input=given))["answer"]


async def one_in(office: Office, state: CardState) -> Any:
    """A card in ``state``."""
    await office.cycle(families=1, cards=1)
    if state is CardState.OPENING:
        await office.owner.execute("update kks_card set token = null, last_four = null, state = 'OPENING'")
    await office.owner.execute("update kks_card set state = $1", state.value)
    (card,) = await cards(office)
    return card


async def test_from_an_account_that_is_opened_to_a_card_in_a_hand(office: Office) -> None:
    cycle = await office.cycle(families=2, cards=0)
    assert (await do(office, OPEN, cycle=cycle, bank="BSI")) == {"opened": 2}
    assert (await do(office, OPEN, cycle=cycle, bank="BRI")) == {"opened": 0}
    opening = await cards(office, state="OPENING")
    assert {(card["bank"], card["lastFour"]) for card in opening} == {("BSI", None)}
    prints = [
        {"id": card["id"], "lastFour": f"{number:04}", "token": f"tok_{uuid4().hex}"}
        for number, card in enumerate(opening)
    ]
    assert (await do(office, PRINT, cards=prints)) == {"printed": 2}
    # The bank says it again, after a lost connection.
    assert (await do(office, PRINT, cards=prints)) == {"printed": 2}
    card = (await cards(office, state="PRINTED"))[0]
    for state, version in (("DISTRIBUTED", card["version"]), ("ACTIVE", card["version"] + 1)):
        moved = await do(office, MOVE, id=card["id"], version=version, state=state)
        assert moved["card"]["state"] == state, moved
    assert moved["card"]["activatedAt"] is not None
    assert (await office.make(cycle))["entitlements"] == 1


async def test_where_the_bank_can_be_reached_it_is_asked_for_the_cards(office: Office, bank: SimulatedBank) -> None:
    cycle = await office.cycle(cards=0)
    async with office.worker(bank_url=bank.url, bank_token=SecretStr(TOKEN)):
        assert (await do(office, OPEN, cycle=cycle, bank="BRI")) == {"opened": FAMILIES}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(await cards(office, state="PRINTED")) < FAMILIES:  # noqa: ASYNC110  (a worker does it)
                await asyncio.sleep(0.05)
    tokens = await office.owner.fetch("select distinct token from kks_card")
    assert len(tokens) == FAMILIES


@pytest.mark.parametrize(("before", "after"), sorted(LEGAL, key=str))
async def test_a_card_goes_where_the_table_lets_it_go(office: Office, before: CardState, after: CardState) -> None:
    card = await one_in(office, before)
    moved = await do(office, MOVE, id=card["id"], version=card["version"], state=after.value, reason="Laporan keluarga")
    if before is CardState.OPENING:
        # A card that was never printed has no token, and is withdrawn all the same.
        assert after is CardState.WITHDRAWN
    assert moved["card"]["state"] == after.value, moved
    assert moved["card"]["stateReason"] == "Laporan keluarga"


async def test_a_card_goes_nowhere_else(office: Office) -> None:
    card = await one_in(office, CardState.ACTIVE)
    for before, after in ILLEGAL:
        await office.owner.execute(
            "update kks_card set state = $1, token = coalesce(token, 'tok_12345678'), last_four = coalesce(last_four, '0001')",
            before.value,
        )
        refused = await do(office, MOVE, id=card["id"], version=card["version"], state=after.value, reason="x")
        assert refused.get("code") == "KKS_CARD_STATE_WRONG", (before, after, refused)


async def test_a_card_that_somebody_else_has_changed_is_a_conflict(office: Office) -> None:
    card = await one_in(office, CardState.ACTIVE)
    given = {"id": card["id"], "state": "BLOCKED", "reason": "Dicurigai disalahgunakan"}
    assert (await do(office, MOVE, version=card["version"], **given))["card"]["state"] == "BLOCKED"
    given["state"] = "WITHDRAWN"
    assert (await do(office, MOVE, version=card["version"], **given))["code"] == "KKS_CARD_CHANGED"


@pytest.mark.parametrize("state", [CardState.LOST, CardState.DAMAGED, CardState.SWAPPED])
async def test_a_lost_card_is_replaced_once(office: Office, state: CardState) -> None:
    card = await one_in(office, state)
    made = await do(office, REPLACE, id=card["id"], version=card["version"])
    assert (made["card"]["state"], made["card"]["lastFour"]) == ("OPENING", None)
    again = await do(office, REPLACE, id=card["id"], version=card["version"] + 1)
    assert again["code"] == "KKS_CARD_THERE"
    family = """query($id: ID!) { node(id: $id) { ... on Family { cards { state } } } }"""
    seen = await (await office.admin()).query(family, id=card["familyId"])
    assert [each["state"] for each in seen["node"]["cards"]] == ["OPENING", state.value]


@pytest.mark.parametrize("after", ["WITHDRAWN", "LOST"])
async def test_only_the_last_card_of_a_family_is_replaced(office: Office, after: str) -> None:
    lost = await one_in(office, CardState.LOST)
    made = await do(office, REPLACE, id=lost["id"], version=lost["version"])
    ended = "update kks_card set token = 'tok_12345678', last_four = '0001', state = $2 where id = $1"
    await office.owner.execute(ended, UUID(made["card"]["id"].rsplit(":", 1)[1]), after)
    again = await do(office, REPLACE, id=lost["id"], version=lost["version"] + 1)
    assert again["code"] == "KKS_CARD_THERE"
    assert sorted(each["state"] for each in await cards(office)) == sorted([after, "LOST"])
    last = await do(office, REPLACE, id=made["card"]["id"], version=1)
    assert (last.get("card", {}).get("state"), last.get("code")) == (
        ("OPENING", None) if after == "LOST" else (None, "KKS_CARD_STATE_WRONG")
    )


@asynccontextmanager
async def registry_as_it_was(office: Office, family: UUID) -> AsyncIterator[None]:
    """Whatever is written to ``family`` and its persons is as it was afterwards."""
    owner = office.owner
    village = await owner.fetchval("select village_id from family where id = $1", family)
    persons = await owner.fetch("select id, presence::text from person where family_id = $1", family)
    try:
        yield
    finally:
        await owner.execute("update family set village_id = $2 where id = $1", family, village)
        await owner.executemany(
            "update person set presence = $2::text::presence, family_id = $3 where id = $1",
            [(row["id"], row["presence"], family) for row in persons],
        )


async def lost_card(office: Office) -> tuple[Any, UUID, Any]:
    """A lost card, its family, and those of the family who live there, the recipient of lists first."""
    await office.cycle(cards=FAMILIES)
    living = """select id, birth_date from person where family_id = $1 and presence in ('PRESENT', 'NEW_MEMBER')
      and (relationship = 'HEAD' or birth_date <= current_date - interval '19 years') order by relationship <> 'HEAD', birth_date, id"""
    await office.owner.execute("update kks_card set state = 'LOST'")
    for card in await cards(office):
        family = key_of(card["familyId"])
        persons = await office.owner.fetch(living, family)
        if len(persons) > 1:
            held = "update kks_card set person_id = $2 where family_id = $1"
            await office.owner.execute(held, family, persons[0]["id"])
            return card, family, persons
    raise AssertionError("no family has two adults")


async def new_holder(office: Office, family: UUID) -> Any:
    return await office.owner.fetchrow(
        "select person_id, village_id from kks_card where family_id = $1 and state = 'OPENING'", family
    )


@pytest.mark.parametrize("presence", ["DECEASED", "MOVED_ABROAD", "NOT_FOUND"])
async def test_who_is_gone_gets_no_card_and_the_recipient_of_lists_does(office: Office, presence: str) -> None:
    card, family, persons = await lost_card(office)
    gone = "update person set presence = $2::text::presence where id = $1"
    async with registry_as_it_was(office, family):
        await office.owner.execute(gone, persons[0]["id"], presence)
        made = await do(office, REPLACE, id=card["id"], version=card["version"])
        assert made["card"]["state"] == "OPENING", made
        assert (await new_holder(office, family))["person_id"] == persons[1]["id"]


async def test_who_lives_with_another_family_by_now_gets_no_card_of_the_old_one(office: Office) -> None:
    card, family, persons = await lost_card(office)
    left = "update person set family_id = (select id from family where regency_id = 3302 and id <> $2 limit 1) where id = $1"
    async with registry_as_it_was(office, family):
        await office.owner.execute(left, persons[0]["id"], family)
        await do(office, REPLACE, id=card["id"], version=card["version"])
        assert (await new_holder(office, family))["person_id"] == persons[1]["id"]


async def test_who_holds_a_card_and_lives_there_holds_the_next_one_where_the_family_lives_now(office: Office) -> None:
    card, family, persons = await lost_card(office)
    # Not whom lists would name, and the holder all the same.
    held = "update kks_card set person_id = $2 where family_id = $1"
    await office.owner.execute(held, family, persons[1]["id"])
    village = await office.owner.fetchval(
        "select village_id from family where regency_id = 3302 and village_id <> (select village_id from family where id = $1) limit 1",
        family,
    )
    async with registry_as_it_was(office, family):
        await office.owner.execute("update family set village_id = $2 where id = $1", family, village)
        await do(office, REPLACE, id=card["id"], version=card["version"])
        assert tuple(await new_holder(office, family)) == (persons[1]["id"], village)


async def test_where_nobody_is_left_who_may_hold_a_card_there_is_no_new_one(office: Office) -> None:
    card, family, persons = await lost_card(office)
    async with registry_as_it_was(office, family):
        await office.owner.execute("update person set presence = 'DECEASED' where family_id = $1", family)
        refused = await do(office, REPLACE, id=card["id"], version=card["version"])
        assert refused["code"] == "KKS_CARD_HOLDER_MISSING"
        assert await new_holder(office, family) is None
        # Nothing was changed: once the registry knows of somebody, the card is replaced.
        alive = "update person set presence = 'NEW_MEMBER' where id = $1"
        await office.owner.execute(alive, persons[1]["id"])
        assert (await do(office, REPLACE, id=card["id"], version=card["version"]))["card"]["state"] == "OPENING"


async def test_a_withdrawn_card_is_not_replaced(office: Office) -> None:
    card = await one_in(office, CardState.WITHDRAWN)
    assert (await do(office, REPLACE, id=card["id"], version=card["version"]))["code"] == "KKS_CARD_STATE_WRONG"


@pytest.mark.parametrize(
    ("last_four", "token", "field"),
    [
        ("6013010012345678", "tok_12345678", "lastFour"),
        ("12345", "tok_12345678", "lastFour"),
        ("12 34", "tok_12345678", "lastFour"),
        ("١٢٣٤", "tok_12345678", "lastFour"),
        ("5678", "6013010012345678", "token"),
        ("5678", "6013-0100-1234-5675", "token"),
        ("5678", "t6013010012345675", "token"),
        ("5678", "6013010012345675x", "token"),
        ("5678", "short", "token"),
        ("5678", "with space", "token"),
    ],
)
async def test_the_number_of_a_card_is_refused_and_not_repeated(
    office: Office, last_four: str, token: str, field: str
) -> None:
    card = await one_in(office, CardState.OPENING)
    refused = await do(office, PRINT, cards=[{"id": card["id"], "lastFour": last_four, "token": token}])
    assert refused["fields"] == [field]
    assert last_four not in refused["message"]
    assert token not in refused["message"]
    assert await office.owner.fetchval("select count(*) from kks_card where token is not null") == 0


@pytest.mark.parametrize("reason", ["PIN 123456", "kartu 6013 0100 1234 5678", "6013-0100", "", " ", "x" * 201, None])
async def test_a_reason_holds_no_number_of_a_card_and_no_pin(office: Office, reason: str | None) -> None:
    card = await one_in(office, CardState.ACTIVE)
    refused = await do(office, MOVE, id=card["id"], version=card["version"], state="LOST", reason=reason)
    assert refused["code"] == "KKS_CARD_REASON_INVALID"
    assert await office.owner.fetchval("select count(*) from kks_card where state_reason is not null") == 0


async def test_cards_are_printed_all_or_none(office: Office) -> None:
    await office.cycle(families=3, cards=3)
    await office.owner.execute("update kks_card set token = null, last_four = null, state = 'OPENING'")
    opening = await cards(office)
    prints = [{"id": card["id"], "lastFour": "1234", "token": "tok_the_same"} for card in opening]
    assert (await do(office, PRINT, cards=prints))["code"] == "KKS_CARD_TOKEN_USED"
    assert (await do(office, PRINT, cards=[prints[0], prints[0]]))["code"] == "KKS_CARDS_INVALID"
    assert (await do(office, PRINT, cards=[]))["code"] == "KKS_CARDS_INVALID"
    unknown = {"id": f"KksCard:3302:{uuid4()}", "lastFour": "1234", "token": "tok_another"}
    assert (await do(office, PRINT, cards=[prints[0], unknown]))["code"] == "KKS_CARD_NOT_FOUND"
    assert len(await cards(office, state="OPENING")) == 3


async def test_cards_of_another_regency_are_not_there(office: Office) -> None:
    card = await one_in(office, CardState.ACTIVE)
    stranger = await office.admin(CILACAP.code)
    assert (await stranger.query(CARDS))["kksCards"]["totalCount"] == 0
    given = {"id": card["id"], "version": card["version"], "state": "LOST", "reason": "x"}
    refused = (await stranger.query(MOVE, input=given))["answer"]
    missing = (await stranger.query(MOVE, input={**given, "id": f"KksCard:3302:{uuid4()}"}))["answer"]
    assert refused == missing
    assert refused["code"] == "KKS_CARD_NOT_FOUND"


async def test_whoever_may_read_cards_may_not_change_them(office: Office) -> None:
    card = await one_in(office, CardState.ACTIVE)
    verifier = await office.api.as_(Role.REGENCY_VERIFIER, "33.02")
    assert (await verifier.query(CARDS))["kksCards"]["totalCount"] == 1
    given = {"id": card["id"], "version": card["version"], "state": "LOST", "reason": "x"}
    assert await verifier.codes(MOVE, input=given) == ["NOT_PERMITTED"]
    assert await (await office.api.as_(Role.VILLAGE_OPERATOR, "33.02.01.2001")).codes(CARDS) == ["NOT_PERMITTED"]
    banker = await office.api.as_(Role.BANK_OFFICER, "33.02")
    assert (await banker.query(MOVE, input=given))["answer"]["card"]["state"] == "LOST"
