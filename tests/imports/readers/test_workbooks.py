"""Workbooks are refused before they are read where reading them would take more memory than there is.

A workbook is only opened where it is refused: were it read, it would end the process that runs these tests.
"""

import io

import pytest

from app.domain.base import DomainError
from app.domain.registry.imports.workbooks import Workbook
from tests.imports.readers.workbook_parts import MAIN, sheet_of, workbook_of_parts

STRINGS = "xl/sharedStrings.xml"
MANY = 200_001
DEFINING = {
    "xl/workbook.xml": ("<definedNames>", "<definedName/>"),
    "xl/WORKBOOK.xml": ("<x:sheets>", "<x:sheet/>"),
    "xl/_rels/workbook.xml.rels": ("<Relationships>", "<Relationship/>"),
    "xl/styles.xml": ("<numFmts>", "<numFmt/>"),
    "xl/other.xml": ("<cellXfs>", "<xf/>"),
}
"""Parts of which the reader keeps the elements, whatever they are called."""
NEAR = '<row r="1"><c r="A1"><v>1</v></c></row>'
FAR = '<row r="60000"><c r="ALL60000"><v>1</v></c></row>'
DECOY = {"xl/worksheets/a.xml": sheet_of(NEAR)}
SHOWN = '<c t="s"><v>0</v></c>'
LONG = f"<sst><si><t>{'h' * 32_000}</t></si></sst>"
HIDDEN = f"<a><!--{(sheet_of(FAR) + ' ' * (len(sheet_of(FAR)) % 2)).encode().decode('utf-16-le')}--></a>"
"""In UTF-16 a comment of Chinese characters, whose bytes are a sheet."""
TOO_LARGE = (
    "The workbook has more than 6,000,000 cells or 256 MB of text on a sheet, more than 2,000,000 different texts, or cells far "
    "away from its data. Delete empty rows and columns, split the file, or send it as Kesos CSV."
)
TOO_LARGE_IN_INDONESIAN = (
    "Buku kerja melebihi 6,000,000 sel atau 256 MB teks pada satu lembar, memuat lebih dari 2,000,000 teks yang berbeda, atau "
    "memuat sel jauh di luar datanya. Hapus baris dan kolom kosong, bagi berkasnya, atau kirim sebagai CSV Kesos."
)


def prefixed(rows: str) -> str:
    """A sheet whose elements have a prefix, ``x``."""
    rows = rows.replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
    return f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'


def opened(content: bytes) -> Workbook:
    return Workbook(io.BytesIO(content))


def rows_of(content: bytes) -> list[list[str]]:
    workbook = opened(content)
    return [list(line.cells) for line in workbook.lines(workbook.sheets[0])]


def refused(content: bytes) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        opened(content)
    return refusal.value


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(workbook_of_parts(sheet_of(NEAR + FAR)), id="plainly"),
        pytest.param(workbook_of_parts(prefixed(NEAR + FAR)), id="with a prefix"),
        pytest.param(workbook_of_parts(sheet_of(NEAR + FAR.replace("ALL", "all"))), id="in small letters"),
        pytest.param(workbook_of_parts(sheet_of(NEAR + FAR.replace("c r=", "c r=  "))), id="after blanks"),
        pytest.param(workbook_of_parts(sheet_of(NEAR + FAR.replace("c r=", 'c a="x>y" r='))), id="after a bracket"),
        pytest.param(
            workbook_of_parts(sheet_of(NEAR + f'<row r="60000">{"<c><v>1</v></c>" * 1_000}</row>')), id="in a far row"
        ),
        pytest.param(
            workbook_of_parts(sheet_of('<row r="1"><c/>' * 200 + "</row>" * 200 + '<row r="60000"><c/></row>')),
            id="in rows within rows",
        ),
        pytest.param(
            workbook_of_parts(sheet_of(NEAR + FAR), at="other/sheet1.xml", more=DECOY), id="in another folder"
        ),
        pytest.param(
            workbook_of_parts(sheet_of(NEAR + FAR), at="media/a.png", more=DECOY), id="in what seems to be a picture"
        ),
        pytest.param(workbook_of_parts("\ufeff" + sheet_of(NEAR + FAR)), id="after a mark"),
    ],
)
def test_a_cell_far_away_is_found_however_it_is_written(content: bytes) -> None:
    refusal = refused(content)
    assert (refusal.code, refusal.english) == ("IMPORT_SHEET_TOO_LARGE", TOO_LARGE)
    assert refusal.indonesian == TOO_LARGE_IN_INDONESIAN


