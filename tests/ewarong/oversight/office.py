"""Everybody who has to do with a violation, over HTTP, and short ways to what they do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from app.authz.roles import Role
from app.domain.ewarong.models.agents import AgentState
from tests.ewarong.agents.paperwork import mutate
from tests.support.client import ApiClient, Caller, Json
from tests.support.outlets import Outlet, agent_principal, plant_agent
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

VILLAGE: Final = BANYUMAS.village(1, 2)
FIELDS: Final = """id code state version description recordedBy replyDue overdue repliedAt appealedAt appealAnsweredAt
  decisionReason decidedAt agent { state } steps { step act fromState toState reason replyDue takenBy }
  statements { kind text against step saidBy }"""
_DONE: Final = {
    "ewarongViolationRecord": "EwarongViolationRecorded",
    "ewarongViolationWarn": "EwarongViolationWarned",
    "ewarongViolationRecommend": "EwarongViolationRecommended",
    "ewarongViolationDismiss": "EwarongViolationDismissed",
    "ewarongViolationRemedied": "EwarongViolationClosed",
    "ewarongViolationDecide": "EwarongViolationDecided",
    "ewarongViolationReply": "EwarongViolationReplied",
    "ewarongViolationAppeal": "EwarongViolationAppealed",
    "ewarongAppealAnswer": "EwarongAppealAnswered",
}
ONE: Final = f"query($id: ID!) {{ node(id: $id) {{ ... on EwarongViolation {{ {FIELDS} }} }} }}"


async def act(caller: Caller, name: str, **given: Any) -> Json:
    """What the mutation ``name`` of violations answers: the violation, or the refusal."""
    said = await mutate(caller, name, f"... on {_DONE[name]} {{ violation {{ {FIELDS} }} }}", **given)
    done: Json = said.get("violation", said)
    return done


@dataclass(frozen=True, slots=True)
class Office:
    """One outlet, and everybody around it."""

    api: ApiClient
    owner: "asyncpg.Connection[asyncpg.Record]"
    outlet: Outlet
    keeper: Caller
    tksk: Caller
    verifier: Caller
    admin: Caller
    approver: Caller
    second_approver: Caller
    bank: Caller

    @classmethod
    async def open(
        cls,
        api: ApiClient,
        owner: "asyncpg.Connection[asyncpg.Record]",
        *,
        state: AgentState = AgentState.ACTIVE,
    ) -> "Office":
        """A new outlet in ``state``."""
        outlet = await plant_agent(owner, VILLAGE, state=state)
        code = BANYUMAS.code
        return cls(
            api,
            owner,
            outlet,
            keeper=await agent_principal(api, owner, outlet),
            tksk=await api.as_(Role.TKSK, BANYUMAS.district(1)),
            verifier=await api.as_(Role.REGENCY_VERIFIER, code),
            admin=await api.as_(Role.REGENCY_ADMIN, code),
            approver=await api.as_(Role.REGENCY_APPROVER, code),
            second_approver=await api.granted((Role.REGENCY_APPROVER, code), (Role.REGENCY_APPROVER, code)),
            bank=await api.as_(Role.BANK_OFFICER, code),
        )

    async def record(self, code: str = "UNFAIR_PRICE", **others: Any) -> Json:
        """A violation that the TKSK has recorded."""
        given = {
            "agent": self.outlet.node,
            "code": code,
            "description": "Beras dijual jauh di atas harga acuan.",
            "idempotencyKey": str(uuid4()),
        }
        return await act(self.tksk, "ewarongViolationRecord", **given | others)

    async def step(self, caller: Caller, name: str, violation: Json, **others: Any) -> Json:
        """Take ``violation`` on, from where it was last seen."""
        given = {"id": violation["id"], "version": violation["version"], "reason": "Sesuai berita acara."}
        return await act(caller, name, **given | others)

    async def warn(self, violation: Json) -> Json:
        return await self.step(self.admin, "ewarongViolationWarn", violation)

    async def recommend(self, violation: Json) -> Json:
        return await self.step(self.approver, "ewarongViolationRecommend", violation)

    async def decide(self, violation: Json, decision: str) -> Json:
        return await self.step(self.bank, "ewarongViolationDecide", violation, decision=decision)

    async def say(self, name: str, violation: Json, **others: Any) -> Json:
        """Reply or appeal, by whoever runs the outlet."""
        given = {
            "id": violation["id"],
            "version": violation["version"],
            "text": "Harga sudah kami turunkan.",
            "idempotencyKey": str(uuid4()),
        }
        return await act(self.keeper, name, **given | others)

    async def answer(self, violation: Json, *, accepted: bool, by: Caller | None = None) -> Json:
        """Answer the appeal, by the second approver or whoever is given."""
        return await act(
            by or self.second_approver,
            "ewarongAppealAnswer",
            id=violation["id"],
            version=violation["version"],
            accepted=accepted,
            text="Sudah kami periksa kembali.",
        )

    async def let_pass(self, violation: Json) -> None:
        """Let the day by which the outlet could answer lie in the past."""
        await self.owner.execute(
            "update ewarong_violation set reply_due = current_date - 3 where regency_id = $1 and id = $2",
            self.outlet.regency_id,
            violation["id"].rpartition(":")[2],
        )

    async def warned_twice(self, code: str = "UNFAIR_PRICE") -> Json:
        """A violation after two warnings, the second of which can be answered no more."""
        violation = await self.warn(await self.record(code))
        await self.let_pass(violation)
        violation = await self.warn(violation)
        await self.let_pass(violation)
        return violation

    async def recommended(self) -> Json:
        return await self.recommend(await self.warned_twice())

    async def outlet_state(self) -> str:
        state: str = await self.owner.fetchval(
            "select state from ewarong_agent where regency_id = $1 and id = $2", self.outlet.regency_id, self.outlet.id
        )
        return state
