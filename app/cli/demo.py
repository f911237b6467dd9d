"""`kesos demo`: a province of synthetic families, served, with tokens to look at it."""

import json
import shlex
import socket
from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final

import httpx2
from rich.markup import escape

from app.authz.roles import Role
from app.cli.console import Refusal, out, plain, tell
from app.cli.database import make_ready
from app.cli.outlet import open_outlet
from app.cli.people import BANYUMAS, Person, demo_posts, enlist, keep_tokens, token_file
from app.cli.seeding import seed_families
from app.cli.serving import address_of, serving
from app.settings import Settings
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

PROVINCE: Final = BANYUMAS.ancestor(RegionLevel.PROVINCE)
_SEED: Final = 1
_ROWS_SHOWN: Final = 3
_QUERY: Final = (
    f'{{ registrySummary(region: "{PROVINCE.code}", by: REGENCY) '
    "{ total { families persons } rows { region { code name } counts { families persons } } } }"
)


async def demonstrate(
    settings: Settings, server: DatabaseServer, taken: socket.socket, families: int, day: date
) -> None:
    """Fill an empty database with families as of ``day``, serve it, show what it answers, and go on until it is stopped."""
    await make_ready(server)
    await _populate(settings, server, families, day)
    people = await enlist(settings, server, await demo_posts(server))
    async with serving(settings, server, taken, with_worker=True) as running:
        address = address_of(taken)
        try:
            people += await enlist(settings, server, [await open_outlet(address, people)])
            keep_tokens(settings, people)
            _show_people(settings, people)
            await _show_aggregate(settings, address, people)
        except httpx2.TransportError as error:
            if not running.is_stopping:
                raise Refusal(f"The server does not answer at {address} ({error}): choose another --host.") from error
        else:
            _show_browser(address, people)
        await running.until_stopped()


async def _populate(settings: Settings, server: DatabaseServer, families: int, day: date) -> None:
    span = PROVINCE.villages
    async with open_loader(server) as loader:
        there: int = await loader.fetchval(
            "select count(*) from family where regency_id between $1 and $2",
            span.low // 1_000_000,
            span.high // 1_000_000,
        )
    if not there:
        await seed_families(settings, server, region=PROVINCE, families=families, seed=_SEED, day=day)
    elif there != families:
        tell(
            f"Synthetic families: {there:,} are there already and stay, not {families:,}; "
            f"for another number move {escape(str(settings.data_dir))} away or set KESOS_DATA_DIR."
        )
    else:
        tell(f"Synthetic families: {there:,} there already")


def _show_people(settings: Settings, people: Sequence[Person]) -> None:
    out.rule("Tokens", align="left")
    plain(f"{'Role':<20}{'Region':<15}{'Name':<20}Token (12 hours; also in {settings.data_dir}/tokens)")
    for person in people:
        role, region, number = person.post[:3]
        code = "all" if region == RegionPath.country() else region.code
        called = role.value if number == 1 else f"{number}-{role.value}"
        plain(f"{called:<20}{code:<15}{person.region_name:<20.19}{person.token}")


async def _show_aggregate(settings: Settings, address: str, people: Sequence[Person]) -> None:
    officer = _officer(people)
    out.rule("The province adds up its regencies", align="left")
    token = shlex.quote(str(token_file(settings, officer.post)))
    plain(
        f"curl -s {address}/graphql -H 'Content-Type: application/json' \\\n"
        f'  -H "Authorization: Bearer $(cat {token})" \\\n'
        f"  -d {shlex.quote(json.dumps({'query': _QUERY}))}"
    )
    answer, milliseconds = await _ask(f"{address}/graphql", officer.token)
    summary = answer["data"]["registrySummary"]
    rows = summary["rows"]
    plain(f"\nIt answers, in {milliseconds:.0f} ms:")
    plain(f'{{"data": {{"registrySummary": {{"total": {json.dumps(summary["total"])}, "rows": [')
    plain(",\n".join(f"  {json.dumps(row)}" for row in rows[:_ROWS_SHOWN]))
    plain(f"  ... {len(rows) - _ROWS_SHOWN} more\n]}}}}}}" if len(rows) > _ROWS_SHOWN else "]}}}")


def _officer(people: Sequence[Person]) -> Person:
    return next(person for person in people if person.post.role is Role.PROVINCE_OFFICER)


async def _ask(url: str, token: str) -> tuple[dict[str, Any], float]:
    """The answer to the query, and how many milliseconds it took once the plan was made."""
    # A proxy of the environment must not see requests of this machine to itself.
    async with httpx2.AsyncClient(trust_env=False, headers={"authorization": f"Bearer {token}"}) as client:
        await client.post(url, json={"query": _QUERY})
        started = perf_counter()
        response = await client.post(url, json={"query": _QUERY})
        milliseconds = (perf_counter() - started) * 1_000
    answer: dict[str, Any] = response.json()
    if response.status_code != HTTPStatus.OK or "errors" in answer:
        raise Refusal(f"The server runs and does not add up the province ({answer.get('errors')}): run `kesos check`.")
    return answer, milliseconds


def _show_browser(address: str, people: Sequence[Person]) -> None:
    out.rule("In the browser", align="left")
    header = json.dumps({"Authorization": f"Bearer {_officer(people).token}"})
    plain(f"GraphiQL: {address}/graphql\nPaste a token into its Headers pane like this one of the province:\n{header}")
    plain("\nCtrl-C stops the server and its database; the data stays for the next start.")
