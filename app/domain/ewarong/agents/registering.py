"""Proposing outlets, and putting right what is said of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.errors import (
    AgentKeyUsed,
    AgentNumberTaken,
    AgentStateWrong,
    OwnerBarred,
    OwnerFixed,
    PlaceWrong,
    VillageUnknown,
)
from app.domain.ewarong.agents.queries import Agent, at, barring_office, locked_agent, standing_of, village_stands
from app.domain.ewarong.agents.rules import CHANGEABLE_OWNER, FINAL, possible_acts
from app.domain.ewarong.agents.service import add_step
from app.domain.ewarong.agents.texts import checked_nik, checked_text
from app.domain.ewarong.models.agents import AgentKind, AgentState, ewarong_agent
from app.domain.registry.sealing import Seal
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.scope import REGENCY_WIDTH
from app.tenants.sqlstates import INSUFFICIENT_PRIVILEGE, UNIQUE_VIOLATION, refused_as

PROPOSED: Final = "diusulkan"
LONGEST: Final[Mapping[str, int]] = {"number": 40, "name": 120, "address": 300, "owner_name": 120}
_LATITUDES: Final = (-11.5, 6.5)
_LONGITUDES: Final = (94.5, 141.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who owns an outlet."""

    name: str
    nik: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an outlet stands: degrees of latitude (north) and longitude (east)."""

    latitude: float
    longitude: float

    def check(self) -> None:
        """Refuse what lies outside Indonesia.

        Raises:
            PlaceWrong: it does.
        """
        for value, (low, high) in ((self.latitude, _LATITUDES), (self.longitude, _LONGITUDES)):
            if not (math.isfinite(value) and low <= value <= high):
                raise PlaceWrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An outlet as it is proposed."""

    village: RegionPath
    number: str
    name: str
    kind: AgentKind
    bank: str
    address: str
    owner: Owner
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is to be said otherwise of an outlet; None leaves it as it is."""

    number: str | None = None
    name: str | None = None
    kind: AgentKind | None = None
    address: str | None = None
    owner: Owner | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Owners:
    """Judges and seals owners."""

    seal: Seal
    test_provinces: frozenset[str]
    today: date

    def columns(self, owner: Owner) -> dict[str, Any]:
        """The columns that say who owns an outlet.

        Raises:
            TextWrong, NikWrong: the name or the number cannot be.
        """
        name = checked_text("owner_name", owner.name, LONGEST["owner_name"])
        nik = checked_nik("owner_nik", owner.nik, today=self.today, test_provinces=self.test_provinces)
        stored = self.seal.stored(nik)
        return {
            "owner_name": name,
            "owner_nik_sealed": stored.sealed,
            "owner_nik_digest": stored.digest,
            "owner_nik_masked": stored.masked,
        }

    async def check(self, session: AsyncSession, columns: Mapping[str, Any]) -> None:
        """Refuse an owner who holds an office that bars them.

        Raises:
            OwnerBarred: they do.
        """
        office = await barring_office(session, columns["owner_nik_digest"], self.today)
        if office is not None:
            raise OwnerBarred(office)


async def propose(
    session: AsyncSession, actor: Actor, owners: Owners, proposal: Proposal, *, idempotency_key: UUID
) -> Agent:
    """Propose an outlet. With a key that was used before, the outlet that was proposed with it.

    Raises:
        VillageUnknown: there is no such village, or it is not the caller's.
        TextWrong, NikWrong, PlaceWrong: a field cannot be as it was given.
        OwnerBarred: its owner holds an office that bars them.
        AgentKeyUsed: the key belongs to another proposal, which the scope may not show.
        AgentNumberTaken: another outlet of the bank has the number.
    """
    village = proposal.village
    if village.level is not RegionLevel.VILLAGE or not await village_stands(session, village, owners.today):
        raise VillageUnknown("village", village)
    given = {name: checked_text(name, getattr(proposal, name), LONGEST[name]) for name in ("number", "name", "address")}
    if proposal.place is not None:
        proposal.place.check()
    owner = owners.columns(proposal.owner)
    told: dict[str, Any] = {
        **given,
        "village_id": village.id,
        "kind": proposal.kind.value,
        "bank": proposal.bank,
        **_place(proposal.place),
    }
    row = {
        **told,
        **owner,
        "regency_id": village.id // REGENCY_WIDTH,
        "id": uuid7(),
        "idempotency_key": idempotency_key,
        "request": _request(told, owner),
        "state_at": sa.func.now(),
        **actor.did("proposed"),
    }
    if (before := await _before(session, row)) is not None:
        return before
    await owners.check(session, owner)
    # A second request with the same key waits here for the first one, and then finds its row.
    insertion = pg.insert(ewarong_agent).values(row)
    with refused_as(lambda: VillageUnknown("village", village), INSUFFICIENT_PRIVILEGE):
        made = await session.scalar(insertion.on_conflict_do_nothing().returning(ewarong_agent.c.id))
    if made is None:
        if (before := await _before(session, row)) is not None:
            return before
        # An outlet beyond the scope has the key or the number. Where only the key may be taken, PostgreSQL says which it is.
        of_key = insertion.on_conflict_do_nothing(index_elements=["regency_id", "idempotency_key"])
        with refused_as(AgentNumberTaken, UNIQUE_VIOLATION):
            made = await session.scalar(of_key.returning(ewarong_agent.c.id))
        if made is None:
            raise AgentKeyUsed
    agent = Agent(row["regency_id"], row["id"], village.id)
    await add_step(session, agent, actor, from_state=None, to_state=AgentState.PROPOSED, reason=PROPOSED)
    return agent


def _place(place: Place | None) -> dict[str, float | None]:
    if place is None:
        return {"latitude": None, "longitude": None}
    return {"latitude": place.latitude, "longitude": place.longitude}


def _request(told: Mapping[str, Any], owner: Mapping[str, Any]) -> bytes:
    """What was proposed, but for the sealed number: two seals of the same number differ."""
    owned = {"owner_name": owner["owner_name"], "owner": owner["owner_nik_digest"].hex()}
    return sha256(orjson.dumps({**told, **owned}, option=orjson.OPT_SORT_KEYS)).digest()


async def _before(session: AsyncSession, row: Mapping[str, Any]) -> Agent | None:
    """The outlet that was proposed with the key of ``row``; None where there is none."""
    c = ewarong_agent.c
    found = (
        await session.execute(
            sa.select(ewarong_agent).where(
                c.regency_id == row["regency_id"], c.idempotency_key == row["idempotency_key"]
            )
        )
    ).one_or_none()
    if found is None:
        return None
    if found.request != row["request"]:
        raise AgentKeyUsed
    return Agent.of(found)


async def amend(session: AsyncSession, owners: Owners, key: Key, version: int, amendment: Amendment) -> Agent:
    """Put right what is said of an outlet. Its village, bank and, once it is admitted, its owner stay as they are.

    Raises:
        AgentUnknown, AgentChanged: it cannot be done.
        AgentStateWrong: the outlet was rejected or revoked.
        OwnerFixed: it was admitted, and another owner is given.
        OwnerBarred: the owner holds an office that bars them.
        TextWrong, NikWrong, PlaceWrong: a field cannot be as it was given.
        AgentNumberTaken: another outlet of the bank has the number.
    """
    values: dict[str, Any] = {
        name: checked_text(name, given, LONGEST[name])
        for name in ("number", "name", "address")
        if (given := getattr(amendment, name)) is not None
    }
    if amendment.kind is not None:
        values["kind"] = amendment.kind.value
    if amendment.place is not None:
        amendment.place.check()
        values |= _place(amendment.place)
    row = await locked_agent(session, key, version)
    standing = standing_of(row)
    if standing.state in FINAL:
        raise AgentStateWrong(standing.state, possible_acts(standing))
    if amendment.owner is not None:
        if standing.state not in CHANGEABLE_OWNER:
            raise OwnerFixed
        owner = owners.columns(amendment.owner)
        await owners.check(session, owner)
        values |= owner
    with refused_as(AgentNumberTaken, UNIQUE_VIOLATION):
        await session.execute(sa.update(ewarong_agent).where(at(key)).values(version=row.version + 1, **values))
    return Agent.of(row)
