"""Ids, numbers and cursors of rows that exist, for documents to ask for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from app.domain.registry.sealing import Seal
from tests.differential import export_fields
from tests.differential.cycle_fields import MAKER
from tests.differential.happenings import GIVER, SOMEBODY
from tests.differential.import_fields import STARTER
from tests.differential.insurance_fields import INSURER
from tests.differential.job_fields import WORKER
from tests.differential.registry import CITY, COUNTRYSIDE
from tests.differential.registry_fields import family_keys, person_keys
from tests.differential.rows import encoded_cursor

if TYPE_CHECKING:
    import asyncpg

_TWINS = (
    "select nik_sealed from person where nik_digest is not null and presence = 'PRESENT' and regency_id = any($1) "
    "group by nik_digest, nik_sealed having count(*) > 1"
)


@dataclass(frozen=True)
class Samples:
    """What can be asked for."""

    families: list[str]
    persons: list[str]
    niks: list[str]
    twin_nik: str
    family_cursors: dict[str, list[str]]
    person_cursors: dict[str, list[str]]
    region_cursors: dict[str, list[str]]
    grants: list[str]
    grant_cursors: list[str]
    matchings: list[str]
    matching_cursors: list[str]
    events: list[str]
    event_cursors: list[str]
    moments: list[str]
    imports: list[str]
    duplicates: list[str]
    import_cursors: list[str]
    jobs: list[str]
    job_cursors: list[str]
    exports: list[str]
    export_cursors: list[str]
    terms: list[str]
    quotas: list[str]
    quota_cursors: list[str]
    memberships: list[str]
    membership_cursors: list[str]
    reviews: list[str]
    review_cursors: list[str]
    aid: dict[str, list[str]]
    """Ids of what `tests.differential.cycle_fields` and the two beside it have planted, by type."""
    aid_cursors: dict[str, list[str]]
    """Cursors of their lists, by type."""

    @property
    def named(self) -> dict[str, str]:
        """Single values by the names that hand-written documents call them."""
        return {
            "family": self.families[0],
            "bare family": self.families[1],
            "moved family": self.families[2],
            "far family": self.families[-1],
            "person": self.persons[8],
            "lonely person": self.persons[0],
            "far person": self.persons[-1],
            "nik": self.niks[0],
            "twin nik": self.twin_nik,
            "a decile beyond all": encoded_cursor("DECILE", [2**40, 2**62, UUID(int=0)]),
            **{f"families by {order}": cursors[1] for order, cursors in self.family_cursors.items()},
            **{f"persons by {order}": cursors[1] for order, cursors in self.person_cursors.items()},
            **{f"regions by {order}": cursors[1] for order, cursors in self.region_cursors.items()},
            "grant": self.grants[0],
            "far grant": self.grants[-1],
            "grants": self.grant_cursors[1],
            "matching": self.matchings[0],
            "far matching": self.matchings[5],
            "matchings": self.matching_cursors[7],
            "event": self.events[0],
            "far event": self.events[-1],
            "events": self.event_cursors[1],
            "moment": self.moments[0],
            "import": self.imports[0],
            "far import": self.imports[-1],
            "duplicate": self.duplicates[0],
            "imports": self.import_cursors[1],
            "job": self.jobs[0],
            "failed job": self.jobs[1],
            "far job": self.jobs[-1],
            "jobs": self.job_cursors[-2],
            "export": self.exports[1],
            "far export": self.exports[-1],
            "exports": self.export_cursors[1],
            "programmes": encoded_cursor("CODE", ["PBI_JK"]),
            "terms": self.terms[0],
            "quota": self.quotas[0],
            "far quota": self.quotas[-1],
            "quotas": self.quota_cursors[1],
            "membership": self.memberships[0],
            "far membership": self.memberships[-1],
            "memberships": self.membership_cursors[1],
            "review": self.reviews[0],
            "reviews": self.review_cursors[1],
            **{kind: ids[0] for kind, ids in self.aid.items()},
            **{f"far {kind}": ids[-1] for kind, ids in self.aid.items()},
            **{f"{kind} list": cursors[1] for kind, cursors in self.aid_cursors.items()},
        }


_AID = {
    "AidCycle": "select * from aid_cycle where made_by = $1 order by regency_id desc, id",
    "CycleGeneration": "select * from cycle_generation where made_by = $1 order by regency_id desc, id",
    "Entitlement": "select * from entitlement where cycle_id in (select id from aid_cycle where made_by = $1) order by regency_id desc, id",
    "AidExclusion": "select *, concat(cycle_id, ':', family_id) as id from aid_exclusion "
    "where cycle_id in (select id from aid_cycle where made_by = $1) order by regency_id desc, cycle_id, family_id",
    "PaymentOrder": "select * from payment_order where made_by = $1 order by regency_id desc, id",
    "BankFile": "select * from bank_file where made_by = $1 order by regency_id desc, id",
    "KksCard": "select * from kks_card where regency_id in (3402, 3471) and $1::uuid is not null order by regency_id desc, id",
    "JournalEntry": "select * from journal_entry where principal_id = $1 order by regency_id desc, happened_at, id",
    "Wallet": "select * from wallet where regency_id in (3402, 3471) and $1::uuid is not null order by regency_id desc, id",
    "EwarongAgent": "select * from ewarong_agent where proposed_by = $1 order by regency_id desc, id",
    "EwarongService": "select * from ewarong_service where planned_by = $1 order by regency_id desc, id",
    "EwarongInspection": "select * from ewarong_inspection where reported_by = $1 order by regency_id desc, id",
    "EwarongViolation": "select * from ewarong_violation where recorded_by = $1 order by regency_id desc, id",
    "ReferencePrice": "select * from reference_price where published_by = $1 order by regency_id desc, id",
    "PriceObservation": "select * from price_observation where observed_by = $1 order by regency_id desc, id",
    "EwarongSupplier": "select * from ewarong_supplier where listed_by = $1 order by regency_id desc, name",
    "EwarongTransaction": "select * from ewarong_transaction where reported_by = $1 order by regency_id desc, id",
    "EwarongSignal": "select * from ewarong_signal where starts_with(subject_key, $1::uuid::text) order by regency_id desc, id",
    "EwarongScreening": "select * from ewarong_screening where made_by = $1 order by regency_id desc, id",
    "EwarongDelivery": "select * from ewarong_delivery where reported_by = $1 order by regency_id desc, id",
    "EwarongOtherSales": "select * from ewarong_other_sales where reported_by = $1 order by regency_id desc, id",
    "IdleReturn": "select * from idle_return where made_by = $1 order by regency_id desc, id",
}
_AID_KEYS = {
    "AidExclusion": ("FAMILY", ("family_id",)),
    "JournalEntry": ("NEWEST", ("happened_at", "id")),
    "EwarongSupplier": ("NAME", ("name", "id")),
    **dict.fromkeys(("Entitlement", "EwarongAgent", "KksCard", "Wallet"), ("VILLAGE", ("village_id", "id"))),
}


async def samples_of(onlooker: "asyncpg.Connection[asyncpg.Record]", seal: Seal) -> Samples:
    """Things of both regencies, those of the city first."""
    ours = [CITY, COUNTRYSIDE]
    grants = await onlooker.fetch("select * from principal_grant where principal_id = $1 order by id", SOMEBODY)
    matchings = await onlooker.fetch("select * from civil_registry_matching where created_by = $1 order by id", GIVER)
    imports = await onlooker.fetch("select * from registry_import where created_by = $1 order by id", STARTER)
    duplicates = await onlooker.fetch(
        "select * from import_duplicate where import_id = any($1) order by import_id, line",
        [row["id"] for row in imports],
    )
    jobs = await onlooker.fetch("select * from job where principal_id = $1 order by id", WORKER)
    exports = await export_fields.planted(onlooker)
    terms = await onlooker.fetch("select id from programme_terms where programme_code = 'PKH' order by version")
    quotas = await onlooker.fetch(
        "select * from programme_quota where regency_id = any($1) order by regency_id = 3501, year desc, regency_id desc",
        [*ours, 3501],
    )
    events = await onlooker.fetch(
        "select * from audit_event where principal_id = $1 order by regency_id desc, id", SOMEBODY
    )
    families = await onlooker.fetch(
        "select * from family where regency_id = any($1) order by regency_id desc, id", ours
    )
    persons = await onlooker.fetch("select * from person where regency_id = any($1) order by regency_id desc, id", ours)
    sealed = [row["nik_sealed"] for row in persons if row["nik_sealed"] is not None and row["presence"] == "PRESENT"]
    twin = await onlooker.fetchval(_TWINS, ours)
    memberships = await onlooker.fetch(
        "select * from health_membership where made_by = $1 order by regency_id desc, id", INSURER
    )
    reviews = await onlooker.fetch("select * from membership_review where made_by = $1 order by id", INSURER)
    aid = {kind: await onlooker.fetch(statement, MAKER) for kind, statement in _AID.items()}
    return Samples(
        families=[f"Family:{row['regency_id']}:{row['id']}" for row in families],
        persons=[f"Person:{row['regency_id']}:{row['id']}" for row in persons],
        niks=[seal.unseal(number) for number in sealed[:4]],
        twin_nik=seal.unseal(twin),
        family_cursors={
            order: [encoded_cursor(order, family_keys(order, dict(row))) for row in families[::5]]
            for order in ("VILLAGE", "NAME", "DECILE")
        },
        person_cursors={
            order: [encoded_cursor(order, person_keys(order, dict(row))) for row in persons[::9]]
            for order in ("VILLAGE", "NAME")
        },
        region_cursors={
            "CODE": [encoded_cursor("CODE", [code]) for code in ("34", "34.71.03", "34.71.03.1002", "99")],
            "NAME": [encoded_cursor("NAME", [name, 0]) for name in ("", "Baciro", "Kota", "zzz")],
        },
        grants=[f"PrincipalGrant:{row['id']}" for row in grants],
        grant_cursors=[encoded_cursor("NEWEST", [row["id"]]) for row in grants],
        matchings=[f"CivilRegistryMatching:{row['regency_id']}:{row['id']}" for row in matchings],
        matching_cursors=[encoded_cursor("NEWEST", [row["id"]]) for row in matchings],
        events=[f"AuditEvent:{row['regency_id']}:{row['id']}" for row in events],
        event_cursors=[encoded_cursor("NEWEST", [row["happened_at"], row["id"]]) for row in events[::4]],
        moments=[row["happened_at"].isoformat() for row in events[::6]],
        imports=[f"Import:{row['regency_id']}:{row['id']}" for row in imports],
        duplicates=[f"ImportDuplicate:{row['regency_id']}:{row['id']}" for row in duplicates],
        import_cursors=[encoded_cursor("NEWEST", [row["id"]]) for row in imports],
        jobs=[f"Job:{row['regency_id']}:{row['id']}" for row in jobs],
        job_cursors=[encoded_cursor("NEWEST", [row["id"]]) for row in jobs[::5]],
        exports=[f"Export:{row['regency_id']}:{row['id']}" for row in exports],
        terms=[f"ProgrammeTerms:{row['id']}" for row in terms],
        quotas=[f"ProgrammeQuota:{row['regency_id']}:{row['id']}" for row in quotas],
        memberships=[f"HealthMembership:{row['regency_id']}:{row['id']}" for row in memberships],
        membership_cursors=[encoded_cursor("VILLAGE", [row["village_id"], row["id"]]) for row in memberships[::7]],
        reviews=[f"MembershipReview:{row['regency_id']}:{row['id']}" for row in reviews],
        review_cursors=[encoded_cursor("NEWEST", [row["id"]]) for row in reviews],
        quota_cursors=[encoded_cursor("NEWEST", [row["year"], row["regency_id"], row["id"]]) for row in quotas],
        export_cursors=[encoded_cursor("NEWEST", [row["id"]]) for row in exports[::5]],
        aid={kind: [f"{kind}:{row['regency_id']}:{row['id']}" for row in rows] for kind, rows in aid.items()},
        aid_cursors={
            kind: [encoded_cursor(order, [row[name] for name in names]) for row in rows[:: max(1, len(rows) // 4)]]
            for kind, rows in aid.items()
            for order, names in [_AID_KEYS.get(kind, ("NEWEST", ("id",)))]
        },
    )
