"""Files of other systems, taken into the registry and the region tree."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.authz.authorize import authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.cli.console import Refusal, plain, speaks_indonesian, step, today
from app.domain.regions.models import CodeNamespace
from app.domain.regions.service import add_aliases
from app.domain.registry.enums import RegistryScheme
from app.domain.registry.opensid.reader import parse_opensid
from app.domain.registry.opensid.report import ImportReport, RowIssue
from app.domain.registry.opensid.service import import_opensid
from app.domain.registry.sealing import Seal
from app.domain.registry.service import Edition, current_edition
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

_WIDEST_COLUMN: Final = 20


async def import_population(
    settings: Settings,
    server: DatabaseServer,
    file: Path,
    *,
    village: RegionPath,
    edition: str | None,
    encoding: str,
    accept_valid: bool,
) -> ImportReport:
    """Register the families of an OpenSID file in ``village``, as the operator of the server.

    Raises:
        ImportRejected: rows are rejected and ``accept_valid`` is not set; nothing was written.
        Refusal: there is no such edition.
        DomainError: the file, the village or the edition cannot be used.
    """
    with step(f"Reading {file.name}", keep=False):
        parsed = parse_opensid(file, encoding=encoding)
    # Only who sees the whole country can be told which number is registered elsewhere.
    access = operator_access(RegionPath.country(), load_role_matrix())
    database = Database(server.app, read_pool_size=1, write_pool_size=1)
    try:
        with step(f"Importing {file.name}", keep=False):
            async with database.write(authorize(access, Permission.REGISTRY_IMPORT_RUN)) as session:
                return await import_opensid(
                    session,
                    parsed,
                    village=village,
                    edition_id=(await _edition(session, edition)).id,
                    seal=Seal.of_settings(settings),
                    accept_valid=accept_valid,
                    today=today(),
                    test_provinces=settings.nik_provinces_for_tests,
                )
    finally:
        await database.close()


async def _edition(session: AsyncSession, name: str | None) -> Edition:
    """The edition called ``DTSEN:2026-Q3``, or the present one of DTSEN."""
    if name is None:
        return await current_edition(session, today=today())
    rows = await session.execute(
        sa.text(
            "select id, scheme::text, period, label, legal_basis, published_on from registry_edition order by published_on"
        )
    )
    editions = {f"{row.scheme}:{row.period}": Edition(*row)._replace(scheme=RegistryScheme[row.scheme]) for row in rows}
    if name not in editions:
        raise Refusal(f"There is no edition {name}: choose one of {', '.join(editions)}.")
    return editions[name]


def show_issues(report: ImportReport) -> None:
    """Print each reason why a row is rejected, one a line, and the warnings by kind."""
    if report.rejected:
        plain(f"{'line':>6}  {'column':<{_WIDEST_COLUMN}}  {'value':<18}  reason")
    for issue in report.rejected:
        column, value = issue.column or "-", issue.value or "-"
        plain(f"{issue.line:>6}  {column:<{_WIDEST_COLUMN}}  {value:<18}  {_text(issue)} [{issue.code}]")
    for line in _counted(report.warnings):
        plain(line)


def _text(issue: RowIssue) -> str:
    return issue.indonesian if speaks_indonesian() else issue.english


def _counted(warnings: Iterable[RowIssue]) -> Iterable[str]:
    kinds: dict[str, list[RowIssue]] = {}
    for issue in warnings:
        kinds.setdefault(issue.code, []).append(issue)
    for code, issues in kinds.items():
        columns = ", ".join(sorted({issue.column for issue in issues if issue.column}))
        lines = sorted({issue.line for issue in issues})
        plural = "s" if len(lines) > 1 else ""
        yield f"warning: {len(lines)} row{plural}, first in line {lines[0]} ({columns}): {_text(issues[0])} [{code}]"


def read_lines(file: Path) -> list[str]:
    """The lines of a text file.

    Raises:
        Refusal: it is not text in UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise Refusal(f"{file} is not text in UTF-8: save it as CSV UTF-8 and import it again.") from error


async def import_aliases(server: DatabaseServer, lines: list[str], namespace: CodeNamespace) -> int:
    """Take over a bridge between codes, and tell how many aliases are new or changed.

    Raises:
        BridgeRefused: names the first bad line; nothing was written.
    """
    async with open_loader(server) as loader:
        return await add_aliases(loader, namespace, lines)
