// A token in the making: everything that a mutation may change.

import { AUDIENCE, ISSUER, KID, keys, sign } from './keys.mjs'

export const NOW = Math.floor(Date.now() / 1000)

/** Returns a valid token of this algorithm. Members are pairs of JSON text, so that names and values may be odd. */
export function valid(alg) {
    const text = JSON.stringify
    return {
        alg,
        kid: KID[alg],
        header: [['"alg"', text(alg)], ['"kid"', text(KID[alg])], ['"typ"', '"at+jwt"']],
        payload: [
            ['"iss"', text(ISSUER)],
            ['"aud"', text(AUDIENCE)],
            ['"sub"', '"alice"'],
            ['"exp"', text(NOW + 300)],
            ['"iat"', text(NOW)],
            ['"client_id"', '"cli"'],
            ['"scope"', '"tools:read"'],
            ['"jti"', '"7f1c"'],
        ],
        // Change the JSON text; the result is text or bytes.
        headerText: (text) => text,
        payloadText: (text) => text,
        // Change the encoded parts before they are signed.
        encodedHeader: (part) => part,
        encodedPayload: (part) => part,
        signature: (input, token) => sign(token.alg, keys[token.kid].privateKey, input),
        // Change the signature's bytes, its encoding, and the token as a whole.
        signed: (bytes) => bytes,
        encodedSignature: (part) => part,
        whole: (token) => token,
    }
}

/** Puts a change behind the one that is there. */
export const then = (token, hook, change) => {
    const before = token[hook]
    token[hook] = (...given) => change(before(...given))
}

const object = (members) => `{${members.map(([name, value]) => `${name}:${value}`).join(',')}}`
const encode = (data) => Buffer.from(data).toString('base64url')

/** Serializes and signs it. */
export function compact(token) {
    const header = token.encodedHeader(encode(token.headerText(object(token.header))))
    const payload = token.encodedPayload(encode(token.payloadText(object(token.payload))))
    const input = `${header}.${payload}`
    const signature = token.signed(token.signature(Buffer.from(input), token))
    return token.whole(`${input}.${token.encodedSignature(encode(signature))}`)
}
