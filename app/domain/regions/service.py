"""Loading the region tree and recording its history.

Regions are reference data that kesos_app only reads, so everything here runs on a connection of kesos_loader.
"""

import csv
import lzma
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from importlib.resources import files
from typing import Final, NamedTuple, TypeAlias

import asyncpg

from app.domain.base import DomainError
from app.domain.regions.errors import BridgeRefused, RegionChangeRefused, RegionUnknown
from app.domain.regions.models import CodeNamespace, RegionChangeKind
from app.domain.regions.rules import RegionChange, kind_of, parse_bps_code, parse_region
from app.tenants.region_path import RegionLevel, RegionPath

Loader: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""A connection of kesos_loader, as ``app.tenants.session.open_loader`` gives it."""

DECREE: Final = "Kepmendagri 300.2.2-2138/2025 jo. 300.2.2-2430/2025"
_DATA: Final = files("app.domain.regions") / "data"
_FILES: Final = ("provinces", "regencies", "districts", "villages")
_PROGRESS_STEP: Final = 5_000
_COLUMNS: Final = ("id", "code", "level", "kind", "name", "parent_id", "village_low", "village_high", "decree")
_PARENT_LEVELS: Final = {
    RegionLevel.REGENCY: RegionLevel.PROVINCE,
    RegionLevel.DISTRICT: RegionLevel.REGENCY,
    RegionLevel.VILLAGE: RegionLevel.DISTRICT,
}
_BRIDGE_COLUMNS: Final = {
    CodeNamespace.BPS: ["bps_code", "kemendagri_code", "source"],
    CodeNamespace.KEMENDAGRI: ["withdrawn_code", "kemendagri_code", "source"],
}


def _published() -> Iterator[tuple[str, str]]:
    """Code and name of every region, parents before their children."""
    for name in _FILES:
        packed = (_DATA / f"{name}.csv.xz").read_bytes()
        rows = csv.reader(lzma.decompress(packed).decode().splitlines())
        next(rows)
        for row in rows:
            yield row[0], row[-1]


def _row(path: RegionPath, name: str, decree: str) -> tuple[object, ...]:
    villages = path.villages
    level = _PARENT_LEVELS.get(path.level)
    return (
        path.id,
        path.code,
        path.level.value,
        kind_of(path).value,
        name,
        None if level is None else path.ancestor(level).id,
        villages.low,
        villages.high,
        decree,
    )


async def load_region_tree(loader: Loader, on_progress: Callable[[int], None] | None = None) -> int:
    """Fill an empty database with the regions of Kepmendagri 300.2.2-2430/2025 and the BPS codes known for sure.

    All or nothing, in one transaction. A tree that is there already keeps its history: nothing is changed.
    ``on_progress`` hears how many regions have been sent so far.

    Returns:
        The number of regions loaded: 91,599 (38 provinces, 514 regencies, 7,285 districts, 83,762 villages), or 0.
    """
    sent = 0

    def rows() -> Iterator[tuple[object, ...]]:
        nonlocal sent
        for code, name in _published():
            yield _row(RegionPath.parse(code), name, DECREE)
            sent += 1
            if on_progress is not None and sent % _PROGRESS_STEP == 0:
                on_progress(sent)

    async with loader.transaction():
        # Two processes that start at once must not both find the tree missing. Readers do not wait for this lock.
        await loader.execute("lock table region in share row exclusive mode")
        if await loader.fetchval("select exists(select from region)"):
            return 0
        await loader.copy_records_to_table("region", records=rows(), columns=_COLUMNS)
        bridge = (_DATA / "bps_aliases.csv").read_text(encoding="utf-8")
        await add_aliases(loader, CodeNamespace.BPS, bridge.splitlines())
    if on_progress is not None:
        on_progress(sent)
    return sent


class _Alias(NamedTuple):
    code: str
    region: RegionPath
    source: str


def _alias_of(namespace: CodeNamespace, row: Sequence[str]) -> _Alias:
    if len(row) != len(_BRIDGE_COLUMNS[namespace]) or not row[2].strip() or not row[2].isprintable():
        raise DomainError(
            "harus berisi tiga kolom, termasuk sumber yang dapat dibaca.",
            "must hold three columns, a readable source included.",
        )
    code, region_code, source = row
    region = parse_region(region_code)
    level = parse_bps_code(code).level if namespace is CodeNamespace.BPS else parse_region(code).level
    if level is not region.level:
        raise DomainError(
            f"{code} dan {region_code} berbeda tingkat wilayah.", f"{code} and {region_code} are not of the same level."
        )
    return _Alias(code, region, source)


def _aliases(namespace: CodeNamespace, rows: Iterator[tuple[int, list[str]]]) -> dict[str, tuple[int, _Alias]]:
    header = _BRIDGE_COLUMNS[namespace]
    if next(rows, None) != (1, header):
        raise DomainError(f"kolom harus {','.join(header)}.", f"the columns must be {','.join(header)}.")
    aliases: dict[str, tuple[int, _Alias]] = {}
    for line, row in rows:
        alias = _alias_of(namespace, row)
        _, earlier = aliases.setdefault(alias.code, (line, alias))
        if earlier.region != alias.region:
            raise DomainError(
                f"{alias.code} sudah menunjuk {earlier.region.code} pada baris lain.",
                f"{alias.code} already denotes {earlier.region.code} on another line.",
            )
    return aliases


def _read_bridge(namespace: CodeNamespace, lines: Iterable[str]) -> dict[str, tuple[int, _Alias]]:
    """The aliases of a bridge by their code, each with the line it stands on."""
    reader = csv.reader(lines, strict=True)
    try:
        return _aliases(namespace, ((reader.line_num, row) for row in reader))
    except DomainError as error:
        raise BridgeRefused(max(reader.line_num, 1), error.indonesian, error.english) from error
    except csv.Error as error:
        raise BridgeRefused(reader.line_num, f"bukan CSV yang sah ({error}).", f"no valid CSV ({error}).") from error


async def add_aliases(loader: Loader, namespace: CodeNamespace, lines: Iterable[str]) -> int:
    """Take over a bridge between the codes of ``namespace`` and those of the tree; if one line is bad, nothing of it.

    ``lines`` are those of a CSV with the columns ``bps_code,kemendagri_code,source``; in the namespace KEMENDAGRI,
    which holds codes that were withdrawn before the tree begins, ``withdrawn_code,kemendagri_code,source``. An alias
    that exists is set anew, since a later bridge corrects an earlier one.

    Returns:
        The number of aliases that are new or changed their region or source.

    Raises:
        BridgeRefused: names a line whose code is malformed, unknown, of another level, given twice with different
            meanings or, in the namespace KEMENDAGRI, the own code of a region.
    """
    aliases = _read_bridge(namespace, lines)
    asked = {alias.region.id for _, alias in aliases.values()}
    if namespace is CodeNamespace.KEMENDAGRI:
        asked |= {parse_region(code).id for code in aliases}
    async with loader.transaction():
        known = {row["id"] for row in await loader.fetch("select id from region where id = any($1::bigint[])", asked)}
        for line, alias in aliases.values():
            if alias.region.id not in known:
                unknown = RegionUnknown(alias.region.code)
                raise BridgeRefused(line, unknown.indonesian, unknown.english)
            if namespace is CodeNamespace.KEMENDAGRI and parse_region(alias.code).id in known:
                raise BridgeRefused(
                    line, f"{alias.code} adalah kode wilayah lain.", f"{alias.code} is the own code of a region."
                )
        status = await loader.execute(
            "insert into region_alias (namespace, code, region_id, source) "
            "select $1, code, region_id, source "
            "from unnest($2::text[], $3::bigint[], $4::text[]) as bridge (code, region_id, source) "
            "on conflict (namespace, code) do update set region_id = excluded.region_id, source = excluded.source "
            "where (region_alias.region_id, region_alias.source) "
            "is distinct from (excluded.region_id, excluded.source)",
            namespace.value,
            list(aliases),
            [alias.region.id for _, alias in aliases.values()],
            [alias.source for _, alias in aliases.values()],
        )
    return _affected(status)


def _affected(status: str) -> int:
    return int(status.rpartition(" ")[2])


async def record_change(loader: Loader, change: RegionChange) -> int:
    """Write one step of history into the tree: the new region, the end of the old one, and the change itself.

    ``valid_from`` is a region's first day and ``valid_to`` the first day without it. A region ends with everything in
    it; children that go on under new codes are recorded by changes of their own with the same ``changed_on``. All or
    nothing, in a transaction (a savepoint where the caller has one open).

    Returns:
        The number of regions that ended.

    Raises:
        RegionUnknown: the origin, the parent of a new successor, or a successor without a name is not in the tree.
        RegionChangeRefused: the change breaks a rule (see ``RegionChange.check``), lies ahead, is recorded already,
            starts from a region that is not in force, or leads to one that stood there before without being a merge.
    """
    change.check()
    async with loader.transaction():
        origin = await _state(loader, change.origin, change.changed_on)
        if origin["ahead"]:
            raise RegionChangeRefused(
                f"{change.changed_on} belum tiba; catat perubahan bila sudah berlaku.",
                f"{change.changed_on} lies ahead; record a change once it is in force.",
            )
        if not (origin["in_force"] or origin["ends"]):
            raise _not_in_force(change.origin, change.changed_on)
        former_name = None
        if change.kind is RegionChangeKind.RENAME:
            former_name = origin["name"]
            await _rename(loader, change, former_name)
        else:
            await _settle(loader, change)
        await _append(loader, change, former_name)
        return await _end(loader, change) if change.ends_origin else 0


async def _state(loader: Loader, path: RegionPath, day: date) -> asyncpg.Record:
    state = await loader.fetchrow(
        "select name, coalesce(valid_from = $2, false) as begins, coalesce(valid_to = $2, false) as ends, "
        "coalesce(valid_from <= $2, true) and coalesce(valid_to > $2, true) as in_force, "
        "$2::date > (now() at time zone 'Asia/Jakarta')::date as ahead from region where id = $1 for update",
        path.id,
        day,
    )
    if state is None:
        raise RegionUnknown(path.code)
    return state


def _not_in_force(path: RegionPath, day: date) -> RegionChangeRefused:
    return RegionChangeRefused(f"{path.code} tidak berlaku pada {day}.", f"{path.code} was not in force on {day}.")


async def _rename(loader: Loader, change: RegionChange, former_name: str) -> None:
    if change.name == former_name:
        raise RegionChangeRefused(
            f"{change.origin.code} sudah bernama {former_name}.",
            f"{change.origin.code} already bears the name {former_name}.",
        )
    await loader.execute("update region set name = $2 where id = $1", change.origin.id, change.name)


async def _settle(loader: Loader, change: RegionChange) -> None:
    """Make sure that the successor stands in the tree from the day of the change on."""
    path = change.successor
    try:
        successor = await _state(loader, path, change.changed_on)
    except RegionUnknown:
        if change.name is None:
            raise
        await _insert(loader, change, change.name)
        return
    merged_into = change.kind is RegionChangeKind.MERGE and successor["in_force"]
    if not (merged_into or successor["begins"]) or change.name not in {None, successor["name"]}:
        raise RegionChangeRefused(
            f"{path.code} sudah dipakai {successor['name']}.",
            f"{path.code} is already the code of {successor['name']}.",
        )


async def _insert(loader: Loader, change: RegionChange, name: str) -> None:
    path, day = change.successor, change.changed_on
    level = _PARENT_LEVELS.get(path.level)
    if level is not None:
        parent = path.ancestor(level)
        if not (await _state(loader, parent, day))["in_force"]:
            raise _not_in_force(parent, day)
    row = (*_row(path, name, change.decree), day)
    await loader.copy_records_to_table("region", records=[row], columns=(*_COLUMNS, "valid_from"))


async def _append(loader: Loader, change: RegionChange, former_name: str | None) -> None:
    status = await loader.execute(
        "insert into region_change (kind, from_id, to_id, changed_on, decree, former_name) "
        "select $1, $2, $3, $4, $5, $6 where not exists "
        "(select from region_change where kind = $1 and from_id = $2 and to_id = $3 and changed_on = $4)",
        change.kind.value,
        change.origin.id,
        change.successor.id,
        change.changed_on,
        change.decree,
        former_name,
    )
    if not _affected(status):
        raise RegionChangeRefused("Perubahan ini sudah dicatat.", "This change is recorded already.")


async def _end(loader: Loader, change: RegionChange) -> int:
    villages = change.origin.villages
    status = await loader.execute(
        "update region set valid_to = $3 where village_low >= $1 and village_high <= $2 and valid_to is null",
        villages.low,
        villages.high,
        change.changed_on,
    )
    return _affected(status)
