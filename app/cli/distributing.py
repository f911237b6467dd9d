"""Laying the tables out on a cluster of Citus at the command line."""

from typing import TYPE_CHECKING, Annotated, Final

import asyncpg
import typer

from app.cli.console import Refusal, briefly, plain, step, tell
from app.cli.database import require_ready, run, running
from app.settings import get_settings
from app.tenants.distribution import (
    NOTHING,
    SHARDS,
    CannotDistribute,
    Layout,
    Step,
    citus_version,
    concerns,
    read_layout,
    read_placed,
    require_cluster,
    steps_left,
)
from app.tenants.rls import APP_ROLE

if TYPE_CHECKING:
    from app.tenants.server import DatabaseServer

_MOST_SHARDS: Final = 512
distributing = typer.Typer()


@distributing.command()
def distribute(
    plan: Annotated[bool, typer.Option("--plan", help="Print the statements that are left, and run none.")] = False,
    shards: Annotated[
        int, typer.Option(min=1, max=_MOST_SHARDS, help="Pieces that tables are cut into, at the first run.")
    ] = SHARDS,
    yes: Annotated[bool, typer.Option("--yes", help="Distribute without asking.")] = False,
) -> None:
    """Spread the regencies over the nodes of a Citus cluster, and copy what all of them read to every node.

    Run again, it does only what is missing. Where there is no Citus it changes nothing.
    """
    with running(get_settings()) as server:
        try:
            layout, left = run(_left(server, shards, planned=plan))
        except CannotDistribute as reason:
            raise Refusal(str(reason)) from reason
        if plan:
            _show(layout, left)
            return
        if not left:
            plain("Every table is where it belongs: nothing was left to do.")
            return
        for concern in concerns(layout):
            tell(concern)
        if not yes:
            typer.confirm(f"{len(left)} statements will be run, each for good. Go on?", abort=True)
        run(_carry_out(server, left))
    plain(f"{len(layout.tenant)} tables are distributed by regency, {len(layout.reference)} are on every node.")


async def _left(server: "DatabaseServer", shards: int, *, planned: bool) -> tuple[Layout, list[Step]]:
    await require_ready(server)
    if server.admin.user == APP_ROLE:
        raise Refusal(f"KESOS_DATABASE_URL logs in as {APP_ROLE}, which owns no table: name the user that migrates.")
    connection = await server.admin.connect()
    try:
        layout = await read_layout(connection)
        version = await citus_version(connection)
        if version is None and not planned:
            raise CannotDistribute(
                f"The database {server.admin.database} has no Citus, and nothing was changed: install its extension on every node, run "
                "`create extension citus`, and then this again; `kesos distribute --plan` prints what it would do."
            )
        if version is None:
            return layout, steps_left(layout, NOTHING, shards)
        left = steps_left(layout, await read_placed(connection, layout), shards)
        if left and not planned:
            await require_cluster(connection, layout)
        return layout, left
    finally:
        await connection.close()


def _show(layout: Layout, left: list[Step]) -> None:
    for concern in concerns(layout):
        plain(f"-- {concern}")
    for each in left:
        plain(f"{each.sql};")


async def _carry_out(server: "DatabaseServer", left: list[Step]) -> None:
    connection = await server.admin.connect()
    try:
        with step("Distributing", len(left)) as progress:
            for done, each in enumerate(left):
                progress.at(done, each.about)
                try:
                    await connection.execute(each.sql)
                except asyncpg.PostgresError as error:
                    raise Refusal(
                        f"Citus refused `{each.sql}` ({briefly(error)}); {done} of {len(left)} statements are done and stay so: "
                        "see docs/scaling.md, and run `kesos distribute` again."
                    ) from error
            progress.done(f"{len(left)} statements")
    finally:
        await connection.close()
