"""The families and persons of a region, made one after the other and handed over as batches of COPY text.

Nothing of a batch is kept after it was handed over, so a province of 13 million families takes the memory of two batches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from app.domain.regions.models import RegionKind
from app.domain.registry.enums import (
    FamilyStatus,
    IdentityStatus,
    MaritalStatus,
    MismatchReason,
    Presence,
    RegistryScheme,
    Sex,
)
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
from app.domain.registry.seed.rows import NULL, RowIds, seeded, text
from app.domain.registry.sealing import Seal
from app.tenants.region_path import RegionPath

FAMILY_COLUMNS: Final = (
    "regency_id", "id", "village_id", "edition_id", "status", "head_name", "kk_sealed", "kk_digest", "kk_masked",
    "decile", "address", "hamlet", "rw", "rt", "latitude", "longitude", *HOUSING_COLUMNS,
)  # fmt: skip
PERSON_COLUMNS: Final = (
    "regency_id", "id", "village_id", "family_id", "relationship", "member_no", "name", "nik_sealed", "nik_digest",
    "nik_masked", "temporary_id", "no_nik_reason", "identity_status", "mismatch_reason", "presence", "sex", "birth_place",
    "birth_date", "marital_status", "has_birth_certificate", "has_child_identity_card", "has_identity_card",
    *LIVELIHOOD_COLUMNS,
)  # fmt: skip
RANK_COLUMNS: Final = (
    "regency_id", "id", "village_id", "family_id", "scheme", "edition_id", "decile", "percentile", "ranked_on",
)  # fmt: skip

_MEMBERS: Final = 16
_KK_DAYS: Final = 20 * 365
_ADULT: Final = 17
_UNRANKED: Final = 0.015
_RANKED_EARLIER: Final = 0.30
_FAMILY_MOVED: Final = 0.004
_FAMILY_NOT_FOUND: Final = 0.006
_MATCHED_SHARE: Final = IDENTITY_MIX[IdentityStatus.MATCHED]
_NO_CARDS: Final = "f\tf\tf"
# Birth certificate, child identity card, identity card; one of the tuple is drawn.
_CARDS_OF_CHILDREN: Final = ("t\tt\tf",) * 9 + ("t\tf\tf",) * 9 + (_NO_CARDS,) * 2
_CARDS_OF_ADULTS: Final = ("t\tf\tt",) * 12 + ("f\tf\tt",) * 7 + ("t\tf\tf",)


class RankedEdition(NamedTuple):
    """An edition of the registry that ranks families."""

    id: int
    scheme: RegistryScheme
    published_on: date


@dataclass(frozen=True, slots=True)
class SeedRun:
    """What decides every row of a seed, but for the nonces of sealing."""

    region: RegionPath
    families: int
    seed: int
    today: date
    current: RankedEdition
    earlier: RankedEdition | None

    @property
    def key(self) -> tuple[object, ...]:
        """What sets the chance of one run apart from another's."""
        return (self.region.code, self.families, self.seed, self.today)


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
        # An exponent above 1 moves families of the village to the poorer deciles. Over many villages the deciles stay even.
        self.tilt = chance.uniform(0.85, 1.3) if rural else chance.uniform(0.65, 1.05)


