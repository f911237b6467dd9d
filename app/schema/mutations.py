"""The pattern of all mutations: authorise, one service call in one transaction, answer.

A mutation answers a union: what it did, or why it did nothing. The services raise; ``Refusals`` is the one place where what they raise
becomes a member of the union. Whoever may not do it at all gets an error with a code instead, as everywhere else::

    async def _revoke(info: Info, given: GrantRevokeInput) -> GrantRevoked:
        async with change(info, Permission.PRINCIPALS_GRANT_CHANGE) as acting:
            grant = await revoke(acting.session, acting.access, ...)
            acting.concerns("PrincipalGrant", [grant.id], grant.region.villages)
        return GrantRevoked(grant_key=(grant.id,))

What a mutation did is in the audit trail exactly when it is done. Objects that it answers are read after that, in one statement each.
Whatever the field sends again after a lost connection has an ``idempotencyKey`` in its input, which the service keeps with the row.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

import orjson
import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.schema import ExceptionHandler
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain import base
from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.schema.context import Info, RequestContext
from app.schema.language import Language
from app.schema.plan.payload import KEY
from app.schema.plan.selection import unraised
from app.schema.plan.source import SPECIFICATION, Payload
from app.tenants.region_path import Span

Key: TypeAlias = tuple[Any, ...]
"""The values of the columns that name a row of a node, in the order of its ``NodeKey``."""
_Given = TypeVar("_Given")
_Read = TypeVar("_Read")
_Told = TypeVar("_Told", bound="UserError")


@strawberry.interface(
    description="Why a mutation did nothing. Select it to be told of every refusal, of those to come too."
)
class UserError:
    """What all refusals have."""

    code: str = strawberry.field(description="Stable name of the reason, such as `GRANT_EXISTS`.")
    message: str = strawberry.field(description="What to tell people, in the language of `Accept-Language`.")


@strawberry.type(description="A field of the input cannot be as it was given.")
class InvalidInput(UserError):
    """A ``DomainError`` with ``fields``."""

    fields: list[str] = strawberry.field(description="Names of those fields of the input.")


@strawberry.type(description="What the input names is not there, or not for the caller to change.")
class NotFound(UserError):
    """A ``NotFound`` of the domain."""


@strawberry.type(description="The present state does not allow it: it was done before, or somebody was faster.")
class Conflict(UserError):
    """A ``Conflict`` of the domain."""


@strawberry.type(description="A rule does not allow it.")
class Refused(UserError):
    """Any other ``DomainError``."""


Refusal: TypeAlias = InvalidInput | NotFound | Conflict | Refused
"""The members of the union of every mutation, after what it did. A refusal that tells more is a type of its own beside them."""

_KINDS: Final[Mapping[type[base.DomainError], type[UserError]]] = {
    base.NotFound: NotFound,
    base.Conflict: Conflict,
    base.DomainError: Refused,
}


_TELLING: Final[dict[type[base.DomainError], type[UserError]]] = {}


def telling(error: type[base.DomainError]) -> Callable[[type[_Told]], type[_Told]]:
    """Declare the type that tells of ``error``, in unions that have it: its further fields are attributes of the error.

    Stands above ``strawberry.type``.
    """

    def declare(kind: type[_Told]) -> type[_Told]:
        _TELLING[error] = kind
        return kind

    return declare


def refusal_of(error: base.DomainError, language: Language) -> UserError:
    """The member of a mutation's union that tells of ``error``."""
    message = error.indonesian if language is Language.INDONESIAN else error.english
    if (told := _TELLING.get(type(error))) is not None:
        further = {name: getattr(error, name) for name in told.__dataclass_fields__ if name not in {"code", "message"}}
        return told(code=error.code, message=message, **further)
    if error.fields:
        return InvalidInput(code=error.code, message=message, fields=[to_camel_case(name) for name in error.fields])
    kind = next(_KINDS[each] for each in type(error).__mro__ if each in _KINDS)
    return kind(code=error.code, message=message)


