"""An export from its start to its file, as a front end does it."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx2

from tests.support.client import Caller, Json

START: Final = """mutation($i: ExportStartInput!) { exportStart(input: $i) {
  __typename ... on ExportStarted { export { id format rootField operation documentHash purpose } }
  ... on UserError { code message } ... on InvalidInput { fields } } }"""
_LOOK: Final = """query($id: ID!) { export(id: $id) { id rowCount size sha256 finishedAt expiresAt removedAt downloadUrl
  job { state done total error { code message } } } }"""
_DELETE: Final = """mutation($i: ExportDeleteInput!) { exportDelete(input: $i) {
  __typename ... on ExportDeleted { export { id removedAt downloadUrl } } ... on UserError { code } } }"""
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Exporter:
    """Somebody who exports."""

    caller: Caller

    async def start(self, document: str | None = None, format_: str = "NDJSON", **given: Any) -> Json:
        """What ``exportStart`` answers."""
        wanted = {"document": document, "format": format_, "idempotencyKey": str(uuid4()), **given}
        answer: Json = (await self.caller.query(START, i=wanted))["exportStart"]
        return answer

    async def refusal(self, document: str | None = None, format_: str = "NDJSON", **given: Any) -> str:
        """The code by which ``exportStart`` refuses."""
        answer = await self.start(document, format_, **given)
        assert answer["__typename"] != "ExportStarted", answer
        return str(answer["code"])

    async def look(self, export_id: str) -> Json:
        """The export as it stands."""
        found: Json = (await self.caller.query(_LOOK, id=export_id))["export"]
        return found

    async def ended(self, export_id: str) -> Json:
        """The export once its job has ended."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                found = await self.look(export_id)
                if found["job"]["state"] not in {"QUEUED", "RUNNING"}:
                    return found
                await asyncio.sleep(0.05)

    async def finished(self, document: str, format_: str = "NDJSON", **given: Any) -> Json:
        """An export that was written."""
        started = await self.start(document, format_, **given)
        assert started["__typename"] == "ExportStarted", started
        found = await self.ended(started["export"]["id"])
        assert found["job"]["state"] == "SUCCEEDED", found
        return found

    async def file(self, document: str, format_: str = "NDJSON", **given: Any) -> bytes:
        """The file of an export."""
        return (await self.fetch(await self.finished(document, format_, **given))).content

    async def fetch(self, found: Json, method: str = "GET") -> httpx2.Response:
        """What the link of an export leads to; no token goes with it."""
        return await self.caller.http.request(method, found["downloadUrl"])

    async def delete(self, export_id: str) -> Json:
        """What ``exportDelete`` answers."""
        answer: Json = (await self.caller.query(_DELETE, i={"id": export_id}))["exportDelete"]
        return answer
