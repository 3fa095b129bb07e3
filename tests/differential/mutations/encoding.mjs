// Mutations of the encoding and of the compact form.

import { then } from '../token.mjs'

/** Changes of the encoding, which the signature covers if they are in the first two parts. */
export function encodingMutations() {
    const all = []
    for (const part of ['encodedHeader', 'encodedPayload', 'encodedSignature'])
        for (const [name, change] of Object.entries({
            'padded': (b64) => b64 + '='.repeat(-b64.length & 3),
            'one =': (b64) => `${b64}=`,
            'three =': (b64) => `${b64}===`,
            'stray bits': strayBits,
            'alphabet of plain base64': (b64) => b64.replaceAll('-', '+').replaceAll('_', '/'),
            'a + inside': (b64) => `${b64.slice(0, 8)}+${b64.slice(9)}`,
            'a space inside': (b64) => `${b64.slice(0, 8)} ${b64.slice(8)}`,
            'a line break inside': (b64) => `${b64.slice(0, 8)}\r\n${b64.slice(8)}`,
            'a tab inside': (b64) => `${b64.slice(0, 8)}\t${b64.slice(8)}`,
            'a space before': (b64) => ` ${b64}`,
            'a space after': (b64) => `${b64} `,
            'a letter that is not ASCII': (b64) => `${b64.slice(0, 8)}ä${b64.slice(8)}`,
            'a full-width letter': (b64) => `${b64.slice(0, 8)}\uff21${b64.slice(9)}`,
            'a percent escape': (b64) => `${b64.slice(0, 8)}%${b64.charCodeAt(8).toString(16)}${b64.slice(9)}`,
            'NUL inside': (b64) => `${b64.slice(0, 8)}\0${b64.slice(8)}`,
            'a character less': (b64) => b64.slice(0, -1),
            'two characters less': (b64) => b64.slice(0, -2),
            'a character more': (b64) => `${b64}A`,
            'two characters more': (b64) => `${b64}AA`,
            'four characters more': (b64) => `${b64}AAAA`,
            'nothing': () => '',
            'a tilde': (b64) => `${b64}~`,
        })) all.push({ name: `${part} ${name}`, apply: (token) => then(token, part, change) })
    return all
}

/** Sets a bit of the last character that encodes nothing, if there is one. */
function strayBits(b64) {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    if (b64.length % 4 === 0 || b64 === '') return b64
    return b64.slice(0, -1) + alphabet[alphabet.indexOf(b64.at(-1)) | 1]
}

export function structureMutations() {
    const cut = (token, from, to) => token.split('.').slice(from, to).join('.')
    return Object.entries({
        'two parts': (token) => cut(token, 0, 2),
        'one part': (token) => cut(token, 0, 1),
        'without a header': (token) => cut(token, 1),
        'four parts': (token) => `${token}.AAAA`,
        'five parts': (token) => `${token}.AAAA.AAAA`,
        'an empty fourth part': (token) => `${token}.`,
        'an empty first part': (token) => `.${token}`,
        'two dots': (token) => token.replace('.', '..'),
        'commas for dots': (token) => token.replaceAll('.', ','),
        'empty signature': (token) => `${cut(token, 0, 2)}.`,
        'empty payload': (token) => token.replace(/\..*\./, '..'),
        'a space before': (token) => ` ${token}`,
        'a space after': (token) => `${token} `,
        'a tab before': (token) => `\t${token}`,
        'a tab after': (token) => `${token}\t`,
        'a line break after': (token) => `${token}\n`,
        'in quotes': (token) => `"${token}"`,
        'a comma after': (token) => `${token},`,
        'two tokens, with a comma': (token) => `${token}, Bearer ${token}`,
        'the scheme twice': (token) => `Bearer ${token}`,
        'a parameter after': (token) => `${token} x="y"`,
        'JSON serialization': (token) => {
            const [header, payload, signature] = token.split('.')
            return JSON.stringify({ protected: header, payload, signature })
        },
        'empty': () => '',
        'opaque': () => 'rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa',
        'dots alone': () => '..',
        'in capitals': (token) => token.toUpperCase(),
    }).map(([name, change]) => ({ name: `structure ${name}`, apply: (token) => then(token, 'whole', change) }))
}
