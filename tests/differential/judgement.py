"""What the reference executor refuses, told from the document and its variables alone: before any row is read.

A root field is refused as a whole, by the permissions and the arguments of all fields below it. Several things may be wrong with one
root field; which of them is told is the engine's choice.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
    get_argument_values,
    get_named_type,
)
from graphql.execution.values import VariableValues

from app.authz.permissions import Permission
from app.domain.registry.nik import check_nik
from app.settings import TEST_NIK_PROVINCE
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
    supply_fields,
)
from tests.differential.rows import Reader, decoded_cursor, region_id

Codes = set[str]
NULL_ARGUMENT: Final = frozenset({"ARGUMENT_NULL", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"})
NODES: Final[Mapping[str, Permission]] = {
    "Region": Permission.REGIONS_REGION_READ,
    "Family": Permission.REGISTRY_FAMILY_READ,
    "Person": Permission.REGISTRY_PERSON_READ,
    "PrincipalGrant": Permission.PRINCIPALS_GRANT_READ,
    "CivilRegistryMatching": Permission.REGISTRY_MATCHING_RUN,
    "Import": Permission.REGISTRY_IMPORT_READ,
    "ImportDuplicate": Permission.REGISTRY_IMPORT_READ,
    "AuditEvent": Permission.AUDIT_EVENT_READ,
    "Job": Permission.JOBS_JOB_READ,
    "Export": Permission.EXPORTS_EXPORT_RUN,
    "Programme": Permission.BANSOS_PROGRAMME_READ,
    "ProgrammeTerms": Permission.BANSOS_PROGRAMME_READ,
    "ProgrammeQuota": Permission.BANSOS_PROGRAMME_READ,
    "HealthMembership": Permission.BANSOS_MEMBERSHIP_READ,
    "MembershipReview": Permission.BANSOS_MEMBERSHIP_READ,
    "AidCycle": Permission.BANSOS_CYCLE_READ,
    "CycleGeneration": Permission.BANSOS_CYCLE_READ,
    "Entitlement": Permission.BANSOS_ENTITLEMENT_READ,
    "AidExclusion": Permission.BANSOS_ENTITLEMENT_READ,
    "PaymentOrder": Permission.BANSOS_PAYMENT_READ,
    "BankFile": Permission.BANSOS_PAYMENT_READ,
    "KksCard": Permission.BANSOS_CARD_READ,
    "JournalEntry": Permission.BANSOS_LEDGER_READ,
    "Wallet": Permission.BANSOS_LEDGER_READ,
    "IdleReturn": Permission.BANSOS_LEDGER_READ,
    "EwarongAgent": Permission.EWARONG_AGENT_READ,
    "EwarongService": Permission.EWARONG_AGENT_READ,
    **oversight_fields.NODES,
    **supply_fields.NODES,
    sales_fields.NODE: sales_fields.READ,
    **signals_fields.NODES,
}
_OF_TENANTS: Final = frozenset(NODES) - {
    *("Region", "PrincipalGrant", "Programme", "ProgrammeTerms", "AidExclusion", "Commodity")
}
"""Types whose ids tell the regency."""
_TYPES: Final[Mapping[str, Permission]] = {
    **NODES,
    "RegionConnection": Permission.REGIONS_REGION_READ,
    "RegionAlias": Permission.REGIONS_REGION_READ,
    "RegionChange": Permission.REGIONS_REGION_READ,
    "FamilyConnection": Permission.REGISTRY_FAMILY_READ,
    "WelfareRank": Permission.REGISTRY_FAMILY_READ,
    "PersonConnection": Permission.REGISTRY_PERSON_READ,
    "RegistryEdition": Permission.REGISTRY_EDITION_READ,
    "RegistrySummary": Permission.INSIGHTS_SUMMARY_READ,
    "PrincipalGrantConnection": Permission.PRINCIPALS_GRANT_READ,
    "CivilRegistryMatchingConnection": Permission.REGISTRY_MATCHING_RUN,
    "AuditEventConnection": Permission.AUDIT_EVENT_READ,
    "ImportConnection": Permission.REGISTRY_IMPORT_READ,
    "JobConnection": Permission.JOBS_JOB_READ,
    "ExportConnection": Permission.EXPORTS_EXPORT_RUN,
    **agents_fields.TYPES,
    **oversight_fields.TYPES,
    **supply_fields.TYPES,
    **sales_fields.TYPES,
    **signals_fields.TYPES,
    "HealthMembershipConnection": Permission.BANSOS_MEMBERSHIP_READ,
    "MembershipReviewConnection": Permission.BANSOS_MEMBERSHIP_READ,
    **dict.fromkeys(("AidCycleConnection", "CycleOutcome"), Permission.BANSOS_CYCLE_READ),
    **dict.fromkeys(
        ("EntitlementConnection", "AidExclusionConnection", "FamilyPaymentConnection", "FamilyPayment"),
        Permission.BANSOS_ENTITLEMENT_READ,
    ),
    **dict.fromkeys(
        ("PaymentOrderConnection", "BankFileConnection", "BankResultConnection", "BankResult"),
        Permission.BANSOS_PAYMENT_READ,
    ),
    "KksCardConnection": Permission.BANSOS_CARD_READ,
    **dict.fromkeys(
        ("JournalEntryConnection", "JournalLine", "WalletConnection", "IdleReturnConnection"),
        Permission.BANSOS_LEDGER_READ,
    ),
    **dict.fromkeys(
        (
            "ProgrammeConnection",
            "ProgrammeTermsConnection",
            "ProgrammeQuotaConnection",
            "LegalBasis",
            "EligibilityRule",
            "BenefitComponent",
            "BenefitAmount",
        ),
        Permission.BANSOS_PROGRAMME_READ,
    ),
}
_FIELDS: Final[Mapping[str, Permission]] = {
    **{
        f"Family.{name}": Permission.REGISTRY_ADDRESS_READ
        for name in ("address", "hamlet", "rw", "rt", "latitude", "longitude")
    },
    "Family.kkRevealed": Permission.REGISTRY_NIK_REVEAL,
    "Person.nikRevealed": Permission.REGISTRY_NIK_REVEAL,
    "ImportDuplicate.name": Permission.REGISTRY_NAME_READ,
    "ImportDuplicate.otherName": Permission.REGISTRY_NAME_READ,
    "Person.health": Permission.REGISTRY_HEALTH_READ,
    "Query.personByNik": Permission.REGISTRY_PERSON_LOOKUP,
    "Query.subjectAccess": Permission.AUDIT_SUBJECT_READ,
    "BankFile.downloadUrl": Permission.BANSOS_PAYMENT_REPORT,
}
_KEYS: Final = {
    "Query.families": registry_fields.FAMILY_KEYS,
    "Query.persons": registry_fields.PERSON_KEYS,
    "Query.regions": region_fields.KEYS,
    "Region.children": region_fields.KEYS,
    "Query.grants": principal_fields.KEYS,
    "Query.civilRegistryMatchings": matching_fields.KEYS,
    "Query.auditEvents": audit_fields.KEYS,
    "Query.jobs": job_fields.KEYS,
    "Query.exports": export_fields.KEYS,
    "Query.subjectAccess": audit_fields.KEYS,
    **import_fields.KEYS,
    **programme_fields.KEYS,
    **insurance_fields.KEYS,
    **cycle_fields.KEYS,
    **payment_fields.KEYS,
    **ledger_fields.KEYS,
    **agents_fields.KEYS,
    **oversight_fields.KEYS,
    **supply_fields.KEYS,
    **sales_fields.KEYS,
    **signals_fields.KEYS,
}
_TYPED_IDS: Final = {
    "Query.civilRegistryMatching": "CivilRegistryMatching:",
    "Query.import": "Import:",
    "Query.job": "Job:",
    "Query.export": "Export:",
    "Query.family": "Family:",
    "Query.person": "Person:",
    "Query.aidCycle": "AidCycle:",
    "Query.paymentOrder": "PaymentOrder:",
    "Query.journalEntry": "JournalEntry:",
}
_DEPTH: Final = {"PROVINCE": 0, "REGENCY": 1, "DISTRICT": 2, "VILLAGE": 3}


@dataclass(frozen=True)
class KnownRegions:
    """All regions of the tree, and the codes that the BPS gives to some."""

    ids: frozenset[int]
    bps_codes: frozenset[str]


@dataclass(frozen=True)
class Judge:
    """Judges the root fields of one operation."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues
    reader: Reader
    regions: KnownRegions

    def selected(self, type_name: str, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields selected on an object of ``type_name``, by response key."""
        fields: dict[str, list[FieldNode]] = {}
        for selection_set in sets:
            for node in self._flat(type_name, selection_set):
                fields.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return fields

    def _flat(self, type_name: str, selection_set: SelectionSetNode) -> Iterator[FieldNode]:
        for node in selection_set.selections:
            if not all(self._lets_through(directive) for directive in node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                yield node
                continue
            fragment = node if isinstance(node, InlineFragmentNode) else self.fragments[node.name.value]  # type: ignore[attr-defined]
            if fragment.type_condition is None or self._is(type_name, fragment.type_condition.name.value):
                yield from self._flat(type_name, fragment.selection_set)

    def _is(self, type_name: str, condition: str) -> bool:
        type_ = self.schema.type_map[condition]
        return type_name == condition or (
            isinstance(type_, GraphQLInterfaceType)
            and type_name in {object_.name for object_ in self.schema.get_implementations(type_).objects}
        )

    def _lets_through(self, directive: DirectiveNode) -> bool:
        (argument,) = directive.arguments or ()
        given = argument.value
        if isinstance(given, VariableNode):
            return bool(self.variables.coerced[given.name.value]) == (directive.name.value == "include")
        return cast("BooleanValueNode", given).value == (directive.name.value == "include")

    def refusals(self, type_name: str, nodes: Sequence[FieldNode]) -> Codes:
        """Codes of all that is wrong with one field of ``type_name`` and with everything below it."""
        name = nodes[0].name.value
        if name.startswith("__"):
            return set()
        where = f"{type_name}.{name}"
        field = cast("GraphQLObjectType", self.schema.type_map[type_name]).fields[name]
        target = get_named_type(field.type).name
        needed = [permission for permission in (_FIELDS.get(where), _TYPES.get(target)) if permission is not None]
        codes = {"NOT_PERMITTED" for permission in needed if not self.reader.holds(permission)}
        try:
            codes |= self._wrong_arguments(where, get_argument_values(field, nodes[0], self.variables))
        except GraphQLError:
            codes |= NULL_ARGUMENT
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        for type_ in self._possible(target) if below else ():
            for sub_nodes in self.selected(type_, below).values():
                codes |= self.refusals(type_, sub_nodes)
        return codes

    def _possible(self, type_name: str) -> list[str]:
        if type_name != "Node":
            return [type_name]
        return [name for name, permission in NODES.items() if self.reader.holds(permission)]

    def _wrong_arguments(self, where: str, given: Mapping[str, Any]) -> Codes:
        codes: Codes = set()
        for name, value in given.items():
            check = _CHECKS.get(f"{where}({name})", _CHECKS.get(name))
            if value is not None and check is not None:
                codes |= check(self, value, given)
        if where in _KEYS:
            codes |= self._wrong_page(where, given)
        if where in _TYPED_IDS and not given["id"].startswith(_TYPED_IDS[where]):
            codes.add("ID_INVALID")
        return codes

    def _wrong_page(self, where: str, given: Mapping[str, Any]) -> Codes:
        codes: Codes = set()
        order, after = given.get("order", next(iter(_KEYS[where]))), given.get("after")
        if after is not None and decoded_cursor(after, order, _KEYS[where][order]) is None:
            codes.add("CURSOR_INVALID")
        by_name = order == "NAME" or (given.get("filter") or {}).get("search") is not None
        of_people = where in {"Query.families", "Query.persons"}
        if by_name and of_people and not self.reader.holds(Permission.REGISTRY_NAME_READ):
            codes.add("NOT_PERMITTED")
        return codes

    def region(self, code: str, given: Mapping[str, Any]) -> Codes:
        """What is wrong with a region code."""
        if given.get("namespace") == "BPS":
            digits = code.isascii() and code.isdigit() and code[0] != "0" and len(code) in {2, 4, 7, 10}
            known, formed = code in self.regions.bps_codes, digits
        else:
            known, formed = region_id(code) in self.regions.ids, region_id(code) is not None
        if formed and known:
            depth = _DEPTH.get(given.get("by", ""), 3)
            return {"SUMMARY_LEVEL_INVALID"} if depth < code.count(".") else set()
        wrong = "REGION_UNKNOWN" if formed else "REGION_CODE_MALFORMED"
        return {wrong, "SUMMARY_LEVEL_INVALID"} if given.get("by") and formed else {wrong}

    def id(self, text: str, _given: Mapping[str, Any]) -> Codes:
        """What is wrong with a node id."""
        return set() if _well_formed_id(text) else {"ID_INVALID"}


def _well_formed_id(text: str) -> bool:
    type_name, *parts = text.split(":")
    match type_name, parts:
        case "Region", [code]:
            return region_id(code) is not None
        case "Programme" | "Commodity", [code]:
            return re.fullmatch("[A-Z][A-Z0-9_]{1,39}", code, re.ASCII) is not None
        case ("PrincipalGrant" | "ProgrammeTerms", [id_]) | (
            "AuditEvent"
            | "CivilRegistryMatching"
            | "Job"
            | "Export"
            | "CycleGeneration"
            | "JournalEntry"
            | "IdleReturn"
            | "EwarongScreening",
            ["0", id_],
        ):
            return _is_uuid(id_)
        case "AidExclusion", [regency, cycle_id, family_id]:
            return _is_regency(regency) and _is_uuid(cycle_id) and _is_uuid(family_id)
        case _, [regency, id_] if type_name in _OF_TENANTS:
            return _is_regency(regency) and _is_uuid(id_)
    return False


def _is_regency(text: str) -> bool:
    return len(text) == 4 and text.isdigit() and text[0] != "0"


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _ids(judge: Judge, ids: Sequence[str], given: Mapping[str, Any]) -> Codes:
    if len(ids) > 100:
        return {"TOO_MANY_IDS"}
    return set[str]().union(*(judge.id(text, given) for text in ids))


def _filter(_judge: Judge, given: Mapping[str, Any], _others: Mapping[str, Any]) -> Codes:
    deciles, search = given.get("deciles"), given.get("search")
    codes: Codes = set()
    if deciles is not None and not all(1 <= decile <= 10 for decile in deciles.values()):
        codes.add("DECILE_INVALID")
    if search is not None:
        codes |= _search(_judge, search, given)
    if given.get("principalId") is not None and not _is_uuid(given["principalId"]):
        codes.add("ID_INVALID")
    return codes


def _search(_judge: Judge, search: str, _given: Mapping[str, Any]) -> Codes:
    return {"TEXT_INVALID"} if "\0" in search else set()


def _nik(_judge: Judge, nik: str, _given: Mapping[str, Any]) -> Codes:
    today = datetime.now(tz=UTC).date()
    verdict = check_nik(nik, today=today, test_provinces=frozenset({TEST_NIK_PROVINCE}))
    return {finding.code for finding in verdict.errors}


def _of_type(type_name: str) -> Callable[[Judge, str, Mapping[str, Any]], Codes]:
    """What is wrong with an argument that is an id of ``type_name``."""

    def check(judge: Judge, text: str, given: Mapping[str, Any]) -> Codes:
        return judge.id(text, given) if text.startswith(f"{type_name}:") else {"ID_INVALID"}

    return check


def _anything(_judge: Judge, _given_value: object, _given: Mapping[str, Any]) -> Codes:
    return set()


def _page_size(_judge: Judge, first: int, _given: Mapping[str, Any]) -> Codes:
    return set() if 1 <= first <= 100 else {"PAGE_SIZE_INVALID"}


_CHECKS: Final[Mapping[str, Callable[[Judge, Any, Mapping[str, Any]], Codes]]] = {
    "first": _page_size,
    "code": Judge.region,
    "region": Judge.region,
    "within": Judge.region,
    "id": Judge.id,
    "ids": _ids,
    "nik": _nik,
    "filter": _filter,
    "search": _search,
    "Query.programme(code)": _search,
    "programme": _search,
    "Query.commodities(group)": _search,
    "commodity": _search,
    "Query.aidExclusions(reason)": _search,
    "cycle": _of_type("AidCycle"),
    "family": _of_type("Family"),
    "wallet": _of_type("Wallet"),
    "agent": _of_type("EwarongAgent"),
    "Query.ewarongViolations(code)": _anything,
    "Query.ewarongSignals(code)": _anything,
    "EwarongAgent.families(month)": agents_fields.month_codes,
}
