"""Stand-ins for services of others, for demonstrations and tests."""

import socket
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette

from app.cli.console import tell
from app.cli.serving import address_of, listening
from app.domain.bansos.payments.contract import FILES_PATH
from app.domain.registry.dukcapil.contract import PATH
from app.simulation.bank import Habits, bank
from app.simulation.dukcapil import MATCHED_RATE, Behaviour, simulator

simulations = typer.Typer(
    help="Stand-ins for services of others. They hold no data and know nobody.", no_args_is_help=True
)


@simulations.callback()
def _simulate() -> None:
    """Keep `kesos simulate` a group, however few there are to simulate."""


@simulations.command("dukcapil")
def simulate_dukcapil(
    *,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at, 0 for a free one.")] = 8100,
    matched: Annotated[float, typer.Option(min=0, max=1, help="Share of persons that match.")] = MATCHED_RATE,
    seed: Annotated[int, typer.Option(help="The same number gives every NIK the same result.")] = 1,
    token: Annotated[
        str | None,
        typer.Option(help="Bearer token that callers must send; without it all may ask.", show_default=False),
    ] = None,
    latency_ms: Annotated[float, typer.Option(min=0, help="How long every answer takes, in milliseconds.")] = 0,
    failures: Annotated[float, typer.Option(min=0, max=1, help="Share of requests that fail with 503.")] = 0,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests in a second; beyond that 429 is answered.")] = 20,
) -> None:
    """Answer as the civil registry would (docs/dukcapil.md), from the numbers alone, until Ctrl-C or SIGTERM."""
    behaviour = Behaviour(
        matched=matched,
        seed=seed,
        token=token,
        latency_seconds=latency_ms / 1000,
        failures=failures,
        requests_per_second=rate,
    )
    with listening(host, port) as taken:
        tell(f"The civil registry is simulated at {address_of(taken)}{PATH}; Ctrl-C stops it.")
        tell(f"Let Kesos ask it: KESOS_DUKCAPIL_URL={address_of(taken)}{_with_token('KESOS_DUKCAPIL_TOKEN', token)}")
        _answer(simulator(behaviour), taken)


@simulations.command("bank")
def simulate_bank(
    *,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at, 0 for a free one.")] = 8200,
    bad_accounts: Annotated[float, typer.Option(min=0, max=1, help="Share of accounts that are not good.")] = 0.03,
    failed_top_ups: Annotated[float, typer.Option(min=0, max=1, help="Share of top-ups that fail.")] = 0.01,
    seed: Annotated[int, typer.Option(help="The same number gives every card the same answers.")] = 1,
    token: Annotated[
        str | None,
        typer.Option(help="Bearer token that callers must send; without it all may ask.", show_default=False),
    ] = None,
    latency_ms: Annotated[float, typer.Option(min=0, help="How long every answer takes, in milliseconds.")] = 0,
    failures: Annotated[float, typer.Option(min=0, max=1, help="Share of requests that fail with 503.")] = 0,
) -> None:
    """Answer files as a bank would (docs/bank-files.md), from the tokens alone, and open accounts, until Ctrl-C or SIGTERM."""
    habits = Habits(
        bad_accounts=bad_accounts,
        failed_top_ups=failed_top_ups,
        seed=seed,
        token=token,
        latency_seconds=latency_ms / 1000,
        failures=failures,
    )
    with listening(host, port) as taken:
        tell(f"A bank is simulated at {address_of(taken)}{FILES_PATH}; Ctrl-C stops it.")
        tell(f"Let Kesos send to it: KESOS_BANK_URL={address_of(taken)}{_with_token('KESOS_BANK_TOKEN', token)}")
        _answer(bank(habits), taken)


def _with_token(variable: str, token: str | None) -> str:
    """What is to be set besides the address, without telling the token itself."""
    return "" if token is None else f" and {variable} as in --token"


def _answer(application: Starlette, taken: socket.socket) -> None:
    # Nothing is logged of what is asked: it is made of numbers and names.
    configuration = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(configuration).run(sockets=[taken])