def test_cells_that_are_near_are_read_however_they_are_written() -> None:
    rows = (
        '<row r="1"><c r="a1"><v>1</v></c><c a="x>y"><v>2</v></c></row><row><c><v>3</v></c><c r="B2"><v>4</v></c></row>'
    )
    written = (
        workbook_of_parts(sheet_of(rows)),
        workbook_of_parts(prefixed(rows)),
        workbook_of_parts("\ufeff" + sheet_of(rows)),
        workbook_of_parts(sheet_of(rows), at="other/sheet1.xml", more={"xl/media/a.png": b"\x89PNG\r\n\x1a\n\0<si/>"}),
    )
    assert [rows_of(content) for content in written] == [[["1", "2"], ["3", "4"]]] * len(written)


def test_the_last_cell_that_may_be_there_is_taken_and_the_next_is_not() -> None:
    for last in ("BH100000", "bh100000"):
        assert opened(workbook_of_parts(sheet_of(f'<row r="1"><c r="{last}"/></row>'))).sheets == ("S",)
    assert refused(workbook_of_parts(sheet_of('<row r="1"><c r="BH100001"/></row>'))).code == "IMPORT_SHEET_TOO_LARGE"


def test_other_parts_have_no_cells() -> None:
    chain = f'<calcChain xmlns="{MAIN}"><c r="A1048576"/><c r="XFD1"/></calcChain>'
    assert rows_of(workbook_of_parts(sheet_of(NEAR), more={"xl/calcChain.xml": chain})) == [["1"]]


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="99999999999"><c/></row>',
        '<row r="A"><c/></row>',
        '<row><c r="ABCD1"/></row>',
        '<row><c r="$A$1"/></row>',
        '<row><c r="A99999999999"/></row>',
    ],
)
def test_a_place_that_is_none_is_refused(rows: str) -> None:
    assert refused(workbook_of_parts(sheet_of(rows))).code == "IMPORT_FILE_UNREADABLE"


