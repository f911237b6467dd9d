"""The reference executor: graphql-core's stock executor over the published schema, every field resolved by itself.

It shares the schema's text with the API, and nothing else: no declaration, no compiled expression, no plan. Everything is read with one
small query for each field of each parent, as naively as can be.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from graphql import (
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    execute,
    get_named_type,
    get_operation_ast,
    get_variable_values,
    is_leaf_type,
    parse,
    validate,
)

from app.authz.authorize import Access
from app.domain.registry.sealing import Seal
from app.tenants.region_path import RegionLevel
from tests.differential import (
    agents_fields,
    audit_fields,
    cycle_fields,
    export_fields,
    import_fields,
    insurance_fields,
    job_fields,
    ledger_fields,
    matching_fields,
    oversight_fields,
    payment_fields,
    principal_fields,
    programme_fields,
    region_fields,
    registry_fields,
    sales_fields,
    signals_fields,
    summary_fields,
    supply_fields,
)
from tests.differential.happenings import forget
from tests.differential.judgement import NODES, Codes, Judge, KnownRegions
from tests.differential.rows import Reader, Resolver, Row, moment, printed, region_id

if TYPE_CHECKING:
    import asyncpg

_COLUMNS: Final[Mapping[str, str]] = {
    "Family.kk": "kk_masked",
    "Person.nik": "nik_masked",
    "Housing.ownership": "house_ownership",
    "Housing.floorAreaM2": "floor_area_m2",
    "Housing.meter1": "meter_1",
    "Housing.meter2": "meter_2",
    "Housing.meter3": "meter_3",
    "Assets.gasCylinder55kg": "has_gas_cylinder_5_5kg",
    "Assets.gold10g": "has_gold_10g",
    "Assets.internet": "internet",
    "Assets.activeBankAccount": "active_bank_account",
    "Assets.cattle": "cattle_count",
    "Assets.buffalo": "buffalo_count",
    "Assets.horses": "horses_count",
    "Assets.pigs": "pigs_count",
    "Assets.goatsSheep": "goats_sheep_count",
    "Education.participation": "school_participation",
    "Education.level": "education_level",
    "Education.grade": "school_grade",
    "Work.hoursPerWeek": "work_hours_per_week",
    "Work.position": "work_position",
    "GrantHolder.subject": "holder_subject",
    "GrantHolder.name": "holder_name",
    "PrincipalGrant.givenBy": "given_by_name",
    "CivilRegistryMatching.startedBy": "created_by_name",
    "CivilRegistryMatching.startedAt": "created_at",
    "PrincipalGrant.confirmedBy": "confirmed_by_name",
    "PrincipalGrant.revokedBy": "revoked_by_name",
    **programme_fields.COLUMNS,
    **insurance_fields.COLUMNS,
    **cycle_fields.COLUMNS,
    **payment_fields.COLUMNS,
    **ledger_fields.COLUMNS,
    **agents_fields.COLUMNS,
    **oversight_fields.COLUMNS,
    **supply_fields.COLUMNS,
    **sales_fields.COLUMNS,
    **signals_fields.COLUMNS,
}
_PREFIXES: Final[Mapping[str, tuple[str, str]]] = {"Assets": ("has_", ""), "ProgrammesReceived": ("last_", "_on")}
_SYNTAX: Final = frozenset({"GRAPHQL_PARSE_FAILED"})
_INVALID: Final = frozenset({"GRAPHQL_VALIDATION_FAILED", "DATE_INVALID", "DATE_TIME_INVALID"})
_VARIABLES: Final = frozenset({"BAD_USER_INPUT", "DATE_INVALID", "DATE_TIME_INVALID"})


@dataclass(frozen=True)
class Expected:
    """What the reference answers: data and, by root field, codes of what is wrong with it; or the codes of a document that is refused."""

    data: Row | None = None
    refusals: Mapping[str, Codes] | None = None
    refused: frozenset[str] = frozenset()


class RootRefused(Exception):
    """A root field that the reference refuses."""


def _column(type_name: str, field_name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", field_name).lower()
    before, after = _PREFIXES.get(type_name, ("", ""))
    return _COLUMNS.get(f"{type_name}.{field_name}", f"{before}{snake}{after}")


def _parse_date(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError("a Date is a text")
    date.fromisoformat(value)
    return value


def _parse_date_time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise GraphQLError("a DateTime is a text")
    return moment(value)


_OF_SPANS: Final[Mapping[str, Callable[[Reader, int, UUID], Awaitable[Row | None]]]] = {
    "AuditEvent": audit_fields.by_id,
    "CivilRegistryMatching": matching_fields.by_id,
    "Export": export_fields.by_id,
    "Job": job_fields.by_id,
    "Import": import_fields.by_id,
    "ImportDuplicate": import_fields.duplicate_by_id,
    "ProgrammeQuota": programme_fields.quota_by_id,
    "HealthMembership": insurance_fields.by_id,
    "MembershipReview": insurance_fields.review_by_id,
    "AidCycle": cycle_fields.cycle_by_id,
    "CycleGeneration": cycle_fields.generation_by_id,
    "Entitlement": cycle_fields.entitlement_by_id,
    "PaymentOrder": payment_fields.order_by_id,
    "BankFile": payment_fields.file_by_id,
    "KksCard": payment_fields.card_by_id,
    "JournalEntry": ledger_fields.entry_by_id,
    "Wallet": ledger_fields.wallet_by_id,
    "IdleReturn": ledger_fields.return_by_id,
    "EwarongAgent": agents_fields.agent_by_id,
    "EwarongService": agents_fields.service_by_id,
    "EwarongInspection": oversight_fields.inspection_by_id,
    **supply_fields.BY_ID,
    "EwarongTransaction": sales_fields.sale_by_id,
    "EwarongSignal": signals_fields.signal_by_id,
    "EwarongScreening": signals_fields.screening_by_id,
    "EwarongViolation": oversight_fields.violation_by_id,
}


_OF_ONE_PART: Final[Mapping[str, Callable[[Reader, str], Awaitable[Row | None]]]] = {
    "Region": lambda reader, code: region_fields.by_id(reader, region_id(code)),
    "PrincipalGrant": lambda reader, id_: principal_fields.by_id(reader, UUID(id_)),
    "Programme": programme_fields.by_code,
    "Commodity": supply_fields.commodity_by_code,
    "ProgrammeTerms": lambda reader, id_: programme_fields.terms_by_id(reader, UUID(id_)),
}


async def _node(reader: Reader, text: str) -> Row | None:
    type_name, *parts = text.split(":")
    if not reader.holds(NODES[type_name]):
        return None
    if (of_one_part := _OF_ONE_PART.get(type_name)) is not None:
        return await of_one_part(reader, parts[0])
    if type_name == "AidExclusion":
        regency, cycle_id, family_id = parts
        return await cycle_fields.exclusion_by_id(reader, int(regency), UUID(cycle_id), UUID(family_id))
    if (of_span := _OF_SPANS.get(type_name)) is not None:
        return await of_span(reader, int(parts[0]), UUID(parts[1]))
    found: Row | None = await registry_fields.FIELDS[f"Query.{type_name.lower()}"](reader, {}, {"id": text})
    return found


async def _nodes(reader: Reader, _root: Row, arguments: Row) -> list[Row | None]:
    return [await _node(reader, text) for text in arguments["ids"]]


def _me(reader: Reader, _root: Row, _arguments: Row) -> Row:
    principal = reader.access.principal
    return {
        "principal": {"id": principal.id, "subject": principal.subject, "name": principal.name},
        "grants": [
            {
                "role": grant.role.value,
                "region_code": None if grant.region.level is RegionLevel.COUNTRY else grant.region.code,
                "level": None if grant.region.level is RegionLevel.COUNTRY else grant.region.level.value,
                "entity_kind": None,
                "entity_id": None,
            }
            for grant in principal.grants
        ],
        "permissions": sorted(reader.access.permissions),
    }


_FIELDS: Final[Mapping[str, Resolver]] = {
    **region_fields.FIELDS,
    **registry_fields.FIELDS,
    **summary_fields.FIELDS,
    **job_fields.FIELDS,
    **export_fields.FIELDS,
    **import_fields.FIELDS,
    **matching_fields.FIELDS,
    **principal_fields.FIELDS,
    **programme_fields.FIELDS,
    **insurance_fields.FIELDS,
    **cycle_fields.FIELDS,
    **payment_fields.FIELDS,
    **ledger_fields.FIELDS,
    **agents_fields.FIELDS,
    **oversight_fields.FIELDS,
    **supply_fields.FIELDS,
    **sales_fields.FIELDS,
    **signals_fields.FIELDS,
    **audit_fields.FIELDS,
    "Query.node": lambda reader, _root, arguments: _node(reader, arguments["id"]),
    "Query.nodes": _nodes,
    "Query.me": _me,
}


class Reference:
    """Answers documents without the plan engine."""

    def __init__(
        self, sdl: str, connection: "asyncpg.Connection[asyncpg.Record]", seal: Seal, regions: KnownRegions
    ) -> None:
        """Read through ``connection``, which sees every row."""
        self._schema: GraphQLSchema = build_schema(sdl)
        for name, read in (("Date", _parse_date), ("DateTime", _parse_date_time)):
            scalar = cast("GraphQLScalarType", self._schema.type_map[name])
            scalar.parse_value = scalar.coerce_input_value = read  # type: ignore[method-assign]
        self._connection, self._seal, self._regions = connection, seal, regions
        self._turn = asyncio.Lock()

    async def answer(self, text: str, variables: dict[str, Any], access: Access) -> Expected:
        """What a principal with ``access`` should be answered."""
        try:
            document = parse(text)
        except GraphQLError:
            return Expected(refused=_SYNTAX)
        if validate(self._schema, document):
            return Expected(refused=_INVALID)
        operation = get_operation_ast(document)
        assert operation is not None, "the reference answers documents of one operation"
        values = get_variable_values(self._schema, operation.variable_definitions or (), variables)
        if isinstance(values, list):
            return Expected(refused=_VARIABLES)
        await forget(self._connection)
        reader = Reader(self._connection, access, self._seal, self._turn)
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        judge = Judge(self._schema, fragments, values, reader, self._regions)
        roots = judge.selected("Query", [operation.selection_set])
        refusals = {key: codes for key, nodes in roots.items() if (codes := judge.refusals("Query", nodes))}

        def resolve(source: Row | None, info: "GraphQLResolveInfo[None]", **arguments: Any) -> Any:
            where = f"{info.parent_type.name}.{info.field_name}"
            if source is None and info.path.key in refusals:
                raise RootRefused(where)
            resolver = _FIELDS.get(where)
            if resolver is not None:
                return resolver(reader, source or {}, arguments)
            value = (source or {})[_column(info.parent_type.name, info.field_name)]
            if callable(value):
                return value()
            return printed(value) if is_leaf_type(get_named_type(info.return_type)) else value

        outcome = execute(
            self._schema,
            document,
            variable_values=variables,
            field_resolver=resolve,
            type_resolver=lambda value, _info, _type: value["__typename"],
        )
        result = outcome if isinstance(outcome, ExecutionResult) else await outcome
        for error in result.errors or ():
            assert error.path, error
            assert error.path[0] in refusals, f"the reference failed at {error.path}: {error.original_error!r}"
        return Expected(result.data, refusals)
