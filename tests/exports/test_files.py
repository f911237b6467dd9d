"""What stands in the files: the rows of the paged query, each format in its way."""

import csv
import io
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import openpyxl  # type: ignore[import-untyped]
import orjson
import python_calamine

from app.domain.registry.sealing import Seal
from tests.exports.exporting import Exporter
from tests.support.world import BANYUMAS, CILACAP, FAMILIES

if TYPE_CHECKING:
    import asyncpg

FAMILIES_PAGE = """query Halaman($after: String, $region: String) {
  families(first: 7, after: $after, region: $region, order: DECILE) {
    nodes { id head: headName kk decile latitude village { code name } housing { floor floorAreaM2 } updatedAt __typename }
    pageInfo { hasNextPage endCursor } totalCount } }"""
COLUMNS = [
    "id", "head", "kk", "decile", "latitude", "village.code", "village.name", "housing.floor", "housing.floorAreaM2",
    "updatedAt", "__typename",
]  # fmt: skip
PERSONS_PAGE = """query($after: String) { persons(first: 50, after: $after, order: NAME) {
  nodes { name nik family { kk edition { label } } birthDate } pageInfo { hasNextPage endCursor } } }"""


async def rows_of_pages(exporter: Exporter, document: str, field: str) -> list[bytes]:
    """The JSON of each row, cut out of the answers of page after page."""
    rows: list[bytes] = []
    after = None
    while True:
        body = (await exporter.caller.post(document, {"after": after})).content
        page = orjson.loads(body)["data"][field]
        nodes = body[body.index(b'"nodes":[') + len(b'"nodes":[') : body.index(b'],"pageInfo"')]
        rows += nodes.split(b", \n ")
        if not page["pageInfo"]["hasNextPage"]:
            return rows
        after = page["pageInfo"]["endCursor"]


def value_at(node: Any, column: str) -> Any:
    for key in column.split("."):
        node = None if node is None else node[key]
    return node


async def test_lines_are_the_bytes_of_the_paged_query(admin: Exporter) -> None:
    families = await rows_of_pages(admin, FAMILIES_PAGE, "families")
    assert len(families) == FAMILIES
    assert await admin.file(FAMILIES_PAGE) == b"".join(row + b"\n" for row in families)
    persons = await rows_of_pages(admin, PERSONS_PAGE, "persons")
    assert len(persons) > 100
    assert await admin.file(PERSONS_PAGE) == b"".join(row + b"\n" for row in persons)


async def test_lines_that_take_several_pages_of_the_job_are_the_same(analyst: Exporter) -> None:
    document = """query($after: String) { regions(first: 100, after: $after, within: "33.02") {
      nodes { code name level } pageInfo { hasNextPage endCursor } } }"""
    country = """query($after: String) { regions(first: 100, after: $after, within: "33") {
      nodes { code } pageInfo { hasNextPage } } }"""
    paged = await rows_of_pages(analyst, document, "regions")
    assert await analyst.file(document) == b"".join(row + b"\n" for row in paged)
    lines = (await analyst.file(country)).splitlines()
    assert len(lines) > 8_000
    assert len(set(lines)) == len(lines)


async def test_csv_holds_the_same_values_with_a_column_for_each(admin: Exporter) -> None:
    data = await admin.file(FAMILIES_PAGE, "CSV")
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == data.count(b"\n") == FAMILIES + 1
    header, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert header == COLUMNS
    nodes = [orjson.loads(row) for row in await rows_of_pages(admin, FAMILIES_PAGE, "families")]
    expected = [["" if (value := value_at(node, name)) is None else str(value) for name in COLUMNS] for node in nodes]
    assert rows == expected


async def test_a_workbook_holds_the_same_values_and_texts_of_digits_as_texts(admin: Exporter) -> None:
    data = await admin.file(FAMILIES_PAGE, "XLSX")
    header, *rows = openpyxl.load_workbook(io.BytesIO(data), read_only=True).worksheets[0].iter_rows(values_only=True)
    assert list(header) == COLUMNS
    nodes = [orjson.loads(row) for row in await rows_of_pages(admin, FAMILIES_PAGE, "families")]
    assert [list(row) for row in rows] == [[value_at(node, name) for name in COLUMNS] for node in nodes]
    calamine = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert len(calamine) == FAMILIES + 1


async def test_filters_variables_and_region_are_those_of_the_query(admin: Exporter) -> None:
    document = """query($f: FamilyFilter, $r: String) { families(filter: $f, region: $r) { nodes { decile village { code } } } }"""
    variables = {"f": {"deciles": {"from": 1, "to": 3}}, "r": BANYUMAS.district(2)}
    lines = [orjson.loads(line) for line in (await admin.file(document, variables=variables)).splitlines()]
    page = (await admin.caller.query(document.replace("$r)", "$r, first: 100)"), **variables))["families"]["nodes"]
    assert lines == page
    assert 0 < len(lines) < FAMILIES


