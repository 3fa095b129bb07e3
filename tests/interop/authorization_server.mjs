// An authorization server on loopback: `oidc-provider`, without a page to click on. Every login is Alice's,
// and every consent is given.
//
// Environment: PORT (default: a free one), FORMAT=jwt|opaque, ALG=RS256|ES256|Ed25519, TTL of access tokens
// in seconds, CONSENT=all|partial. With the latter, the first consent is for the first scope only.
//
// It transmits security events as well: POST /admin/push signs one, and returns what the receiver says, see
// transmitter.mjs. POST /admin/logout-uri?URI sets where the clients `app` and `other` receive logout tokens.
//
// POST /admin/rotate signs with a new key from then on; the old keys are published until
// POST /admin/withdraw. Clients: whoever registers; `native` with PKCE only; `machine` with its secret, for
// client credentials; `rs`, which may introspect; `app` and `other`, at which users log out.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { Provider, errors } from "oidc-provider";
import { metadata, push } from "./transmitter.mjs";

const { PORT = "0", FORMAT = "jwt", ALG = "RS256", TTL = "600", CONSENT = "all" } = process.env;
const SCOPES = ["tools:read", "tools:write"];
const KEYS = {
  RS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  Ed25519: ["ed25519", {}],
};

function newKey() {
  const [kind, options] = KEYS[ALG];
  const jwk = generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" });
  return { ...jwk, kid: randomUUID(), alg: ALG, use: "sig" };
}

const native = {
  application_type: "native",
  token_endpoint_auth_method: "none",
  redirect_uris: ["http://127.0.0.1/callback"], // on any port (RFC 8252, section 7.3)
  grant_types: ["authorization_code", "refresh_token"],
};
const machine = { redirect_uris: [], response_types: [], grant_types: ["client_credentials"] };
const clients = [
  { ...native, client_id: "native", scope: ["offline_access", ...SCOPES].join(" ") },
  { ...machine, client_id: "machine", client_secret: "machine-secret", scope: SCOPES.join(" ") },
  { ...machine, client_id: "rs", client_secret: "rs:secret%" },
];

/** The clients that receive logout tokens at this URI. */
function loggedOut(uri) {
  const client = { ...native, scope: ["openid", ...SCOPES].join(" "), backchannel_logout_uri: uri };
  return ["app", "other"].map((client_id) => ({ ...client, client_id }));
}

/** What one resource's tokens are like. */
function resourceServer(resource) {
  if (new URL(resource).hostname !== "127.0.0.1") {
    throw new errors.InvalidTarget();
  }
  return {
    scope: SCOPES.join(" "),
    audience: resource,
    accessTokenFormat: FORMAT,
    accessTokenTTL: Number(TTL),
    jwt: { sign: { alg: ALG } },
  };
}

const configuration = {
  clients,
  scopes: ["openid", "offline_access", ...SCOPES],
  clientDefaults: { id_token_signed_response_alg: ALG },
  enabledJWA: { idTokenSigningAlgValues: [ALG] },
  cookies: { keys: [randomUUID()] },
  pkce: { required: () => true },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  // By default it sends nothing to loopback, where the receivers of logout tokens are here.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    registration: { enabled: true, initialAccessToken: false },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId === "rs" },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => resourceServer(resource),
    },
  },
};

let consents = 0;

/** Logs Alice in, and consents to what is asked for. */
async function finish(provider, request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const isPartial = CONSENT === "partial" && consents++ === 0;
  const grant = new provider.Grant({ accountId: "alice", clientId: params.client_id });
  grant.addOIDCScope(params.scope ?? "");
  for (const resource of [params.resource ?? []].flat()) {
    grant.addResourceScope(resource, isPartial ? SCOPES[0] : SCOPES.join(" "));
    if (isPartial) grant.rejectResourceScope(resource, SCOPES.slice(1).join(" "));
  }
  const result = { login: { accountId: "alice" }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result);
}

/** Everything that is stored, by model and id: a provider with new keys shares it with the one before. */
class Store {
  static rows = new Map();

  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model} ${id}`;
  }
  async upsert(id, payload) {
    Store.rows.set(this.key(id), payload);
  }
  async find(id) {
    return Store.rows.get(this.key(id));
  }
  async findByUid(uid) {
    const rows = [...Store.rows].filter(([key]) => key.startsWith(`${this.model} `));
    return rows.map(([, payload]) => payload).find((payload) => payload.uid === uid);
  }
  async consume(id) {
    Store.rows.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    Store.rows.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of Store.rows) {
      if (payload.grantId === grantId) Store.rows.delete(key);
    }
  }
}

const server = createServer();
server.listen(Number(PORT), "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let keys, provider, callback;
  let withLogout = [];

  /** Publishes these keys. Tokens are signed with the first. */
  function publish(...published) {
    keys = published;
    const all = [...clients, ...withLogout];
    provider = new Provider(issuer, { ...configuration, clients: all, adapter: Store, jwks: { keys } });
    callback = provider.callback();
  }
  publish(newKey());

  server.on("request", async (request, response) => {
    const done = () => response.writeHead(204).end();
    if (request.url === "/admin/rotate") return done(publish(newKey(), ...keys));
    if (request.url === "/admin/withdraw") return done(publish(keys[0]));
    const [path, query] = request.url.split("?");
    if (path === "/admin/logout-uri") {
      withLogout = loggedOut(decodeURIComponent(query));
      return done(publish(...keys));
    }
    if (path === "/admin/push") return push(issuer, keys[0], request, response);
    if (path === "/.well-known/ssf-configuration") return metadata(issuer, response);
    if (!request.url.startsWith("/interaction/")) return callback(request, response);
    try {
      await finish(provider, request, response);
    } catch (error) {
      response.writeHead(500).end(String(error.message));
    }
  });
  console.log(`listening on ${issuer}/`);
});
process.on("SIGTERM", () => process.exit(0));
