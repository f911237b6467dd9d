"""What all commands share: a refusal is one sentence and an exit code, and a signal to stop is a Ctrl-C."""

import signal
from types import FrameType
from typing import Any, Final

import asyncpg
import typer
from pydantic import ValidationError
from rich.markup import escape
from typer.core import TyperGroup

from app.authz.development import DevelopmentIssuerOff
from app.cli.console import Refusal, briefly, said, tell
from app.domain.base import DomainError
from app.tenants.server import DatabaseUnavailable

REFUSED: Final = 1
_NOT_ALLOWED: Final = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError)
_NOT_THERE: Final = (
    ConnectionRefusedError,
    ConnectionResetError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)


def _stop(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)


def _stop_on_signals() -> None:
    # A program started in the background of a script inherits an ignored SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _stop)


def _wrong_settings(error: ValidationError) -> str:
    # The values are left out: some of them are secrets.
    found = [
        (".".join(map(str, item["loc"])).upper(), item["msg"].removeprefix("Value error, ")) for item in error.errors()
    ]
    texts = [f"KESOS_{name}: {text}" if name else text for name, text in found]
    return f"The settings in the environment cannot be used: {' '.join(texts)}"


class Commands(TyperGroup):
    """The commands of Kesos. Expected errors end in one sentence; anything else keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that ``ctx`` names."""
        _stop_on_signals()
        try:
            return super().invoke(ctx)
        except (Refusal, DatabaseUnavailable, DevelopmentIssuerOff) as error:
            sentence = str(error)
        except DomainError as error:
            sentence = said(error)
        except ValidationError as error:
            if error.title != "Settings":
                raise
            sentence = _wrong_settings(error)
        except _NOT_ALLOWED as error:
            sentence = (
                f"The database does not allow it ({briefly(error)}): check the user in KESOS_DATABASE_URL, KESOS_APP_PASSWORD and "
                "KESOS_LOADER_PASSWORD."
            )
        except _NOT_THERE as error:
            sentence = f"The database does not answer ({briefly(error)}): see that it runs, then do the same again."
        tell(f"[bold red]kesos:[/bold red] {escape(sentence)}")
        raise typer.Exit(REFUSED)
