// What mutations of the header and the payload do with members.

export const text = JSON.stringify

export const set = (part, name, value) => (token) => {
    const at = token[part].findIndex(([there]) => there === text(name))
    token[part].splice(at < 0 ? token[part].length : at, at < 0 ? 0 : 1, [text(name), value])
}
export const remove = (part, name) => (token) => {
    token[part] = token[part].filter(([there]) => there !== text(name))
}
export const prepend = (part, name, value) => (token) => token[part].unshift([name, value])
export const append = (part, name, value) => (token) => token[part].push([name, value])
export const rename = (part, name, change) => (token) => {
    for (const member of token[part]) if (member[0] === text(name)) member[0] = change(member[0])
}
/** The first letter of a JSON string as an escape: another text with the same meaning. */
export const escaped = (json) => json.replace(/[A-Za-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)
