// Makes the tokens, asks this crate, `jose` and `joserfc`, and explains every difference.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

import { isWrong, looser, stricter } from './differences.mjs'
import { factsOf } from './facts.mjs'
import { generate } from './generate.mjs'
import { verdict } from './jose_verdicts.mjs'
import { ALGORITHMS, AUDIENCE, ISSUER, jwks } from './keys.mjs'

const TOKENS = 3000
const [seed, work, verdicts, python, joserfc] = process.argv.slice(2)

const cases = generate(Number(seed), TOKENS)
const lines = (values) => values.map((value) => `${JSON.stringify(value)}\n`).join('')
const ask = (program, args, input) => {
    const output = execFileSync(program, args, { input, encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['pipe', 'pipe', 'inherit'] })
    const found = output.trim().split('\n').map((line) => JSON.parse(line))
    assert.equal(found.length, cases.length, `${program} answers for each token`)
    return found
}
const tokens = lines(cases.map(({ token }) => token))
// What HTTP makes of the field's value before a verifier sees the token (RFC 9110 §5.5 and §11.4).
const presented = cases.map(({ token }) => token.replace(/^ +/, '').replace(/[ \t]+$/, ''))
const keyFile = path.join(work, 'jwks.json')
fs.writeFileSync(keyFile, JSON.stringify(jwks))
const ours = ask(verdicts, [ISSUER, AUDIENCE, keyFile], tokens)
const config = { issuer: ISSUER, audience: AUDIENCE, algorithms: ALGORITHMS, jwks }
const others = {
    jose: await Promise.all(presented.map(verdict)),
    joserfc: ask(python, [joserfc], lines([config, ...presented])),
}

const accepts = (found) => 'subject' in found
const failures = []
const fail = (n, why, other) => failures.push({ case: cases[n].name, why, ours: ours[n], other, token: cases[n].token })
const explained = new Map()

for (const [n, ourVerdict] of ours.entries()) {
    if (!accepts(ourVerdict)) {
        if (![400, 401].includes(ourVerdict.status)) fail(n, 'a wrong token is 401, a malformed one 401 or 400')
        continue
    }
    // Even where the others agree.
    const facts = factsOf(presented[n])
    for (const [rule, reason] of stricter.filter(([, , applies]) => applies(facts))) fail(n, `accepted against ${rule}: ${reason}`)
}

for (const [name, theirs] of Object.entries(others)) {
    const agreed = { accepted: 0, refused: 0 }
    for (const [n, other] of theirs.entries()) {
        const facts = factsOf(presented[n])
        if (accepts(ours[n]) === accepts(other)) {
            agreed[accepts(other) ? 'accepted' : 'refused']++
            if (ours[n].subject !== other.subject) fail(n, `${name} reads another subject`, other)
            continue
        }
        if (accepts(ours[n]) && isWrong(other)) {
            fail(n, `${name} found that the signature or a claim is wrong`, other)
            continue
        }
        const table = accepts(ours[n]) ? looser : stricter
        const rules = table.filter(([, , applies]) => applies(facts))
        if (rules.length === 0) fail(n, `${name} differs, and no rule explains it`, other)
        // The first one counts, so that each has to be the only one of some token.
        for (const [rule, reason] of rules.slice(0, 1)) {
            const key = `${table === looser ? 'accepted' : 'refused'} here, ${rule}: ${reason}`
            const counts = explained.get(key) ?? {}
            counts[name] = (counts[name] ?? 0) + 1
            explained.set(key, counts)
        }
    }
    console.log(`${name}: ${agreed.accepted} tokens accepted by both, ${agreed.refused} refused by both`)
    assert.ok(agreed.accepted > 100 && agreed.refused > 500, 'the tokens are of both kinds')
}
for (const [why, counts] of explained)
    console.log(`${String(counts.jose ?? 0).padStart(5)} jose ${String(counts.joserfc ?? 0).padStart(5)} joserfc  ${why}`)
for (const [table, word] of [[stricter, 'refused'], [looser, 'accepted']])
    for (const [rule, reason] of table)
        if (!explained.has(`${word} here, ${rule}: ${reason}`)) failures.push({ why: `no difference is explained by ${rule}: ${reason}` })

for (const failure of failures.slice(0, Number(process.env.SHOWN ?? 10))) console.error(failure)
if (failures.length > 0) {
    console.error(`${failures.length} failures of ${cases.length} tokens; seed ${seed}`)
    process.exit(1)
}
console.log(`${cases.length} tokens; every difference has its reason`)
