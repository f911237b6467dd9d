"""Documents that hypothesis writes from the published schema, with arguments that hit rows as often as not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from graphql import (
    DocumentNode,
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    build_ast_schema,
    build_schema,
    get_named_type,
    parse,
    parse_const_value,
)
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from tests.differential.cycle_fields import PERIODS
from tests.differential.disguises import Disguise
from tests.differential.happenings import GIVER, SOMEBODY
from tests.differential.rows import encoded_cursor
from tests.differential.samples import Samples

_REGIONS: Final = (
    *("34", "34.71", "34.71.03", "34.71.03.1001", "34.02", "34.02.01.2001") * 12,
    *("12", "34.99", "3471", "34.71.03.9001", ""),
)
_SIZES: Final = (*(1, 2, 3, 4) * 20, 0, 101, -1)
_SEARCHES: Final = (*("a", "s", "sri", "ko", "%", "", "Slamet R") * 4, "'", '"', "\0")
_NOBODY: Final = "01e00000-0000-7000-8000-000000000001"
_DATES: Final = ("1950-01-01", "1975-06-15", "1999-12-31", "2020-02-29")
_JUNK_IDS: Final = (
    "",
    "Family",
    "Family:3471:1",
    "Region:3471",
    "Nobody:3471:0190a1b2-0000-7000-8000-000000000000",
    "\0",
)


_SEALED: Final = frozenset({"Family.kkRevealed", "Person.nikRevealed"})
"""Fields that are asked for elsewhere: each look at a number is logged."""
_RULED: Final = frozenset({"Family.whyNot", "Entitlement.why", "AidExclusion.why"})
"""Rules have a reference of their own, CEL's evaluation, in tests/bansos/eligibility; sentences are made of them in Python."""
_COUNTED: Final = frozenset({"aidOverlap", "aidOverlapFamilies"})
"""Root fields that tests/insights holds against counting family by family."""
_ADDED_UP: Final = frozenset(
    {"aidSummary", "ewarongCoverage", "ewarongDayTotals", "ewarongReceipt", "ledgerBalances", "supplierConcentration"}
)
"""Root fields that tests/bansos and tests/ewarong hold against adding up cycle by cycle and line by line."""
_WITHOUT_PLAN: Final = frozenset({"me", "eligibilityTry"})
"""Root fields that are answered in Python."""
_ELSEWHERE: Final = _SEALED | _RULED
_WAYS_ON: Final = frozenset(
    f"{type_name}.{name}"
    for type_name, names in {
        "Region": "parent ancestors children changes",
        "Family": "village district regency members cards wallets entitlements payments",
        "AidCycle": "programme regency generation",
        "CycleGeneration": "job",
        "Entitlement": "family recipient cycle programme",
        "AidExclusion": "family cycle",
        "FamilyPayment": "programme",
        "PaymentOrder": "cycle regency files jobs",
        "BankFile": "results",
        "KksCard": "village",
        "JournalEntry": "programme cycle",
        "Wallet": "family programme village entries",
        "IdleReturn": "region programme job",
        "Person": "village regency family healthMemberships",
        "HealthMembership": "person reactivates village regency",
        "MembershipReview": "region job",
        "EwarongAgent": "village steps dueDiligence services",
        "EwarongService": "agent village",
        "ReferencePrice": "region commodity",
        "PriceObservation": "village agent commodity reference",
        "EwarongSupplier": "region",
        "EwarongDelivery": "agent village supplier commodity",
        "EwarongTransaction": "agent programme lines reversal",
        "EwarongTransactionLine": "commodity",
        "EwarongSignal": "agent family district supplier transactions",
        "EwarongScreening": "region job",
        "EwarongOtherSales": "agent village",
        "Commodity": "group",
        "CommodityGroup": "commodities",
        "BasketRule": "programme groups prohibited balanced",
        "EwarongInspection": "agent village findings",
        "EwarongFinding": "item",
        "EwarongViolation": "agent village inspection steps statements",
        "PrincipalGrant": "region",
        "CivilRegistryMatching": "region job",
        "Export": "job",
        "Programme": "region versions relations quotas",
        "ProgrammeQuota": "region",
        "ProgrammeRelation": "other",
        "Import": "region job rows duplicates newFamilies changes departures",
    }.items()
    for name in names.split()
)
"""Without these a document stays near its root and asks more of it."""
_PADDING: Final = "".join(f"type Padding{number} {{ nothing: Int }}\n" for number in range(40))
"""hypothesis-graphql writes larger documents for larger schemas, so the schema is made to look larger."""
Selections = Sequence[SelectionNode]
Writers = dict[str, st.SearchStrategy[ValueNode]]


