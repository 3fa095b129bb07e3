// Mutations of the header.

import { foreign, hmac, publicKeyAsSecret, sign } from '../keys.mjs'
import { append, escaped, prepend, remove, rename, set, text } from './members.mjs'

export function headerMutations() {
    const all = []
    const add = (name, apply) => all.push({ name: `header ${name}`, apply })
    const others = [
        'null', 'true', '7', '""', '"x"', '[]', '{}', '"\\u0000"', '"none"', '"None"', '"nOnE"', '"HS256"', '"rs256"', '"RS256 "', '"RS384"', '"RS512"',
        '"PS256"', '"ES256"', '"ES256K"', '"ES384"', '"ES512"', '"EdDSA"', '"eddsa"', '"Ed25519"', '"Ed448"', '"RS256"', '["RS256"]', '"RSA-OAEP"', '"dir"', '"ML-DSA-44"',
    ]
    for (const value of others) add(`alg = ${value}`, set('header', 'alg', value))
    add('alg missing', remove('header', 'alg'))
    const signedWith = (alg, kid) => (token) => {
        Object.assign(token, { alg, kid })
        set('header', 'alg', text(alg))(token)
        set('header', 'kid', text(kid))(token)
    }
    for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])
        for (const kid of ['rsa-1', 'rsa-any']) add(`${alg} with ${kid}`, signedWith(alg, kid))
    add('ES384', signedWith('ES384', 'ec-384'))
    add('ES384 over P-256', signedWith('ES384', 'ec-1'))
    add('ES256 over P-384', signedWith('ES256', 'ec-384'))
    add('Ed25519', signedWith('Ed25519', 'ed-1'))
    for (const [n, name] of ['PEM', 'DER', 'JWK'].entries())
        add(`HS256 with the public key as ${name}`, (token) => {
            set('header', 'alg', '"HS256"')(token)
            const secret = publicKeyAsSecret(token.kid)[n]
            token.signature = (input) => hmac(secret, input)
        })
    const kids = [
        'null', '7', '[]', '{}', '""', '"unknown"', '"rsa-1"', '"rsa-2"', '"rsa-any"', '"ec-1"', '"ec-384"', '"ed-1"', '["rsa-1"]', '"RSA-1"', '"rsa-1 "',
        '"../../x"', '"rsa\\n1"', '"rsa-1\\u0000"', text('k'.repeat(2000)), '"\\ud800"', '"toString"', '"__proto__"',
    ]
    for (const kid of kids) add(`kid = ${kid.slice(0, 20)}`, set('header', 'kid', kid))
    add('kid missing', remove('header', 'kid'))
    add('kid of another key of the same type', (token) => {
        for (const [kid, other] of [['rsa-1', 'rsa-2'], ['ec-1', 'ec-384'], ['ed-1', 'ed-1']])
            if (token.kid === kid) set('header', 'kid', text(other))(token)
    })
    const types = [
        '"JWT"', '"jwt"', '"at+jwt"', '"AT+JWT"', '"application/at+jwt"', '"Application/AT+JWT"', '"application/jwt"', '"at+jwt "', '"dpop+jwt"',
        '"oauth-id-jag+jwt"', '"logout+jwt"', '"secevent+jwt"', '"JOSE"', '""', 'null', '7', '["JWT"]', '"at\\u002bjwt"',
    ]
    for (const typ of types) add(`typ = ${typ}`, set('header', 'typ', typ))
    add('typ missing', remove('header', 'typ'))
    for (const crit of ['[]', '["exp"]', '["b64"]', '["alg"]', '["x"]', '"b64"', 'null', '[7]', '{}', '[""]']) {
        add(`crit = ${crit}`, set('header', 'crit', crit))
        for (const b64 of ['true', 'false'])
            add(`crit = ${crit}, b64 = ${b64}`, (token) => {
                set('header', 'crit', crit)(token); set('header', 'b64', b64)(token)
            })
    }
    add('b64 = false, payload not encoded', (token) => {
        set('header', 'b64', 'false')(token); set('header', 'crit', '["b64"]')(token)
        token.encodedPayload = (part) => Buffer.from(part, 'base64url').toString()
    })
    for (const [name, value] of [
        ['b64', 'true'], ['b64', 'false'], ['b64', 'null'], ['zip', '"DEF"'], ['enc', '"A128GCM"'], ['cty', '"JWT"'], ['cty', '7'], ['x', '7'],
        ['jku', '"http://127.0.0.1:1/"'], ['x5u', '"http://127.0.0.1:1/"'], ['x5c', '["a"]'], ['x5t', '7'], ['nonce', '"n"'], ['iss', '"x"'],
        ['__proto__', '{"alg":"none"}'], ['constructor', '7'],
    ]) add(`${name} = ${value}`, set('header', name, value))
    add('jwk of the attacker, who signs', (token) => {
        const attacker = foreign(token.kid)
        set('header', 'jwk', text(attacker.publicKey.export({ format: 'jwk' })))(token)
        token.signature = (input) => sign(token.alg, attacker.privateKey, input)
    })
    for (const name of ['alg', 'kid', 'typ']) {
        add(`${name} twice`, (token) => token.header.push([...token.header.find(([there]) => there === text(name)) ?? [text(name), '"x"']]))
        add(`${name} after another value`, prepend('header', text(name), '"x"'))
        add(`${name} before another value`, append('header', text(name), '"x"'))
        add(`${name} escaped`, rename('header', name, escaped))
        add(`${name} escaped and twice`, (token) => append('header', escaped(text(name)), '"x"')(token))
        add(`${name} in capitals`, rename('header', name, (n) => n.toUpperCase()))
    }
    return all
}
