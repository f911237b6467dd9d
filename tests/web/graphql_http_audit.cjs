// Runs the reference audits of GraphQL over HTTP against argv[2] with the bearer token of stdin; prints one JSON object per audit.
const { serverAudits } = require("graphql-http");

async function main() {
  const url = process.argv[2];
  const token = require("node:fs").readFileSync(0, "utf8").trim();
  const fetchFn = (target, init = {}) =>
    fetch(target, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  for (const audit of serverAudits({ url, fetchFn })) {
    const { id, name, status, reason } = await audit.fn();
    console.log(JSON.stringify({ id, name, status, reason }));
  }
}

main();