class Generated(NamedTuple):
    """A document to send, and its variables."""

    document: str
    variables: dict[str, Any]


def _pools(samples: Samples) -> dict[str, Sequence[str | int]]:
    """Values by the name of the argument, or of the input field, and where that is not enough by the field it belongs to."""
    regions = [f"Region:{code}" for code in ("34", "34.71", "34.71.03.1001", "99.99")]
    some = [*samples.families[:6], *samples.persons[:6], samples.families[-1], samples.persons[-1]]
    cursors = {
        "families": [cursor for listed in samples.family_cursors.values() for cursor in listed[:3]],
        "persons": [cursor for listed in samples.person_cursors.values() for cursor in listed[:3]],
        "regions": [cursor for listed in samples.region_cursors.values() for cursor in listed],
    }
    some += [*samples.matchings[:3], samples.matchings[5]]
    some += [*samples.jobs[:3], samples.jobs[-1], *samples.exports[:6], samples.exports[-1]]
    some += [*samples.imports[:2], samples.imports[-1], *samples.duplicates[:2], samples.duplicates[-1]]
    some += ["Programme:PKH", "Programme:YAPI", *samples.terms, *samples.quotas[:3], samples.quotas[-1]]
    some += [*samples.memberships[:4], samples.memberships[-1], *samples.reviews[:4]]
    some += [*samples.grants[:4], samples.grants[-1], *samples.events[:4], samples.events[-1]]
    some += [identifier for ids in samples.aid.values() for identifier in (*ids[:2], ids[-1])]
    aid, cursors_of = samples.aid, samples.aid_cursors
    return {
        **{
            f"{name}.after": (*cursors_of[kind], "?", samples.event_cursors[0])
            for name, kind in {
                "aidCycles": "AidCycle",
                "entitlements": "Entitlement",
                "aidExclusions": "AidExclusion",
                "paymentOrders": "PaymentOrder",
                "files": "BankFile",
                "kksCards": "KksCard",
                "journalEntries": "JournalEntry",
                "entries": "JournalEntry",
                "wallets": "Wallet",
                "idleReturns": "IdleReturn",
                "ewarongAgents": "EwarongAgent",
                "ewarongServices": "EwarongService",
                "services": "EwarongService",
                "referencePrices": "ReferencePrice",
                "priceObservations": "PriceObservation",
                "ewarongSuppliers": "EwarongSupplier",
                "ewarongDeliveries": "EwarongDelivery",
                "ewarongTransactions": "EwarongTransaction",
                "ewarongOtherSales": "EwarongOtherSales",
                "ewarongSignals": "EwarongSignal",
                "ewarongScreenings": "EwarongScreening",
                "transactions": "EwarongTransaction",
                "ewarongInspections": "EwarongInspection",
                "ewarongViolations": "EwarongViolation",
            }.items()
        },
        "payments.after": (*cursors_of["JournalEntry"], "?"),
        "results.after": (encoded_cursor("LINE", [2]), encoded_cursor("LINE", [-1]), "?"),
        "aidCycle.id": (*aid["AidCycle"] * 2, *aid["Entitlement"][:1], *_JUNK_IDS),
        "paymentOrder.id": (*aid["PaymentOrder"], *aid["AidCycle"][:1], *_JUNK_IDS),
        "journalEntry.id": (*aid["JournalEntry"][::9], *aid["Wallet"][:1], *_JUNK_IDS),
        "cycle": (*aid["AidCycle"] * 3, *aid["PaymentOrder"][:1], *_JUNK_IDS[:2]),
        "family": (*samples.families[:20], *samples.persons[:1], *_JUNK_IDS[:1]),
        "wallet": (*aid["Wallet"][:20], *samples.families[:1], *_JUNK_IDS[:1]),
        # Texts with NUL are asked for in known_aid: not every one of these fields refuses them yet.
        "programme": (*("SEMBAKO", "PKH") * 6, "TIDAK_ADA", "", "\0"),
        "period": (*PERIODS * 3, "2031-07-01"),
        "asOf": ("2031-01-31", "2031-02-01", "2031-02-02", "2020-01-01"),
        "aidExclusions.reason": ("DOUBLE_AID", "DOUBLE_AID", ""),
        "programme.code": (
            *("PKH", "SEMBAKO", "JAMSOSRATU", "BPNT_DAERAH_BANYUMAS", "YAPI") * 4,
            "TIDAK_ADA",
            "",
            "\0",
        ),
        "programmes.after": (encoded_cursor("CODE", ["BLT_DD"]), encoded_cursor("CODE", [""]), "?"),
        "versions.after": (encoded_cursor("NEWEST", [2, UUID(_NOBODY)]), *samples.quota_cursors[:1]),
        "quotas.after": (*samples.quota_cursors, "?", samples.event_cursors[0]),
        "healthMemberships.after": (*samples.membership_cursors, "?", samples.event_cursors[0]),
        "membershipsAtRisk.after": (*samples.membership_cursors, "?"),
        "membershipReviews.after": (*samples.review_cursors, "?"),
        "families.month": (*("2031-07-01", "2031-08-01") * 4, "2031-07-02", "1990-01-01"),
        "ewarongChecklist.on": ("2026-03-10", "2018-01-01", "2017-12-31"),
        "agent": (*aid["EwarongAgent"][::7], *aid["EwarongService"][:1], *_JUNK_IDS[:2]),
        **{
            f"{name}.{end}": (*("1999-12-27", "1999-12-31", "2000-01-04") * 3, "2031-01-01")
            for name in ("priceObservations", "ewarongDeliveries")
            for end in ("from", "to")
        },
        **{
            f"ewarongTransactions.{end}": (*("2031-07-01", "2031-07-02", "2031-08-01") * 3, "1999-12-27")
            for end in ("from", "to")
        },
        "week": (*("1999-12-27", "2000-01-02", "2000-01-03") * 3, "2031-01-01"),
        "commodity": (*("RICE", "EGGS") * 6, "BATU", "", "\0"),
        "group": (*("PROTEIN_HEWANI", "KARBOHIDRAT") * 6, "", "\0"),
        "commodities.after": (encoded_cursor("CODE", ["RICE"]), encoded_cursor("CODE", [""]), "?"),
        "basketRule.on": ("2017-12-31", "2019-06-01", "2021-12-31", "2026-01-01"),
        "ewarongThresholds.on": ("1990-01-01", "1999-12-31", "2026-01-01"),
        "ewarongServices.on": ("1999-12-31", "1999-12-31", "2020-02-29", "2031-01-01"),
        "year": (2021, 2022, 2026, 2026, -1, 2**31 - 1),
        "first": _SIZES,
        "region": _REGIONS,
        "within": _REGIONS,
        "code": _REGIONS,
        "search": _SEARCHES,
        "from": (*(1, 1, 2, 3, 5, 10) * 5, 0),
        "to": (*(10, 10, 8, 6, 3, 1) * 5, 11),
        "nik": (*samples.niks, samples.twin_nik, "3471", "3471031502990001"),
        "id": (*some, *regions, *_JUNK_IDS[:1]),
        "ids": (*(*some, *regions) * 4, *_JUNK_IDS[:1]),
        "family.id": (*samples.families[:20] * 2, *samples.families[-3:], *samples.persons[:1], *_JUNK_IDS),
        "person.id": (*samples.persons[:40], *samples.persons[-5:], *samples.families[:1], *_JUNK_IDS),
        "import.id": (*samples.imports * 3, *samples.families[:1], *samples.duplicates[:1], *_JUNK_IDS),
        "imports.after": (*samples.import_cursors, "?", samples.event_cursors[0]),
        **{
            f"{name}.after": (
                *[encoded_cursor("LINE", keys) for keys in (["FAMILY", 2, "A", ""], ["PERSON", 2], [2], [2, _NOBODY])],
                encoded_cursor("FAMILY", [0, _NOBODY]),
                "?",
            )
            for name in ("rows", "duplicates", "newFamilies", "changes", "departures")
        },
        "job.id": (*samples.jobs, *samples.exports[:1], *_JUNK_IDS),
        "jobs.after": (*samples.job_cursors, "?", samples.event_cursors[0]),
        "export.id": (*samples.exports, *samples.jobs[:1], *_JUNK_IDS),
        "exports.after": (*samples.export_cursors, "?", samples.event_cursors[0]),
        "codes": ("NIK_SERIAL_ZERO", "FAMILY_REPEATED", "UNHEARD_OF"),
        "ImportLineRange.from": (1, 2, 3, 9),
        "ImportLineRange.to": (1, 3, 4, 2**31 - 1),
        "civilRegistryMatching.id": (*samples.matchings, *samples.families[:1], *_JUNK_IDS),
        "civilRegistryMatchings.after": (*samples.matching_cursors, "?", samples.event_cursors[0]),
        "families.after": (*cursors["families"], "?", *cursors["persons"][:1]),
        "persons.after": (*cursors["persons"], "?", *cursors["families"][-1:]),
        "regions.after": (*cursors["regions"], "?"),
        "children.after": (*cursors["regions"], "?"),
        "grants.after": (*samples.grant_cursors * 2, "?", samples.event_cursors[0]),
        "auditEvents.after": (*samples.event_cursors, "?", samples.grant_cursors[0]),
        "subjectAccess.after": (*samples.event_cursors, "?"),
        "principalId": (*[str(SOMEBODY), str(GIVER)] * 5, "somebody", ""),
        "since": (*samples.moments, "2020-01-01T00:00:00+07:00"),
        "until": (*samples.moments, "2030-12-31T23:59:59.999999Z"),
    }


