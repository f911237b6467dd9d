"""Who lives together: the members of one family, their relationship to its head and their ages.

The size of a family follows DTSEN: 286 million persons in 94.2 million families, 3.04 a family (domain facts, section
3). That poorer families are larger, and the shares of the kinds of household, are plausible choices that no source
prints.
"""

from bisect import bisect
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

from app.domain.registry.enums import FamilyRelationship, MaritalStatus, Sex

# Percentage of families with 1, 2, .. 8 members, by decile: means 3.24, 3.05 and 2.76, so 3.04 over ten equal deciles.
_SIZES: Final = {
    range(1, 5): (12.0, 20.0, 26.5, 24.5, 10.5, 4.5, 1.5, 0.5),
    range(5, 8): (14.0, 22.9, 27.0, 22.5, 9.0, 3.2, 1.0, 0.4),
    range(8, 11): (18.0, 27.4, 27.5, 18.6, 6.0, 1.9, 0.4, 0.2),
}
_SIZE_MARKS: Final = {
    decile: list(accumulate(share / 100 for share in shares[:-1]))
    for deciles, shares in _SIZES.items()
    for decile in deciles
}
_YEAR: Final = 365.25
_OPPOSITE: Final = {Sex.MALE: Sex.FEMALE, Sex.FEMALE: Sex.MALE}


class Member(NamedTuple):
    """One person of a family: ``days`` is the age in days."""

    relationship: FamilyRelationship
    sex: Sex
    days: int
    marital_status: MaritalStatus


def household(random: Random, decile: int) -> list[Member]:
    """The members of one family of ``decile``, its head first."""
    chance = random.random
    size = bisect(_SIZE_MARKS[decile], chance()) + 1
    if size == 1:
        return [_alone(random)]
    kind = chance()
    if size == 2:
        if kind < 0.58:
            return _couple(random, _without_children(random))
        return _one_parent(random, 1) if kind < 0.90 else _with_old_parent(random)
    if kind < 0.09:
        return _one_parent(random, size - 1)
    if size >= 4 and kind < 0.17:
        return _three_generations(random, size - 4)
    members = _couple_with_children(random, size - 2 if kind < 0.88 else size - 3)
    if len(members) < size:
        members.append(_further(random, members[0], decile))
    return members


def _member(relationship: FamilyRelationship, sex: Sex, years: float, status: MaritalStatus) -> Member:
    return Member(relationship, sex, int(years * _YEAR), status)


def _either(random: Random, share_of_men: float = 0.51) -> Sex:
    return Sex.MALE if random.random() < share_of_men else Sex.FEMALE


def _alone(random: Random) -> Member:
    chance = random.random
    kind = chance()
    if kind < 0.58:
        return _member(FamilyRelationship.HEAD, _either(random, 0.24), 52 + chance() * 40, MaritalStatus.WIDOWED)
    if kind < 0.86:
        return _member(FamilyRelationship.HEAD, _either(random, 0.6), 19 + chance() * 26, MaritalStatus.SINGLE)
    return _member(FamilyRelationship.HEAD, _either(random, 0.4), 24 + chance() * 45, MaritalStatus.DIVORCED)


def _couple(random: Random, wife: float) -> list[Member]:
    """A head and spouse; ``wife`` is her age in years, at least 19 (the age of marriage in law since 2019)."""
    chance = random.random
    husband = max(19.0, wife - 2 + chance() * 9)
    head = _member(FamilyRelationship.HEAD, Sex.MALE, husband, MaritalStatus.MARRIED)
    if chance() < 0.985:
        return [head, _member(FamilyRelationship.WIFE, Sex.FEMALE, wife, MaritalStatus.MARRIED)]
    return [
        _member(FamilyRelationship.HEAD, Sex.FEMALE, wife, MaritalStatus.MARRIED),
        head._replace(relationship=FamilyRelationship.HUSBAND),
    ]


