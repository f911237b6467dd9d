"""The schema: the queries of all contexts, and the objects that have ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.execution import ExecutionContext

from app.schema.audit import AuditEvent, AuditQuery
from app.schema.bansos.aid_summary import AidSummaryQuery
from app.schema.bansos.cards import CardsMutation, CardsQuery, KksCard
from app.schema.bansos.cycle_closing import CycleClosingMutation
from app.schema.bansos.cycle_mutations import CyclesMutation
from app.schema.bansos.cycles import AidCycle, CycleGeneration, CyclesQuery
from app.schema.bansos.eligibility import EligibilityQuery
from app.schema.bansos.entitlements import AidExclusion, Entitlement, EntitlementsQuery
from app.schema.bansos.idle_returns import IdleReturn, IdleReturnsMutation, IdleReturnsQuery
from app.schema.bansos.ledger import JournalEntry, LedgerQuery, Wallet
from app.schema.bansos.ledger_balances import LedgerBalancesQuery
from app.schema.bansos.membership_changes import MembershipsMutation
from app.schema.bansos.memberships import HealthMembership, MembershipReview, MembershipsQuery
from app.schema.bansos.overlap import OverlapQuery
from app.schema.bansos.payment_mutations import PaymentsMutation
from app.schema.bansos.payments import BankFile, PaymentOrder, PaymentsQuery
from app.schema.bansos.programme_mutations import ProgrammesMutation
from app.schema.bansos.programmes import Programme, ProgrammeQuota, ProgrammesQuery, ProgrammeTerms
from app.schema.calling import bulk_resolver, call_resolver
from app.schema.context import Info, RequestContext
from app.schema.ewarong.agents import EwarongAgent, EwarongAgentsQuery
from app.schema.ewarong.agents_coverage import EwarongCoverageQuery
from app.schema.ewarong.agents_mutations import EwarongAgentsMutation
from app.schema.ewarong.agents_services import EwarongService, EwarongServicesQuery
from app.schema.ewarong.catalogue import CatalogueQuery, Commodity
from app.schema.ewarong.day_totals import EwarongDayTotalsQuery
from app.schema.ewarong.inspections import EwarongInspection, EwarongInspectionsMutation, EwarongInspectionsQuery
from app.schema.ewarong.prices import PriceObservation, PricesQuery, ReferencePrice
from app.schema.ewarong.prices_mutations import PricesMutation
from app.schema.ewarong.receipts import EwarongReceiptQuery
from app.schema.ewarong.settlements import EwarongSettlementsQuery
from app.schema.ewarong.signals import EwarongScreening, EwarongSignal, EwarongSignalsQuery
from app.schema.ewarong.signals_mutations import EwarongSignalsMutation
from app.schema.ewarong.supply import EwarongDelivery, EwarongOtherSales, EwarongSupplier, SupplyQuery
from app.schema.ewarong.supply_concentration import SupplyConcentrationQuery
from app.schema.ewarong.supply_mutations import SupplyMutation
from app.schema.ewarong.transactions import EwarongTransaction, EwarongTransactionsQuery
from app.schema.ewarong.transactions_mutations import EwarongTransactionsMutation
from app.schema.ewarong.violations import EwarongViolation, EwarongViolationsQuery
from app.schema.ewarong.violations_mutations import EwarongViolationsMutation
from app.schema.exports.fields import Export, ExportsMutation, ExportsQuery
from app.schema.insights import InsightsQuery
from app.schema.jobs import Job, JobsMutation, JobsQuery
from app.schema.me import MeQuery
from app.schema.mutations import Refusals
from app.schema.node import Node
from app.schema.paging import Connection
from app.schema.plan.blueprint import Blueprint
from app.schema.plan.planner import Planner
from app.schema.plan.source import Bulk, Call, Lookup, argument, planned_field
from app.schema.principals import PrincipalGrant, PrincipalsMutation, PrincipalsQuery
from app.schema.regions import Region, region_by_code, regions_by_name
from app.schema.registry.family import Family
from app.schema.registry.imports.mutations import ImportsMutation
from app.schema.registry.imports.queries import ImportsQuery
from app.schema.registry.imports.rows import ImportDuplicate
from app.schema.registry.imports.types import Import
from app.schema.registry.matching import CivilRegistryMatching, MatchingMutation, MatchingQuery
from app.schema.registry.person import Person
from app.schema.registry.queries import RegistryQuery
from app.schema.scalars import SCALARS
from app.schema.subscriptions import Subscription


@strawberry.type(description="What can be asked.")
class Query(
    MeQuery,
    ImportsQuery,
    ExportsQuery,
    RegistryQuery,
    MatchingQuery,
    InsightsQuery,
    JobsQuery,
    PrincipalsQuery,
    AuditQuery,
    ProgrammesQuery,
    EligibilityQuery,
    CyclesQuery,
    EntitlementsQuery,
    AidSummaryQuery,
    PaymentsQuery,
    MembershipsQuery,
    OverlapQuery,
    CardsQuery,
    LedgerQuery,
    LedgerBalancesQuery,
    IdleReturnsQuery,
    EwarongTransactionsQuery,
    EwarongDayTotalsQuery,
    EwarongReceiptQuery,
    EwarongSettlementsQuery,
    EwarongAgentsQuery,
    EwarongServicesQuery,
    EwarongCoverageQuery,
    EwarongInspectionsQuery,
    EwarongViolationsQuery,
    EwarongSignalsQuery,
    CatalogueQuery,
    PricesQuery,
    SupplyQuery,
    SupplyConcentrationQuery,
):
    """All root fields."""

    region: Region | None = region_by_code()
    regions: Connection[Region] = regions_by_name()
    node: Node | None = planned_field(
        Lookup(many=False),
        description="Any object by its id. Null where there is none, or none that the caller may see.",
        arguments=[argument("id", strawberry.ID, "The `id` of any object.")],
    )
    nodes: list[Node | None] = planned_field(
        Lookup(many=True),
        description="Objects by their ids, in the order asked for; null for each that the caller may not see.",
        arguments=[argument("ids", list[strawberry.ID], "At most 100 ids.")],
    )


@strawberry.type(
    description="What can be changed. Each mutation is one transaction; those of one document run one after the other."
)
class Mutation(
    ImportsMutation,
    ExportsMutation,
    JobsMutation,
    MatchingMutation,
    PrincipalsMutation,
    ProgrammesMutation,
    CyclesMutation,
    PaymentsMutation,
    CycleClosingMutation,
    MembershipsMutation,
    CardsMutation,
    IdleReturnsMutation,
    EwarongTransactionsMutation,
    EwarongAgentsMutation,
    EwarongInspectionsMutation,
    EwarongViolationsMutation,
    EwarongSignalsMutation,
    PricesMutation,
    SupplyMutation,
):
    """All mutations."""


class _KnownDocument(SchemaExtension):
    """Hands the stock executor the document that the planner has parsed and validated."""

    def on_parse(self) -> Iterator[None]:
        self.execution_context.graphql_document = self.execution_context.context.document
        yield

    def on_validate(self) -> Iterator[None]:
        self.execution_context.pre_execution_errors = []
        yield


class _Executor(StrawberryGraphQLCoreExecutionContext):
    """The stock executor, except that JSON from PostgreSQL passes through untouched."""

    def complete_value(  # noqa: PLR0917  (graphql-core's signature)
        self, return_type: Any, details: Any, info: Any, path: Any, result: Any, position: Any
    ) -> Any:
        if type(result) is orjson.Fragment:
            return result
        return super().complete_value(return_type, details, info, path, result, position)


class KesosSchema(strawberry.Schema):
    """Errors are logged where they become answers (``app.schema.errors``), once and without personal data."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing here."""