async def test_an_export_without_rows_is_a_header_or_nothing(admin: Exporter) -> None:
    document = '{ families(filter: {search: "tidak ada orang ini"}) { nodes { id kk } } }'
    assert await admin.file(document) == b""
    assert await admin.file(document, "CSV") == b"\xef\xbb\xbfid,kk\r\n"
    sheet = openpyxl.load_workbook(io.BytesIO(await admin.file(document, "XLSX"))).worksheets[0]
    assert list(sheet.values) == [("id", "kk")]


async def test_the_export_tells_rows_size_and_checksum_of_its_file(admin: Exporter) -> None:
    found = await admin.finished(FAMILIES_PAGE, "CSV")
    data = (await admin.fetch(found)).content
    assert (found["rowCount"], found["size"]) == (FAMILIES, len(data))
    assert found["sha256"] == sha256(data).hexdigest()
    assert (found["job"]["done"], found["job"]["total"]) == (FAMILIES, FAMILIES)


async def test_formulas_are_neutralised_in_spreadsheets_and_left_alone_in_lines(
    admin: Exporter, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    formulas = ['=HYPERLINK("//x"&A1)', "+62811", "-2+3", "@SUM(A1)", "\tx", "x;=1+1", "＝1"]  # noqa: RUF001  (a full-width sign is what is meant)
    families = await country_owner.fetch(
        "select id, hamlet from family where regency_id = $1 order by id limit $2", BANYUMAS.id, len(formulas)
    )
    document = "{ families { nodes { hamlet latitude } } }"
    change = "update family set hamlet = $2, latitude = -7.5 where regency_id = $3 and id = $1"
    try:
        for family, formula in zip(families, formulas, strict=True):
            await country_owner.execute(change, family["id"], formula, BANYUMAS.id)
        lines = [orjson.loads(line)["hamlet"] for line in (await admin.file(document)).splitlines()]
        assert set(formulas) <= set(lines)
        text = (await admin.file(document, "CSV")).decode("utf-8-sig")
        written = list(csv.reader(io.StringIO(text, newline="")))[1:]
        book = openpyxl.load_workbook(io.BytesIO(await admin.file(document, "XLSX"))).worksheets[0]
        assert all(cell.data_type != "f" for row in book.iter_rows() for cell in row)
        harmless = {f"'{formula}" for formula in formulas if formula != "x;=1+1"} | {"x;'=1+1"}
        for cells in ([row[0] for row in written], [row[0] for row in book.iter_rows(values_only=True)]):
            assert harmless <= set(cells)
            assert not set(formulas) & set(cells)
        # A number is no text that somebody wrote: below zero it stays a number.
        assert "-7.5" in {row[1] for row in written}
        assert -7.5 in {row[1] for row in book.iter_rows(values_only=True)}
    finally:
        for family in families:
            await country_owner.execute(
                change.replace(", latitude = -7.5", ""), family["id"], family["hamlet"], BANYUMAS.id
            )


async def test_a_text_that_no_cell_takes_ends_the_export_with_a_reason(
    admin: Exporter, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    family = await country_owner.fetchrow("select id, address from family where regency_id = $1 limit 1", BANYUMAS.id)
    assert family is not None
    change = "update family set address = $2 where regency_id = $3 and id = $1"
    document = "{ families { nodes { id address } } }"
    await country_owner.execute(change, family["id"], "panjang " * 5_000, BANYUMAS.id)
    try:
        started = await admin.start(document, "XLSX")
        found = await admin.ended(started["export"]["id"])
        assert (found["job"]["state"], found["job"]["error"]["code"]) == ("FAILED", "EXPORT_CELL_TOO_LONG")
        assert "address" in found["job"]["error"]["message"]
        assert (found["downloadUrl"], found["finishedAt"]) == (None, None)
        assert b"panjang" in await admin.file(document, "CSV")
    finally:
        await country_owner.execute(change, family["id"], family["address"], BANYUMAS.id)


async def test_numbers_in_full_are_the_bytes_of_the_paged_query_too(
    admin: Exporter, country_owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    document = """query($after: String) { persons(first: 40, after: $after) { nodes {
      a: nikRevealed(purpose: AUDIT) name family { kkRevealed(purpose: AUDIT) kk } nik } pageInfo { hasNextPage endCursor } } }"""
    paged: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await admin.caller.query(document, after=after))["persons"]
        paged += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    data = await admin.file(document, purpose="AUDIT")
    assert data == b"".join(orjson.dumps(node) + b"\n" for node in paged)
    sealed = await country_owner.fetch("select nik_sealed from person where regency_id = $1", BANYUMAS.id)
    numbers = {seal.unseal(row["nik_sealed"]) for row in sealed if row["nik_sealed"] is not None}
    assert {node["a"] for node in paged} - {None} == numbers
    rows = list(csv.reader(io.StringIO((await admin.file(document, "CSV", purpose="AUDIT")).decode("utf-8-sig"))))
    assert rows[0] == ["a", "name", "family.kkRevealed", "family.kk", "nik"]
    assert {row[0] for row in rows[1:]} - {""} == numbers


async def test_nothing_of_a_neighbour_is_in_any_file(admin: Exporter) -> None:
    for format_ in ("NDJSON", "CSV"):
        data = (await admin.file(PERSONS_PAGE, format_)).decode()
        assert BANYUMAS.mark in data
        assert CILACAP.mark not in data
        assert CILACAP.masked not in data
