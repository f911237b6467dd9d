// A real OpenID Connect provider on this machine: `node oidc_provider.mjs <node_modules>`, its clients as JSON on stdin.
// It prints its issuer. People log in by themselves; PUT /test/state says who, with which keys, and what the token endpoint adds.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { resolve } = createRequire(join(process.argv[2], "here.js"));
const { Provider } = await import(pathToFileURL(resolve("oidc-provider")));
const { clients, resource, audience } = JSON.parse(readFileSync(0, "utf8"));

const state = {
  subject: "nobody", // who sits at the browser
  denies: false, // whether they cancel
  hangs_up: false, // whether the token endpoint answers nothing
  algorithm: "ES256", // of all tokens
  keys: ["first"], // names of the published keys; the first of them signs
  format: "jwt", // of access tokens
  seconds: 300, // that access tokens live
  claims: {}, // added to access tokens
  answer: {}, // put over what the token endpoint answers; null leaves out
};
const seen = { authorization: null, token: null, answer: null }; // the last requests and the last answer

const MAKERS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};
const made = new Map();

function key(name, algorithm) {
  const kid = `${name}-${algorithm}`;
  if (!made.has(kid)) {
    const jwk = MAKERS[algorithm]().privateKey.export({ format: "jwk" });
    made.set(kid, { ...jwk, kid, use: "sig", alg: algorithm });
  }
  return made.get(kid);
}

function provider() {
  const { algorithm } = state;
  return new Provider(issuer, {
    clients: clients.map((client) => ({ ...client, id_token_signed_response_alg: algorithm })),
    jwks: { keys: state.keys.map((name) => key(name, algorithm)) },
    cookies: { keys: ["a key of the tests"] },
    clientAuthMethods: ["client_secret_basic", "none"],
    enabledJWA: { idTokenSigningAlgValues: Object.keys(MAKERS) },
    pkce: { required: () => true },
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    extraTokenClaims: () => state.claims,
    formats: {
      customizers: { jwt: (_context, _token, parts) => Object.assign(parts.payload, state.claims) },
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: () => state.seconds, ClientCredentials: () => state.seconds, Grant: 600, Interaction: 600, Session: 600, IdToken: 300 },
    async loadExistingGrant(context) {
      const { client, session } = context.oidc;
      const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid");
      grant.addResourceScope(resource, "");
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "", audience, accessTokenFormat: state.format, jwt: { sign: { alg: algorithm, kid: `${state.keys[0]}-${algorithm}` } },
        }),
      },
    },
  });
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

function json(response, content) {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(content));
}

function changingAnswer(response) {
  const end = response.end.bind(response);
  response.end = (content, ...rest) => {
    if (response.statusCode !== 200) return end(content, ...rest);
    seen.answer = JSON.parse(content);
    const told = Object.fromEntries(Object.entries({ ...seen.answer, ...state.answer }).filter(([, value]) => value !== null));
    response.removeHeader("content-length");
    return end(JSON.stringify(told), ...rest);
  };
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname === "/test/state") {
    const changes = JSON.parse(await body(request));
    Object.assign(state, changes);
    if ("keys" in changes || "algorithm" in changes) current = provider();
    return json(response, state);
  }
  if (url.pathname === "/test/seen") return json(response, seen);
  if (url.pathname.startsWith("/interaction/")) {
    const result = state.denies ? { error: "access_denied" } : { login: { accountId: state.subject } };
    return current.interactionFinished(request, response, result);
  }
  if (url.pathname === "/auth") seen.authorization = Object.fromEntries(url.searchParams);
  if (url.pathname === "/token") {
    if (state.hangs_up) return request.destroy();
    request.body = await body(request);
    seen.token = { authorization: request.headers.authorization, ...Object.fromEntries(new URLSearchParams(request.body)) };
    changingAnswer(response);
  }
  return current.callback()(request, response);
});

await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
let current = provider();
console.log(issuer);
