"""Totals as the reference executor resolves them: counted from the families and persons themselves, not from summary rows."""

from datetime import UTC, datetime
from typing import Any, Final

from app.authz.permissions import Permission
from tests.differential.rows import Arguments, Reader, Resolver, Row, region_id, villages_of

WIDTHS: Final = {"PROVINCE": 100_000_000, "REGENCY": 1_000_000, "DISTRICT": 10_000, "VILLAGE": 1}
_STATUSES: Final = ("NO_IDENTITY", "IN_PROCESS", "NIK_ISSUED", "MATCHED", "UNMATCHED")
_BANDS: Final = {"UNDER_7": 6, "FROM_7_TO_12": 12, "FROM_13_TO_15": 15, "FROM_16_TO_18": 18, "FROM_19_TO_59": 59}
_FAMILIES: Final = "select village_id, decile from family where status = 'ACTIVE' and village_id between $1 and $2"
_PERSONS: Final = (
    "select village_id, identity_status, sex, birth_date from person "
    "where presence in ('PRESENT', 'NEW_MEMBER') and village_id between $1 and $2"
)


def _band(person: Row) -> str:
    if person["birth_date"] is None:
        return "UNKNOWN"
    age = datetime.now(tz=UTC).year - person["birth_date"].year
    older = "FROM_60_TO_69" if age <= 69 else "FROM_70"
    return next((band for band, last in _BANDS.items() if age <= last), older)


async def _visible(reader: Reader, low: int, high: int) -> tuple[list[Row], list[Row]]:
    return (
        reader.seen(Permission.INSIGHTS_SUMMARY_READ, await reader.rows(_FAMILIES, low, high)),
        reader.seen(Permission.INSIGHTS_SUMMARY_READ, await reader.rows(_PERSONS, low, high)),
    )


async def _counts(reader: Reader, low: int, high: int) -> Row:
    families, persons = await _visible(reader, low, high)
    deciles = [family["decile"] for family in families]
    statuses = [person["identity_status"] for person in persons]
    ages = [(_band(person), person["sex"]) for person in persons]
    return {
        "families": len(families),
        "families_unranked": deciles.count(None),
        "families_by_decile": [{"decile": decile, "families": deciles.count(decile)} for decile in range(1, 11)],
        "persons": len(persons),
        "persons_by_identity_status": [{"status": status, "persons": statuses.count(status)} for status in _STATUSES],
        "persons_by_age": [
            {"band": band, "sex": sex, "persons": ages.count((band, sex))}
            for band in (*_BANDS, "FROM_60_TO_69", "FROM_70", "UNKNOWN")
            for sex in ("MALE", "FEMALE")
            if (band, sex) in ages
        ],
    }


def _summary(_reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = villages_of(arguments["region"])
    return {"region_id": region_id(arguments["region"]), "low": low, "high": high, "width": WIDTHS[arguments["by"]]}


def _total(reader: Reader, summary: Row, _arguments: Arguments) -> Any:
    return _counts(reader, summary["low"], summary["high"])


async def _rows(reader: Reader, summary: Row, _arguments: Arguments) -> list[Row]:
    families, persons = await _visible(reader, summary["low"], summary["high"])
    width = summary["width"]
    held = sorted({row["village_id"] // width for row in (*families, *persons)})
    return [{"region_id": region, "low": region * width, "high": (region + 1) * width - 1} for region in held]


FIELDS: Final[dict[str, Resolver]] = {
    "Query.registrySummary": _summary,
    "RegistrySummary.total": _total,
    "RegistrySummary.rows": _rows,
    "RegistrySummaryRow.counts": _total,
}
