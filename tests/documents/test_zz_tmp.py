from app.authz.roles import Role
from tests.support.client import ApiClient
import psutil
async def test_mem(api_client: ApiClient, world, owner) -> None:
    caller = await api_client.as_(Role.MINISTRY_ADMIN)
    async def rss():
        rows=await owner.fetch("select pid from pg_stat_activity where datname=current_database() and usename='kesos_app'")
        return sorted(psutil.Process(r["pid"]).memory_full_info().uss//1024 for r in rows)
    with open("/tmp/k/documents/rss.txt","w") as f:
        print(await rss(), file=f)
        for k in range(40):
            t="query Q%d {"%k+" ".join(f"a{n}_{k}: families(first: {n+1}) {{ nodes {{ id headName village {{ name }} }} }}" for n in range(20))+"}"
            r=await caller.answer(t); assert "errors" not in r, r
        print("40 docs of 20 lists", await rss(), file=f)
