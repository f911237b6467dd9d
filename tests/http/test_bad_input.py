"""Whatever is sent, the answer is coded and polite: never a 5xx, never a trace, never SQL."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import uuid4

import httpx2
import pytest

from tests.support.client import Caller
from tests.support.world import BANYUMAS

SQL = re.compile(
    r"\b(select|insert|update|join|from \w+ where|syntax error at or near|relation|asyncpg|sqlalchemy|bigint)\b",
    re.IGNORECASE,
)
TRACE = re.compile(r"Traceback|File \"|line \d+, in |\.py\b|\w+(?<!Syntax )Error:|Exception")
UNKNOWN_ID = f"Family:3302:{uuid4()}"
FAMILIES = "query($v: Int) { families(first: $v) { totalCount nodes { id } } }"
AFTER = "query($v: String) { families(after: $v) { nodes { id } } }"
BY_DECILE = "query($v: String) { families(after: $v, order: DECILE) { nodes { id } } }"
FAMILY = "query($v: ID!) { family(id: $v) { id } }"
NODE = "query($v: ID!) { node(id: $v) { id } }"
NODES = "query($v: [ID!]!) { nodes(ids: $v) { id } }"
REGION = "query($v: String!) { region(code: $v) { name } }"
SUMMARY = "query($v: String!) { registrySummary(region: $v, by: VILLAGE) { total { persons } } }"
NIK = "query($v: String!) { personByNik(nik: $v) { id } }"
DECILES = "query($v: FamilyFilter) { families(filter: $v) { totalCount } }"
BORN = "query($v: Date) { persons(filter: {bornFrom: $v}) { totalCount } }"


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


class Bad(NamedTuple):
    """A document, the value of its variable, and the code of the refusal."""

    document: str
    value: Any
    code: str


REFUSED_BY_THE_RULES = {
    "a region that does not exist": Bad(REGION, "99.99", "REGION_UNKNOWN"),
    "a village that does not exist": Bad(REGION, "33.02.01.2999", "REGION_UNKNOWN"),
    "a region of a list that does not exist": Bad(
        "query($v: String) { families(region: $v) { totalCount } }", "33.99", "REGION_UNKNOWN"
    ),
    "a region of a summary that does not exist": Bad(SUMMARY, "33.99", "REGION_UNKNOWN"),
    "a region to search in that does not exist": Bad(
        "query($v: String) { regions(within: $v) { totalCount } }", "12.99", "REGION_UNKNOWN"
    ),
    "a BPS code where Kemendagri's is meant": Bad(REGION, "3302", "REGION_CODE_MALFORMED"),
    "a BPS code of a district": Bad(SUMMARY, "3302010", "REGION_CODE_MALFORMED"),
    "a Kemendagri code where that of the BPS is meant": Bad(
        "query($v: String!) { region(code: $v, namespace: BPS) { name } }", "33.02", "REGION_CODE_MALFORMED"
    ),
    "a BPS code that nobody has": Bad(
        "query($v: String!) { region(code: $v, namespace: BPS) { name } }", "9999", "REGION_UNKNOWN"
    ),
    "an empty region code": Bad(REGION, "", "REGION_CODE_MALFORMED"),
    "a region code with a line break": Bad(REGION, "33.02\n", "REGION_CODE_MALFORMED"),
    "a region code with NUL": Bad(REGION, "33\0", "REGION_CODE_MALFORMED"),
    "a region code in Arabic digits": Bad(REGION, "٣٣", "REGION_CODE_MALFORMED"),
    "a region code of a megadigit": Bad(REGION, "3" * 100_000, "REGION_CODE_MALFORMED"),
    "a level above the region": Bad(
        "query($v: String!) { registrySummary(region: $v, by: PROVINCE) { total { persons } } }",
        BANYUMAS.code,
        "SUMMARY_LEVEL_INVALID",
    ),
    "an id of another type": Bad(FAMILY, "Person:3302:" + UNKNOWN_ID[12:], "ID_INVALID"),
    "an id of no type": Bad(NODE, "Household:3302:" + UNKNOWN_ID[12:], "ID_INVALID"),
    "an id without its regency": Bad(FAMILY, "Family:" + UNKNOWN_ID[12:], "ID_INVALID"),
    "an id of a regency of five digits": Bad(FAMILY, "Family:33021:" + UNKNOWN_ID[12:], "ID_INVALID"),
    "an id of a regency of 5,000 digits": Bad(FAMILY, f"Family:{'1' * 5000}:{UNKNOWN_ID[12:]}", "ID_INVALID"),
    "an id whose UUID is none": Bad(FAMILY, "Family:3302:42", "ID_INVALID"),
    "an id in capitals": Bad(FAMILY, "Family:3302:" + UNKNOWN_ID[12:].upper().replace("-", ""), "ID_INVALID"),
    "an empty id": Bad(NODE, "", "ID_INVALID"),
    "an id with NUL": Bad(NODE, UNKNOWN_ID + "\0", "ID_INVALID"),
    "an id with SQL": Bad(NODE, "Family:3302:' or 1=1 --", "ID_INVALID"),
    "an id that is a number": Bad(NODE, 3302, "ID_INVALID"),
    "a region id that is malformed": Bad(NODE, "Region:3302", "ID_INVALID"),
    "one malformed id among good ones": Bad(NODES, ["Region:33", "Region:x"], "ID_INVALID"),
    "more than a hundred ids": Bad(NODES, ["Region:33"] * 101, "TOO_MANY_IDS"),
    "a cursor that is no cursor": Bad(AFTER, "halaman 2", "CURSOR_INVALID"),
    "an empty cursor": Bad(AFTER, "", "CURSOR_INVALID"),
    "a cursor outside of ASCII": Bad(AFTER, "é", "CURSOR_INVALID"),
    "a cursor that is no JSON": Bad(AFTER, base64.urlsafe_b64encode(b"\xff\xfe").decode(), "CURSOR_INVALID"),
    "a cursor that is no list": Bad(AFTER, base64.urlsafe_b64encode(b"{}").decode(), "CURSOR_INVALID"),
    "a cursor of depth 50,000": Bad(AFTER, base64.urlsafe_b64encode(b"[" * 50_000).decode(), "CURSOR_INVALID"),
    "a cursor of another order": Bad(AFTER, cursor("DECILE", 1, 3302012001, str(uuid4())), "CURSOR_INVALID"),
    "a cursor that lacks a key": Bad(AFTER, cursor("VILLAGE", 3302012001), "CURSOR_INVALID"),
    "a cursor whose UUID is none": Bad(AFTER, cursor("VILLAGE", 3302012001, "x"), "CURSOR_INVALID"),
    "a cursor whose number is a text": Bad(AFTER, cursor("VILLAGE", "3302012001", str(uuid4())), "CURSOR_INVALID"),
    "a cursor whose number is true": Bad(AFTER, cursor("VILLAGE", True, str(uuid4())), "CURSOR_INVALID"),
    "a cursor whose number is a fraction": Bad(AFTER, cursor("VILLAGE", 1.5, str(uuid4())), "CURSOR_INVALID"),
    "a cursor of 2^63": Bad(AFTER, cursor("VILLAGE", 2**63, str(uuid4())), "CURSOR_INVALID"),
    "a cursor of -2^63 - 1": Bad(AFTER, cursor("VILLAGE", -(2**63) - 1, str(uuid4())), "CURSOR_INVALID"),
    "a cursor of NaN": Bad(AFTER, cursor("VILLAGE", float("nan"), str(uuid4())), "CURSOR_INVALID"),
    "a cursor of 5,000 digits": Bad(
        AFTER, base64.urlsafe_b64encode(b'["VILLAGE", %b]' % (b"1" * 5000)).decode(), "CURSOR_INVALID"
    ),
    "a cursor with NUL": Bad(
        "query($v: String) { families(after: $v, order: NAME) { nodes { id } } }",
        cursor("NAME", "\0", str(uuid4())),
        "CURSOR_INVALID",
    ),
    "a cursor with a lone surrogate": Bad(
        "query($v: String) { families(after: $v, order: NAME) { nodes { id } } }",
        cursor("NAME", "\ud800", str(uuid4())),
        "CURSOR_INVALID",
    ),
    "first: 0": Bad(FAMILIES, 0, "PAGE_SIZE_INVALID"),
    "first: -1": Bad(FAMILIES, -1, "PAGE_SIZE_INVALID"),
    "first: 101": Bad(FAMILIES, 101, "PAGE_SIZE_INVALID"),
    "first: 2^31 - 1": Bad(FAMILIES, 2**31 - 1, "PAGE_SIZE_INVALID"),
    "a NIK of 15 digits": Bad(NIK, "990233020190000", "NIK_NOT_16_DIGITS"),
    "a NIK of letters": Bad(NIK, "33020101019000O1", "NIK_NOT_16_DIGITS"),
    "a NIK with NUL": Bad(NIK, "3302010101900\x0001", "NIK_NOT_16_DIGITS"),
    "a NIK of a 30 February": Bad(NIK, "3302013002900001", "NIK_DATE_IMPOSSIBLE"),
    "a NIK of a woman born on a 30 February": Bad(NIK, "3302017002900001", "NIK_DATE_IMPOSSIBLE"),
    "a NIK of no province": Bad(NIK, "0002010101900001", "NIK_PROVINCE_UNKNOWN"),
    "decile 11": Bad(DECILES, {"deciles": {"to": 11}}, "DECILE_INVALID"),
    "decile 0": Bad(DECILES, {"deciles": {"from": 0}}, "DECILE_INVALID"),
    "decile -2^31": Bad(DECILES, {"deciles": {"from": -(2**31)}}, "DECILE_INVALID"),
    "NUL in a search": Bad(DECILES, {"search": "a\0b"}, "TEXT_INVALID"),
    "NUL in a search for a region": Bad(
        "query($v: String) { regions(search: $v) { totalCount } }", "\0", "TEXT_INVALID"
    ),
}
NULL_FOR_A_DEFAULT = {
    "first": "query($v: Int) { families(first: $v) { totalCount nodes { id } } }",
    "order": "query($v: FamilyOrder) { families(order: $v) { totalCount } }",
    "the lowest decile": "query($v: Int) { families(filter: {deciles: {from: $v}}) { totalCount } }",
    "a status of several": "query($v: FamilyStatus = MOVED) { families(filter: {statuses: [ACTIVE, $v]}) { totalCount } }",
}
REFUSED_BY_THE_SCHEMA = {
    "first: 2^63": Bad(FAMILIES, 2**63, "BAD_USER_INPUT"),
    "first: 2^31": Bad(FAMILIES, 2**31, "BAD_USER_INPUT"),
    "first: 1.5": Bad(FAMILIES, 1.5, "BAD_USER_INPUT"),
    "first: true": Bad(FAMILIES, True, "BAD_USER_INPUT"),
    "first: '5'": Bad(FAMILIES, "5", "BAD_USER_INPUT"),
    "a list for a number": Bad(FAMILIES, [[[5]]], "BAD_USER_INPUT"),
    "null for an id": Bad(FAMILY, None, "BAD_USER_INPUT"),
    "an unknown status": Bad(DECILES, {"statuses": ["RICH"]}, "BAD_USER_INPUT"),
    "an unknown field of a filter": Bad(DECILES, {"income": 1}, "BAD_USER_INPUT"),
    "a 30 February": Bad(BORN, "2000-02-30", "DATE_INVALID"),
    "a day that is a number": Bad(BORN, 20000101, "DATE_INVALID"),
    "a day without hyphens": Bad(BORN, "20000101", "DATE_INVALID"),
    "a day of a week": Bad(BORN, "2000-W01-7", "DATE_INVALID"),
    "a day that stands for no end": Bad(BORN, "9999-12-31", "DATE_INVALID"),
    "a day that stands for no beginning": Bad(BORN, "0001-01-01", "DATE_INVALID"),
}
WITHOUT_VARIABLES = {
    "an empty document": ("", "BAD_REQUEST"),
    "a document of spaces": ("  \n", "BAD_REQUEST"),
    "a document of a comment": ("# nothing", "GRAPHQL_PARSE_FAILED"),
    "an open brace": ("{", "GRAPHQL_PARSE_FAILED"),
    "a lone surrogate in a document": ('{ region(code: "\\ud800") { name } }', "GRAPHQL_PARSE_FAILED"),
    "a lone surrogate in braces": ('{ region(code: "\\u{d800}") { name } }', "GRAPHQL_PARSE_FAILED"),
    "NUL in a document": ("{ me \0 { permissions } }", "GRAPHQL_PARSE_FAILED"),
    "NUL escaped in a document": ('{ region(code: "\\u0000") { name } }', "REGION_CODE_MALFORMED"),
    "first: 2^63 in a document": (
        "{ families(first: 9223372036854775808) { totalCount } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "first: NaN in a document": ("{ families(first: NaN) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
    "first: 101 in a document": ("{ families(first: 101) { totalCount nodes { id } } }", "PAGE_SIZE_INVALID"),
    "null for an argument with a default": ("{ families(first: null) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
    "decile 11 in a document": ("{ families(filter: {deciles: {from: 11}}) { totalCount } }", "DECILE_INVALID"),
    "an unknown field": ("{ families { nodes { salary } } }", "GRAPHQL_VALIDATION_FAILED"),
    "an unknown argument": ("{ families(limit: 5) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
    "an object without a selection": ("{ families }", "GRAPHQL_VALIDATION_FAILED"),
    "a fragment that contains itself": (
        "{ ...F } fragment F on Query { ...F }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a mutation": ("mutation { familyDelete { id } }", "GRAPHQL_VALIDATION_FAILED"),
    "a subscription": ("subscription { families { id } }", "GRAPHQL_VALIDATION_FAILED"),
    "two operations and no name": (
        "query A { me { permissions } } query B { me { permissions } }",
        "OPERATION_UNKNOWN",
    ),
    "only a fragment": ("fragment F on Query { me { permissions } }", "GRAPHQL_VALIDATION_FAILED"),
    "the same alias for two things": (
        "{ a: families { totalCount } a: persons { totalCount } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "2,000 open braces": ("{a" * 2000, "DOCUMENT_TOO_LARGE"),
    "20,000 open braces": ("{a" * 20_000, "DOCUMENT_TOO_LARGE"),
    "160 parents of a region": (
        '{ region(code: "33") ' + "{ parent " * 160 + "{ name }" + "}" * 161,
        "DOCUMENT_TOO_DEEP",
    ),
    "16 objects within each other": (
        "{ families { nodes " + "{ members { family " * 8 + "{ id }" + "}}" * 8 + "} }",
        "DOCUMENT_TOO_DEEP",
    ),
    "400 fragments in each other": (
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(400))
        + " fragment F400 on Query { me { permissions } }",
        "DOCUMENT_TOO_LARGE",
    ),
    "1,500 open brackets": ("{ nodes(ids: " + "[" * 1500, "DOCUMENT_TOO_DEEP"),
    "a list of depth 20": ("{ nodes(ids: " + "[" * 20 + "]" * 20 + ") { id } }", "GRAPHQL_VALIDATION_FAILED"),
    "a variable of a type of depth 1,500": (
        "query($v: " + "[" * 1500 + "Int" + "]" * 1500 + ") { me { permissions } }",
        "DOCUMENT_TOO_LARGE",
    ),
    "100,000 tokens": ("{ " + "a " * 100_000 + "}", "DOCUMENT_TOO_LARGE"),
}


def polite(response: httpx2.Response) -> list[Mapping[str, Any]]:
    """The errors of ``response``, none of which tells how the server works."""
    assert response.status_code < 500, response.text
    errors: list[Mapping[str, Any]] = response.json()["errors"]
    for error in errors:
        assert error["extensions"]["code"] != "INTERNAL_ERROR"
        assert not SQL.search(error["message"]), error["message"]
        assert not TRACE.search(response.text), response.text
        assert len(error["message"]) < 2000
    assert response.headers["x-request-id"]
    return errors


@pytest.mark.parametrize("case", REFUSED_BY_THE_RULES.values(), ids=REFUSED_BY_THE_RULES)
async def test_a_rule_refuses_with_its_code_in_the_language_of_the_caller(banyumas: Caller, case: Bad) -> None:
    (in_indonesian,) = polite(await banyumas.post(case.document, {"v": case.value}))
    (in_english,) = polite(await banyumas.post(case.document, {"v": case.value}, accept_language="en-GB,en;q=0.9"))
    assert in_indonesian["extensions"] == in_english["extensions"] == {"code": case.code}
    assert in_indonesian["message"] != in_english["message"]
    assert in_indonesian["path"] == in_english["path"]


@pytest.mark.parametrize("case", REFUSED_BY_THE_SCHEMA.values(), ids=REFUSED_BY_THE_SCHEMA)
async def test_a_variable_of_the_wrong_type_is_refused(banyumas: Caller, case: Bad) -> None:
    response = await banyumas.post(case.document, {"v": case.value})
    assert {error["extensions"]["code"] for error in polite(response)} == {case.code}
    assert response.status_code == 400


@pytest.mark.parametrize(("document", "code"), WITHOUT_VARIABLES.values(), ids=WITHOUT_VARIABLES)
async def test_a_document_that_cannot_be_answered_is_refused(banyumas: Caller, document: str, code: str) -> None:
    errors = polite(await banyumas.post(document))
    assert {error["extensions"]["code"] for error in errors} == {code}
    assert len(errors) <= 100


@pytest.mark.parametrize("document", NULL_FOR_A_DEFAULT.values(), ids=NULL_FOR_A_DEFAULT)
async def test_null_for_an_argument_that_has_a_default_and_takes_no_null_is_refused(
    banyumas: Caller, document: str
) -> None:
    (error,) = polite(await banyumas.post(document, {"v": None}))
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["path"] == ["families"]
    assert await banyumas.codes(document) == []


async def test_a_refusal_does_not_stop_the_next_request(banyumas: Caller) -> None:
    for case in list(REFUSED_BY_THE_RULES.values())[::7]:
        await banyumas.post(case.document, {"v": case.value})
        assert (await banyumas.query("{ families { totalCount } }"))["families"]["totalCount"] > 0


async def test_the_operation_that_is_named_is_the_one_that_runs(banyumas: Caller) -> None:
    document = 'query A { region(code: "33") { name } } query B { region(code: "34") { name } }'
    named = await banyumas.send(json={"query": document, "operationName": "B"})
    assert named.json()["data"]["region"]["name"] == "Daerah Istimewa Yogyakarta"
    (error,) = polite(await banyumas.send(json={"query": document, "operationName": "C"}))
    assert error["extensions"]["code"] == "OPERATION_UNKNOWN"


async def test_a_variable_left_out_takes_the_default_of_its_argument(banyumas: Caller) -> None:
    assert len((await banyumas.query(FAMILIES))["families"]["nodes"]) == 25
    extreme = await banyumas.query(AFTER, v=cursor("VILLAGE", 2**63 - 1, str(uuid4())))
    assert extreme == {"families": {"nodes": []}}
    beyond_the_column = await banyumas.query(BY_DECILE, v=cursor("DECILE", 2**40, 1, str(uuid4())))
    assert beyond_the_column == {"families": {"nodes": []}}
