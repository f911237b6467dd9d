"""What every argument of the schema is given on the walk: the caller's own things and those of the neighbour."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.authz.roles import Role
from app.domain.registry.sealing import Seal
from tests.isolation.walking import Values
from tests.support.client import ApiClient
from tests.support.world import BANYUMAS, CILACAP, Regency

if TYPE_CHECKING:
    import asyncpg


@dataclass(frozen=True, slots=True)
class Belongings:
    """Ids, a number and cursors of one regency, as literals of a document."""

    family: str
    person: str
    nik: str
    families_after: str
    persons_after: str


_CURSORS = """query($region: String!) {
  families(first: 5, region: $region) { pageInfo { endCursor } }
  persons(first: 5, region: $region) { pageInfo { endCursor } }
}"""


async def belongings(
    api: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal, regency: Regency
) -> Belongings:
    """What a clerk of ``regency`` could have written down."""
    person = await owner.fetchrow(
        "select p.* from person p join family f on f.regency_id = p.regency_id and f.id = p.family_id "
        "where p.regency_id = $1 and p.presence = 'PRESENT' and p.nik_sealed is not null order by p.id desc limit 1",
        regency.id,
    )
    assert person is not None
    pages = await (await api.as_(Role.REGENCY_ADMIN, regency.code)).query(_CURSORS, region=regency.code)
    return Belongings(
        family=_text(f"Family:{regency.id}:{person['family_id']}"),
        person=_text(f"Person:{regency.id}:{person['id']}"),
        nik=_text(seal.unseal(person["nik_sealed"])),
        families_after=_text(pages["families"]["pageInfo"]["endCursor"]),
        persons_after=_text(pages["persons"]["pageInfo"]["endCursor"]),
    )


def argument_values(own: Belongings, foreign: Belongings) -> dict[str, Values]:
    """Values by ``Type.field(argument)``. Arguments that are enums need none: every value is walked."""
    regions = [f'"{code}"' for code in (BANYUMAS.code, CILACAP.code, CILACAP.village(1, 1), "33", "34")]
    pages = Values(["100"], ["1", None])
    anywhere = Values([None], regions)
    sought = ['"s"', f'"{CILACAP.mark}"', f'"{BANYUMAS.mark}"']
    tree_cursor = Values([None], ['"WyJDT0RFIiwgIjMzIl0"'])
    return {
        "Query.families(first)": pages,
        "Query.families(after)": Values([None], [own.families_after, foreign.families_after]),
        "Query.families(region)": anywhere,
        "Query.families(filter)": Values(
            [None],
            [
                "{deciles: {from: 1, to: 4}}",
                "{statuses: [ACTIVE, MOVED]}",
                *(f"{{search: {text}}}" for text in sought),
                f'{{search: "{CILACAP.mark}", deciles: {{from: 1, to: 10}}, statuses: [ACTIVE]}}',
            ],
        ),
        "Query.persons(first)": pages,
        "Query.persons(after)": Values([None], [own.persons_after, foreign.persons_after]),
        "Query.persons(region)": anywhere,
        "Query.persons(filter)": Values(
            [None],
            [
                *(f"{{search: {text}}}" for text in sought),
                "{identityStatuses: [MATCHED, NIK_ISSUED]}",
                "{presences: [PRESENT, DECEASED]}",
                "{sex: FEMALE}",
                '{bornFrom: "1950-01-01", bornTo: "2000-12-31"}',
            ],
        ),
        "Query.family(id)": Values([own.family, foreign.family], [foreign.person]),
        "Query.person(id)": Values([own.person, foreign.person], [foreign.family]),
        "Query.personByNik(nik)": Values([own.nik, foreign.nik]),
        "Query.node(id)": Values(
            [own.family, own.person, foreign.family, foreign.person, f'"Region:{BANYUMAS.code}"'],
            [f'"Region:{CILACAP.code}"'],
        ),
        "Query.nodes(ids)": Values(
            [f'[{foreign.family}, {own.family}, {foreign.person}, {own.person}, "Region:33"]'], [foreign.family]
        ),
        "Query.region(code)": Values([f'"{CILACAP.code}"'], ['"33"']),
        "Query.regions(first)": pages,
        "Query.regions(after)": tree_cursor,
        "Query.regions(search)": Values([None], ['"cilacap"']),
        "Query.regions(within)": Values(['"33"'], [f'"{CILACAP.code}"']),
        "Query.registrySummary(region)": Values(['"33"', f'"{CILACAP.code}"', f'"{BANYUMAS.code}"'], ['"34"']),
        "Region.children(first)": pages,
        "Region.children(after)": tree_cursor,
        "Region.children(search)": Values([None], ['"cilacap"']),
    }


def _text(value: str) -> str:
    return json.dumps(value)
