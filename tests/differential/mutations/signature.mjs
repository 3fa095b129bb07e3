// Mutations of the signature.

import { foreign, keys, sign } from '../keys.mjs'
import { then } from '../token.mjs'

// The orders of the groups, to make other numbers of the same residue.
const P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const ED25519 = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn
const number = (bytes) => BigInt(`0x${bytes.toString('hex') || '0'}`)
const encoded = (value, length) => Buffer.from(value.toString(16).padStart(2 * length, '0').slice(-2 * length), 'hex')

export function signatureMutations() {
    const half = (bytes, n) => bytes.subarray(n * 32, n * 32 + 32)
    const changes = Object.entries({
        'cut': (bytes) => bytes.subarray(0, -1),
        'with a zero after': (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]),
        'with a zero before': (bytes) => Buffer.concat([Buffer.alloc(1), bytes]),
        'doubled': (bytes) => Buffer.concat([bytes, bytes]),
        'empty': () => Buffer.alloc(0),
        'zeros': (bytes) => Buffer.alloc(bytes.length),
        'ones': (bytes) => Buffer.alloc(bytes.length, 0xff),
        'reversed': (bytes) => Buffer.from(bytes).reverse(),
        'halves swapped': (bytes) => Buffer.concat([bytes.subarray(bytes.length / 2), bytes.subarray(0, bytes.length / 2)]),
        'r = 0': (bytes) => Buffer.concat([Buffer.alloc(32), bytes.subarray(32)]),
        's = 0': (bytes) => Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32)]),
        'n - s': (bytes) => Buffer.concat([bytes.subarray(0, 32), encoded((P256 - number(half(bytes, 1)) % P256), 32)]),
        'r = n': (bytes) => Buffer.concat([encoded(P256, 32), bytes.subarray(32)]),
        's + L': (bytes) => {
            const s = number(Buffer.from(half(bytes, 1)).reverse()) + ED25519
            return Buffer.concat([bytes.subarray(0, 32), encoded(s, 32).reverse()])
        },
    }).map(([name, change]) => ({ name: `signature ${name}`, apply: (token) => then(token, 'signed', change) }))
    const add = (name, signature) => changes.push({ name: `signature ${name}`, apply: (token) => { token.signature = signature } })
    add('of a foreign key', (input, token) => sign(token.alg, foreign(token.kid).privateKey, input))
    add('of other content', (input, token) => sign(token.alg, keys[token.kid].privateKey, Buffer.concat([input, input])))
    add('of the payload alone', (input, token) =>
        sign(token.alg, keys[token.kid].privateKey, Buffer.from(input.toString().split('.').slice(1).join('.'))))
    add('of another algorithm', (input, token) =>
        sign({ RS256: 'PS256', ES256: 'ES384', EdDSA: 'EdDSA' }[token.alg] ?? 'RS256', keys[token.kid].privateKey, input))
    add('in DER', (input, token) => {
        const signature = sign(token.alg, keys[token.kid].privateKey, input)
        if (token.alg !== 'ES256') return Buffer.concat([Buffer.from([0x30, signature.length & 0x7f]), signature])
        const integers = [0, 1].map((n) => Buffer.concat([Buffer.from([2, 33, 0]), half(signature, n)]))
        return Buffer.concat([Buffer.from([0x30, 70]), ...integers])
    })
    return changes
}
