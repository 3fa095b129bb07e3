// One session of the TypeScript SDK, which logs in by OAuth. Prints what it got as a line of JSON.
//
// client_oauth.mjs 1|2 sse|http URL OPTIONS
//
// The first argument is the version of the SDK. OPTIONS is JSON: see client_oauth.py.

import { createInterface } from "node:readline/promises";

const [version, kind, url, json] = process.argv.slice(2);
const options = JSON.parse(json);
const modules = {
  1: ["index", "sse", "streamableHttp", "auth-extensions"].map((name) => `sdk/client/${name}.js`),
  2: ["client"],
}[version].map((module) => import(`@modelcontextprotocol/${module}`));
const { Client, ClientCredentialsProvider, SSEClientTransport, StreamableHTTPClientTransport } =
  Object.assign({}, ...(await Promise.all(modules)));

const REDIRECT = "http://127.0.0.1:9/callback";
const result = { registrations: 0, logins: [], refreshes: 0 };

/** Follows the redirects of a login, with its cookies, up to the client's own URL. */
async function browse(url) {
  const cookies = new Map();
  for (let redirects = 0; !String(url).startsWith(REDIRECT); redirects++) {
    if (redirects === 20) throw new Error("the login does not end");
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { redirect: "manual", headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    const location = response.headers.get("location");
    if (!location) throw new Error(`the login ends at ${response.status}: ${await response.text()}`);
    url = new URL(location, url);
  }
  return new URL(url).searchParams;
}

/** A user who logs in. */
class Login {
  redirectUrl = REDIRECT;
  clientMetadata = {
    client_name: "interop",
    application_type: "native",
    redirect_uris: [REDIRECT],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  #client = options.client && { ...options.client, issuer: options.issuer };
  #tokens = options.tokens && { ...options.tokens, issuer: options.issuer };
  #verifier;
  #discovery;

  clientInformation() {
    return this.#client;
  }
  saveClientInformation(client) {
    result.registrations += 1;
    this.#client = client;
  }
  tokens() {
    return this.#tokens;
  }
  saveTokens(tokens) {
    result.refreshes += 1; // less the logins: see below
    this.#tokens = tokens;
  }
  codeVerifier() {
    return this.#verifier;
  }
  saveCodeVerifier(verifier) {
    this.#verifier = verifier;
  }
  discoveryState() {
    return this.#discovery;
  }
  saveDiscoveryState(discovery) {
    this.#discovery = discovery;
  }
  async redirectToAuthorization(url) {
    const asked = url.searchParams;
    result.logins.push({ scope: asked.get("scope"), resource: asked.get("resource") });
    this.redirected = await browse(url);
  }
}

const provider = options.client?.client_secret
  ? new ClientCredentialsProvider({
      clientId: options.client.client_id,
      clientSecret: options.client.client_secret,
      expectedIssuer: options.issuer,
      // Version 1 does not ask for the scopes of the challenge with this grant.
      ...(version === "1" && { scope: options.scope }),
    })
  : new Login();
const Transport = kind === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
let client, transport;

/** Does this, and once more for each login that it needs; several logins would mean a loop. */
async function loggedIn(action) {
  for (let logins = 0; ; logins++) {
    try {
      return await action();
    } catch (error) {
      if (!provider.redirected || logins === 2) throw error;
      const redirected = provider.redirected;
      provider.redirected = undefined;
      await transport.finishAuth(version === "1" ? redirected.get("code") : redirected);
    }
  }
}

async function connect() {
  client = new Client({ name: "interop", version: "0" });
  transport = new Transport(new URL(url), { authProvider: provider });
  await client.connect(transport, { timeout: 30_000 });
}

async function whoami() {
  const answer = await client.callTool({ name: "whoami", arguments: {} });
  return answer.content[0].text;
}

try {
  await loggedIn(connect);
  result.whoami = await loggedIn(whoami);
  if (options.wait) {
    const session = transport.sessionId;
    const lines = createInterface({ input: process.stdin });
    console.log("waiting");
    await lines[Symbol.asyncIterator]().next();
    result.whoami_later = await loggedIn(whoami);
    result.same_session = session === transport.sessionId;
  }
  await client.close();
} catch (error) {
  result.error = String(error?.message ?? error);
}
result.refreshes -= result.logins.length;
console.log(JSON.stringify(result));
process.exit(0);
