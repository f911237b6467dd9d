"""What jobs refuse, and how they end where it is not their work that says why."""

from app.domain.base import Conflict, DomainError, NotFound


class JobUnknown(NotFound):
    """There is no such job, or none that the caller may cancel."""

    code = "JOB_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("Pekerjaan ini tidak ada di wilayah Anda.", "There is no such job in your region.")


class JobEnded(Conflict):
    """The job has ended, so there is nothing to cancel."""

    code = "JOB_ENDED"

    def __init__(self) -> None:
        super().__init__("Pekerjaan ini sudah berakhir.", "This job has ended already.")


class JobNotPermitted(DomainError):
    """Whoever started the job may not do any more what it does."""

    code = "NOT_PERMITTED"

    def __init__(self) -> None:
        super().__init__(
            "Yang memulai pekerjaan ini tidak lagi berwenang melakukannya di wilayah ini.",
            "Whoever started this job may no longer do this in this region.",
        )


class JobBroken(DomainError):
    """The job met an error of the program, each time that it was tried."""

    code = "INTERNAL"

    def __init__(self) -> None:
        super().__init__(
            "Pekerjaan ini berulang kali terhenti oleh kesalahan di server. Sebutkan ID-nya kepada pengelola.",
            "This job was stopped by an error in the server again and again. Quote its id to the operator.",
        )
