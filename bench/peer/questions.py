"""What the peer is asked: the same that Kesos is asked, in the words of its schema; and whether both answer the same."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from typing import Any, Final
from uuid import uuid4

import httpx2
import orjson
from uuid_utils.compat import uuid7

from app.tenants.server import DatabaseServer
from bench.load import http_request
from bench.market import REPORT, TOTAL, Stall
from bench.reads import Read, reads_of
from bench.stage import Served
from bench.transactions import script_variables

PAGE: Final = """
query Page($first: Int!) {
  families: allFamiliesList(first: $first, orderBy: [VILLAGE_ID_ASC, ROW_ID_ASC]) {
    regencyId rowId headName kk: kkMasked decile status rt rw
    village: regionByVillageId { code name }
    regency { code name }
    members: peopleByRegencyIdAndFamilyIdList(orderBy: [MEMBER_NO_ASC, ROW_ID_ASC]) {
      regencyId rowId name nik: nikMasked relationship sex birthDate identityStatus
    }
    ranks: welfareRanksByRegencyIdAndFamilyIdList(orderBy: [RANKED_ON_DESC, ROW_ID_ASC]) { scheme decile rankedOn }
  }
}
"""
DETAIL: Final = """
query Detail($regencyId: Int!, $rowId: UUID!) {
  family: familyByRegencyIdAndRowId(regencyId: $regencyId, rowId: $rowId) {
    regencyId rowId headName kk: kkMasked decile status address hamlet rt rw latitude longitude
    village: regionByVillageId { code name district: regionByParentId { code name } }
    regency { code name }
    members: peopleByRegencyIdAndFamilyIdList(orderBy: [MEMBER_NO_ASC, ROW_ID_ASC]) {
      regencyId rowId name nik: nikMasked relationship sex birthDate identityStatus
    }
    ranks: welfareRanksByRegencyIdAndFamilyIdList(orderBy: [RANKED_ON_DESC, ROW_ID_ASC]) { scheme decile rankedOn }
    entitlements: entitlementsByRegencyIdAndFamilyId(first: 10, orderBy: [VILLAGE_ID_ASC, ROW_ID_ASC]) {
      nodes { regencyId rowId programmeCode period: periodStart amount step }
      pageInfo { hasNextPage }
    }
  }
}
"""
SELL: Final = """
mutation Report($item: JSON!, $actor: JSON!) {
  ewarongTransactionReport(input: {item: $item, actor: $actor}) {
    result { outcome id amount balance receipt happenedAt }
  }
}
"""


NAME: Final = "PostGraphile 5"
SOLD: Final = b'"outcome":"REPORTED"'
_SAMPLED: Final = 8
_MOST_APART: Final = 0.1
_PATIENCE_SECONDS: Final = 30.0


class OtherAnswer(RuntimeError):
    """The peer answers something else than Kesos; the figures would mean nothing."""


async def reads_of_peer(server: DatabaseServer) -> list[tuple[Read, Read]]:
    """The page and the family by id, as Kesos is asked and as the peer is."""
    by_name = {read.what: read for read in await reads_of(server)}
    page, detail = by_name["page of 50 families"], by_name["family by id"]
    keys = [in_one_form(each) for each in detail.variables]
    return [
        (page, replace(page, document=PAGE, expected=b'"families":[{')),
        (detail, replace(detail, document=DETAIL, variables=keys, expected=b'"family":{"regencyId"')),
    ]


async def check_reads(pairs: Sequence[tuple[Read, Read]], kesos: Served, peer: Served, token: str) -> None:
    """See that both answer the same.

    Raises:
        OtherAnswer: they do not, or one answer is more than a tenth longer than the other.
    """
    async with _client(token) as client:
        for of_kesos, of_peer in pairs:
            for given, peer_given in list(zip(of_kesos.variables, of_peer.variables, strict=True))[:_SAMPLED]:
                ours = await client.post(kesos.url, json={"query": of_kesos.document, "variables": given})
                theirs = await client.post(peer.url, json={"query": of_peer.document, "variables": peer_given})
                if ours.json()["data"] is None or in_one_form(ours.json()["data"]) != in_one_form(
                    theirs.json().get("data")
                ):
                    raise OtherAnswer(f"{of_kesos.what}: {NAME} answers something else than Kesos")
                shorter, longer = sorted((len(ours.content), len(theirs.content)))
                if longer - shorter > _MOST_APART * longer:
                    raise OtherAnswer(f"{of_kesos.what}: {longer} bytes are too far from {shorter}")


def _client(token: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=_PATIENCE_SECONDS, trust_env=False)


def in_one_form(value: Any) -> Any:
    """An answer of either side in one form: ids as the keys that they are made of, lists without their connection, numbers as numbers."""
    if isinstance(value, list):
        return [in_one_form(each) for each in value]
    if not isinstance(value, dict):
        return value
    plain: dict[str, Any] = {}
    for name, each in value.items():
        if name == "id":
            _, regency, row = each.split(":")
            plain |= {"regencyId": int(regency), "rowId": row}
        elif name == "amount":
            plain[name] = int(each)
        elif name == "families" and isinstance(each, dict):
            plain[name] = in_one_form(each["nodes"])
        elif name == "village" and "district" in each:
            plain |= {"village": {key: each[key] for key in ("code", "name")}, "district": each["district"]}
        else:
            plain[name] = in_one_form(each)
    return plain


class Outlet:
    """An outlet that reports to the peer. The function makes nothing of its own: ids, key and receipt are given to it by who asks."""

    def __init__(self, stall: Stall) -> None:
        given = script_variables()
        self._stall = stall
        self._actor = orjson.loads(given["actor"])
        self._item = orjson.loads(given["item"]) | {
            "agentId": str(stall.id),
            "regencyId": stall.regency_id,
            "happenedAt": datetime.now(tz=UTC).isoformat(),
        }

    def sale(self, card: str) -> dict[str, Any]:
        """A request for one more transaction, as ``Stall.purchase`` makes them for Kesos."""
        key = uuid4()
        new = {"id": str(uuid7()), "idempotencyKey": str(key), "token": card, "receipt": key.hex[:10]}
        return {"query": SELL, "variables": {"item": self._item | new, "actor": self._actor | {"id": str(uuid7())}}}

    def sales(self, url: str) -> Iterator[bytes]:
        """Requests without end; the cards take turns."""
        for card in cycle(self._stall.cards):
            yield http_request(url, self.sale(card), self._stall.token)


async def check_sales(kesos: Served, peer: Served, stall: Stall) -> None:
    """See that a sale by either takes as much from the same wallet.

    Raises:
        OtherAnswer: it does not.
    """
    card = stall.cards[0]
    purchase = {"query": REPORT, "variables": {"input": stall.purchase(card, uuid4())}}
    async with _client(stall.token) as client:
        ours = (await client.post(kesos.url, json=purchase)).json()
        theirs = (await client.post(peer.url, json=Outlet(stall).sale(card))).json()
    try:
        (row,) = theirs["data"]["ewarongTransactionReport"]["result"]
        first, second = ours["data"]["ewarongTransactionReport"]["transaction"], row
        balances = int(first["balance"]), int(second["balance"])
        same = {int(first["amount"]), int(second["amount"]), balances[0] - balances[1]} == {TOTAL}
    except (KeyError, TypeError, ValueError) as error:
        raise OtherAnswer(f"a sale is answered {ours} and {theirs}") from error
    if not same:
        raise OtherAnswer(f"a sale of {TOTAL} is answered {first} and {second}")
