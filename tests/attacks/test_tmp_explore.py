import asyncio
import json
import os


async def test_wait(fortress):
    json.dump({"address": fortress.address, "folk": dict(fortress.folk), "bystander": fortress.bystander, "pid": fortress.served.process.pid, "err": str(fortress.served._err), "issuer": fortress.issuer}, open("/tmp/k/whole/env.json","w"))
    while not os.path.exists("/tmp/k/whole/stop"):
        await asyncio.sleep(1)
