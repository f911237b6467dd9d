"""The parameters of a GraphQL request, from a JSON body or from a query string."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from app.schema.operations import Asked
from app.web.bodies import parse_json
from app.web.refusals import BadRequest

_NAMES: Final = frozenset({"query", "variables", "operationName", "extensions", "documentId"})
_HASH_PREFIX: Final = "sha256:"
_HASH_CHARACTERS: Final = 64
_MOST_FIELDS: Final = 16


def asked_by_body(body: bytes) -> Asked:
    """What the JSON body of a POST asks.

    Raises:
        BadRequest: it is no JSON object with a document and what may go with it.
    """
    return asked_by_payload(parse_json(body))


def asked_by_query_string(query_string: bytes) -> Asked:
    """What the query string of a GET asks; ``variables`` and ``extensions`` are JSON texts in it.

    Raises:
        BadRequest: it is not UTF-8, repeats a parameter, or holds JSON that cannot be.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise BadRequest("Parameter URL tidak terbaca.", "The parameters of the URL cannot be read.") from error
    payload: dict[str, Any] = {}
    for name, value in pairs:
        if name not in _NAMES:
            continue
        if name in payload:
            raise BadRequest(f"Parameter `{name}` muncul dua kali.", f"The parameter `{name}` appears twice.")
        payload[name] = parse_json(value.encode()) if name in {"variables", "extensions"} and value else value
    for name in ("variables", "extensions", "operationName", "documentId"):
        if payload.get(name) == "":
            payload[name] = None
    return asked_by_payload(payload)


def asked_by_payload(payload: Mapping[str, Any]) -> Asked:
    """What the parameters of a request ask, wherever they came from.

    Raises:
        BadRequest: they name no document, or one of them is of another type.
    """
    query = payload.get("query")
    document_hash = _document_hash(payload)
    if query is not None and not isinstance(query, str):
        raise BadRequest("`query` harus teks dokumen GraphQL.", "`query` must be the text of a GraphQL document.")
    if document_hash is None and not (query or "").strip():
        raise BadRequest(
            "Kirim dokumen GraphQL dalam `query`, atau `documentId` dari dokumen yang terdaftar.",
            "Send a GraphQL document in `query`, or the `documentId` of a registered one.",
        )
    operation_name = payload.get("operationName")
    if not (operation_name is None or isinstance(operation_name, str)):
        raise BadRequest("`operationName` harus teks.", "`operationName` must be a text.")
    return Asked(query or None, document_hash, _mapping(payload, "variables"), operation_name or None)


def _mapping(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"`{name}` harus objek JSON.", f"`{name}` must be a JSON object.")
    return value


def _document_hash(payload: Mapping[str, Any]) -> str | None:
    """The hash in ``extensions.persistedQuery`` (Apollo's protocol) or in ``documentId`` (GraphQL over HTTP, appendix)."""
    persisted = _mapping(payload, "extensions").get("persistedQuery")
    if persisted is not None:
        if not isinstance(persisted, dict) or persisted.get("version") != 1:
            raise BadRequest(
                "`extensions.persistedQuery` harus berisi version 1 dan sha256Hash.",
                "`extensions.persistedQuery` must hold version 1 and sha256Hash.",
            )
        return _hash_text(persisted.get("sha256Hash"), "extensions.persistedQuery.sha256Hash")
    document_id = payload.get("documentId")
    if document_id is None:
        return None
    if not isinstance(document_id, str) or not document_id.startswith(_HASH_PREFIX):
        raise BadRequest(
            f"`documentId` berbentuk {_HASH_PREFIX} dan 64 angka heksadesimal.",
            f"A `documentId` is {_HASH_PREFIX} and 64 hexadecimal digits.",
        )
    return _hash_text(document_id.removeprefix(_HASH_PREFIX), "documentId")


def _hash_text(value: object, name: str) -> str:
    if (
        not isinstance(value, str)
        or len(value) != _HASH_CHARACTERS
        or any(character not in "0123456789abcdef" for character in value)
    ):
        raise BadRequest(
            f"`{name}` harus SHA-256 dalam 64 angka heksadesimal huruf kecil.",
            f"`{name}` must be a SHA-256 in 64 lower-case hexadecimal digits.",
        )
    return value
