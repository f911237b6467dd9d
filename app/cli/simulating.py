"""Stand-ins for services of others, for demonstrations and tests."""

import socket
from typing import Annotated

import typer
import uvicorn

from app.cli.console import tell
from app.cli.serving import address_of, listening
from app.domain.registry.dukcapil.contract import PATH
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
        tell(f"Let Kesos ask it: KESOS_DUKCAPIL_URL={address_of(taken)}")
        _answer(behaviour, taken)


def _answer(behaviour: Behaviour, taken: socket.socket) -> None:
    # Nothing is logged of what is asked: it is made of numbers and names.
    configuration = uvicorn.Config(simulator(behaviour), log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(configuration).run(sockets=[taken])
