"""What the rules of outlets refuse. ``fields`` are parameters of the services of ``app.domain.ewarong.agents``."""

from collections.abc import Iterable
from datetime import date

from app.domain.base import Conflict, DomainError, NotFound
from app.domain.ewarong.agents.rules import AgentAct
from app.domain.ewarong.models.agents import AgentState, Criterion, Office
from app.tenants.region_path import RegionPath


class AgentUnknown(NotFound):
    """There is no such outlet, or none that the caller may see."""

    code = "EWARONG_AGENT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("E-Warong ini tidak ditemukan.", "There is no such e-Warong.")


class AgentChanged(Conflict):
    """Somebody changed the outlet since the caller read it."""

    code = "EWARONG_AGENT_CHANGED"

    def __init__(self) -> None:
        super().__init__(
            "E-Warong ini berubah sejak Anda membacanya; baca lagi, lalu ulangi.",
            "This e-Warong has changed since you read it; read it again, then try again.",
        )


class AgentKeyUsed(Conflict):
    """The key belongs to another proposal."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "Kunci ini sudah dipakai untuk isi yang lain; buat kunci baru.",
            "This key was used for something else; make a new one.",
        )


class AgentNumberTaken(Conflict):
    """The bank has an outlet of that number in the regency."""

    code = "EWARONG_AGENT_NUMBER_TAKEN"

    def __init__(self) -> None:
        super().__init__(
            "Nomor agen ini sudah dipakai e-Warong lain dari bank ini di kabupaten/kota ini.",
            "Another e-Warong of this bank in this regency has this agent number.",
        )


class AgentStateWrong(Conflict):
    """What was asked does not follow from the present state; the message says what does."""

    code = "EWARONG_AGENT_STATE_WRONG"

    def __init__(self, state: AgentState, possible: Iterable[AgentAct | AgentState] = ()) -> None:
        terms = tuple(possible)
        can = ", ".join(term.indonesian for term in terms) or "tidak ada"
        can_english = ", ".join(term.value for term in terms) or "nothing"
        super().__init__(
            f"Tidak dapat dilakukan pada e-Warong yang {state.indonesian}. Yang mungkin: {can}.",
            f"This cannot be done to an e-Warong that is {state.value}. Possible: {can_english}.",
        )
        self.state = state
        self.possible = terms


class DueDiligenceIncomplete(Conflict):
    """The bank admits an outlet only once every criterion of due diligence is met."""

    code = "EWARONG_DUE_DILIGENCE_INCOMPLETE"

    def __init__(self, unmet: Iterable[Criterion]) -> None:
        self.unmet = tuple(unmet)
        super().__init__(
            f"Uji tuntas belum terpenuhi: {'; '.join(each.indonesian for each in self.unmet)}.",
            f"Due diligence has not found met: {', '.join(each.value for each in self.unmet)}.",
        )


class AgentSamePerson(DomainError):
    """Who proposes an outlet neither assesses nor admits it."""

    code = "EWARONG_AGENT_SAME_PERSON"

    def __init__(self) -> None:
        super().__init__(
            "Yang mengusulkan tidak boleh menilai atau memutuskan usulannya sendiri.",
            "Whoever proposes may neither assess nor decide on the own proposal.",
        )


class OwnerBarred(DomainError):
    """The owner holds an office that bars them. The office is named, the person is not."""

    code = "EWARONG_OWNER_BARRED"
    fields = ("owner_nik",)

    def __init__(self, office: Office) -> None:
        super().__init__(
            f"Pemilik tidak boleh memiliki e-Warong: terdaftar sebagai {office.indonesian}.",
            f"This owner may not own an e-Warong: listed as {office.value}.",
        )
        self.office = office


class OwnerNoLongerAllowed(Conflict):
    """Since it was proposed the owner was listed as holding an office that bars them."""

    code = "EWARONG_OWNER_BARRED"

    def __init__(self, office: Office) -> None:
        super().__init__(
            f"Pemilik e-Warong ini kini terdaftar sebagai {office.indonesian}.",
            f"The owner of this e-Warong is listed as {office.value} by now.",
        )
        self.office = office


class OwnerFixed(Conflict):
    """Once admitted, an outlet keeps its owner."""

    code = "EWARONG_OWNER_FIXED"

    def __init__(self) -> None:
        super().__init__(
            "Pemilik hanya dapat diubah sebelum e-Warong diterima; pemilik lain diusulkan sebagai e-Warong baru.",
            "The owner can be changed only before the e-Warong is admitted; propose a new one for another owner.",
        )


class NikWrong(DomainError):
    """The number cannot be a NIK. The message never holds it."""

    code = "NIK_INVALID"

    def __init__(self, field: str, indonesian: str, english: str) -> None:
        super().__init__(indonesian, english)
        self.fields = (field,)


class TextWrong(DomainError):
    """A text is empty, too long, or holds characters that nobody sees."""

    code = "TEXT_INVALID"

    def __init__(self, field: str, longest: int) -> None:
        super().__init__(
            f"Isi dengan 1 sampai {longest} karakter yang terlihat.",
            f"Give 1 to {longest} characters that can be seen.",
        )
        self.fields = (field,)


class PlaceWrong(DomainError):
    """The coordinates lie outside Indonesia, or one of them is missing."""

    code = "EWARONG_PLACE_INVALID"
    fields = ("latitude", "longitude")

    def __init__(self) -> None:
        super().__init__(
            "Lintang dan bujur diisi berdua dan terletak di Indonesia.",
            "Give latitude and longitude together, in Indonesia.",
        )


class VillageUnknown(DomainError):
    """There is no such village, or it is beyond the caller's region."""

    code = "REGION_UNKNOWN"

    def __init__(self, field: str, region: RegionPath) -> None:
        super().__init__(
            f"Tidak ada desa/kelurahan dengan kode {region.code} di wilayah kerja Anda.",
            f"There is no village with the code {region.code} where you work.",
        )
        self.fields = (field,)


