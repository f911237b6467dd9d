"""The field that proves a record sealed: of events of the audit trail, and of journal entries."""

from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from app.authz.permissions import Permission
from app.domain.audit.streams import Stream
from app.domain.base import DomainError
from app.schema.context import AskedProof, Info
from app.schema.plan.source import SPECIFICATION, Computed
from app.tenants.rls import Tenancy

_SEAL_BYTES: Final = 32


class SealInvalid(DomainError):
    """The text is no seal."""

    code = "SEAL_INVALID"

    def __init__(self) -> None:
        super().__init__("Segel ditulis dalam 64 angka heksadesimal.", "A seal is written in 64 hexadecimal digits.")


def _seal(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        seal = bytes.fromhex(text)
    except ValueError as error:
        raise SealInvalid from error
    if len(seal) != _SEAL_BYTES:
        raise SealInvalid
    return seal


def proof_field(stream: Stream, permission: Permission, called: str) -> Any:
    """The proof of a row of ``stream``, which people know as ``called``; it needs ``permission``."""

    async def resolve(
        root: Any,
        info: Info,
        seal: Annotated[
            str | None,
            strawberry.argument(
                description=f"A seal that you noted earlier, as `kesos seal` prints it: the proof then leads from this {called} to "
                "that seal."
            ),
        ] = None,
    ) -> JSON | None:
        asked = AskedProof(stream.name, root["regency_id$"], UUID(root["id$"]), _seal(seal))
        proof = await info.context.proofs.load(asked)
        return None if proof is None else JSON(proof.as_json())

    return strawberry.field(
        resolver=resolve,
        description=f"Proof that the {called} is sealed and unchanged, as a document for `kesos verify`; null until it is sealed. Needs "
        f"`{permission.value}`.",
        metadata={
            SPECIFICATION: Computed(
                {"id": lambda row: row.c.id, "regency_id": lambda row: row.c.regency_id}, permission, Tenancy.SPAN
            )
        },
    )