def _renamed(type_: GraphQLType, scalar: GraphQLScalarType) -> Any:
    """``type_`` with ``scalar`` in place of the scalar inside it."""
    if isinstance(type_, GraphQLNonNull):
        return GraphQLNonNull(_renamed(type_.of_type, scalar))
    return GraphQLList(_renamed(type_.of_type, scalar)) if isinstance(type_, GraphQLList) else scalar


def _literal(value: str | int) -> ValueNode:
    return nodes.Int(value) if isinstance(value, int) else nodes.String(value)


def _sampled(values: Sequence[str | int]) -> st.SearchStrategy[ValueNode]:
    return st.sampled_from(values).map(_literal)


def _give_pools(schema: GraphQLSchema, pools: Mapping[str, Sequence[str | int]]) -> Writers:
    """Make each argument's scalar one of its own, so that the writer of documents draws it from the argument's own pool."""
    writers: Writers = {"Date": _sampled(_DATES)}

    def give_pool(owner: str, name: str, argument: GraphQLArgument | GraphQLInputField) -> None:
        pool = pools.get(f"{owner}.{name}", pools.get(name))
        if pool is not None and isinstance(get_named_type(argument.type), GraphQLScalarType):
            scalar = GraphQLScalarType(f"{owner}_{name}")
            argument.type = _renamed(argument.type, scalar)
            writers[scalar.name] = _sampled(pool)
        if name == "first" and argument.ast_node is not None:
            # Pages within pages of 25 would be answered row by row by the reference.
            argument.ast_node = replace(argument.ast_node, default_value=parse_const_value("3"))

    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type_.fields.items():
                for name, argument in field.args.items():
                    give_pool(field_name, name, argument)
        elif isinstance(type_, GraphQLInputObjectType):
            for name, input_field in type_.fields.items():
                give_pool(type_.name, name, input_field)
    return writers


