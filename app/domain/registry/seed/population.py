"""The families and persons of a region, made one after the other and handed over as batches of COPY text.

Nothing of a batch is kept after it was handed over, so 13 million families take the memory of two batches.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from app.domain.regions.models import RegionKind
from app.domain.registry.copy_text import NULL, text
from app.domain.registry.enums import (
    FamilyStatus,
    IdentityStatus,
    MaritalStatus,
    MismatchReason,
    Presence,
    Sex,
)
from app.domain.registry.sealing import Seal
from app.domain.registry.seed.households import Member, household
from app.domain.registry.seed.housing import HOUSING_COLUMNS, housing_profiles
from app.domain.registry.seed.identity import (
    IDENTITY_MIX,
    MATCHED,
    Identity,
    Numbers,
    birthdays,
    other_identity,
    unmatched,
)
from app.domain.registry.seed.livelihood import LIVELIHOOD_COLUMNS, PROFILES, age_group, livelihood_profiles
from app.domain.registry.seed.names import Names
from app.domain.registry.seed.places import Ground, Village, spread
from app.domain.registry.seed.rows import RowIds, seeded
from app.domain.registry.service import Edition
from app.tenants.region_path import RegionPath

FAMILY_COLUMNS: Final = (
    "regency_id", "id", "village_id", "edition_id", "status", "head_name", "kk_sealed", "kk_digest", "kk_masked",
    "decile", "address", "hamlet", "rw", "rt", "latitude", "longitude", *HOUSING_COLUMNS,
)  # fmt: skip
PERSON_COLUMNS: Final = (
    "regency_id", "id", "village_id", "family_id", "relationship", "member_no", "name", "nik_sealed", "nik_digest",
    "nik_masked", "temporary_id", "no_nik_reason", "identity_status", "mismatch_reason", "presence", "sex",
    "birth_place", "birth_date", "marital_status", "has_birth_certificate", "has_child_identity_card", "has_identity_card",
    *LIVELIHOOD_COLUMNS,
)  # fmt: skip
RANK_COLUMNS: Final = (
    "regency_id", "id", "village_id", "family_id", "scheme", "edition_id", "decile", "percentile", "ranked_on",
)  # fmt: skip

# Room for ids between one family's members and the next's.
_MEMBERS: Final = 16
_KK_DAYS: Final = 20 * 365
_ADULT: Final = 17
_OLD: Final = 65
_DECEASED_YOUNG: Final = 0.004
_DECEASED_OLD: Final = 0.06
_UNRANKED: Final = 0.015
_RANKED_EARLIER: Final = 0.30
_FAMILY_MOVED: Final = 0.004
_FAMILY_NOT_FOUND: Final = 0.006
_MATCHED_SHARE: Final = IDENTITY_MIX[IdentityStatus.MATCHED]
_NO_CARDS: Final = "f\tf\tf"
# Birth certificate, child identity card, identity card; one of the tuple is drawn.
_CARDS_OF_CHILDREN: Final = ("t\tt\tf",) * 9 + ("t\tf\tf",) * 9 + (_NO_CARDS,) * 2
_CARDS_OF_ADULTS: Final = ("t\tf\tt",) * 12 + ("f\tf\tt",) * 7 + ("t\tf\tf",)


@dataclass(frozen=True, slots=True)
class SeedRun:
    """What decides every row of a seed, but for the nonces of sealing."""

    region: RegionPath
    families: int
    seed: int
    today: date
    editions: tuple[Edition, ...]
    """Newest first: the first ranks the families, the second, if any, a share of them."""

    @property
    def key(self) -> tuple[object, ...]:
        """What sets the chance of one run apart from another's."""
        return (self.region.code, self.families, self.seed, self.today)


class NumberForm(NamedTuple):
    """How a NIK or KK stands in the rows: COPY text of one or more columns."""

    write: Callable[[str], str]
    absent: str


PLAIN_NUMBERS: Final = NumberForm(str, NULL)
"""In clear and in one column, ``kk`` or ``nik``: for files that are read by somebody else."""


def sealed_numbers(seal: Seal) -> NumberForm:
    """In the three columns in which the registry keeps it."""

    def write(number: str) -> str:
        stored = seal.stored(number)
        return f"\\\\x{stored.sealed.hex()}\t\\\\x{stored.digest.hex()}\t{stored.masked}"

    return NumberForm(write, f"{NULL}\t{NULL}\t{NULL}")


class Batch(NamedTuple):
    """Whole families with all their members and ranks, as COPY text."""

    families: int
    persons: int
    family_rows: bytes
    person_rows: bytes
    rank_rows: bytes


