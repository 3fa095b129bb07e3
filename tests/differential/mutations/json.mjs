// Mutations of a JSON text as a whole.

import { then } from '../token.mjs'
import { text } from './members.mjs'

/** Changes of a JSON text as a whole, for the header and the payload. */
export function jsonMutations(hook) {
    const bytes = (json, ...more) => Buffer.concat([Buffer.from(json), ...more.map((one) => Buffer.from(one))])
    const into = (json, data) => bytes(json.slice(0, -1), ',"x":"', data, '"}')
    return Object.entries({
        'spaces around': (json) => ` \t\r\n${json} \n`,
        'spaces inside': (json) => json.replaceAll(':"', ' : "').replaceAll(',"', ' , "'),
        'form feed before': (json) => `\f${json}`,
        'no-break space before': (json) => `\u00a0${json}`,
        'byte order mark': (json) => `\ufeff${json}`,
        'byte order mark after': (json) => `${json}\ufeff`,
        'NUL after': (json) => `${json}\0`,
        'NUL before': (json) => `\0${json}`,
        'brace after': (json) => `${json}}`,
        'object after': (json) => `${json}${json}`,
        'letter after': (json) => `${json}x`,
        'comma at the end': (json) => `${json.slice(0, -1)},}`,
        'comma twice': (json) => json.replace(',', ',,'),
        'comment': (json) => `/**/${json}`,
        'single quotes': (json) => json.replaceAll('"', "'"),
        'names without quotes': (json) => json.replace(/"(\w+)":/g, '$1:'),
        'cut': (json) => json.slice(0, -1),
        'nothing': () => '',
        'empty object': () => '{}',
        'null': () => 'null',
        'a number': () => '7',
        'a string': (json) => text(json),
        'in an array': (json) => `[${json}]`,
        'twice encoded': (json) => Buffer.from(json).toString('base64url'),
        'UTF-16': (json) => Buffer.from(json, 'utf16le'),
        'invalid UTF-8': (json) => into(json, [0xff]),
        'UTF-8 that is cut': (json) => into(json, [0xe2, 0x82]),
        'overlong UTF-8': (json) => into(json, [0xc0, 0xaf]),
        'surrogate in UTF-8': (json) => into(json, [0xed, 0xa0, 0x80]),
        'raw control character': (json) => into(json, [0x01]),
        'raw line break in a string': (json) => into(json, [0x0a]),
        'raw DEL': (json) => into(json, [0x7f]),
        'unknown escape': (json) => into(json, '\\x41'),
        'short escape': (json) => into(json, '\\u41'),
        'single surrogate': (json) => into(json, '\\ud800'),
        'surrogates swapped': (json) => into(json, '\\udc00\\ud800'),
        'surrogate pair': (json) => into(json, '\\ud83d\\ude00'),
        'huge number': (json) => json.replace('}', ',"x":1e999}'),
        'long number': (json) => json.replace('}', `,"x":${'1'.repeat(1000)}}`),
        'minus zero': (json) => json.replace('}', ',"x":-0}'),
        'leading zero': (json) => json.replace('}', ',"x":01}'),
        'NaN': (json) => json.replace('}', ',"x":NaN}'),
        'True': (json) => json.replace('}', ',"x":True}'),
    }).map(([name, change]) => ({ name: `${hook} ${name}`, apply: (token) => then(token, hook, (json) => change(String(json))) }))
}
