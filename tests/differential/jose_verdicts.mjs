// The verdicts of npm `jose`, with this crate's configuration as near as its options allow.

import { createLocalJWKSet, jwtVerify } from 'jose'

import { ALGORITHMS, AUDIENCE, ISSUER, jwks } from './keys.mjs'

const options = {
    issuer: ISSUER, audience: AUDIENCE, algorithms: ALGORITHMS, clockTolerance: 60, requiredClaims: ['exp', 'sub'],
}

/** Returns `{subject}`, or `{code, claim}` of the refusal. */
export async function verdict(token) {
    try {
        return { subject: (await verify(token)).payload.sub }
    } catch (error) {
        // An error without a code comes from the runtime, such as of an invalid key or an atob() of Node.
        return { code: error.code ?? error.name, claim: error.claim, message: error.message }
    }
}

const keys = createLocalJWKSet(jwks)

/** Several keys fit if a token names none: each of them is tried, as the documentation of jose has it. */
async function verify(token) {
    try {
        return await jwtVerify(token, keys, options)
    } catch (error) {
        if (error.code !== 'ERR_JWKS_MULTIPLE_MATCHING_KEYS') throw error
        let last = error
        for await (const key of error) {
            try {
                return await jwtVerify(token, key, options)
            } catch (refusal) {
                if (refusal.code !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') throw refusal
                last = refusal
            }
        }
        throw last
    }
}
