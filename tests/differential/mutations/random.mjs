// Mutations at a random place.

import { then } from '../token.mjs'

/** Changes at a random place: of the JSON text before it is signed, and of the token afterwards. */
export function randomMutations() {
    const byte = (random, data) => {
        const bytes = Buffer.from(data)
        const at = random(bytes.length)
        switch (random(4)) {
        case 0: bytes[at] ^= 1 << random(8); return bytes
        case 1: bytes[at] = random(256); return bytes
        case 2: return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
        default: return Buffer.concat([bytes.subarray(0, at), Buffer.from([random(256)]), bytes.subarray(at)])
        }
    }
    const random = (hook, name, change) => ({
        name: `random ${name}`, apply: (token, numbers) => then(token, hook, (given) => change(numbers, given)), times: 40,
    })
    const character = (numbers, token) => {
        const at = numbers(token.length)
        return token.slice(0, at) + 'ABCXYZabcxyz0189-_.+/= '[numbers(23)] + token.slice(at + 1)
    }
    return [
        random('headerText', 'byte of the header', byte),
        random('payloadText', 'byte of the payload', byte),
        random('signed', 'byte of the signature', byte),
        random('whole', 'character of the token', character),
    ]
}
