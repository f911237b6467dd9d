"""Whether rules and components that somebody proposes can be read, before they are kept."""

from collections.abc import Iterable

from app.domain.bansos.eligibility.errors import SentenceInvalid
from app.domain.bansos.eligibility.facts import FAMILY_FACTS
from app.domain.bansos.eligibility.language import FAMILY, Subject, parse
from app.domain.bansos.eligibility.sentences import placeholders
from app.domain.bansos.terms import Component, Rule


def check_terms(rules: Iterable[Rule], components: Iterable[Component]) -> None:
    """Check all conditions and sentences.

    Raises:
        RuleInvalid: a condition cannot be read.
        SentenceInvalid: a sentence names what is no fact of a family.
    """
    for rule in rules:
        parse(rule.condition, Subject.FAMILY)
        for text in (rule.met, rule.met_english, rule.unmet, rule.unmet_english):
            for placeholder in placeholders(text):
                owner, _, name = placeholder.partition(".")
                if owner != FAMILY or name not in FAMILY_FACTS:
                    raise SentenceInvalid(placeholder)
    for component in components:
        parse(component.condition, Subject.PERSON)
