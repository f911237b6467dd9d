"""Names of people, streets and hamlets.

People and streets come from the lists of Faker's locale id_ID, which are read whole: asking Faker for every person
would take longer than everything else in a seed.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from faker.providers.address.id_ID import Provider as AddressProvider
from faker.providers.person.id_ID import Provider as PersonProvider

from app.domain.registry.enums import Sex

_HAMLETS: Final = (
    "Krajan", "Karanganyar", "Sidomulyo", "Sumberejo", "Gondang", "Kalitengah", "Karangsari", "Wonosari",
    "Sukamaju", "Mekarsari", "Purwosari", "Tegalrejo", "Kedungwringin", "Randusari", "Banjarsari", "Kauman",
)  # fmt: skip
_TWO_WORDS: Final = 0.70
_ONE_WORD: Final = 0.82


class Names:
    """The names of one seed run; common names are much more frequent than rare ones."""

    def __init__(self, random: Random) -> None:
        """Shuffle the lists, so that each seed has its own common names."""
        self._random = random.random
        self._first = {
            Sex.MALE: _shuffled(random, PersonProvider.first_names_male),
            Sex.FEMALE: _shuffled(random, PersonProvider.first_names_female),
        }
        self._last = {
            Sex.MALE: _shuffled(random, PersonProvider.last_names_male),
            Sex.FEMALE: _shuffled(random, PersonProvider.last_names_female),
        }
        self._streets = _shuffled(random, AddressProvider.streets)

    def person(self, sex: Sex) -> str:
        """A name of one to three words; many Indonesians have one word, few have a family name."""
        chance = self._random
        firsts, lasts = self._first[sex], self._last[sex]
        first = firsts[int(chance() * chance() * len(firsts))]
        words = chance()
        if words < _TWO_WORDS:
            return f"{first} {lasts[int(chance() * chance() * len(lasts))]}"
        if words < _ONE_WORD:
            return first
        return f"{first} {firsts[int(chance() * len(firsts))]} {lasts[int(chance() * len(lasts))]}"

    def street(self) -> str:
        """A street with a house number."""
        chance = self._random
        return f"Jl. {self._streets[int(chance() * len(self._streets))]} No. {1 + int(chance() * chance() * 180)}"

    def hamlet(self, number: int) -> str:
        """The name of the hamlet with that number in its village."""
        return _HAMLETS[number % len(_HAMLETS)]


def _shuffled(random: Random, names: Sequence[str]) -> list[str]:
    return random.sample(names, len(names))
