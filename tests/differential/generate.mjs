// The tokens: valid ones, one mutation at a time, and combinations of two or three up to the wanted number.

import { KID } from './keys.mjs'
import { general, particular } from './mutations/index.mjs'
import { compact, valid } from './token.mjs'

const ALGORITHMS = Object.keys(KID)

/** A generator of numbers below a limit (mulberry32). */
function numbers(seed) {
    return (limit) => {
        seed = (seed + 0x6d2b79f5) | 0
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
        return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
    }
}

/** Returns pairs of what was done to a token, and the token. */
export function generate(seed, count) {
    const random = numbers(seed)
    const made = (alg, mutations) => {
        const token = valid(alg)
        for (const { apply } of mutations) apply(token, random)
        return { name: [alg, ...mutations.map(({ name }) => name)].join('; '), token: compact(token) }
    }
    const cases = ALGORITHMS.map((alg) => made(alg, []))
    for (const [n, mutation] of general.entries()) cases.push(made(ALGORITHMS[n % 3], [mutation]))
    for (const mutation of particular)
        for (const alg of ALGORITHMS)
            for (let n = 0; n < (mutation.times ?? 1); n++) cases.push(made(alg, [mutation]))
    const all = [...general, ...particular]
    const any = () => all[random(all.length)]
    for (let n = 0; cases.length < count; n++)
        cases.push(made(ALGORITHMS[n % 3], Array.from({ length: 2 + random(2) }, any)))
    return cases
}
