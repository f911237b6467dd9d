"""The checklist and the grave violations as data: loaded once, never rewritten."""

from collections.abc import AsyncIterator
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from app.domain.ewarong.models.oversight import ViolationCode
from app.domain.ewarong.oversight.errors import OversightDataDiffers
from app.domain.ewarong.oversight.loading import ChecklistLoaded, OversightFile, load_checklist, shipped_checklist
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

if TYPE_CHECKING:
    import asyncpg

NOTHING = ChecklistLoaded(0, 0)


@pytest_asyncio.fixture
async def loader(market: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection of kesos_loader that takes back what a test writes."""
    async with open_loader(market) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


def changed(kind: str, code: str, **others: Any) -> OversightFile:
    """What Kesos ships with, with the entry ``code`` of ``kind`` otherwise."""
    said = shipped_checklist().model_dump()
    for entry in said[kind]:
        if entry["code"] in {code, ViolationCode.__members__.get(code)}:
            entry.update(others)
    return OversightFile.model_validate(said)


def test_every_violation_of_an_outlet_is_asked_for_by_some_question() -> None:
    assert {item.violation for item in shipped_checklist().items} == {*ViolationCode, None}


def test_what_is_shipped_has_a_source_and_a_day() -> None:
    said = shipped_checklist()
    assert all(item.source and item.valid_from for item in said.items)
    assert all(rule.source and rule.valid_from for rule in said.rules)


async def test_loaded_again_it_changes_nothing(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    assert await load_checklist(loader) == NOTHING


async def test_an_empty_database_gets_all_of_it(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    await loader.execute("delete from ewarong_finding")
    await loader.execute("delete from ewarong_checklist_item")
    await loader.execute("delete from ewarong_violation_rule")
    said = shipped_checklist()
    assert await load_checklist(loader) == ChecklistLoaded(len(said.items), len(said.rules))


@pytest.mark.parametrize(
    ("kind", "code", "others"),
    [
        ("items", "RECEIPT_GIVEN", {"question": "Lain?"}),
        ("items", "RECEIPT_GIVEN", {"violation": "LEVY"}),
        ("items", "RECEIPT_GIVEN", {"valid_from": date(2017, 1, 1)}),
        ("rules", "LEVY", {"grave": False}),
    ],
)
async def test_what_was_asked_and_judged_by_is_never_rewritten(
    loader: "asyncpg.Connection[asyncpg.Record]", kind: str, code: str, others: dict[str, Any]
) -> None:
    with pytest.raises(OversightDataDiffers, match=code):
        await load_checklist(loader, changed(kind, code, **others))
    assert await load_checklist(loader) == NOTHING


async def test_a_question_may_end_and_a_rule_may_be_followed_by_another(
    loader: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    ended = changed("items", "RECEIPT_GIVEN", valid_to=date(2027, 12, 31), question_english="Is there a receipt?")
    assert await load_checklist(loader, ended) == ChecklistLoaded(1, 0)
    later = changed("rules", "LEVY", grave=False, valid_from=date(2027, 1, 1))
    assert await load_checklist(loader, later) == ChecklistLoaded(1, 1)


def test_no_question_has_the_code_of_another() -> None:
    said = shipped_checklist().model_dump()
    with pytest.raises(ValueError, match="code of its own"):
        OversightFile.model_validate({**said, "items": [*said["items"], said["items"][0]]})
