"""The command line of Kesos. Nothing imports it."""

import gc
import signal


def app() -> None:
    """Run the command that the arguments of this process name."""
    # Reading all modules takes a while. Nothing has started yet, so a Ctrl-C meanwhile may end the process as it stands.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # What modules make stays: looking it over for garbage, again and again, is a quarter of the start.
    gc.disable()
    from app.cli.program import app as program  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    program(prog_name="kesos")