class RegencyUnknown(DomainError):
    """The region is no regency of the caller's."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"{region.code} bukan kabupaten/kota di wilayah kerja Anda.",
            f"{region.code} is no regency where you work.",
        )


class CriteriaWrong(DomainError):
    """No criterion is assessed, or one of them twice."""

    code = "EWARONG_CRITERIA_INVALID"
    fields = ("assessments",)

    def __init__(self) -> None:
        super().__init__(
            "Nilai paling sedikit satu kriteria, masing-masing satu kali.",
            "Assess at least one criterion, each of them once.",
        )


class TooManyBarred(DomainError):
    """The list is empty or too long for one request."""

    code = "EWARONG_BARRED_TOO_MANY"
    fields = ("owners",)

    def __init__(self, most: int) -> None:
        super().__init__(f"Kirim 1 sampai {most} orang sekali minta.", f"Send 1 to {most} people in one request.")


class DaysWrong(DomainError):
    """The last day comes before the first, or the days are none on which it could be."""

    code = "EWARONG_DAYS_INVALID"

    def __init__(self, field: str, indonesian: str, english: str) -> None:
        super().__init__(indonesian, english)
        self.fields = (field,)


class ServiceNotMobile(Conflict):
    """Only mobile and collective outlets serve elsewhere."""

    code = "EWARONG_SERVICE_NOT_MOBILE"

    def __init__(self) -> None:
        super().__init__(
            "Layanan di desa lain hanya direncanakan untuk mobil layanan, e-Warong kolektif, atau agen bank.",
            "Only a mobile, a collective or a bank agent's e-Warong plans to serve in other villages.",
        )


class ServiceUnknown(NotFound):
    """There is no such service, or none that the caller may change."""

    code = "EWARONG_SERVICE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Jadwal layanan ini tidak ditemukan.", "There is no such service.")


class ServiceOver(Conflict):
    """It was cancelled before, or its last day is past."""

    code = "EWARONG_SERVICE_OVER"

    def __init__(self, last: date | None) -> None:
        when = "sudah dibatalkan" if last is None else f"berakhir pada {last}"
        when_english = "was cancelled before" if last is None else f"ended on {last}"
        super().__init__(f"Jadwal layanan ini {when}.", f"This service {when_english}.")


class RevocationOfNothing(DomainError):
    """An outlet is revoked for a violation, whose outlet has had its days to appeal, and in no other way."""

    code = "EWARONG_REVOCATION_OF_NOTHING"

    def __init__(self) -> None:
        super().__init__(
            "E-Warong dicabut atas pelanggaran yang direkomendasikan dinas: gunakan `ewarongViolationDecide`.",
            "An e-Warong is revoked for a violation that the office has recommended so: use `ewarongViolationDecide`.",
        )
