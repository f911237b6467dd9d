"""Trusted documents at the command line: registered by whoever releases a front end, and checked against the schema."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import typer

from app.authz.authorize import public_access
from app.authz.enforcer import load_role_matrix
from app.cli.console import Refusal, plain, speaks_indonesian
from app.cli.database import require_ready, run, running
from app.domain.documents.files import NamedDocument, public_documents, read_documents
from app.domain.documents.service import Registration, register_documents, registered_documents, withdraw_document
from app.schema.examination import faults_of, operation_names
from app.schema.language import Language
from app.schema.root import api
from app.settings import get_settings
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

_T = TypeVar("_T")
_SHIPPED: Final = "kesos"
_BECAME: Final = {
    Registration.NEW: "registered",
    Registration.AGAIN: "registered again",
    Registration.PUBLISHED: "made public",
    Registration.UNCHANGED: "registered before",
}

documents = typer.Typer(help="Documents that front ends registered, which callers send by hash.", no_args_is_help=True)

_Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        exists=True,
        dir_okay=False,
        readable=True,
        show_default=False,
        help="Files of GraphQL, or manifests: of Apollo, or of Relay and urql with SHA-256.",
    ),
]


class _Candidate(NamedTuple):
    """A document that is registered or is to be: where it stands, and whether it is open to the public."""

    where: str
    document: NamedDocument
    is_public: bool


def _candidates_of(files: Iterable[Path], *, is_public: bool = False) -> list[_Candidate]:
    """The documents of ``files``, each once, under the names of their manifest, of their operations or of their file.

    Raises:
        DocumentFileInvalid: a file holds none.
    """
    found: dict[str, _Candidate] = {}
    for file in files:
        for document in read_documents(file):
            name = document.name or operation_names(document.text, api().planner) or file.stem
            found.setdefault(
                document.hash, _Candidate(file.name, NamedDocument(name, document.text), is_public=is_public)
            )
    return list(found.values())


async def _registered(server: DatabaseServer) -> list[_Candidate]:
    """All documents that are trusted now, those that ship with Kesos among them."""
    async with open_loader(server) as loader:
        registered = await registered_documents(loader)
    shipped = [_Candidate(_SHIPPED, document, is_public=True) for document in public_documents()]
    return shipped + [
        _Candidate(each.client, NamedDocument(each.name, each.text), each.is_public)
        for each in registered
        if each.withdrawn_at is None
    ]


def _require_sound(candidates: Sequence[_Candidate], *, advice: str) -> None:
    """Print what is wrong with any of ``candidates``.

    Raises:
        Refusal: something is; it ends with ``advice``.
    """
    language = Language.INDONESIAN if speaks_indonesian() else Language.ENGLISH
    public = public_access(load_role_matrix())
    faulty = 0
    for where, document, is_public in candidates:
        faults = faults_of(document.text, api().planner, language, public=public if is_public else None)
        faulty += bool(faults)
        for fault in faults:
            plain(f"{where}: {document.name} {document.hash}: {fault}")
    if faulty:
        raise Refusal(f"{faulty} of {len(candidates)} documents cannot be answered: {advice}")


async def _add(server: DatabaseServer, candidates: Sequence[_Candidate], client: str) -> None:
    """Register ``candidates``, all or none, and print the hash of each.

    Raises:
        Refusal: one of them cannot be answered.
    """
    _require_sound(candidates, advice="none was registered; correct the lines above and add them again.")
    texts = [candidate.document for candidate in candidates]
    is_public = any(candidate.is_public for candidate in candidates)
    async with open_loader(server) as loader:
        became = await register_documents(loader, texts, client=client, is_public=is_public)
    for document, registration in zip(texts, became, strict=True):
        plain(f"{document.hash}  {_BECAME[registration]:<17}  {document.name}")


async def _list(server: DatabaseServer) -> None:
    """Print every document that is or was trusted, one a line."""
    for document in public_documents():
        _print(document.hash, "public", "ships with it", _SHIPPED, document.name)
    async with open_loader(server) as loader:
        for each in await registered_documents(loader):
            state = "withdrawn" if each.withdrawn_at is not None else "public" if each.is_public else "trusted"
            _print(each.hash, state, f"{each.registered_at:%Y-%m-%d}", each.client, each.name)


def _print(document_hash: str, state: str, since: str, client: str, name: str) -> None:
    plain(f"{document_hash}  {state:<9}  {since:<13}  {client}  {name}")


async def _withdraw(server: DatabaseServer, document_hash: str) -> None:
    """Trust a document no longer.

    Raises:
        Refusal: it ships with Kesos.
        DocumentUnknown: none is registered under this hash.
    """
    if any(document.hash == document_hash for document in public_documents()):
        raise Refusal(
            "This document ships with Kesos: take what it reads from PUBLIC in policies/ and it answers nobody any more."
        )
    async with open_loader(server) as loader:
        name = await withdraw_document(loader, document_hash)
    plain(f"{name} is withdrawn; processes that serve refuse it within five seconds.")


def _on_database(work: Callable[[DatabaseServer], Coroutine[Any, Any, _T]]) -> _T:
    with running(get_settings()) as server:

        async def on_ready_one() -> _T:
            await require_ready(server)
            return await work(server)

        return run(on_ready_one())


@documents.command("add")
def add_trusted_documents(
    files: _Files,
    client: Annotated[str, typer.Option(help="The front end that sends them, such as portal-web.")],
    public: Annotated[bool, typer.Option("--public", help="Whoever has no token may send them, too.")] = False,
) -> None:
    """Register documents, all or none, and print the hash of each.

    Each is checked against the schema and its limits first; with --public also whether it reads open data only.
    """
    candidates = _candidates_of(files, is_public=public)
    _on_database(lambda server: _add(server, candidates, client))


@documents.command("list")
def list_trusted_documents() -> None:
    """Print all documents that are or were registered, one a line."""
    _on_database(_list)


@documents.command("withdraw")
def withdraw_trusted_document(
    document_hash: Annotated[str, typer.Argument(metavar="HASH", help="SHA-256 of the document, as it is listed.")],
) -> None:
    """Trust a document no longer. It stays listed, because the audit trail names its hash."""
    _on_database(lambda server: _withdraw(server, document_hash))


@documents.command("check")
def check_trusted_documents(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE...]",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
            help="Check these instead of those that are registered; needs no database.",
        ),
    ] = None,
) -> None:
    """Verify that every registered document is valid in the present schema; exit 1 if one is not."""
    candidates = _candidates_of(files) if files else _on_database(_registered)
    _require_sound(candidates, advice="keep what they ask for in the schema, or release their front ends anew.")
    plain(f"All documents are valid: {len(candidates)}.")