class _Here:
    """What all families of one village share."""

    def __init__(self, village: Village, numbers: Numbers) -> None:
        self.regency = str(village.regency_id)
        self.village = str(village.id)
        self.numbers = numbers
        self.ground = Ground(village)
        self.birth_place = text(village.regency_name.removeprefix("Kabupaten ").removeprefix("Kota "))
        chance = seeded("village life", village.id)
        rural = village.kind is not RegionKind.KELURAHAN
        self.hamlet_word = "Dusun" if rural else "Lingkungan"
        self.hamlets = 2 + int(chance.random() * 6)
        # Above 1 it moves families of the village to the poorer deciles. Over many villages the deciles stay even.
        self.tilt = chance.uniform(0.85, 1.2) if rural else chance.uniform(0.65, 1.05)


class _Home(NamedTuple):
    """What all rows of one family share; ``wealth`` runs from 0 to 1."""

    here: _Here
    serial: int
    id: str
    wealth: float
    decile: int
    status: FamilyStatus
    presence: Presence | None


class Population:
    """Makes the rows of one seed run."""

    def __init__(self, run: SeedRun, numbers: NumberForm) -> None:
        """Prepare what all families draw from."""
        self._random = seeded("population", *run.key)
        self._chance = self._random.random
        self._run = run
        self._numbers = numbers
        self._edition_id = run.editions[0].id
        self._names = Names(self._random)
        self._birthdays = birthdays(run.today)
        self._family_ids = RowIds(run.today, "family", *run.key)
        self._person_ids = RowIds(run.today, "person", *run.key)
        self._rank_ids = RowIds(run.today, "rank", *run.key)
        self._housing = [housing_profiles(decile, run.today, *run.key) for decile in range(1, 11)]
        self._livelihoods: dict[tuple[bool, int, int, bool], list[str]] = {}
        self._family_rows: list[str] = []
        self._person_rows: list[str] = []
        self._rank_rows: list[str] = []

    def batches(self, villages: Sequence[Village], size: int) -> Iterator[Batch]:
        """All families of the run, ``size`` at a time; ``villages`` are ordered by id."""
        serial, regency, numbers = 0, 0, Numbers(0)
        for village, families in zip(villages, spread(villages, self._run.families), strict=True):
            if village.regency_id != regency:
                regency, numbers = village.regency_id, Numbers(village.regency_id)
            here = _Here(village, numbers)
            for _ in range(families):
                self._family(here, serial)
                serial += 1
                if len(self._family_rows) == size:
                    yield self._hand_over()
        if self._family_rows:
            yield self._hand_over()

    def _hand_over(self) -> Batch:
        rows = (self._family_rows, self._person_rows, self._rank_rows)
        self._family_rows, self._person_rows, self._rank_rows = [], [], []
        texts = ["".join(lines).encode() for lines in rows]
        return Batch(len(rows[0]), len(rows[1]), *texts)

    def _family(self, here: _Here, serial: int) -> None:
        wealth = self._chance() ** here.tilt
        status, presence = self._found()
        home = _Home(here, serial, self._family_ids.of(serial), wealth, int(wealth * 10) + 1, status, presence)
        members = household(self._random, home.decile)
        names = [self._names.person(member.sex) for member in members]
        for number, (member, name) in enumerate(zip(members, names, strict=True), start=1):
            self._person(home, number, member, name)
        ranked = self._chance() >= _UNRANKED
        self._family_row(home, names[0], ranked)
        if ranked:
            self._ranks(home)

    def _found(self) -> tuple[FamilyStatus, Presence | None]:
        """The status of a family and, where nobody of it is there, the presence of all its members."""
        kind = self._chance()
        if kind < _FAMILY_MOVED:
            return FamilyStatus.MOVED, Presence.MOVED_WITHIN_COUNTRY
        if kind < _FAMILY_NOT_FOUND:
            return FamilyStatus.NOT_FOUND, Presence.NOT_FOUND
        return FamilyStatus.ACTIVE, None

    def _family_row(self, home: _Home, head_name: str, ranked: bool) -> None:
        chance, here = self._chance, home.here
        issued = self._birthdays[int(chance() * _KK_DAYS)].male
        kk = self._numbers.write(here.numbers.kk(issued))
        hamlet = int(chance() * here.hamlets)
        latitude, longitude = here.ground.point(self._random)
        houses = self._housing[home.decile - 1]
        self._family_rows.append(
            f"{here.regency}\t{home.id}\t{here.village}\t{self._edition_id}\t{home.status._value_}\t{head_name}\t"
            f"{kk}\t{home.decile if ranked else NULL}\t"
            f"{self._names.street()}\t{here.hamlet_word} {self._names.hamlet(hamlet)}\t"
            f"{hamlet + 1:03d}\t{1 + int(chance() * 8):03d}\t{latitude:.6f}\t{longitude:.6f}\t"
            f"{houses[int(chance() * len(houses))]}\n"
        )

    def _ranks(self, home: _Home) -> None:
        current, *earlier = self._run.editions
        self._rank(home, 2 * home.serial, current, home.wealth)
        if earlier and self._chance() < _RANKED_EARLIER:
            then = min(max(home.wealth + (self._chance() - 0.5) * 0.25, 0.0), 0.999)
            self._rank(home, 2 * home.serial + 1, earlier[0], then)

    def _rank(self, home: _Home, counter: int, edition: Edition, wealth: float) -> None:
        self._rank_rows.append(
            f"{home.here.regency}\t{self._rank_ids.of(counter)}\t{home.here.village}\t{home.id}\t"
            f"{edition.scheme._value_}\t{edition.id}\t{int(wealth * 10) + 1}\t{int(wealth * 100) + 1}\t"
            f"{edition.published_on}\n"
        )

    def _person(self, home: _Home, number: int, member: Member, name: str) -> None:
        here, birthday = home.here, self._birthdays[member.days]
        female = member.sex is Sex.FEMALE
        presence = home.presence or self._presence(number, birthday.age)
        identity = self._identity(presence, birthday.age)
        if identity.has_nik:
            nik = self._numbers.write(here.numbers.nik(birthday.female if female else birthday.male))
            numbers = f"{nik}\t{NULL}"
        else:
            temporary = f"TMP-{here.regency}-{home.serial}-{number}" if identity.no_nik_reason else NULL
            numbers = f"{self._numbers.absent}\t{temporary}"
        married = member.marital_status is MaritalStatus.MARRIED
        lives = self._livelihood(female, age_group(birthday.age), (home.decile - 1) // 2, married)
        self._person_rows.append(
            f"{here.regency}\t{self._person_ids.of(home.serial * _MEMBERS + number)}\t{here.village}\t{home.id}\t"
            f"{member.relationship._value_}\t{number}\t{name}\t{numbers}\t{text(identity.no_nik_reason)}\t"
            f"{identity.status._value_}\t{text(identity.mismatch_reason)}\t{presence._value_}\t{member.sex._value_}\t"
            f"{here.birth_place}\t{birthday.iso}\t{member.marital_status._value_}\t"
            f"{self._cards(identity, birthday.age)}\t{lives[int(self._chance() * PROFILES)]}\n"
        )

    def _presence(self, number: int, age: int) -> Presence:
        kind = self._chance()
        if age < 1 and kind >= 0.7:
            return Presence.NEW_MEMBER
        if number == 1 or kind >= 0.02 + (_DECEASED_OLD if age >= _OLD else _DECEASED_YOUNG):
            return Presence.PRESENT
        if kind < 0.01:
            return Presence.MOVED_WITHIN_COUNTRY
        if kind < 0.02:
            return Presence.MOVED_ABROAD if kind < 0.014 and age >= _ADULT else Presence.NOT_FOUND
        return Presence.DECEASED

    def _identity(self, presence: Presence, age: int) -> Identity:
        if presence is Presence.DECEASED:
            return unmatched(MismatchReason.DECEASED)
        if presence is Presence.MOVED_ABROAD:
            return unmatched(MismatchReason.MOVED_ABROAD)
        return MATCHED if self._chance() < _MATCHED_SHARE else other_identity(self._random, age)

    def _cards(self, identity: Identity, age: int) -> str:
        if not identity.has_nik or identity.mismatch_reason is MismatchReason.NOT_RECORDED:
            return _NO_CARDS
        cards = _CARDS_OF_ADULTS if age >= _ADULT else _CARDS_OF_CHILDREN
        return cards[int(self._chance() * 20)]

    def _livelihood(self, female: bool, group: int, fifth: int, married: bool) -> list[str]:
        key = (female, group, fifth, married)
        profiles = self._livelihoods.get(key)
        if profiles is None:
            sex = Sex.FEMALE if female else Sex.MALE
            profiles = livelihood_profiles(sex, group, fifth, *self._run.key, married=married)
            self._livelihoods[key] = profiles
        return profiles
