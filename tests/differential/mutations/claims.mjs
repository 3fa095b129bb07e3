// Mutations of the claims.

import { AUDIENCE, ISSUER } from '../keys.mjs'
import { NOW } from '../token.mjs'
import { append, escaped, prepend, remove, rename, set, text } from './members.mjs'

const PLAIN = {
    iss: text(ISSUER), aud: text(AUDIENCE), sub: '"alice"', exp: `${NOW + 300}`, iat: `${NOW}`, nbf: `${NOW}`,
    client_id: '"cli"', azp: '"cli"', scope: '"tools:read"', scp: '["tools:read"]', jti: '"7f1c"',
    typ: '"Bearer"', token_use: '"access"', cnf: '{"jkt":"x"}', at_hash: '"x"', c_hash: '"x"', events: '{}',
    roles: '["admin"]', act: '{"sub":"bob"}',
}
const OTHER_VALUES = [
    'null', 'true', 'false', '0', '7', '-1', '1.5', '""', '" "', '"x"', '[]', '{}', '["x"]', '["x",7]', '[[]]', '[null]',
    '{"a":"b"}', '"\\u0000"', '"\\ud83d\\ude00"', '"\\ud800"', '"a\\nb"', text('ä€😀'), text('x'.repeat(300)),
]

export function claimMutations() {
    const all = []
    const add = (name, apply) => all.push({ name: `claim ${name}`, apply })
    for (const [name, right] of Object.entries(PLAIN)) {
        for (const value of OTHER_VALUES) add(`${name} = ${value.slice(0, 20)}`, set('payload', name, value))
        add(`${name} as it is`, set('payload', name, right))
        add(`${name} in an array`, set('payload', name, `[${right}]`))
        add(`${name} in an array with another`, set('payload', name, `["x",${right}]`))
        add(`${name} in an array with a number`, set('payload', name, `[${right},7]`))
        add(`${name} in an array twice`, set('payload', name, `[${right},${right}]`))
        add(`${name} in an array of arrays`, set('payload', name, `[[${right}]]`))
        add(`${name} in an object`, set('payload', name, `{"value":${right}}`))
        add(`${name} as a string`, set('payload', name, text(right)))
        add(`${name} missing`, remove('payload', name))
        add(`${name} twice`, (token) => { set('payload', name, right)(token); append('payload', text(name), right)(token) })
        add(`${name} after another value`, (token) => {
            set('payload', name, right)(token); prepend('payload', text(name), '"x"')(token)
        })
        add(`${name} before another value`, (token) => {
            set('payload', name, right)(token); append('payload', text(name), '"x"')(token)
        })
        add(`${name} escaped`, (token) => { set('payload', name, right)(token); rename('payload', name, escaped)(token) })
        add(`${name} escaped and twice`, (token) => {
            set('payload', name, right)(token); append('payload', escaped(text(name)), right)(token)
        })
        add(`${name} in capitals`, rename('payload', name, (n) => n.toUpperCase()))
        add(`${name} with NUL`, rename('payload', name, () => `"${name}\\u0000"`))
        add(`${name} with a space`, rename('payload', name, () => `"${name} "`))
        if (right.startsWith('"')) {
            const inner = right.slice(1, -1)
            add(`${name}, escaped value`, set('payload', name, escaped(right)))
            add(`${name} with /`, set('payload', name, `"${inner}/"`))
            add(`${name} with space after`, set('payload', name, `"${inner} "`))
            add(`${name} with space before`, set('payload', name, `" ${inner}"`))
            add(`${name}, value in capitals`, set('payload', name, right.toUpperCase()))
            add(`${name} with NUL after`, set('payload', name, `"${inner}\\u0000"`))
            add(`${name} with more`, set('payload', name, `"${inner}.example.net"`))
            add(`${name} cut`, set('payload', name, `"${inner.slice(0, -1)}"`))
        }
    }
    // Margins of 30 seconds, as the two clocks are read at different times. The leeway is 60 seconds.
    const times = [NOW - 1e9, NOW - 90, NOW - 30, NOW + 30, NOW + 90, NOW + 1e9].map(String).concat([
        `${NOW - 90}.5`, `${NOW + 30}.5`, `${(NOW + 30) / 1e9}e9`, `${NOW + 30}.0`, '-0', '1e10', '1E10', '1e300', '-1e300', '1e999', '-1e999',
        '9007199254740993', '9223372036854775807', '9223372036854775808', '18446744073709551615', '18446744073709551616',
        `${NOW * 1000}`, `-${NOW}`, '253402300799', '253402300800', '9'.repeat(400), `0${NOW}`, `+${NOW}`, `0x7fffffff`, 'NaN', 'Infinity',
        `${NOW}.`, '.5e10', '5e', `"${NOW + 300}"`,
    ])
    for (const name of ['exp', 'nbf', 'iat'])
        for (const time of times) add(`${name} = ${time.slice(0, 24)}`, set('payload', name, time))
    for (const value of ['"ID"', '"Refresh"', '"Offline"', '"Bearer"', '"DPoP"', '"id"', '"JWT"', '"at+jwt"']) add(`typ = ${value}`, set('payload', 'typ', value))
    for (const value of ['"id"', '"refresh"', '"access"', '"access_token"', '"ACCESS"']) add(`token_use = ${value}`, set('payload', 'token_use', value))
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', '']) {
        add(`named ${text(name)}`, append('payload', text(name), '{"sub":"root"}'))
        add(`named ${text(name)} twice`, (token) => { for (const value of ['1', '2']) append('payload', text(name), value)(token) })
    }
    add('nested duplicates', append('payload', '"nested"', '{"a":1,"a":2}'))
    add('200 members', (token) => { for (let n = 0; n < 200; n++) append('payload', text(`m${n}`), `${n}`)(token) })
    add('200 members, the last one twice', (token) => {
        for (let n = 0; n < 201; n++) append('payload', text(`m${Math.min(n, 199)}`), `${n}`)(token)
    })
    for (const depth of [20, 60, 130, 2000])
        add(`an array ${depth} deep`, append('payload', '"deep"', '['.repeat(depth) + ']'.repeat(depth)))
    add('an object 2000 deep', append('payload', '"deep"', '{"a":'.repeat(2000) + '1' + '}'.repeat(2000)))
    add('a string of 11 KiB', append('payload', '"long"', text('x'.repeat(8000))))
    add('a string of 30 KiB', append('payload', '"long"', text('x'.repeat(30_000))))
    return all
}
