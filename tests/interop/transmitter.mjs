// A transmitter of security events (Shared Signals Framework 1.0, RFC 8935), made with `jose`: its metadata, and
// pushes of what it is told to. It is part of authorization_server.mjs, and signs with its key.
//
// POST /admin/push {endpoint, secret, claims, header, type} sends a SET that says that alice's sessions were revoked,
// but for these claims, members of the header, and Content-Type. Returns {status, body, cache} of the receiver.

import { randomUUID } from "node:crypto";
import { SignJWT, importJWK } from "jose";

const REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

function send(response, object) {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(object));
}

/** The metadata of the transmitter (section 7.1). */
export function metadata(issuer, response) {
  const delivery_methods_supported = ["urn:ietf:rfc:8935"];
  send(response, { spec_version: "1_0", issuer, jwks_uri: `${issuer}/jwks`, delivery_methods_supported });
}

/** Signs a SET, pushes it, and responds with what the receiver says. */
export async function push(issuer, jwk, request, response) {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { endpoint, secret, claims = {}, header = {}, type = "application/secevent+jwt" } = JSON.parse(body);
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: issuer,
    jti: randomUUID(),
    iat: now,
    sub_id: { format: "iss_sub", iss: issuer, sub: "alice" },
    events: { [REVOKED]: { event_timestamp: now, initiating_entity: "admin" } },
    ...claims,
  };
  const set = await new SignJWT(payload)
    .setProtectedHeader({ alg: jwk.alg, kid: jwk.kid, typ: "secevent+jwt", ...header })
    .sign(await importJWK(jwk));
  const authorization = secret ? { authorization: `Bearer ${secret}` } : {};
  const headers = { "content-type": type, accept: "application/json", ...authorization };
  const received = await fetch(endpoint, { method: "POST", headers, body: set });
  const cache = received.headers.get("cache-control");
  send(response, { status: received.status, body: await received.text(), cache });
}