class Population:
    """Makes the rows of one seed run."""

    def __init__(self, run: SeedRun, seal: Seal) -> None:
        """Prepare what all families draw from."""
        self._random = seeded("population", *run.key)
        self._chance = self._random.random
        self._run = run
        self._seal = seal
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
        chance = self._chance
        wealth = chance() ** here.tilt
        decile = int(wealth * 10) + 1
        members = household(self._random, decile)
        found = chance()
        status, presence = FamilyStatus.ACTIVE, None
        if found < _FAMILY_MOVED:
            status, presence = FamilyStatus.MOVED, Presence.MOVED_WITHIN_COUNTRY
        elif found < _FAMILY_NOT_FOUND:
            status, presence = FamilyStatus.NOT_FOUND, Presence.NOT_FOUND
        family_id = self._family_ids.of(serial)
        head_name = ""
        for number, member in enumerate(members, start=1):
            name = self._names.person(member.sex)
            head_name = head_name or name
            self._person(here, family_id, serial, number, member, name, decile, presence)
        ranked = chance() >= _UNRANKED
        self._family_row(here, family_id, status, head_name, decile, ranked)
        if ranked:
            self._ranks(here, family_id, serial, decile, wealth)

    def _family_row(
        self, here: _Here, family_id: str, status: FamilyStatus, head_name: str, decile: int, ranked: bool
    ) -> None:
        chance = self._chance
        issued = self._birthdays[int(chance() * _KK_DAYS)].male
        kk = self._seal.stored(here.numbers.kk(issued))
        hamlet = int(chance() * here.hamlets)
        latitude, longitude = here.ground.point(self._random)
        houses = self._housing[decile - 1]
        self._family_rows.append(
            f"{here.regency}\t{family_id}\t{here.village}\t{self._run.current.id}\t{status._value_}\t{head_name}\t"
            f"\\\\x{kk.sealed.hex()}\t\\\\x{kk.digest.hex()}\t{kk.masked}\t{decile if ranked else NULL}\t"
            f"{self._names.street()}\t{here.hamlet_word} {self._names.hamlet(hamlet)}\t"
            f"{hamlet + 1:03d}\t{1 + int(chance() * 8):03d}\t{latitude:.6f}\t{longitude:.6f}\t"
            f"{houses[int(chance() * len(houses))]}\n"
        )

    def _ranks(self, here: _Here, family_id: str, serial: int, decile: int, wealth: float) -> None:
        self._rank(here, family_id, 2 * serial, self._run.current, decile, int(wealth * 100) + 1)
        earlier = self._run.earlier
        if earlier is not None and self._chance() < _RANKED_EARLIER:
            moved = min(max(wealth + (self._chance() - 0.5) * 0.25, 0.0), 0.999)
            self._rank(here, family_id, 2 * serial + 1, earlier, int(moved * 10) + 1, int(moved * 100) + 1)

    def _rank(
        self, here: _Here, family_id: str, counter: int, edition: RankedEdition, decile: int, percentile: int
    ) -> None:
        self._rank_rows.append(
            f"{here.regency}\t{self._rank_ids.of(counter)}\t{here.village}\t{family_id}\t{edition.scheme._value_}\t"
            f"{edition.id}\t{decile}\t{percentile}\t{edition.published_on}\n"
        )

    def _person(
        self,
        here: _Here,
        family_id: str,
        serial: int,
        number: int,
        member: Member,
        name: str,
        decile: int,
        presence: Presence | None,
    ) -> None:
        chance = self._chance
        birthday = self._birthdays[member.days]
        female = member.sex is Sex.FEMALE
        presence = presence or self._presence(number, birthday.age)
        identity = self._identity(presence, birthday.age)
        if identity.has_nik:
            nik = self._seal.stored(here.numbers.nik(birthday.female if female else birthday.male))
            numbers = f"\\\\x{nik.sealed.hex()}\t\\\\x{nik.digest.hex()}\t{nik.masked}\t{NULL}"
        else:
            temporary = f"TMP-{here.regency}-{serial}-{number}" if identity.no_nik_reason else NULL
            numbers = f"{NULL}\t{NULL}\t{NULL}\t{temporary}"
        person_id = self._person_ids.of(serial * _MEMBERS + number)
        lives = self._livelihood(
            female, age_group(birthday.age), (decile - 1) // 2, member.marital_status is MaritalStatus.MARRIED
        )
        self._person_rows.append(
            f"{here.regency}\t{person_id}\t{here.village}\t{family_id}\t{member.relationship._value_}\t{number}\t{name}\t"
            f"{numbers}\t{text(identity.no_nik_reason)}\t{identity.status._value_}\t{text(identity.mismatch_reason)}\t"
            f"{presence._value_}\t{member.sex._value_}\t{here.birth_place}\t{birthday.iso}\t"
            f"{member.marital_status._value_}\t{self._cards(identity, birthday.age)}\t{lives[int(chance() * PROFILES)]}\n"
        )

    def _presence(self, number: int, age: int) -> Presence:
        kind = self._chance()
        if number == 1 or kind >= 0.025:
            return Presence.PRESENT
        if kind < 0.005 and age < 1:
            return Presence.NEW_MEMBER
        if kind < 0.009:
            return Presence.DECEASED
        if kind < 0.018:
            return Presence.MOVED_WITHIN_COUNTRY
        return Presence.MOVED_ABROAD if kind < 0.021 and age >= _ADULT else Presence.NOT_FOUND

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
