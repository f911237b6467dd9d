"""The province view (35 regencies with their counts) as the registry grows: it reads summary rows, so it should stay flat."""

from typing import Final, NamedTuple

from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.load import http_request, run_load
from bench.stage import PROVINCE, kesos_process, token_of

SUMMARY: Final = """
query Province($region: String!) {
  registrySummary(region: $region, by: REGENCY) {
    total { families persons familiesByDecile { decile families } personsByAge { band sex persons } }
    rows { region { code name } counts { families persons familiesByDecile { decile families } } }
  }
}
"""


class ProvinceView(NamedTuple):
    """Latency of the province view over HTTP on one connection, in milliseconds."""

    families: int
    median: float
    p99: float


async def province_view(settings: Settings, server: DatabaseServer, families: int, *, seconds: int) -> ProvinceView:
    """Measure the province view of a registry of ``families``."""
    token = await token_of(settings, server, Role.PROVINCE_OFFICER, PROVINCE)
    async with kesos_process(settings) as url:
        request = http_request(url, {"query": SUMMARY, "variables": {"region": PROVINCE.code}}, token)
        await run_load(url, request, connections=1, seconds=1)
        load = await run_load(url, request, connections=1, seconds=seconds)
    return ProvinceView(families, load.percentile(50), load.percentile(99))
