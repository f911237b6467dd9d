"""Whether families may receive a programme, asked for a whole page of them at once."""

from collections import defaultdict
from datetime import date
from typing import NamedTuple
from uuid import UUID

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.bansos.eligibility.sentences import why, why_not
from app.domain.bansos.eligibility.verdicts import GENERAL_REASONS, Verdict, verdicts_of
from app.domain.bansos.exclusions import Exclusion, excluded_because
from app.domain.bansos.programmes.queries import terms_for
from app.domain.bansos.terms import Terms
from app.domain.base import DomainError
from app.schema.language import Language
from app.tenants.session import Database


class AskedVerdict(NamedTuple):
    """A family, and the programme and period about which it asks."""

    programme: str
    period: date
    regency_id: int
    family_id: UUID


class GivenVerdict(NamedTuple):
    """What becomes of the family, and the terms that say so."""

    terms: Terms
    verdict: Verdict


def sentence(terms: Terms, verdict: Verdict, language: Language) -> str:
    """One sentence: why the family receives the programme, or why it does not."""
    indonesian = language is Language.INDONESIAN
    if verdict.reason is None:
        return why(terms, verdict.facts, verdict.amount or 0, verdict.components, indonesian=indonesian)
    if verdict.reason in GENERAL_REASONS:
        name = terms.name if indonesian else terms.name_english
        return excluded_because(Exclusion(verdict.reason), name, None, indonesian=indonesian)
    return why_not(terms, verdict.reason, verdict.facts, indonesian=indonesian)


class Verdicts:
    """Decides about families for whoever may read entitlements: one statement for each programme and period."""

    def __init__(self, access: Access, database: Database) -> None:
        """Read through ``database`` on behalf of ``access``."""
        self._access, self._database = access, database

    async def given(self, asked: list[AskedVerdict]) -> list[GivenVerdict | DomainError | None]:
        """What becomes of each family that is ``asked`` about, in that order; None where it is not there any more."""
        scope = authorize(self._access, Permission.BANSOS_ENTITLEMENT_READ)
        grouped: dict[tuple[str, date], list[AskedVerdict]] = defaultdict(list)
        for each in asked:
            grouped[each.programme, each.period].append(each)
        found: dict[AskedVerdict, GivenVerdict | DomainError] = {}
        async with self._database.write(scope) as session:
            for (programme, period), group in grouped.items():
                try:
                    terms = await terms_for(session, programme, period)
                except DomainError as refusal:
                    found |= dict.fromkeys(group, refusal)
                    continue
                verdicts = await verdicts_of(session, terms, [(each.regency_id, each.family_id) for each in group])
                found |= {
                    each: GivenVerdict(terms, verdicts[each.family_id]) for each in group if each.family_id in verdicts
                }
        return [found.get(each) for each in asked]
