"""Why a family receives a programme, or does not: one sentence in Indonesian or English, made of what the rules say of themselves."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from app.domain.bansos.eligibility.facts import FAMILY_FACTS
from app.domain.bansos.terms import Rule, Terms

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_OF_FAMILY: Final = "family."
_MONTHS: Final = {
    False: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    True: [
        "Januari",
        "Februari",
        "Maret",
        "April",
        "Mei",
        "Juni",
        "Juli",
        "Agustus",
        "September",
        "Oktober",
        "November",
        "Desember",
    ],
}


def placeholders(text: str) -> list[str]:
    """What stands in braces in a sentence part."""
    return _PLACEHOLDER.findall(text)


def named_facts(rule: Rule) -> list[str]:
    """Names of the family's facts that the sentences of ``rule`` tell."""
    texts = (rule.met, rule.met_english, rule.unmet, rule.unmet_english)
    named = (
        each.removeprefix(_OF_FAMILY) for text in texts for each in placeholders(text) if each.startswith(_OF_FAMILY)
    )
    return [name for name in named if name in FAMILY_FACTS]


def why(
    terms: Terms,
    facts: Mapping[str, Any],
    amount: int,
    components: Sequence[Mapping[str, Any]] | None,
    *,
    indonesian: bool,
) -> str:
    """Why a family is entitled to ``amount`` rupiah for the period of ``terms``."""
    period, sum_of = _period(terms, indonesian=indonesian), _rupiah(amount, indonesian=indonesian)
    met = [_filled(rule.met if indonesian else rule.met_english, facts, indonesian=indonesian) for rule in terms.rules]
    if indonesian:
        sentence = f"Keluarga ini menerima {terms.name} sebesar {sum_of} untuk {period}"
        sentence += f" karena {_listed(met, 'dan')}" if met else ""
    else:
        sentence = f"This family receives {sum_of} of {terms.name_english} for {period}"
        sentence += f" because of: {_listed(met, 'and')}" if met else ""
    if components:
        counted = _listed(_counted(terms, components, indonesian=indonesian), "dan" if indonesian else "and")
        sentence += f"; dihitung dari {counted}" if indonesian else f"; counted: {counted}"
    return f"{sentence}."


def why_not(terms: Terms, code: str, facts: Mapping[str, Any], *, indonesian: bool) -> str:
    """Why a family that does not meet the rule ``code`` of ``terms`` receives nothing.

    Raises:
        LookupError: ``terms`` have no such rule.
    """
    rule = next((each for each in terms.rules if each.code == code), None)
    if rule is None:
        raise LookupError(f"{terms.programme_code} has no rule {code}")
    if indonesian:
        return f"Keluarga ini tidak menerima {terms.name} karena {_filled(rule.unmet, facts, indonesian=True)}."
    cause = _filled(rule.unmet_english, facts, indonesian=False)
    return f"This family does not receive {terms.name_english} because of this: {cause}."


def _filled(text: str, facts: Mapping[str, Any], *, indonesian: bool) -> str:
    def told(found: re.Match[str]) -> str:
        return _told(found[1], facts.get(found[1]), indonesian=indonesian)

    return _PLACEHOLDER.sub(told, text)


def _told(name: str, value: Any, *, indonesian: bool) -> str:
    if value is None:
        return "tidak diketahui" if indonesian else "unknown"
    if isinstance(value, bool):
        return ("ya" if value else "tidak") if indonesian else ("yes" if value else "no")
    fact = FAMILY_FACTS.get(name.removeprefix(_OF_FAMILY))
    if fact is not None and isinstance(fact.kind, type) and issubclass(fact.kind, Enum):
        return fact.kind(value).indonesian if indonesian else str(value).replace("_", " ").lower()
    return str(value)


def _counted(terms: Terms, components: Iterable[Mapping[str, Any]], *, indonesian: bool) -> list[str]:
    """Such as ``2 siswa SD/sederajat (Rp450.000)``, in the order of ``components``."""
    paid: dict[str, list[int]] = {}
    for each in components:
        paid.setdefault(each["component"], []).append(each["amount"])
    names = {each.component: each.name if indonesian else each.name_english for each in terms.components}
    return [
        f"{len(amounts)} {names.get(component, component)} ({_rupiah(sum(amounts), indonesian=indonesian)})"
        for component, amounts in paid.items()
    ]


def _listed(parts: Sequence[str], conjunction: str) -> str:
    if len(parts) < 3:
        return f" {conjunction} ".join(parts)
    return f"{', '.join(parts[:-1])}, {conjunction} {parts[-1]}"


def _rupiah(amount: int, *, indonesian: bool) -> str:
    text = f"{amount:,}"
    return f"Rp{text.replace(',', '.')}" if indonesian else f"Rp{text}"


def _period(terms: Terms, *, indonesian: bool) -> str:
    months = _MONTHS[indonesian]
    first, last = months[terms.period_start.month - 1], months[terms.period_end.month - 1]
    if (terms.period_start.year, first) == (terms.period_end.year, last):
        return f"{first} {terms.period_end.year}"
    year = "" if terms.period_start.year == terms.period_end.year else f" {terms.period_start.year}"
    return f"{first}{year} {'sampai' if indonesian else 'to'} {last} {terms.period_end.year}"
