// Does with the client graphql-ws what front ends do, at argv[2] with the bearer token of stdin; prints what it saw as JSON.
const { createClient } = require("graphql-ws");
const WebSocket = require("ws");

const token = require("node:fs").readFileSync(0, "utf8").trim();
const url = process.argv[2];
const clients = [];

function client(authorization, options = {}) {
  const made = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
    lazy: true,
    ...options,
  });
  clients.push(made);
  return made;
}

async function all(one, payload, most = Infinity) {
  const seen = [];
  for await (const result of one.iterate(payload)) {
    seen.push(result);
    if (seen.length === most) break;
  }
  return seen;
}

async function failure(promise) {
  try {
    return { unexpected: await promise };
  } catch (error) {
    return Array.isArray(error) ? error.map((each) => each.extensions.code) : { code: error.code, reason: error.reason };
  }
}

async function main() {
  const good = client(`Bearer ${token}`, { keepAlive: 50 });
  const seen = {
    query: await all(good, { query: "{ me { permissions } }" }),
    few: await all(good, { query: "subscription { few }" }),
    left: await all(good, { query: "subscription { silence }" }, 1),
    access: await all(good, { query: "subscription { accessChanged { grants { role } } }" }, 1),
    invalid: await failure(all(good, { query: "{ nobody }" })),
    together: (await Promise.all([1, 2, 3].map(() => all(good, { query: "subscription { few }" })))).map((each) => each.length),
    stranger: await failure(all(client("Bearer other"), { query: "{ me { permissions } }" })),
  };
  for (const made of clients) await made.dispose();
  console.log(JSON.stringify(seen));
}

main();
