"""Why a family receives nothing though no rule of the programme says so, and the sentences that tell it."""

from typing import Final

from app.domain.bansos.models.cycles import Outcome
from app.domain.base import Term


class Exclusion(Term):
    """A reason that is no rule of a programme. Of several the one that comes first here is told.

    PROGRAMME_ELSEWHERE is for whoever asks about a family: cycles look at families among whom the programme runs.
    """

    PROGRAMME_ELSEWHERE = ("PROGRAMME_ELSEWHERE", "program ini tidak berjalan di desa/kelurahan keluarga ini")
    FAMILY_MOVED = ("FAMILY_MOVED", "keluarga telah pindah")
    FAMILY_DISSOLVED = ("FAMILY_DISSOLVED", "keluarga telah bubar atau bergabung dengan keluarga lain")
    FAMILY_NOT_FOUND = ("FAMILY_NOT_FOUND", "keluarga tidak ditemukan di alamatnya")
    NO_RECIPIENT = ("NO_RECIPIENT", "tidak ada orang dewasa di keluarga ini yang dapat menerima")
    NO_COMPONENT = ("NO_COMPONENT", "tidak ada anggota keluarga yang termasuk komponen program")
    REQUIRED_PROGRAMME_MISSING = (
        "REQUIRED_PROGRAMME_MISSING",
        "program ini mensyaratkan penerimaan program {other} pada masa yang sama",
    )
    DOUBLE_AID = ("DOUBLE_AID", "keluarga sudah menerima {other} pada masa yang sama")
    INACTIVE_ACCOUNT = ("INACTIVE_ACCOUNT", "kartu KKS keluarga diblokir atau ditarik")
    OVER_QUOTA = ("OVER_QUOTA", "kuota kabupaten/kota sudah habis bagi keluarga yang lebih membutuhkan")

    @property
    def outcome(self) -> Outcome:
        """What a cycle decides about a family for this reason."""
        return Outcome.OVER_QUOTA if self is Exclusion.OVER_QUOTA else Outcome.EXCLUDED


_ENGLISH: Final = {
    Exclusion.PROGRAMME_ELSEWHERE: "the programme does not run in the village of the family",
    Exclusion.FAMILY_MOVED: "the family has moved away",
    Exclusion.FAMILY_DISSOLVED: "the family has dissolved or joined another one",
    Exclusion.FAMILY_NOT_FOUND: "the family was not found at its address",
    Exclusion.NO_RECIPIENT: "no adult of the family is there who could receive it",
    Exclusion.NO_COMPONENT: "no member of the family belongs to a component of the programme",
    Exclusion.REQUIRED_PROGRAMME_MISSING: "this programme requires receiving {other} in the same period",
    Exclusion.DOUBLE_AID: "the family already receives {other} in the same period",
    Exclusion.INACTIVE_ACCOUNT: "the KKS card of the family is blocked or withdrawn",
    Exclusion.OVER_QUOTA: "the quota of the regency is used up by families in greater need",
}


def excluded_because(exclusion: Exclusion, programme: str, other: str | None, *, indonesian: bool) -> str:
    """One sentence: why a family does not receive ``programme``. ``other`` is the programme that is in the way or missing."""
    cause = (exclusion.indonesian if indonesian else _ENGLISH[exclusion]).format(other=other)
    if indonesian:
        return f"Keluarga ini tidak menerima {programme} karena {cause}."
    return f"This family does not receive {programme} because {cause}."