def _without(schema: GraphQLSchema, fields: Collection[str]) -> None:
    for name in fields:
        type_name, field_name = name.split(".")
        type_ = schema.type_map[type_name]
        if isinstance(type_, GraphQLObjectType):
            del type_.fields[field_name]


def _selections(
    definitions: DocumentNode, samples: Samples, root: str, without: Collection[str]
) -> st.SearchStrategy[Selections]:
    """Selections of one root field. The writer spends all of its fields below it, so that every part of the schema has its turn."""
    schema = build_ast_schema(definitions, assume_valid_sdl=True)
    query = schema.query_type
    assert query is not None
    query.fields = {root: query.fields[root]}
    _without(schema, without)
    # What a seal must look like is told below the root field, where nothing else is refused; tests/audit and tests/bansos ask for that.
    for sealed in ("AuditEvent", "JournalEntry"):
        cast("GraphQLObjectType", schema.type_map[sealed]).fields["inclusionProof"].args = {}
    writers = _give_pools(schema, _pools(samples))
    return queries(schema, custom_scalars=writers, print_ast=_selections_of)


def _selections_of(document: DocumentNode) -> Selections:
    (operation,) = document.definitions
    return cast("OperationDefinitionNode", operation).selection_set.selections


def documents(sdl: str, samples: Samples) -> st.SearchStrategy[Generated]:
    """Valid documents over the schema ``sdl``, of one to three root fields."""
    published = build_schema(sdl)
    query = published.query_type
    assert query is not None
    roots = [name for name in query.fields if name not in _WITHOUT_PLAN | _COUNTED | _ADDED_UP]
    definitions = parse(sdl + _PADDING, no_location=True)
    written = {
        root: st.one_of(
            [_selections(definitions, samples, root, without) for without in (_ELSEWHERE, _ELSEWHERE | _WAYS_ON)]
        )
        for root in roots
    }

    @st.composite
    def disguised(draw: st.DrawFn) -> Generated:
        chosen = draw(st.lists(st.sampled_from(roots), min_size=1, max_size=3, unique=True))
        selections = [selection for root in chosen for selection in draw(written[root])]
        disguise = Disguise(draw, published)
        return Generated(disguise.document(selections), disguise.variables)

    return disguised()
