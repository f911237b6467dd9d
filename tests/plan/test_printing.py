"""JSON comes from records where its keys fit into column names, and from JSON_OBJECT where they do not."""

import sqlalchemy as sa

from app.schema.plan.printing import LONGEST_COLUMN_NAME, constant, json_list, json_object
from app.tenants.session import Database
from tests.plan.evaluation import evaluated, row_of, sql_of

LONGEST = "k" * LONGEST_COLUMN_NAME
TOO_LONG = LONGEST + "k"


async def test_the_longest_key_that_fits_is_a_column(database: Database) -> None:
    row = row_of(name="Sri")
    printed = json_object({LONGEST: row.c.name}, row)
    assert "JSON_OBJECT" not in sql_of(printed)
    assert await evaluated(database, printed) == f'{{"{LONGEST}":"Sri"}}'.encode()


async def test_a_longer_key_is_written_in_full(database: Database) -> None:
    row = row_of(name='Sri "Ayu"', number=7)
    printed = json_object({TOO_LONG: row.c.name, "number": row.c.number, "none": sa.null(), "yes": sa.true()}, row)
    assert "JSON_OBJECT" in sql_of(printed)
    assert await evaluated(database, printed) == (
        f'{{"{TOO_LONG}" : "Sri \\"Ayu\\"", "number" : 7, "none" : null, "yes" : true}}'.encode()
    )


async def test_objects_of_both_kinds_nest(database: Database) -> None:
    row = row_of(name="Sri")
    inner = json_object({TOO_LONG: row.c.name}, outer=row)
    middle = json_object({"inner": inner}, outer=row)
    printed = json_object({TOO_LONG: middle}, row)
    assert await evaluated(database, printed) == f'{{"{TOO_LONG}" : {{"inner":{{"{TOO_LONG}" : "Sri"}}}}}}'.encode()


async def test_a_list_of_objects_with_long_keys(database: Database) -> None:
    row = row_of(name="Sri")
    assert await evaluated(database, json_list({TOO_LONG: row.c.name}, sa.select(row))) == (
        f'[{{"{TOO_LONG}" : "Sri"}}]'.encode()
    )


async def test_a_list_of_nothing_is_empty_and_an_object_of_nothing_is_null(database: Database) -> None:
    row = row_of(name="Sri")
    nobody = row.c.name == "Ayu"
    assert await evaluated(database, json_list({"name": row.c.name}, sa.select(row).where(nobody))) == b"[]"
    assert await evaluated(database, json_object({"name": row.c.name}, row, [nobody])) is None


async def test_without_fields_an_object_is_empty(database: Database) -> None:
    row = row_of(name="Sri")
    assert await evaluated(database, json_object({}, row)) == b"{}"
    assert await evaluated(database, json_list({}, sa.select(row))) == b"[{}]"


async def test_a_text_stands_beside_an_object_and_where_there_is_no_row_neither_does(database: Database) -> None:
    names = sa.values(sa.column("name", sa.Text()), name="names").data([("Sri",)])
    printed = json_object({"name": names.c.name}, names, beside=constant("told"))
    nothing = json_object({"name": names.c.name}, names, [sa.false()], beside=constant("told"))
    assert await evaluated(database, printed) == b'["told", {"name":"Sri"}]'
    assert await evaluated(database, nothing) is None


async def test_no_key_hides_the_record(database: Database) -> None:
    row = row_of(name="Sri")
    keys = ["record", "anon_1", "anon_2", "object", "row", "to_json", "names"]
    printed = json_list(dict.fromkeys(keys, row.c.name), sa.select(row))
    expected = ",".join(f'"{key}":"Sri"' for key in keys)
    assert await evaluated(database, printed) == f"[{{{expected}}}]".encode()


async def test_a_constant_may_hold_an_apostrophe(database: Database) -> None:
    row = row_of(number=1)
    assert await evaluated(database, json_object({"said": constant("the family's card")}, row)) == (
        b'{"said":"the family\'s card"}'
    )
