"""An office that pays: through the API, with a worker in this process, and a look at the books."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import sqlalchemy as sa

from app.authz.authorize import OPERATOR_ID, authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.bansos.ledger.checking import check_ledger
from app.domain.bansos.ledger.posting import post_entries
from app.domain.bansos.models.cycles import PaymentStep
from app.domain.bansos.models.ledger import Account, EntryKind, wallet
from app.domain.jobs.models import JobKind
from app.schema.bansos.payment_running import PaymentHandlers
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from app.worker import Worker
from tests.jobs.workshop import PATIENCE_SECONDS, QUICK
from tests.support.aid import plant_programme, plant_released_cycle
from tests.support.client import ApiClient, Caller
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

PROGRAMME: Final = "SEMBAKO_UJI"
AMOUNT: Final = 600_000
FAMILIES: Final = 48
_EMPTIED: Final = (
    "bank_result", "bank_report", "bank_file", "payment_order", "kks_card", "entitlement", "aid_cycle", "journal_line",
    "journal_entry", "seal_queue", "seal_batch", "sealed_leaf", "wallet", "ledger_total", "job", "pgqueuer",
)  # fmt: skip
ORDERS: Final = """query($cycle: ID) { paymentOrders(cycle: $cycle) { totalCount nodes {
  id bank number state entitlements amount validEntitlements validAmount spmNumber sp2dNumber version
  steps { step count amount }
  files(first: 20) { nodes { kind format number rows amount sha256 applied repeated unknown mismatched downloadUrl
    results(first: 100) { totalCount nodes { line verdict code amount entitlementId } } } }
  jobs { nodes { kind state error { code message } } } } } }"""
MAKE: Final = """mutation($input: PaymentOrdersMakeInput!) { answer: paymentOrdersMake(input: $input) {
  ... on PaymentOrdersMade { orders entitlements amount withoutAccount cancelled } ... on UserError { code message } } }"""
READ: Final = """mutation($input: BankResultsReadInput!) { answer: bankResultsRead(input: $input) { __typename
  ... on BankResultsReading { order { id } job { id } } ... on UserError { code message } } }"""
JOB: Final = "query($id: ID!) { node(id: $id) { ... on Job { state error { code message } } } }"


def step_of(name: str, **fields: str) -> str:
    """The document of a step of an order; ``fields`` are further fields of its input, with their types."""
    declared = "".join(f", ${key}: {type_}" for key, type_ in fields.items())
    given = "".join(f", {key}: ${key}" for key in fields)
    return (
        f"mutation($id: ID!, $version: Int!{declared}) {{ answer: {name}(input: {{id: $id, version: $version{given}}}) {{ __typename "
        "... on PaymentOrderMoved { order { id state version } } ... on UserError { code message } } }"
    )


STEPS: Final = {
    "paymentOrderSpm": step_of("paymentOrderSpm", number="String!"),
    "paymentOrderOmspan": step_of("paymentOrderOmspan"),
    "paymentOrderDisburse": step_of("paymentOrderDisburse", number="String!"),
    "paymentOrderInstruct": step_of("paymentOrderInstruct"),
    "paymentOrderReturn": step_of("paymentOrderReturn"),
}
NUMBERED: Final = {"paymentOrderSpm": "SPM-0042/2026", "paymentOrderDisburse": "SP2D-0043/2026"}


@dataclass(frozen=True)
class Office:
    """Pays the families of Banyumas."""

    settings: Settings
    server: DatabaseServer
    owner: "asyncpg.Connection[asyncpg.Record]"
    database: Database
    api: ApiClient

    async def empty(self) -> None:
        await self.owner.execute(f"truncate {', '.join(_EMPTIED)} cascade")
        await plant_programme(self.owner, PROGRAMME, amount=AMOUNT)

    async def cycle(self, regency: Any = BANYUMAS, **planted: Any) -> str:
        """A released cycle; its node id."""
        cycle_id = await plant_released_cycle(self.owner, PROGRAMME, regency.id, amount=AMOUNT, **planted)
        return f"AidCycle:{regency.id}:{cycle_id}"

    async def admin(self, code: str = BANYUMAS.code) -> Caller:
        return await self.api.as_(Role.REGENCY_ADMIN, code)

    async def make(self, cycle: str, version: int = 1) -> Any:
        """Make orders of ``cycle``."""
        answer = await (await self.admin()).query(MAKE, input={"cycle": cycle, "version": version})
        return answer["answer"]

    async def orders(self, cycle: str | None = None) -> list[Any]:
        """The orders, as the administrator of the regency sees them."""
        nodes: list[Any] = (await (await self.admin()).query(ORDERS, cycle=cycle))["paymentOrders"]["nodes"]
        return nodes

    async def order(self, identifier: str) -> Any:
        return next(each for each in await self.orders() if each["id"] == identifier)

    async def until(self, identifier: str, *states: str) -> Any:
        """The order, once it is in one of ``states``."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (order := await self.order(identifier))["state"] not in states:  # noqa: ASYNC110  (a worker does it)
                await asyncio.sleep(0.05)
        return order

    async def until_file(self, identifier: str, kind: str) -> Any:
        """The fixed file of ``kind`` of an order, once it is there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for file in (await self.order(identifier))["files"]["nodes"]:
                    if (file["kind"], file["format"]) == (kind, "FIXED"):
                        return file
                await asyncio.sleep(0.05)

    async def step(self, name: str, identifier: str, **others: Any) -> Any:
        """Take an order one step on; the answer."""
        given = {"version": (await self.order(identifier))["version"], **others}
        if name in NUMBERED:
            given = {"number": NUMBERED[name], **given}
        return (await (await self.admin()).query(STEPS[name], id=identifier, **given))["answer"]

    async def to_instruction(self, identifier: str) -> None:
        """Take an order whose accounts are checked to its standing instruction."""
        for name in ("paymentOrderSpm", "paymentOrderOmspan", "paymentOrderDisburse", "paymentOrderInstruct"):
            answer = await self.step(name, identifier)
            assert answer["__typename"] == "PaymentOrderMoved", answer

    async def download(self, url: str) -> bytes:
        answer = await self.api.http.get(url)
        assert answer.status_code == 200, answer.text
        return answer.content

    async def upload(self, content: bytes, caller: Caller | None = None, region: str = BANYUMAS.code) -> str:
        """Send a file as an officer does; the id of the upload."""
        caller = caller or await self.admin()
        answer = await self.api.http.post(
            f"/uploads?region={region}",
            content=content,
            headers={
                "authorization": f"Bearer {caller.token}",
                "content-type": "application/octet-stream",
                "content-disposition": 'attachment; filename="hasil.txt"',
            },
        )
        assert answer.status_code == 201, answer.text
        identifier: str = answer.json()["id"]
        return identifier

    async def report(self, identifier: str, content: bytes) -> Any:
        """Bring in an answer of a bank, and wait until its job has ended; the job."""
        caller = await self.admin()
        given = {"order": identifier, "uploadId": await self.upload(content), "idempotencyKey": str(uuid4())}
        answer = (await caller.query(READ, input=given))["answer"]
        assert answer["__typename"] == "BankResultsReading", answer
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                job = (await caller.query(JOB, id=answer["job"]["id"]))["node"]
                if job["state"] in {"SUCCEEDED", "FAILED"}:
                    return job
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def worker(self, clock: Callable[[], datetime] | None = None, **settings: Any) -> AsyncIterator[Worker]:
        """A worker of this process, by its own ``clock`` where there is one."""
        own = self.settings.model_copy(update=settings)
        handlers = PaymentHandlers.of_settings(own)
        if clock is not None:
            handlers = replace(handlers, clock=clock)
        worker = Worker(
            own,
            self.server,
            {JobKind.BANK_FILE: handlers.write, JobKind.BANK_RESULTS: handlers.read},
            pace=QUICK,
        )
        async with worker.working():
            yield worker

    async def steps(self, cycle: str) -> Counter[str]:
        """How many entitlements of ``cycle`` are where."""
        rows = await self.owner.fetch(
            "select step, count(*) as count from entitlement where cycle_id = $1 group by step", key_of(cycle)
        )
        return Counter({row["step"]: row["count"] for row in rows})

    async def books(self) -> dict[str, int]:
        """What the ledger says of each account, without zeros."""
        rows = await self.owner.fetch("select account, sum(amount) as amount from journal_line group by account")
        return {row["account"]: int(row["amount"]) for row in rows if row["amount"]}

    async def redeem(self, which: int) -> None:
        """Have the family with the ``which``-th wallet spend all that is in it."""
        w, nobody = wallet.c, sa.cast(sa.null(), wallet.c.id.type)
        spent = (
            sa.select(
                w.regency_id,
                w.village_id.label("village_low"),
                w.village_id.label("village_high"),
                sa.literal(EntryKind.WITHDRAWAL.value, sa.Text()).label("kind"),
                w.programme_code,
                nobody.label("cycle_id"),
                w.family_id,
                w.id.label("source_id"),
                sa.func.concat("WITHDRAWAL:", str(uuid4())).label("source_key"),
                sa.cast(OPERATOR_ID, w.id.type).label("principal_id"),
                sa.literal(Account.WALLET.value, sa.Text()).label("from_account"),
                w.id.label("from_holder"),
                sa.literal(Account.WITHDRAWN.value, sa.Text()).label("to_account"),
                nobody.label("to_holder"),
                w.balance.label("amount"),
            )
            .where(w.balance > 0)
            .order_by(w.id)
            .offset(which)
            .limit(1)
        )
        async with self.database.write(COUNTRY) as session:
            await post_entries(session, spent)

    async def wallets(self) -> int:
        return int(await self.owner.fetchval("select coalesce(sum(balance), 0) from wallet"))

    async def assert_right(self) -> None:
        """Money is conserved, nobody was paid twice, and each book tells of the same."""
        books = await self.books()
        assert sum(books.values()) == 0
        assert await self.wallets() == books.get(Account.WALLET.value, 0)
        steps = Counter[str]()
        for row in await self.owner.fetch("select step, sum(amount) as amount from entitlement group by step"):
            steps[row["step"]] = int(row["amount"])
        drawn = int(
            await self.owner.fetchval(
                "select coalesce(sum(valid_amount), 0) from payment_order where sp2d_at is not null"
            )
        )
        spent = books.get(Account.WITHDRAWN.value, 0)
        assert books.get(Account.WALLET.value, 0) + spent == steps[PaymentStep.TOPPED_UP.value]
        assert -books.get(Account.TREASURY.value, 0) == drawn - steps[PaymentStep.RETURNED.value]
        assert books.get(Account.CLEARING.value, 0) == sum(
            steps[each.value]
            for each in (PaymentStep.SP2D, PaymentStep.STANDING_INSTRUCTION, PaymentStep.TOP_UP_FAILED)
        )
        twice = await self.owner.fetchval(
            "select count(*) from (select from entitlement where step = 'TOPPED_UP' "
            "group by family_id, programme_code, period_start having count(*) > 1) t"
        )
        assert twice == 0
        async with open_loader(self.server) as loader:
            assert await check_ledger(loader) == []


def key_of(node: str) -> UUID:
    """The UUID in a node id."""
    return UUID(node.rsplit(":", 1)[1])


COUNTRY: Final = authorize(operator_access(RegionPath.country(), load_role_matrix()), Permission.BANSOS_PAYMENT_ORDER)
OPERATOR: Final = OPERATOR_ID
