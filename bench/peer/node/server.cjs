// PostGraphile 5 over the tables of Kesos: one process, as its documentation would have it in production. Started by bench/peer/process.py.
//
// Nothing that costs a request time is on: no GraphiQL, no watching, no explaining, no subscriptions, and lists where its connections
// would do more than is asked for. Who asks is looked up in a table of tokens, as if each had been verified before and was remembered.
const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { postgraphile } = require("postgraphile");
const { makePgService } = require("postgraphile/adaptors/pg");
const { grafserv } = require("postgraphile/grafserv/node");
const { PostGraphileAmberPreset } = require("postgraphile/presets/amber");
const { jsonPgSmartTags } = require("postgraphile/utils");

const job = JSON.parse(readFileSync(process.env.BENCH_PEER, "utf8"));
const settingsOf = new Map(Object.entries(job.principals).map(([token, settings]) => [`Bearer ${token}`, settings]));

// What the schema of Kesos has and the database does not say: a foreign key to the regency, and orders without an index of their own.
const tags = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      "public.family": { tags: { foreignKey: "(regency_id) references region (id)|@fieldName regency" } },
      "public.person": { attribute: { member_no: { tags: { behavior: "+orderBy" } } } },
      "public.welfare_rank": { attribute: { ranked_on: { tags: { behavior: "+orderBy" } } } },
    },
  },
});

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [tags],
  schema: { defaultBehavior: "+list +connection" },
  pgServices: [makePgService({ schemas: ["public"], poolConfig: job.pool, pubsub: false })],
  grafserv: { graphiql: false, graphiqlOnGraphQLGET: false, watch: false, websockets: false, outputDataAsString: true },
  grafast: {
    explain: false,
    context: ({ node }) => ({ pgSettings: settingsOf.get(node.req.headers.authorization) }),
  },
});

async function main() {
  const server = createServer();
  await instance.createServ(grafserv).addTo(server);
  await instance.getSchema();
  server.listen(job.port, "127.0.0.1");
}

main();
