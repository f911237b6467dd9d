"""When an answer of the API and an answer of the reference agree."""

from collections.abc import Mapping
from typing import Any

import httpx2

from tests.differential.judgement import Codes
from tests.differential.reference import Expected

Json = Any


def same(found: Json, expected: Json) -> bool:
    """Whether two JSON values are equal, the order of keys included; 7 and 7.0 are one number, 1 and true are not."""
    match found, expected:
        case dict(), dict():
            return list(found) == list(expected) and all(same(found[key], expected[key]) for key in found)
        case list(), list():
            return len(found) == len(expected) and all(map(same, found, expected))
        case (bool(), _) | (_, bool()):
            return found is expected
        case _:
            return bool(found == expected)


def difference(found: Json, expected: Json, path: str = "data") -> str:
    """The first place where two JSON values differ."""
    if isinstance(found, dict) and isinstance(expected, dict) and list(found) == list(expected):
        pairs = [(f"{path}.{key}", found[key], expected[key]) for key in found]
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = [(f"{path}[{at}]", found[at], expected[at]) for at in range(len(found))]
    else:
        return f"{path}: the plan answered {found!r}, the reference {expected!r}"
    return next(
        (difference(ours, theirs, where) for where, ours, theirs in pairs if not same(ours, theirs)),
        f"{path}: the same",
    )


def _codes(response: httpx2.Response) -> set[str]:
    return {error["extensions"]["code"] for error in response.json()["errors"]}


def assert_agreement(response: httpx2.Response, expected: Expected) -> None:
    """Fail where the answer of the API is not what the reference expects."""
    body = response.json()
    if expected.refused:
        assert response.status_code == 400, f"the reference refuses the document, the API answers {body}"
        assert "data" not in body
        assert _codes(response) <= expected.refused, body
        return
    assert response.status_code == 200, f"the reference answers the document, the API says {body}"
    assert same(body["data"], expected.data), difference(body["data"], expected.data)
    _assert_same_refusals(body.get("errors", []), expected.refusals or {}, whole=expected.data is None)


def _assert_same_refusals(errors: list[Json], refusals: Mapping[str, Codes], *, whole: bool) -> None:
    for error in errors:
        assert error.get("path") is not None, error
        assert len(error["path"]) == 1, f"refused below its root field: {error}"
        (key,) = error["path"]
        assert error["extensions"]["code"] in refusals.get(key, set()), f"{error} where one of {refusals} was expected"
    refused = {error["path"][0] for error in errors}
    if whole:
        # A root field that may not be null takes the others with it, and the executor stops there.
        assert refused, "data is null and nothing is refused"
    else:
        assert refused == set(refusals), f"refused are {refused}, expected {refusals}"
