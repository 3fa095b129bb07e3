// The differences that may be, each with its reason. A difference that none of these explains is a failure, and so
// is one of these that explains nothing.

import { hasDuplicates, isCanonical } from './facts.mjs'

const TYPES = ['jwt', 'at+jwt']
const has = (object, ...names) => names.some((name) => Object.hasOwn(object, name))
const isString = (value) => typeof value === 'string'
const isStrings = (value) => Array.isArray(value) && value.every(isString)
const isScopes = (value) =>
    (isString(value) ? value.split(' ') : value).every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]*$/.test(scope))
/** Whether a member is there and none of these strings. */
const isOther = (value, name, own, spelling) =>
    has(value, name) && !(isString(value[name]) && own.includes(spelling(value[name])))
const controls = /[\u0000-\u001f\u007f-\u009f]/
const singleSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
const latest = 253402300799 // the end of the year 9999

/** Calls this with every value of a JSON document, whatever its depth. */
const some = (value, is) =>
    is(value) || (typeof value === 'object' && value !== null && Object.entries(value).some(([n, v]) => is(n) || some(v, is)))

/** How deep arrays and objects are nested. */
const depth = (text) => {
    let [now, greatest] = [0, 0]
    for (const [bracket] of text.replace(/"(?:[^"\\]|\\.)*"/gs, '').matchAll(/[[\]{}]/g)) {
        now += '[{'.includes(bracket) ? 1 : -1
        greatest = Math.max(greatest, now)
    }
    return greatest
}

/** Where this crate refuses a token that another one accepts: whenever one of these applies. */
export const stricter = [
    ['§2.1', 'a token has at most 16 KiB', ({ token }) => token.length > 16 * 1024],
    ['§2.1', 'base64url has no padding, no white space, no stray bits and no other alphabet', ({ parts }) => !parts.every(isCanonical)],
    ['§2.2', 'the header is one JSON object in UTF-8, and nothing else', ({ header }) => !header.isObject],
    ['§2.15', 'the payload is one JSON object in UTF-8, and nothing else', ({ payload }) => !payload.isObject],
    ['§2.2', 'duplicate members of the header', ({ header }) => hasDuplicates(header.names)],
    ['§2.2', '`crit`, `b64`, `zip` and `enc` are not understood, and so refused', ({ header }) => has(header.value, 'crit', 'b64', 'zip', 'enc')],
    ['§2.5', '`typ` is absent, `JWT` or `at+jwt`', ({ header: { value } }) => isOther(value, 'typ', [...TYPES, 'application/at+jwt'], (typ) => typ.toLowerCase())],
    ['§2.6', 'ID, refresh and logout tokens are no access tokens', ({ payload: { value } }) =>
        isOther(value, 'typ', [...TYPES, 'bearer', 'dpop'], (typ) => typ.toLowerCase())
        || isOther(value, 'token_use', ['access', 'access_token'], (used) => used)
        || has(value, 'at_hash', 'c_hash', 'events')],
    ['§2.11', '`aud` is a string, or an array of strings alone', ({ payload: { value } }) => !isString(value.aud) && !isStrings(value.aud)],
    ['§2.12', '`exp` is a time that can be', ({ payload: { value } }) => !(value.exp >= 0 && value.exp <= latest)],
    ['§2.13', '`iat` is no time in the future, and `nbf` a time that can be', ({ payload: { value } }) =>
        ['iat', 'nbf'].some((name) => has(value, name) && !(value[name] >= 0 && value[name] <= Date.now() / 1000 + 30))],
    ['§2.14', '`sub` is a string of 1 to 255 bytes without control characters', ({ payload: { value: { sub } } }) =>
        !isString(sub) || sub === '' || Buffer.byteLength(sub) > 255 || controls.test(sub)],
    ['§2.15', 'duplicate members of the payload', ({ payload }) => hasDuplicates(payload.names)],
    ['§2.15', 'an escape is of a whole character', ({ header, payload }) => [header, payload].some(({ value }) => some(value, (v) => isString(v) && singleSurrogate.test(v)))],
    ['§2.15', 'a number is one that a double can be', ({ header, payload }) =>
        [header, payload].some(({ value }) => some(value, (v) => typeof v === 'number' && !Number.isFinite(v)))],
    ['§2.15', 'JSON is nested less than 128 deep', ({ header, payload }) => [header, payload].some(({ text }) => depth(text ?? '') > 127)],
    ['§2.16', '`scope` or else `scp` is a string of scopes (RFC 6749 §3.3), or an array of them', ({ payload: { value } }) =>
        ['scope', 'scp'].some((name) => has(value, name) && !isString(value[name]) && !isStrings(value[name]))
        || !isScopes(value.scope ?? value.scp ?? '')],
    ['§2.17', '`cnf` binds the token to a key that is not verified', ({ payload: { value } }) => has(value, 'cnf')],
    ['§2.18', 'the client is named by a string', ({ payload: { value } }) => ['client_id', 'azp', 'cid', 'appid'].some((name) => has(value, name) && !isString(value[name]))],
    ['RFC 7519 §4.1.7', '`jti` is a string', ({ payload: { value } }) => has(value, 'jti') && !isString(value.jti)],
]

/** Where this crate accepts a token that the other one refuses, for a reason that is neither signature nor claim. */
export const looser = [
    ['RFC 9864', '`Ed25519` is `EdDSA` with that curve, whatever the `alg` of the key says', ({ header }) => header.value.alg === 'Ed25519'],
    ['RFC 7515 §4', 'header parameters that are not understood are ignored', ({ header: { value } }) => has(value, 'x5c', 'x5t', 'cty', 'jku', 'x5u', 'jwk')],
]

/** What no difference may be: the other one found the signature or a claim wrong. */
export const isWrong = ({ code }) =>
    ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'ERR_JWT_EXPIRED', 'ERR_JWT_CLAIM_VALIDATION_FAILED'].includes(code)
    || ['bad_signature', 'expired_token', 'invalid_claim', 'missing_claim'].includes(code)
