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


@dataclass(frozen=True, slots=True)
class TenantScope:
    """The villages (and entities) that a statement may see, made by ``app.authz.authorize`` and by nobody else.

    ``spans`` are disjoint and sorted; an empty scope sees nothing. ``finest`` is the level of the smallest region granted: whoever
    holds one village reads totals that are added up from villages.
    """

    spans: tuple[Span, ...]
    finest: RegionLevel
    entities: tuple[EntityBinding, ...] = ()
    settings: tuple[int | None, int | None, int | None, int | None, str, str] = field(
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
            ),
        )

    @classmethod
    def of(cls, regions: Iterable[RegionPath], entities: Iterable[EntityBinding] = ()) -> Self:
        """The scope that covers all of ``regions``."""
        paths = tuple(regions)
        return cls(
            spans=_merge(path.villages for path in paths),
            finest=max((path.level for path in paths), key=lambda level: level.depth, default=RegionLevel.COUNTRY),
            entities=tuple(sorted(set(entities))),
        )

    @property
    def multirange(self) -> str:
        """The spans as the text of a PostgreSQL ``int8multirange``."""
        return "{" + ",".join(f"[{span.low},{span.high}]" for span in self.spans) + "}"

    def covers(self, region: RegionPath) -> bool:
        """Whether the whole of ``region`` is in scope."""
        return any(span.holds(region.villages) for span in self.spans)
