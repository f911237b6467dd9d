"""Principals of the development issuer: one for each role in the demo, and any other that `kesos token` asks for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from app.authz.development import DevelopmentIssuerOff, development_subject, ensure_principal, issue_token
from app.authz.roles import Role
from app.cli.console import Refusal
from app.domain.regions.errors import RegionUnknown
from app.settings import Settings
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.scope import EntityBinding
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

ROLES_WITHOUT_TOKEN: Final = frozenset({Role.SYSTEM_OPERATOR, Role.PUBLIC})
OUTLET: Final = "ewarong"
"""The kind of thing that a grant of EWARONG_AGENT is bound to."""
BANYUMAS: Final = RegionPath.parse("33.02")
CILACAP: Final = RegionPath.parse("33.01")
_PEOPLE: Final = {Role.MINISTRY_ADMIN: 2, Role.REGENCY_APPROVER: 2}
_FIRST_DISTRICT: Final = RegionPath.parse("33.02.01")

_FULLEST_VILLAGE: Final = """
select region_id from registry_summary
where depth = $5 and village_low between $1 and $2 and families > 0
order by village_low between $3 and $4 desc, families desc, region_id limit 1
"""


class Post(NamedTuple):
    """A role in a region; where several people hold it, ``number`` tells them apart. A grant may be bound to one ``outlet`` there."""

    role: Role
    region: RegionPath
    number: int = 1
    outlet: UUID | None = None

    @property
    def subject(self) -> str:
        """The subject of the development issuer that stands for it."""
        subject = development_subject(self.role, self.region)
        if self.outlet is not None:
            subject = f"{subject}:{self.outlet}"
        return subject if self.number == 1 else f"{subject}:{self.number}"

    @property
    def binding(self) -> EntityBinding | None:
        """What its grant is bound to."""
        return None if self.outlet is None else EntityBinding(OUTLET, self.outlet)


class Person(NamedTuple):
    """Somebody of the development issuer."""

    post: Post
    region_name: str
    token: str


async def demo_posts(server: DatabaseServer) -> list[Post]:
    """A post for every role that has tokens but agents of e-Warong, in and around Banyumas; the village is one that holds families.

    What takes two people, a second approval or somebody else's confirmation, can be tried: there are two of each who give them.
    """
    village = await _village_with_families(server)
    district = village.ancestor(RegionLevel.DISTRICT)
    country, province = RegionPath.country(), BANYUMAS.ancestor(RegionLevel.PROVINCE)
    posts = {
        Role.MINISTRY_ADMIN: [country],
        Role.MINISTRY_ANALYST: [country],
        Role.AUDITOR: [country],
        Role.PROVINCE_OFFICER: [province],
        Role.REGENCY_ADMIN: [BANYUMAS, CILACAP],
        Role.TKSK: [district],
        Role.PSM: [village],
        Role.VILLAGE_OPERATOR: [village],
        Role.PKH_FACILITATOR: [district],
        Role.LKS_ASSESSOR: [province],
        Role.BANK_OFFICER: [province],
    }
    return [
        Post(role, region, number)
        for role in Role
        if role not in ROLES_WITHOUT_TOKEN | {Role.EWARONG_AGENT}
        for region in posts.get(role, [BANYUMAS])
        for number in range(1, 1 + _PEOPLE.get(role, 1))
    ]


async def _village_with_families(server: DatabaseServer) -> RegionPath:
    regency, district = BANYUMAS.villages, _FIRST_DISTRICT.villages
    async with open_loader(server) as loader:
        spans = (regency.low, regency.high, district.low, district.high)
        found = await loader.fetchval(_FULLEST_VILLAGE, *spans, RegionLevel.VILLAGE.depth)
        if found is None:
            found = await loader.fetchval(
                "select id from region where level = 'VILLAGE' and id between $1 and $2 order by id limit 1",
                district.low,
                district.high,
            )
    return RegionPath.of_id(found)


async def enlist(settings: Settings, server: DatabaseServer, posts: Sequence[Post]) -> list[Person]:
    """Make sure that each of ``posts`` is held by a principal of the development issuer, and sign a token for it.

    Raises:
        DevelopmentIssuerOff: a real issuer is configured.
        Refusal: the role has no tokens.
        RegionUnknown: there is no such region.
    """
    if not settings.is_development:
        raise DevelopmentIssuerOff
    people = []
    connection = await server.admin.connect()
    try:
        for post in posts:
            if post.role in ROLES_WITHOUT_TOKEN:
                raise Refusal(f"{post.role.value} is the part of the command line itself: choose another role.")
            name = await _name_of(connection, post.region)
            called = f"{post.role.value} {name}" if post.number == 1 else f"{post.role.value} {name} {post.number}"
            if post.outlet is None and post.role is Role.EWARONG_AGENT:
                raise Refusal("An agent is one of an outlet: name it with --outlet, the id that `ewarongAgents` tells.")
            await ensure_principal(
                connection,
                subject=post.subject,
                name=called,
                role=post.role,
                region=post.region,
                entity=post.binding,
            )
            people.append(Person(post, name, issue_token(settings, post.subject)))
    finally:
        await connection.close()
    return people


async def _name_of(connection: "asyncpg.Connection[asyncpg.Record]", region: RegionPath) -> str:
    if region == RegionPath.country():
        return "Indonesia"
    name: str | None = await connection.fetchval("select name from region where id = $1", region.id)
    if name is None:
        raise RegionUnknown(region.code)
    return name


def token_file(settings: Settings, post: Post) -> Path:
    """Where the demo keeps the token of ``post``."""
    # The number stands in front, so that `REGENCY_APPROVER*.txt` is the token of one person.
    number = "" if post.number == 1 else f"{post.number}-"
    return settings.data_dir / "tokens" / f"{number}{post.role.value}-{post.region.code}.txt"


def keep_tokens(settings: Settings, people: Sequence[Person]) -> None:
    """Write each token to its file, readable by this user alone."""
    for person in people:
        path = token_file(settings, person.post)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(f"{person.token}\n")
