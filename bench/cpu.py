"""CPU time of server processes and of PostgreSQL: on a machine with other work to do, only that can be compared from run to run."""

import os

import psutil  # type: ignore[import-untyped]  # it ships no types

from app.settings import Settings


def cpu_of(process: int) -> float:
    """Seconds of CPU that ``process`` and all that it has started have used, those that have ended and were waited for included.

    Raises:
        psutil.NoSuchProcess: there is no such process.
    """
    root = psutil.Process(process)
    ended = -1.0
    # One that ends meanwhile is among the children no more and in the sum of its parent not yet: then all is read again.
    while ended != (times := root.cpu_times()).children_user + times.children_system:
        ended = times.children_user + times.children_system
        spent = times.user + times.system + ended
        for child in root.children(recursive=True):
            try:
                used = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            spent += used.user + used.system + used.children_user + used.children_system
    return float(spent)


class Meter:
    """Reads what the embedded PostgreSQL of a bench, and this process alone, have used."""

    def __init__(self, settings: Settings) -> None:
        """That of ``settings``, which runs."""
        first_line, _ = (settings.data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)
        self._postmaster = int(first_line)

    def database(self) -> float:
        """Seconds of CPU of PostgreSQL: of all its processes, those that have ended included."""
        return cpu_of(self._postmaster)

    @staticmethod
    def own() -> float:
        """Seconds of CPU of this process, without those that it has started."""
        times = os.times()
        return times.user + times.system
