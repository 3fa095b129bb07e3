// What a token is made of, read leniently, so that differences of verdicts can be explained.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns the parts of a token; the first two with their `text`, `value` and the `names` of their members. */
export function factsOf(token) {
    const parts = token.split('.')
    return { token, parts, header: json(parts[0]), payload: json(parts[1] ?? '') }
}

/** Whether a part is base64url as RFC 7515 has it: without padding, white space and stray bits. */
export const isCanonical = (part) => Buffer.from(part, 'base64url').toString('base64url') === part

function json(part) {
    try {
        const text = utf8.decode(Buffer.from(part, 'base64url'))
        const value = JSON.parse(text)
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
        return { text, value: isObject ? value : {}, names: isObject ? names(text) : [], isObject }
    } catch {
        return { value: {}, names: [], isObject: false }
    }
}

/** The names of the members of an object, which is valid JSON, in order and with duplicates. */
function names(text) {
    const found = []
    let depth = 0
    for (const [token, string, after] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/gs)) {
        if (string && after && depth === 1) found.push(JSON.parse(string))
        if (token === '{' || token === '[') depth++
        if (token === '}' || token === ']') depth--
    }
    return found
}

export const hasDuplicates = (names) => new Set(names).size < names.length
