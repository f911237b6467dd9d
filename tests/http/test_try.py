import time
from app.authz.roles import Role
async def test_try(api_client, owner):
    c = await api_client.as_(Role.REGENCY_ADMIN, "33.02")
    for i in range(3):
        t=time.time()
        r = await c.post('{ families(first:1){ totalCount nodes { id headName kk address village{name code} members{ name nik birthPlace health{nutrition}} } } me{permissions} registrySummary(region:"33",by:VILLAGE){ total{families persons familiesUnranked} rows{region{code} counts{families persons}}} }')
        print(time.time()-t)
    print(r.text)
    for row in await owner.fetch("select regency_id, status::text, presence::text, count(*) from family join person using(regency_id) group by 1,2,3 limit 3"): print(row)
    print(await owner.fetch("select regency_id, count(*), count(distinct village_id), (select count(*) from person p where p.regency_id=f.regency_id) from family f group by 1"))
