"""Mutations that are one function of the database: how they are declared, and how either executor does them.

The field has no resolver of its own. What the function is given and what its outcome means stands in its ``Call``, which a document
that is known meets in ``answer_call`` and any other in the stock executor, so that both do the same::

    outlet_transaction_report: OutletTransactionReportResult | None = called(
        Call(function="outlet_transaction_report", ..., item=item_of_report, done=report_done),
        input=OutletTransactionReportInput,
        description="...",
    )

A mutation that is ``Bulk`` is declared the same way. It has a resolver, which gets its input as it was coerced.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import asyncpg
import orjson
from graphql import GraphQLError, GraphQLField, GraphQLResolveInfo, located_error
from graphql.execution.values import VariableValues, get_argument_values
from uuid_utils.compat import uuid7

from app.authz.authorize import authorize
from app.domain.audit.models import Action
from app.domain.audit.service import Event
from app.domain.base import DomainError
from app.schema.context import RequestContext
from app.schema.mutations import refusal_of, refuse_unreadable
from app.schema.plan.answer import Planned
from app.schema.plan.blueprint import Blueprint
from app.schema.plan.calls import CallPlan, CallStatement, Leaf, called_source
from app.schema.plan.source import Bulk, Call, argument, planned_field
from app.schema.plan.subjects import SubjectGroup, split
from app.tenants.turns import in_turn

_INPUT: Final = "input"


def called(call: Call | Bulk, *, input: type, description: str) -> Any:  # noqa: A002  (the name of the argument in GraphQL)
    """The field of a mutation that is ``call``."""
    return planned_field(
        call, description=description, arguments=[argument(_INPUT, input, "What is to be done, and with what.")]
    )


def bulk_resolver(bulk: Bulk) -> Callable[..., Awaitable[object]]:
    """The resolver of a mutation that is ``bulk``."""

    async def resolve(_root: None, info: GraphQLResolveInfo[RequestContext], **given: Any) -> object:
        try:
            return await bulk.resolve(info, given[_INPUT])
        except DomainError as refusal:
            return refusal_of(refusal, info.context.language)

    return resolve


async def answer_call(plan: CallPlan, variables: VariableValues, context: RequestContext) -> Planned | None:
    """Do the call of ``plan`` and print what it answers; None where its input cannot be, which the stock executor says."""
    try:
        given = get_argument_values(plan.field, plan.nodes[0], variables)[_INPUT]
        bound = plan.bind(variables.coerced, context.answer.caller)
    except (GraphQLError, DomainError):
        return None
    record: Sequence[Any] = ()
    try:
        record, answered = await _done(plan.statement, given, bound, context)
    except DomainError as refusal:
        answered = refusal_of(refusal, context.language)
    except Exception as error:  # noqa: BLE001  (whatever it is, it belongs to this field, as it would in the stock executor)
        return Planned([b'"%b":null' % plan.key.encode()], (located_error(error, plan.nodes, [plan.key]),))
    return Planned([b'"%b":' % plan.key.encode(), _printed(plan, answered, record, context.answer.subjects)])


def _printed(plan: CallPlan, answered: object, record: Sequence[Any], subjects: list[SubjectGroup]) -> bytes:
    parts: list[bytes] = []
    for key, how in plan.printed[type(answered)]:
        if isinstance(how, bytes):
            value = how
        elif isinstance(how, Leaf):
            value = orjson.dumps(how.printed(answered))
        else:
            value = record[plan.statement.first_printed + how.at]
            if how.tells_subjects:
                groups, value = split(value)
                subjects += groups
        parts.append(b'"%b":%b' % (key, value))
    return b"{%b}" % b",".join(parts)


def call_resolver(
    blueprint: Blueprint, name: str, call: Call, answered: GraphQLField
) -> Callable[..., Awaitable[object]]:
    """The resolver of the mutation ``name``, which is ``call``, for the stock executor."""
    statement = CallStatement.of(call, name, called_source(blueprint, answered))

    async def resolve(_root: None, info: GraphQLResolveInfo[RequestContext], **given: Any) -> object:
        context = info.context
        authorize(context.access, call.permission)
        refuse_unreadable(context, info.path.key)
        try:
            _, answered = await _done(statement, given[_INPUT], (), context)
        except DomainError as refusal:
            return refusal_of(refusal, context.language)
        return answered

    return resolve


async def _done(
    statement: CallStatement, given: Mapping[str, Any], bound: Sequence[Any], context: RequestContext
) -> tuple[asyncpg.Record, object]:
    """The row of ``statement`` and what is answered of it, once it is committed.

    Raises:
        DomainError: it is refused, and nothing was written.
    """
    call = statement.call
    access = context.access
    event = Event(
        action=Action.CHANGE,
        principal_id=access.principal.id,
        roles=access.roles(call.permission),
        permission=call.permission.value,
        operation=statement.name,
        document_hash=context.document_hash,
        subject_type=call.subject_type,
        subject_ids=(),
        row_count=1,
        purpose=None,
        request_id=context.request_id,
        village_low=0,
        village_high=0,
    )
    kept = b'{"id":"%b",%b' % (str(uuid7()).encode(), orjson.dumps(event, default=bytes.hex)[1:])
    item = orjson.dumps(call.item(given))
    scope = authorize(access, call.permission)
    arguments = (item.decode(), kept.decode(), *bound)
    record = await in_turn(lambda: context.database.write_once(scope, statement.text, arguments))
    outcome = statement.outcome(record)
    answered = call.done(outcome)
    if call.news is not None and (news := call.news(outcome)) is not None:
        context.database.tell(*news)
    return record, answered