def _without_children(random: Random) -> float:
    """The age in years of a woman whose children have left, or have not come yet."""
    return 19 + 58 * max(random.random(), random.random())


def _youngest(random: Random, children: int) -> float:
    """The age in years of the youngest child at home; one or two may stay when they are grown."""
    if children < 3 and random.random() < 0.3:
        return 10 + 22 * random.random()
    return 16 * random.random()


def _births(random: Random, children: int, youngest: float) -> tuple[float, list[float]]:
    """A mother's age in years, 19 to 76, and those of her children, the eldest first."""
    chance = random.random
    first = 19 + chance() * 12
    widest = min(5.0, (44 - first) / max(children - 1, 1))
    births = [first]
    for _ in range(children - 1):
        births.append(births[-1] + 1.2 + chance() * (widest - 1.2))
    mother = births[-1] + youngest
    return mother, [mother - birth for birth in births]


def _children(random: Random, ages: list[float]) -> list[Member]:
    return [_member(FamilyRelationship.CHILD, _either(random), age, MaritalStatus.SINGLE) for age in ages]


def _couple_with_children(random: Random, children: int) -> list[Member]:
    if children == 0:
        return _couple(random, _without_children(random))
    mother, ages = _births(random, children, _youngest(random, children))
    return _couple(random, mother) + _children(random, ages)


def _one_parent(random: Random, children: int) -> list[Member]:
    mother, ages = _births(random, children, _youngest(random, children))
    sex = _either(random, 0.2)
    status = MaritalStatus.WIDOWED if random.random() < 0.58 else MaritalStatus.DIVORCED
    return [_member(FamilyRelationship.HEAD, sex, mother + 2, status), *_children(random, ages)]


def _with_old_parent(random: Random) -> list[Member]:
    years = 24 + random.random() * 36
    parent = _member(
        FamilyRelationship.PARENT, _either(random, 0.22), years + 20 + random.random() * 14, MaritalStatus.WIDOWED
    )
    return [_member(FamilyRelationship.HEAD, _either(random, 0.6), years, MaritalStatus.SINGLE), parent]


def _further(random: Random, head: Member, decile: int) -> Member:
    """Somebody beside parents and children: mostly an old parent of the head or of the spouse."""
    chance = random.random
    kind = chance()
    years = head.days / _YEAR + 21 + chance() * 14
    if kind < 0.80 and years < 98:
        relationship = FamilyRelationship.PARENT if kind < 0.56 else FamilyRelationship.PARENT_IN_LAW
        return _member(relationship, _either(random, 0.24), years, MaritalStatus.WIDOWED)
    if kind < 0.96 or decile < 9:
        relationship = FamilyRelationship.OTHER_RELATIVE if kind < 0.98 else FamilyRelationship.OTHER
        return _member(relationship, _either(random), 4 + chance() * 26, MaritalStatus.SINGLE)
    return _member(FamilyRelationship.DOMESTIC_WORKER, Sex.FEMALE, 19 + chance() * 30, MaritalStatus.SINGLE)


def _three_generations(random: Random, more: int) -> list[Member]:
    """An old head, a married child with spouse, a grandchild, and ``more``: the head's spouse, then grandchildren."""
    chance = random.random
    mother, ages = _births(random, max(more, 1), 10 * chance())
    child = _either(random)
    head = mother + 20 + chance() * 8
    elders = (
        _couple(random, head)
        if more
        else [_member(FamilyRelationship.HEAD, _either(random, 0.25), head + 2, MaritalStatus.WIDOWED)]
    )
    return [
        *elders,
        _member(FamilyRelationship.CHILD, child, mother, MaritalStatus.MARRIED),
        _member(
            FamilyRelationship.CHILD_IN_LAW,
            _OPPOSITE[child],
            max(19.0, mother - 2 + chance() * 5),
            MaritalStatus.MARRIED,
        ),
        *[_member(FamilyRelationship.GRANDCHILD, _either(random), age, MaritalStatus.SINGLE) for age in ages],
    ]
