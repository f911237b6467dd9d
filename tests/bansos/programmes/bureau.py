"""People who propose and confirm terms of programmes through the API."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from app.authz.development import ensure_principal
from app.authz.roles import Role
from tests.authz.people import region
from tests.support.aid import plant_programme
from tests.support.client import ApiClient, Caller, Json

if TYPE_CHECKING:
    import asyncpg

BANYUMAS: Final = "33.02"
CILACAP: Final = "33.01"
CENTRAL_JAVA: Final = "33"
TERMS: Final = """id version state validFrom periodMonths amount mostPersons secondApprovalAbove idleDays
  proposedBy decidedBy decidedAt reason
  legalBasis { code } rules { number code condition met metEnglish unmet unmetEnglish }
  components { code name nameEnglish condition mostPerFamily amounts { year amount } }"""
_REFUSAL: Final = "__typename ... on UserError { code message } ... on InvalidInput { fields }"
RULE: Final[Json] = {
    "number": 10,
    "code": "DECILE_TOO_HIGH",
    "condition": "family.decile <= 3",
    "met": "desil {family.decile}",
    "metEnglish": "decile {family.decile}",
    "unmet": "desil {family.decile} di atas 3",
    "unmetEnglish": "decile {family.decile} is above 3",
}
COMPONENT: Final[Json] = {
    "component": "SD",
    "name": "siswa SD",
    "nameEnglish": "pupil",
    "condition": "person.age < 13",
    "mostPerFamily": 2,
    "amounts": [{"year": 2026, "amount": 900_000}, {"year": 2028, "amount": 1_000_000}],
}


def mutation(name: str, success: str, selection: str) -> str:
    kind = f"{name[0].upper()}{name[1:]}Input!"
    return f"mutation($input: {kind}) {{ {name}(input: $input) {{ {_REFUSAL} ... on {success} {{ {selection} }} }} }}"


PROPOSE: Final = mutation("programmeTermsPropose", "ProgrammeTermsProposed", f"terms {{ {TERMS} }}")
CONFIRM: Final = mutation("programmeTermsConfirm", "ProgrammeTermsConfirmed", f"terms {{ {TERMS} }}")
REJECT: Final = mutation("programmeTermsReject", "ProgrammeTermsRejected", f"terms {{ {TERMS} }}")
SET_QUOTA: Final = mutation(
    "programmeQuotaSet", "ProgrammeQuotaSet", "quota { id year families source region { code } }"
)


@dataclass(frozen=True, slots=True)
class Bureau:
    """Makes officers, and asks the API for them."""

    api: ApiClient
    owner: "asyncpg.Connection[asyncpg.Record]"
    programme: str
    """Code of a programme of Banyumas: 600,000 a quarter since 2021."""

    @classmethod
    async def opened(cls, api: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]") -> "Bureau":
        code = f"UJI_{uuid4().hex[:12].upper()}"
        return cls(api, owner, await plant_programme(owner, code, region=region(BANYUMAS)))

    async def officer(self, role: Role, code: str = "") -> Caller:
        """Somebody with ``role`` whom no other test knows."""
        subject = f"dev:{uuid4()}"
        await ensure_principal(self.owner, subject=subject, name=f"Petugas {role}", role=role, region=region(code))
        return self.api.named(subject)

    async def maker(self, code: str = BANYUMAS) -> Caller:
        return await self.officer(Role.REGENCY_ADMIN, code)

    async def checker(self, code: str = BANYUMAS) -> Caller:
        return await self.officer(Role.REGENCY_APPROVER, code)

    def terms(self, **changes: Any) -> Json:
        """An input of ``programmeTermsPropose``."""
        usual = {
            "programme": self.programme,
            "validFrom": "2027-01-01",
            "periodMonths": 3,
            "amount": 750_000,
            "rules": [RULE],
        }
        return usual | changes

    async def propose(self, caller: Caller, **changes: Any) -> Json:
        answer: Json = (await caller.query(PROPOSE, input=self.terms(**changes)))["programmeTermsPropose"]
        return answer

    async def confirm(self, caller: Caller, terms: str) -> Json:
        answer: Json = (await caller.query(CONFIRM, input={"id": terms}))["programmeTermsConfirm"]
        return answer

    async def reject(self, caller: Caller, terms: str, reason: str = "Anggaran belum ada") -> Json:
        answer: Json = (await caller.query(REJECT, input={"id": terms, "reason": reason}))["programmeTermsReject"]
        return answer

    async def proposed(self, **changes: Any) -> str:
        """The id of terms that some officer of Banyumas has proposed."""
        identifier: str = (await self.propose(await self.maker(), **changes))["terms"]["id"]
        return identifier

    async def set_quota(self, caller: Caller, **changes: Any) -> Json:
        usual = {
            "programme": self.programme,
            "region": BANYUMAS,
            "year": 2026,
            "families": 120,
            "source": "Keputusan Bupati 12/2026",
        }
        answer: Json = (await caller.query(SET_QUOTA, input=usual | changes))["programmeQuotaSet"]
        return answer

    async def cycle(self, start: date, end: date) -> None:
        """A cycle of the programme in Banyumas."""
        await self.owner.execute(
            "insert into aid_cycle (regency_id, id, village_low, village_high, programme_code, terms_version, period_start, period_end, "
            "generation_id, made_by, made_by_name, made_at) values (3302, gen_random_uuid(), 3302000000, 3302999999, $1, 1, $2, $3, "
            "gen_random_uuid(), gen_random_uuid(), 'Petugas', now())",
            self.programme,
            start,
            end,
        )