class Refusals(ExceptionHandler[base.DomainError, InvalidInput]):
    """Answers what services raise. It applies wherever ``InvalidInput`` is a member of the union: in every mutation."""

    def handle(self, exception: base.DomainError, *, field: StrawberryField, info: Any) -> Any:  # noqa: ARG002  (strawberry's signature)
        """The refusal that tells of ``exception``."""
        return refusal_of(exception, info.context.language)


class SubjectForgotten(RuntimeError):
    """A mutation did not say what it concerns, so it was rolled back: this is a fault of the program."""


@dataclass(slots=True)
class Acting:
    """One mutation at work: the transaction that it writes in, and who acts."""

    session: AsyncSession
    access: Access
    _events: list[tuple[str, tuple[UUID, ...], Span]] = field(default_factory=list, init=False)

    def concerns(self, subject_type: str, subject_ids: Sequence[UUID], villages: Span) -> None:
        """Say whom or what the mutation has changed and where that is; the audit trail keeps it, in the same transaction."""
        # asyncpg has a UUID of its own, which the audit trail cannot print.
        self._events.append((subject_type, tuple(UUID(int=each.int) for each in subject_ids), villages))

    def events(self, info: Info, permission: Permission) -> list[Event]:
        """What the audit trail keeps.

        Raises:
            SubjectForgotten: nothing was said.
        """
        if not self._events:
            raise SubjectForgotten(f"{info.field_name} does not say what it concerns")
        context: RequestContext = info.context
        return [
            Event(
                action=Action.CHANGE,
                principal_id=self.access.principal.id,
                roles=self.access.roles(permission),
                permission=permission.value,
                operation=info.field_name,
                document_hash=context.document_hash,
                subject_type=subject_type,
                subject_ids=subject_ids,
                row_count=len(subject_ids),
                purpose=None,
                request_id=context.request_id,
                village_low=villages.low,
                village_high=villages.high,
            )
            for subject_type, subject_ids, villages in self._events
        ]


def refuse_unreadable(context: RequestContext, key: str | int) -> None:
    """Raise why an object that the document asks for, below the mutation of that response key, may not be read."""
    for (root_key, _), planned in context.answer.plan.payloads.items():
        if root_key == key and isinstance(planned, Exception):
            raise unraised(planned)


@asynccontextmanager
async def change(info: Info, permission: Permission) -> AsyncIterator[Acting]:
    """The transaction of a mutation, under the scope of ``permission``: it commits when the block ends, with its audit events.

    Raises:
        NotPermitted, FieldDenied: the caller may not do it, or not read what the document asks for afterwards; nothing has happened.
    """
    context: RequestContext = info.context
    scope = authorize(context.access, permission)
    refuse_unreadable(context, info.path.key)
    async with context.database.write(scope) as session:
        acting = Acting(session, context.access)
        yield acting
        await append_events(session, acting.events(info, permission))


def read(name: str, reader: Callable[[_Given], _Read], given: _Given) -> _Read:
    """The value ``given`` in the input field ``name``, as ``reader`` reads it; what cannot be read is told by that name."""
    try:
        return reader(given)
    except base.DomainError as error:
        error.fields = (name,)
        raise


def answered(key: str, *, description: str) -> Any:
    """A field of a payload: the object that the attribute ``key`` names, read once the mutation is committed."""

    async def resolve(root: Any, info: Info) -> Any:
        return await _read_object(info, getattr(root, key))

    return strawberry.field(resolver=resolve, description=description, metadata={SPECIFICATION: Payload()})


async def _read_object(info: Info, key: Key) -> Any:
    context: RequestContext = info.context
    above = info.path.prev
    if above is None:
        raise LookupError("an object that a mutation answers stands below it")
    planned = context.answer.plan.payloads[str(above.key), str(info.path.key)]
    if isinstance(planned, Exception):
        raise unraised(planned)
    statement, variables, caller = planned.statement, context.answer.variables, context.answer.caller
    record = await context.database.read_once(
        context.access.scope(planned.permission), statement.text, statement.bind({**variables, KEY: key}, caller)
    )
    for failure in statement.failures(record, variables).values():
        raise failure
    (value,), subjects = statement.values(record)
    context.answer.subjects += subjects
    if value is None:
        return None
    return orjson.loads(value) if planned.needs_python else orjson.Fragment(value)
