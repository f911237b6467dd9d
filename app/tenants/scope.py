"""What part of the tree one act of one principal may touch."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from app.tenants.region_path import VILLAGE_DIGITS, RegionLevel, RegionPath, Span

REGENCY_WIDTH = 10 ** (VILLAGE_DIGITS - RegionLevel.REGENCY.digits)


@dataclass(frozen=True, slots=True, order=True)
class EntityBinding:
    """A thing that a grant is bound to besides its region: my e-Warong, my LKS, my caseload."""

    kind: str
    id: UUID


def _merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.low <= merged[-1].high + 1:
            merged[-1] = Span(merged[-1].low, max(merged[-1].high, span.high))
        else:
            merged.append(span)
    return tuple(merged)


def _holds(spans: Iterable[Span], village_id: int) -> bool:
    return any(span.low <= village_id <= span.high for span in spans)


def multirange_of(spans: Iterable[Span]) -> str:
    """The text of a PostgreSQL ``int8multirange`` of ``spans``."""
    return "{" + ",".join(f"[{span.low},{span.high}]" for span in spans) + "}"


@dataclass(frozen=True, slots=True)
class TenantScope:
    """The villages (and entities) that a statement may see, made by ``app.authz.authorize`` and by nobody else.

    ``spans`` are disjoint and sorted; an empty scope sees nothing. ``finest`` is the level of the smallest region granted: whoever
    holds one village reads totals that are added up from villages. Where grants are bound to ``entities``, rows that belong to such a
    thing are seen if it is one of them, or lies in one of ``unbound``: the spans of the grants that are bound to none.
    """

    spans: tuple[Span, ...]
    finest: RegionLevel
    entities: tuple[EntityBinding, ...] = ()
    unbound: tuple[Span, ...] = ()
    settings: tuple[int | None, int | None, int | None, int | None, str, str, str] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        hull = Span(self.spans[0].low, self.spans[-1].high) if self.spans else None
        exact = self.multirange if len(self.spans) > 1 else ""
        entities = "{" + ",".join(str(entity.id) for entity in self.entities) + "}" if self.entities else ""
        object.__setattr__(
            self,
            "settings",
            (
                hull.low // REGENCY_WIDTH if hull else None,
                hull.high // REGENCY_WIDTH if hull else None,
                hull.low if hull else None,
                hull.high if hull else None,
                exact,
                entities,
                multirange_of(self.unbound) if self.entities else "",
            ),
        )

    @classmethod
    def of(cls, regions: Iterable[RegionPath], bound: Iterable[tuple[RegionPath, EntityBinding]] = ()) -> Self:
        """The scope of grants in ``regions``, and of those in regions that are each ``bound`` to a thing there."""
        free, tied = tuple(regions), tuple(bound)
        paths = (*free, *(region for region, _ in tied))
        return cls(
            spans=_merge(path.villages for path in paths),
            finest=max((path.level for path in paths), key=lambda level: level.depth, default=RegionLevel.COUNTRY),
            entities=tuple(sorted({entity for _, entity in tied})),
            # Without a bound grant there is nothing that this could widen.
            unbound=_merge(path.villages for path in free) if tied else (),
        )

    @property
    def in_one_regency(self) -> bool:
        """Whether all of it lies in one regency, as it does for whoever works below a province."""
        low, high, *_ = self.settings
        return low is not None and low == high

    @property
    def multirange(self) -> str:
        """The spans as the text of a PostgreSQL ``int8multirange``."""
        return multirange_of(self.spans)

    def covers(self, region: RegionPath) -> bool:
        """Whether the whole of ``region`` is in scope."""
        return any(span.holds(region.villages) for span in self.spans)

    def reaches(self, village_id: int, entity_id: UUID) -> bool:
        """Whether rows in the village that belong to the thing are in scope, as a policy of ``rls.bound_policy`` has it."""
        if not _holds(self.spans, village_id):
            return False
        bound = {entity.id for entity in self.entities}
        return not bound or entity_id in bound or _holds(self.unbound, village_id)