async def _planned_root(_root: None, info: Info, **_arguments: Any) -> Any:
    context: RequestContext = info.context
    return await context.answer.root(str(info.path.key))


@dataclass(frozen=True, slots=True)
class Api:
    """The schema and the planner that answers it."""

    schema: KesosSchema
    planner: Planner

    @property
    def sdl(self) -> str:
        """The schema in GraphQL's own language, as committed in ``schema.graphql``."""
        return print_schema(self.schema) + "\n"


@lru_cache(maxsize=1)
def api() -> Api:
    """The API of this process; made once, because reading all declarations takes a while."""
    return api_with(Subscription)


def api_with(subscription: type[Subscription], mutation: type[Mutation] = Mutation) -> Api:
    """The API with what can be listened to in ``subscription`` and changed in ``mutation``, which may be more than is in Kesos itself."""
    schema = KesosSchema(
        query=Query,
        mutation=mutation,
        subscription=subscription,
        types=[
            AidCycle,
            AidExclusion,
            BankFile,
            CivilRegistryMatching,
            Commodity,
            CycleGeneration,
            Entitlement,
            EwarongAgent,
            EwarongDelivery,
            EwarongInspection,
            EwarongOtherSales,
            EwarongScreening,
            EwarongService,
            EwarongSignal,
            EwarongSupplier,
            EwarongViolation,
            EwarongTransaction,
            Export,
            Family,
            HealthMembership,
            IdleReturn,
            Import,
            ImportDuplicate,
            Job,
            JournalEntry,
            KksCard,
            MembershipReview,
            PaymentOrder,
            Person,
            PriceObservation,
            Programme,
            ProgrammeQuota,
            ProgrammeTerms,
            ReferencePrice,
            Region,
            PrincipalGrant,
            AuditEvent,
            Wallet,
        ],
        extensions=[_KnownDocument],
        execution_context_class=_Executor,
        exception_handlers=[Refusals()],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )
    blueprint = Blueprint.of(schema._schema)  # noqa: SLF001  (strawberry has no public name for the graphql-core schema)
    query = blueprint.schema.query_type
    for name, field in query.fields.items() if query is not None else ():
        if ("Query", name) in blueprint.specifications:
            field.resolve = _planned_root
    changes = blueprint.schema.mutation_type
    if changes is not None:
        for name, field in changes.fields.items():
            specification = blueprint.specifications.get((changes.name, name))
            if isinstance(specification, Call):
                field.resolve = call_resolver(blueprint, name, specification, field)
            elif isinstance(specification, Bulk):
                field.resolve = bulk_resolver(specification)
    return Api(schema, Planner(blueprint))
