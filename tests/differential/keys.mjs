// The keys of the authorization server, and of an attacker. They are made anew at each run, by Node's crypto.

import crypto from 'node:crypto'

export const ISSUER = 'https://id.example.com'
export const AUDIENCE = 'https://mcp.example.com/mcp'
export const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA Ed25519'.split(' ')

const rsa = () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = (namedCurve) => crypto.generateKeyPairSync('ec', { namedCurve })
const ed25519 = () => crypto.generateKeyPairSync('ed25519')

// Published, by key ID. `rsa-any` has no `alg`: it serves every RSA algorithm.
const published = {
    'rsa-1': { ...rsa(), alg: 'RS256' },
    'rsa-2': { ...rsa(), alg: 'RS256' },
    'rsa-any': rsa(),
    'ec-1': { ...ec('P-256'), alg: 'ES256' },
    'ec-384': { ...ec('P-384'), alg: 'ES384' },
    'ed-1': { ...ed25519(), alg: 'EdDSA' },
}
// Not published.
const unpublished = { rsa: rsa(), ec: ec('P-256'), ed: ed25519() }

/** The key ID with which tokens of an algorithm are signed, unless a mutation says otherwise. */
export const KID = { RS256: 'rsa-1', ES256: 'ec-1', EdDSA: 'ed-1' }

export const keys = published

/** Returns the attacker's key of the same type as a published one. */
export const foreign = (kid) => unpublished[kid.split('-')[0]]

export const jwks = {
    keys: Object.entries(published).map(([kid, { publicKey, alg }]) => ({
        ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', ...(alg && { alg }),
    })),
}

/** Signs with an algorithm of RFC 7518 or RFC 8037. The key need not be one that may be used with it. */
export function sign(alg, privateKey, input) {
    const hash = `sha${alg.slice(2)}`
    switch (alg.slice(0, 2)) {
    case 'RS': return crypto.sign(hash, input, privateKey)
    case 'PS': {
        const padding = crypto.constants.RSA_PKCS1_PSS_PADDING
        return crypto.sign(hash, input, { key: privateKey, padding, saltLength: Number(alg.slice(2)) / 8 })
    }
    case 'ES': return crypto.sign(hash, input, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    default: return crypto.sign(null, input, privateKey)
    }
}

/** What an attacker has who takes a public key for a shared secret. */
export const publicKeyAsSecret = (kid) => {
    const { publicKey } = keys[kid]
    return [
        publicKey.export({ format: 'pem', type: 'spki' }),
        publicKey.export({ format: 'der', type: 'spki' }),
        JSON.stringify(jwks.keys.find((key) => key.kid === kid)),
    ]
}
export const hmac = (secret, input) => crypto.createHmac('sha256', secret).update(input).digest()