@pytest.mark.parametrize(
    "sheet",
    [
        pytest.param("junk " + sheet_of(FAR), id="begins with something else"),
        pytest.param("<a>".encode("utf-16") + sheet_of(FAR).encode(), id="says that it has another encoding"),
        pytest.param(sheet_of(NEAR).replace("</worksheet>", ""), id="has no end"),
        pytest.param(HIDDEN.encode("utf-16"), id="stands within another encoding"),
        pytest.param(HIDDEN.encode("utf-16-le"), id="stands within another encoding that is not named"),
        pytest.param(sheet_of("<c " * 50_000), id="is nothing but beginnings"),
        pytest.param(sheet_of('<row><c t="s"><v>0<b/></v></c></row>'), id="has more than a number where that of a text is"),
        pytest.param(f"<!DOCTYPE a [<!ENTITY b 'c'>]>{sheet_of(NEAR)}", id="declares entities"),
        pytest.param(f"<!--{'x' * 70_000}--><!DOCTYPE a>{sheet_of(NEAR)}", id="declares its type far from its beginning"),
        pytest.param(sheet_of("<a>" * 60_000 + "</a>" * 60_000), id="is deeper than any"),
        pytest.param(sheet_of("".join(f"<a{number}/>" for number in range(20_000))), id="has names without end"),
        pytest.param(
            sheet_of("<row " + " ".join(f"a{number}='1'" for number in range(20_000)) + "/>"), id="has attributes without end"
        ),
        pytest.param(sheet_of(f"<!--{'x' * 1_200_000}-->{NEAR}"), id="has a comment without end"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at", ["worksheets/sheet1.xml", "media/a.png"])
def test_a_sheet_that_no_program_writes_is_refused(sheet: str | bytes, at: str) -> None:
    refusal = refused(workbook_of_parts(sheet, at=at, more=DECOY))
    assert (refusal.code, refusal.english, refusal.indonesian) == (
        "IMPORT_FILE_UNREADABLE",
        "The workbook cannot be read; save it again as xlsx without a password.",
        "Buku kerja tidak dapat dibaca; simpan ulang sebagai xlsx tanpa kata sandi.",
    )


@pytest.mark.parametrize("part", ["mimetype", "content.xml", "xl/workbook.bin"])
def test_a_workbook_that_is_one_of_another_kind_too_is_refused(part: str) -> None:
    assert refused(workbook_of_parts(sheet_of(NEAR), more={part: "<a/>"})).code == "IMPORT_FILE_UNREADABLE"
    assert refused(b"\xd0\xcf\x11\xe0" + workbook_of_parts(sheet_of(NEAR))).code == "IMPORT_FILE_UNREADABLE"


def test_a_workbook_without_sheets_is_refused() -> None:
    content = workbook_of_parts(sheet_of(NEAR), more={"xl/workbook.xml": "<workbook><sheets/></workbook>"})
    assert refused(content).code == "IMPORT_FILE_UNREADABLE"


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        ("1.5", [["1 day, 12:00:00"]]),
        *((figure, None) for figure in ("9933020102900001", "1e999", "-1e19", "-1e308", "-inf")),
    ],
)
def test_a_figure_that_its_format_cannot_show_is_refused(figure: str, told: list[list[str]] | None) -> None:
    styles = '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="46"/></cellXfs></styleSheet>'
    sheet = sheet_of(f'<row><c s="1"><v>{figure}</v></c></row>')
    content = workbook_of_parts(sheet, more={"xl/styles.xml": styles})
    if told is not None:
        assert rows_of(content) == told
        return
    with pytest.raises(DomainError) as refusal:
        rows_of(content)
    assert refusal.value.code == "IMPORT_FILE_UNREADABLE"


def test_texts_are_bounded_even_where_they_are_empty() -> None:
    few, many = (f"<sst>{'<si/>' * count}</sst>" for count in (1_000, 2_000_001))
    assert rows_of(workbook_of_parts(sheet_of(NEAR), more={STRINGS: few})) == [["1"]]
    assert refused(workbook_of_parts(sheet_of(NEAR), more={STRINGS: many})).code == "IMPORT_SHEET_TOO_LARGE"
    assert refused(workbook_of_parts(sheet_of(NEAR), more={STRINGS: f"junk {few}"})).code == "IMPORT_FILE_UNREADABLE"


def test_a_text_counts_as_often_as_a_cell_shows_it() -> None:
    few, many = (sheet_of(f"<row>{SHOWN}</row>" * count) for count in (3, 8_400))
    assert rows_of(workbook_of_parts(few, more={STRINGS: LONG})) == [["h" * 32_000]] * 3
    short = LONG.replace("<si>", "<si><t>short</t></si><si>")
    assert opened(workbook_of_parts(many, more={STRINGS: short})).sheets == ("S",)
    for strings in (LONG, LONG.replace("<si>", "<si><v/>").replace("</si>", "<x:si/></si>")):
        refusal = refused(workbook_of_parts(many, more={"xl/SHAREDSTRINGS.xml": strings}))
        assert refusal.code == ("IMPORT_SHEET_TOO_LARGE" if strings is LONG else "IMPORT_FILE_UNREADABLE")


@pytest.mark.parametrize("number", ["<![CDATA[5]]>0", "0&#49;", " 0 ", "+0", "0<!-- 1 -->1"])
def test_a_number_of_a_text_that_may_be_read_in_two_ways_counts_as_the_longest(number: str) -> None:
    strings = LONG.replace("</sst>", "<si><t>short</t></si>" * 9 + "</sst>")
    cells = sheet_of(f'<row><c t="s"><v>{number}</v></c></row>' * 8_400)
    assert refused(workbook_of_parts(cells, more={STRINGS: strings})).code == "IMPORT_SHEET_TOO_LARGE"


def test_texts_that_come_after_the_cells_that_show_them_are_refused() -> None:
    """The reader takes them from one part alone; the others never stand for it."""
    cells = sheet_of(f"<row>{SHOWN}</row>")
    refusal = refused(workbook_of_parts(cells, more={"xl/texts.xml": LONG}))
    assert refusal.code == "IMPORT_FILE_UNREADABLE"
    assert rows_of(workbook_of_parts(cells, more={STRINGS: LONG, "customXml/item1.xml": "<a><si>b</si></a>"}))


@pytest.mark.parametrize("part", DEFINING)
def test_what_a_workbook_defines_is_bounded(part: str) -> None:
    begin, element = DEFINING[part]
    end = begin.replace("<", "</")
    many, long = (f"<x:a xmlns:x='{MAIN}'>{begin}{of}{end}</x:a>" for of in (element * MANY, element + "y" * (1 << 26)))
    hidden = many.replace(begin, f"<si>{begin}").replace(end, f"{end}</si>")
    written = {"IMPORT_SHEET_TOO_LARGE": (many, long), "IMPORT_FILE_UNREADABLE": (hidden, f"junk {begin}{element}")}
    for code, contents in written.items():
        for content in contents:
            assert refused(workbook_of_parts(sheet_of(NEAR), more={part: content})).code == code


def test_cells_are_counted_within_texts_too() -> None:
    assert refused(workbook_of_parts(sheet_of(f"<si>{FAR}</si>"))).code == "IMPORT_FILE_UNREADABLE"


def test_what_offices_define_is_taken_and_what_the_reader_does_not_keep_may_be_more() -> None:
    chain = f'<calcChain xmlns="{MAIN}">{"<c/>" * MANY}</calcChain>'
    joined = sheet_of(NEAR).replace("</worksheet>", f"<mergeCells>{'<mergeCell/>' * MANY}</mergeCells></worksheet>")
    styles = f"<styleSheet><cellXfs>{'<xf/>' * 65_490}</cellXfs></styleSheet>"
    assert rows_of(workbook_of_parts(joined, more={"xl/calcChain.xml": chain, "xl/styles.xml": styles})) == [["1"]]
