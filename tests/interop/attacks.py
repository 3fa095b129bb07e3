"""Requests for what the policy refuses, in the shapes that some parser or server takes for something else, and the
shapes that a call of `search` may have. The policy of `check_policy.py`: `ci` may call `search`, get `review`, and
read `docs://*`.

Every request has a tag of its own, which the servers note beside what they run.
"""

import gzip
import json
import zlib

from raw import Request

CALL = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"evil","arguments":{"tag":"TAG"}META}}'
SEARCH = CALL.replace("evil", "search")
NAME, PARAMS = '"name":"evil"', '"params":{"name":"evil","arguments":{"tag":"TAG"}META}'
METHOD = '"method":"tools/call"'
GOOD_PARAMS = PARAMS.replace("evil", "search")
GET_SECRET = CALL.replace("tools/call", "prompts/get").replace("evil", "secret")
GET_REVIEW = GET_SECRET.replace("secret", "review")
COMPLETE = (
    '{"jsonrpc":"2.0","id":7,"method":"completion/complete","params":'
    '{"ref":{"type":"ref/prompt","name":"secret"},"argument":{"name":"tag","value":"TAG"}META}}'
)
PROMPT, TEMPLATE = '"type":"ref/prompt","name":"secret"', '"type":"ref/resource","uri":"file:///etc/{name}"'
READ = '{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":"URI"META}}'


def content_type(*values):
    return tuple(("Content-Type", value) for value in values)


def extra(text, value):
    """`text` with another argument."""
    return text.replace('"tag":"TAG"', f'"tag":"TAG","extra":{value}')


def charset(value):
    return content_type(f"application/json; charset={value}")


def members(text, member, *decoys):
    """`text` with decoys before its member, and with decoys after it."""
    for decoy in decoys:
        yield f"{decoy} before", text.replace(member, f"{decoy},{member}")
        yield f"{decoy} after", text.replace(member, f"{member},{decoy}")


def attacks():
    """Every attack, with the status that the layer must answer: 200 with an error, which is 202 with an event over
    HTTP+SSE. None stands for any refusal."""

    def one(name, text, *headers, answer=400, encoding="utf-8", **more):
        body = text.encode(encoding, "surrogatepass") if isinstance(text, str) else text
        return Request(name, body, headers, answer=answer, **more)

    for group, requests in {
        "plain": [one("plain", CALL, answer=200)],
        "other names": named(one),
        "members twice": (one(name, text) for name, text in duplicates()),
        "other spellings": (one(name, text) for name, text in spellings()),
        "not UTF-8": charsets(one),
        "not quite JSON": json_dialects(one),
        "no clear message": shapes(one),
        "batches": batches(one),
        "media types, encodings": content_headers(one),
        "other verbs": methods(one),
        "mirrored headers": mirrored_headers(one),
        "framing": framing(one),
        "paths": paths(one),
        "URIs, other methods": uris(one),
    }.items():
        for request in requests:
            request.group = group
            yield request


def named(one):
    """Names that are read in one way, and that no rule allows."""
    for name in ["evil ", " evil", "EVIL", "Evil", "evil\\u0000", "\\u0435vil", "evil\\u200b", "e\\u0301vil",
                 "\\uff45vil", "evil/", "/evil", "search/../evil", "search\\u0000evil", "search evil",
                 "search,evil", "search\\nevil", "searchevil", "evil search", "search*", "", "sear\\u0441h"]:
        answer = 400 if "u0000" in name else 200
        yield one(f"name {name!r}", CALL.replace("evil", name), answer=answer)
    yield one("escaped letters in the name", CALL.replace("evil", "\\u0065\\u0076il"), answer=200)
    yield one("escaped solidus in the method", CALL.replace("tools/call", "tools\\/call"), answer=200)
    yield one("escaped key", CALL.replace('"name"', '"\\u006eame"'), answer=200)
    yield one("escaped keys", CALL.replace('"method"', '"\\u006dethod"').replace('"params"', '"p\\u0061rams"'),
              answer=200)
    for method in ["Tools/Call", "TOOLS/CALL", "tools/call ", " tools/call", "tools/call\\u0000", "tools//call",
                   "tools/call/", "tools.call", "tools/invoke", "\\uff54ools/call", "tool\\u017f/call", ""]:
        answer = 400 if "u0000" in method else 200
        yield one(f"method {method!r}", CALL.replace("tools/call", method), answer=answer)
    yield one("prompts/get", GET_SECRET, answer=200)
    yield one("completion of a prompt", COMPLETE, answer=200)
    yield one("completion of a template", COMPLETE.replace(PROMPT, TEMPLATE).replace('"name":"tag"', '"name":"name"'),
              answer=200)
    yield one("id is a string", CALL.replace('"id":7', '"id":"seven"'), answer=200)
    yield one("id is null", CALL.replace('"id":7', '"id":null'), answer=None)
    yield one("id is a fraction", CALL.replace('"id":7', '"id":7.5'), answer=None)
    yield one("id is an object", CALL.replace('"id":7', '"id":{"id":7}'), answer=None)
    yield one("id of 100 KB", CALL.replace('"id":7', f'"id":"{"x" * 100_000}"'), answer=None)
    yield one("no id", CALL.replace('"id":7,', ""), answer=403)
    yield one("no jsonrpc", CALL.replace('"jsonrpc":"2.0",', ""), answer=None)
    yield one("jsonrpc 1.0", CALL.replace('"2.0"', '"1.0"'), answer=None)
    yield one("100,000 levels in the arguments", extra(CALL, "[" * 100_000 + "]" * 100_000), answer=200)
    yield one("a member that says otherwise in _meta", CALL.replace(NAME, f'{NAME},"meta":{{"name":"search"}}'),
              answer=200)


def duplicates():
    """Members that are there twice."""
    search = NAME.replace("evil", "search")
    yield from members(CALL, METHOD, '"method":"ping"', '"method":"tools/list"', '"method":"notifications/initialized"')
    yield from members(CALL, PARAMS, GOOD_PARAMS, '"params":{}', '"params":null')
    yield from members(CALL, NAME, search, '"name":null', '"n\\u0061me":"search"')
    yield from members(CALL, '"id":7', '"id":8')
    yield from members(COMPLETE, '"name":"secret"', '"name":"review"')
    yield from members(COMPLETE, '"type":"ref/prompt"', '"type":"ref/resource","uri":"docs://{name}"')
    yield from members(COMPLETE, '"ref":{%s}' % PROMPT, '"ref":{"type":"ref/prompt","name":"review"}')
    yield from members(READ.replace("URI", "file:///etc/TAG"), '"uri":"file:///etc/TAG"', '"uri":"docs://a"')
    yield from members(GET_SECRET, '"name":"secret"', '"name":"review"')


def spellings():
    """Members that some parsers take for another one."""
    search = NAME.replace("evil", "search")
    for key in ["Name", "NAME", "nAme", "na_me", "n-a-m-e", "name ", " name", "_name"]:
        yield from members(SEARCH, search, f'"{key}":"evil"')
    for key in ["Method", "METHOD", "met_hod"]:
        yield from members(CALL.replace("tools/call", "ping"), '"method":"ping"', f'"{key}":"tools/call"')
    for key in ["Params", "param\\u017f", "paramſ", "PARAMS", "par_ams"]:
        yield from members(SEARCH, GOOD_PARAMS, PARAMS.replace("params", key))
    read = READ.replace("URI", "docs://a")
    yield from members(read, '"uri":"docs://a"', '"Uri":"file:///etc/TAG"', '"URI":"file:///etc/TAG"')
    review = COMPLETE.replace("secret", "review")
    yield from members(review, '"name":"review"', '"Name":"secret"')
    yield from members(review, '"ref":{"type":"ref/prompt","name":"review"}', '"Ref":{%s}' % PROMPT)
    task = '{"jsonrpc":"2.0","id":7,"method":"tasks/get","params":{"taskId":"a"META}}'
    yield from members(task, '"taskId":"a"', '"task_id":"TAG"', '"tas\u212aId":"TAG"', '"TaskID":"TAG"')
    for key in ["Result", "re_sult", "ERROR"]:
        yield from members(CALL, METHOD, f'"{key}":{{}}')


def charsets(one):
    """Bytes that are not UTF-8, or are said not to be."""
    smuggled = SEARCH.replace('"name":"search"', '"name":"search","na+AG0-e":"evil"')
    for name in ["utf-7", "UTF-7", '"utf-7"', "utf-8; charset=utf-7", "utf-7; charset=utf-8"]:
        yield one(f"UTF-7 under charset={name}", smuggled, *charset(name), answer=415)
    for name in ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]:
        yield one(f"{name} without charset", CALL, encoding=name)
        label = name.replace("-le", "le").replace("-be", "be")
        yield one(f"{name} under charset={label}", CALL, *charset(label), encoding=name, answer=415)
        yield one(f"{name} under charset=utf-8", CALL, *charset("utf-8"), encoding=name)
    for name, codec in [("iso-8859-1", "latin-1"), ("shift_jis", "shift_jis"), ("ibm037", "cp037"), ("hz", "hz")]:
        yield one(f"{codec} under charset={name}", CALL, *charset(name), encoding=codec, answer=415)
    yield one("byte order mark", "\ufeff" + CALL)
    for name, bad in [("\\xff", b"\xff"), ("\\xed\\xa0\\x80, a surrogate", b"\xed\xa0\x80"), ("\\xc0\\x80", b"\xc0\x80")]:
        call = CALL.encode()
        yield one(f"{name} in the arguments", extra(CALL, '"BAD"').encode().replace(b"BAD", bad))
        yield one(f"{name} in the name", call.replace(b"evil", b"evil" + bad))
        yield one(f"{name} in a key", call.replace(NAME.encode(), b'"name' + bad + b'":"search",' + NAME.encode()))
    yield one("overlong letter in a second name", SEARCH.encode().replace(
        b'"name":"search"', b'"name":"search","n\xc1\xa1me":"evil"'))
    for where, text in [("name", CALL.replace("evil", "evil\\ud800")), ("method", CALL.replace("call", "call\\udc00")),
                        ("key", CALL.replace('"name"', '"x\\ud800":1,"name"').replace("evil", "evil\\ud800"))]:
        yield one(f"lone surrogate in the {where}", text)


def json_dialects(one):
    """What is JSON to some parsers only."""
    for value in ["NaN", "Infinity", "-Infinity", "01", "+1", "0x1", ".5", "1.", "'x'", "undefined", "True", "1_000"]:
        yield one(f"{value} in the arguments", extra(CALL, value))
    for name, text in [
        ("x after it", CALL + "x"), ("{} before it", "{}" + CALL), ("{} after it", CALL + "{}"),
        ("search before it", SEARCH + CALL), ("search after it", CALL + SEARCH),
        ("search on a line before it", SEARCH + "\n" + CALL), ("record separators", f"\x1e{SEARCH}\n\x1e{CALL}\n"),
        ("NUL after it", CALL + "\0"), ("NUL and search after it", CALL + "\0" + SEARCH), ("NUL before it", "\0" + CALL),
        ("form feed before it", "\f" + CALL), ("no-break space before it", "\u00a0" + CALL),
        ("comment before it", "/* */" + CALL), ("comment after it", CALL + "// x"),
        ("comment in it", CALL.replace('"params"', '/*"method":"ping",*/"params"')),
        ("comment from # on", "# x\n" + CALL),
        ("guard before it", ")]}',\n" + CALL), ("guard with while", "while(1);" + CALL),
        ("trailing comma", CALL.replace('"TAG"}', '"TAG",}')), ("trailing comma at the top", CALL[:-1] + ",}"),
        ("keys without quotes", CALL.replace('"name"', "name")), ("single quotes", CALL.replace('"', "'")),
        ("line feed in a string", CALL.replace("TAG", "TAG\n")), ("escape \\x", CALL.replace("evil", "\\x65vil")),
        ("escape \\e", extra(CALL, '"\\e"')), ("cut", CALL[:-1]), ("twice enclosed", json.dumps(CALL)),
        ("data: before it", f"data: {CALL}\n\n"), ("empty", ""), ("a space", " "),
    ]:
        yield one(f"JSON: {name}", text)


def shapes(one):
    """Messages that are of no kind, or of two."""
    for member in ['"result":{}', '"result":null', '"error":{"code":1,"message":"x"}', '"error":null']:
        for name, text in members(CALL, METHOD, member):
            yield one(f"also {name}", text)
    yield one("params is an array", CALL.replace(PARAMS, '"params":["evil",{"tag":"TAG"}]'))
    yield one("params is text", CALL.replace(PARAMS, '"params":"evil"'))
    yield one("params is null", CALL.replace(PARAMS, '"params":null'))
    yield one("no params", CALL.replace("," + PARAMS, ""))
    yield one("no name", CALL.replace(NAME + ",", ""))
    for value in ['["search","evil"]', '["evil"]', '{"name":"evil"}', "null", "1", "true"]:
        yield one(f"name is {value}", CALL.replace('"evil"', value))
    yield one("method is an array", CALL.replace('"tools/call"', '["tools/call"]'))
    yield one("method is null", CALL.replace('"tools/call"', "null"))
    yield one("ref of an unknown type", COMPLETE.replace("ref/prompt", "ref/PROMPT"))
    yield one("ref without type", COMPLETE.replace('"type":"ref/prompt",', ""))
    yield one("a number", "7")
    yield one("null", "null")


def batches(one):
    """Arrays of messages. 2025-06-18 has none any more; before it, one refused element refuses all."""
    other = CALL.replace('"id":7', '"id":8').replace("evil", "search")
    texts = {
        "[evil]": f"[{CALL}]",
        "[search, evil]": f"[{other},{CALL}]",
        "[evil, search]": f"[{CALL},{other}]",
        "[notification, evil]": f'[{{"jsonrpc":"2.0","method":"notifications/initialized"}},{CALL}]',
    }
    for name, text in texts.items():
        yield one(f"batch {name}", text)
        for version in [None, "2025-03-26"]:
            yield one(f"batch {name}, version {version}", text, ("MCP-Protocol-Version", version), answer=200)
    for name, text in [("[[evil]]", f"[[{CALL}]]"), ("[search, [evil]]", f"[{other},[{CALL}]]"), ("[]", "[]"),
                       ("[null, evil]", f"[null,{CALL}]"), ("101 times evil", f"[{','.join([CALL] * 101)}]")]:
        yield one(f"batch {name}", text, ("MCP-Protocol-Version", None))
    twice = CALL.replace(METHOD, f'"method":"ping",{METHOD}')
    yield one("batch with a member twice", f"[{other},{twice}]", ("MCP-Protocol-Version", None))


def content_headers(one):
    """Bodies that are compressed, or of another media type."""
    raw_deflate = zlib.compressobj(wbits=-15)
    encoded = {
        "gzip": gzip.compress, "x-gzip": gzip.compress, "GZIP": gzip.compress, "deflate": zlib.compress,
        "deflate ": lambda body: raw_deflate.compress(body) + raw_deflate.flush(),
        "gzip, identity": gzip.compress, "identity, gzip": gzip.compress,
    }
    for name, encode in encoded.items():
        yield one(f"Content-Encoding: {name}", CALL, ("Content-Encoding", name), answer=415, encode=encode)
    yield one("gzip, not said", CALL, encode=gzip.compress)
    yield one("Content-Encoding: gzip, not compressed", CALL, ("Content-Encoding", "gzip"), answer=415)
    yield one("Content-Encoding: identity, and gzip", CALL, ("Content-Encoding", "identity"),
              ("Content-Encoding", "gzip"), answer=415, encode=gzip.compress)
    for value in ["text/plain", "text/json", "application/vnd.api+json", "application/x-www-form-urlencoded",
                  "multipart/form-data; boundary=x", "application/jsonp", "application/json, text/plain",
                  "application/json-seq", "*/*", "json", "application/octet-stream", ""]:
        yield one(f"Content-Type: {value}", CALL, *content_type(value), answer=415)
    yield one("no Content-Type", CALL, *content_type(None), answer=415)
    json_type, text_type = "application/json", "text/plain"
    yield one("two Content-Types, JSON first", CALL, *content_type(json_type, text_type), answer=415)
    yield one("two Content-Types, JSON last", CALL, *content_type(text_type, json_type), answer=415)
    form = "--x\r\nContent-Disposition: form-data; name=\"m\"\r\n\r\n" + CALL + "\r\n--x--\r\n"
    yield one("multipart", form, *content_type("multipart/form-data; boundary=x"), answer=415)


def methods(one):
    """Other verbs with a body, and headers that ask for another verb."""
    for verb in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "TRACE", "post", "FOO"]:
        yield one(f"{verb} with a body", CALL, method=verb, answer=None)
    for verb in ["GET", "PUT", "DELETE"]:
        for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]:
            yield one(f"{verb}, {header}: POST", CALL, (header, "POST"), method=verb, answer=None)
    yield one("POST, X-HTTP-Method-Override: GET", CALL, ("X-HTTP-Method-Override", "GET"), answer=200)
    websocket = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                 ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
    yield one("POST that upgrades to websocket", CALL, *websocket, answer=200)
    yield one("GET that upgrades to websocket", CALL, *websocket, method="GET", answer=None)
    yield one("POST that upgrades to h2c", CALL, ("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
              ("HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA"), answer=200)


def mirrored_headers(one):
    """`Mcp-Method` and `Mcp-Name` that say something else than the body."""
    call = ("Mcp-Method", "tools/call")
    for name in ["search", "Evil", "evil,search", "=?base64?c2VhcmNo?=", "=?base64?###?=", "=?base64?ZXZpbA?=",
                 ""]:
        yield one(f"evil, Mcp-Name: {name}", CALL, call, ("Mcp-Name", name))
    yield one("evil, mirrored in BASE64", CALL, call, ("Mcp-Name", "=?BASE64?ZXZpbA==?="), answer=None)
    yield one("search, Mcp-Name: evil", SEARCH, call, ("Mcp-Name", "evil"))
    yield one("evil, Mcp-Name: search and evil", CALL, call, ("Mcp-Name", "search"), ("Mcp-Name", "evil"))
    yield one("evil, Mcp-Name: evil and search", CALL, call, ("Mcp-Name", "evil"), ("Mcp-Name", "search"))
    yield one("evil, Mcp-Name: evil twice", CALL, call, ("Mcp-Name", "evil"), ("Mcp-Name", "evil"))
    yield one("evil, Mcp-Method: ping", CALL, ("Mcp-Method", "ping"), ("Mcp-Name", "evil"))
    yield one("search, Mcp-Method: ping", SEARCH, ("Mcp-Method", "ping"), ("Mcp-Name", "search"))
    yield one("evil, Mcp-Method: ping and tools/call", CALL, ("Mcp-Method", "ping"), call, ("Mcp-Name", "evil"))
    yield one("batch, Mcp-Method: tools/call", f"[{CALL}]", call, ("MCP-Protocol-Version", None))
    yield one("evil, mirrored rightly", CALL, call, ("Mcp-Name", "evil"), answer=200)
    yield one("evil, mirrored in base64", CALL, call, ("Mcp-Name", "=?base64?ZXZpbA==?="), answer=200)


def framing(one):
    """Bodies in pieces, too long ones, and requests in a request."""
    yield one("byte by byte", CALL, chunk=1, answer=200)
    yield one("Expect: 100-continue", CALL, ("Expect", "100-continue"), answer=200)
    yield one("Transfer-Encoding: gzip and chunked", CALL, ("Transfer-Encoding", "gzip"), chunk=1000,
              encode=gzip.compress, answer=None)
    yield one("5 MiB", extra(CALL, f'"{"x" * (5 << 20)}"'), answer=413)
    for name, *headers in [
        ("Content-Length and Transfer-Encoding", ("Content-Length", "ALL"), ("Transfer-Encoding", "chunked")),
        ("Transfer-Encoding after a tab", ("Content-Length", "ALL"), ("Transfer-Encoding", "\tchunked")),
        ("Transfer-Encoding: xchunked", ("Content-Length", "ALL"), ("Transfer-Encoding", "xchunked")),
        ("two Content-Lengths", ("Content-Length", "0"), ("Content-Length", "ALL")),
    ]:
        yield one(f"request in a request, {name}", CALL, *headers, smuggled=True, answer=None)


def paths(one):
    """Other paths, which servers answer with 404 or a redirect, or take for theirs."""
    for name, change in [("/ at the end", "{}/"), ("// at the beginning", "/{}"), ("a query", "{}&x=ping"),
                         ("a first query", "{}?method=ping"), (";", "{};x"), ("%", "{}%20"), ("/. at the end", "{}/."),
                         ("another one", "/other"), ("/..", "{}/../x")]:
        yield one(f"path with {name}", CALL, path=change, answer=None)


def uris(one):
    """URIs that some servers take for another one, under `docs://*`, and others."""
    for uri in ["file:///etc/TAG", "FILE:///etc/TAG", "file:/etc/TAG", " file:///etc/TAG", "file:///etc/TAG#docs://a",
                "file:///etc/TAG?docs://a", "docs://../etc/TAG", "docs://TAG/../b", "docs://TAG/..", "docs://./TAG",
                "docs://%2e%2e/TAG", "docs://%2E%2e/TAG", "docs://.%2e/TAG", "docs://%2e/TAG", "docs://%252e%252e/TAG",
                "docs://..%2FTAG", "docs://TAG%2Fb", "docs://TAG%2fb", "docs://TAG%5Cb", "docs://TAG\\\\b",
                "docs://..\\\\TAG", "DOCS://TAG", "Docs://TAG", " docs://TAG", "\\tdocs://TAG", "docs:/TAG", "docs:TAG",
                "docs://TAG\\u0000", "docs://TAG%00", "docs://TAG\\n", "docs://TA\\nG", "docs://TAG%0a", "docs://TAG%",
                "docs\\u0000://TAG", "\\uff44ocs://TAG", "docs:\\\\\\\\TAG", "TAG", ""]:
        answer = 400 if "u0000" in uri else 200
        yield one(f"uri {uri!r}", READ.replace("URI", uri), answer=answer)
    subscribe = READ.replace("URI", "file:///etc/TAG")
    for method in ["resources/subscribe", "resources/unsubscribe"]:
        yield one(method, subscribe.replace("resources/read", method), answer=200)
    listen = '{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{N}META}}'
    for name, inner in [("uri", '"resourceSubscriptions":["docs://a","file:///etc/TAG"]'), ("task", '"taskIds":["TAG"]')]:
        yield one(f"subscriptions/listen, {name}", listen.replace("N}", inner + "}", 1), answer=200)
    for method in ["tasks/get", "tasks/result", "tasks/cancel"]:
        task = f'{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{"taskId":"TAG"META}}}}'
        yield one(method, task, answer=200)
    yield one("tasks/list", CALL.replace("tools/call", "tasks/list"), answer=200)
    yield one("a vendor's method", CALL.replace("tools/call", "vendor/x"), answer=200)


def legal(meta):
    """Every shape of a call of `search`, or of something else that the policy allows, that is legal."""

    def one(name, text, *headers, encoding="utf-8", **more):
        body = text.encode(encoding) if isinstance(text, str) else text
        return Request(name, body, headers, **more)

    yield one("plain", SEARCH)
    yield one("white space", SEARCH.replace(":", " :\t").replace(",", "\r\n, ") + "\r\n \t")
    yield one("white space before it", " \r\n\t" + SEARCH)
    yield one("members in another order", '{"params":{"arguments":{"tag":"TAG"},"name":"search"META},'
              '"method":"tools/call","id":7,"jsonrpc":"2.0"}')
    yield one("escaped keys", SEARCH.replace('"method"', '"\\u006dethod"').replace('"name"', '"n\\u0061me"'))
    yield one("escaped values", SEARCH.replace("search", "\\u0073earch").replace("tools/call", "tools\\/call"))
    begun = meta.removesuffix("}") or ',"_meta":{"x":1'
    yield one("progress token", SEARCH.replace("META", begun + ',"progressToken":"p"}'))
    yield one("_meta with anything", SEARCH.replace(
        "META", begun + ',"com.example/name":"evil","name":"evil","method":[{"name":"evil"}]}'))
    yield one("unknown member at the top", SEARCH.replace('"params":{', '"x-foo":{"name":"evil"},"params":{'))
    yield one("unknown member of params", SEARCH.replace('"params":{', '"params":{"x-bar":["evil"],'))
    yield one("a tool's name in the arguments", extra(SEARCH, '{"name":"evil","method":"tools/call"}'))
    yield one("a member of the arguments twice", SEARCH.replace('"tag"', '"tag":"x","tag"'))
    yield one("a look-alike in the arguments", extra(SEARCH, '{"Name":"evil","METHOD":"x","name":1,"name":2}'))
    yield one("a number of 400 digits", extra(SEARCH, "9" * 400))
    yield one("1e999", extra(SEARCH, "1e999"))
    yield one("2^53 + 1, -0 and 1E-400", extra(SEARCH, "[9007199254740993,-0,1E-400]"))
    yield one("lone surrogate in the arguments", extra(SEARCH, '"\\ud800"'))
    yield one("NUL, escaped, in the arguments", extra(SEARCH, '"\\u0000"'))
    yield one("text of every plane", extra(SEARCH, '"é\\u00e9 日本 \U0001f600 \\ud83d\\ude00"'))
    yield one("100 levels in the arguments", extra(SEARCH, "[" * 100 + "]" * 100))
    yield one("1,000 levels in the arguments", extra(SEARCH, "[" * 1000 + "]" * 1000))
    yield one("90 KB of arguments", extra(SEARCH, '"' + "x" * 90_000 + '"'))
    yield one("id is a string", SEARCH.replace('"id":7', '"id":"x/\\u0041 é"'))
    yield one("id is negative", SEARCH.replace('"id":7', '"id":-7'))
    yield one("id is 0", SEARCH.replace('"id":7', '"id":0'))
    yield one('charset="UTF-8"', SEARCH, *charset('"UTF-8"'))
    yield one("charset=utf-8", SEARCH, *content_type("application/json;charset=utf-8"))
    yield one("Application/JSON; Charset=UTF-8", SEARCH, *content_type("Application/JSON; Charset=UTF-8"))
    yield one("another parameter", SEARCH, *content_type("application/json; profile=x"))
    yield one("Content-Encoding: identity", SEARCH, ("Content-Encoding", "identity"))
    yield one("byte by byte", SEARCH, chunk=1)
    yield one("in chunks of 50 bytes", SEARCH, chunk=50)
    yield one("Expect: 100-continue", SEARCH, ("Expect", "100-continue"))
    yield one("mirrored", SEARCH, ("Mcp-Method", "tools/call"), ("Mcp-Name", "search"))
    yield one("mirrored in base64", SEARCH, ("Mcp-Method", "tools/call"), ("Mcp-Name", "=?base64?c2VhcmNo?="))
    yield one("batch of one", f"[{SEARCH}]", ("MCP-Protocol-Version", None))
    yield one("batch of one, version 2025-03-26", f"[{SEARCH}]", ("MCP-Protocol-Version", "2025-03-26"))
    yield one("no version", SEARCH, ("MCP-Protocol-Version", None))
    yield one("prompts/get", GET_REVIEW)
    yield one("completion of a prompt", COMPLETE.replace("secret", "review"))
    yield one("completion of a template", COMPLETE.replace(PROMPT, TEMPLATE.replace("file:///etc/", "docs://"))
              .replace('"name":"tag"', '"name":"name"'))
    yield one("resources/read", READ.replace("URI", "docs://TAG"))
    yield one("resources/read, percent-encoded", READ.replace("URI", "docs://TAG%20%C3%A9"))
    yield one("resources/read, escaped", READ.replace("URI", "docs:\\/\\/TAG"))


    if meta:
        return
    messages = ['"id":7,"method":"ping"', '"method":"notifications/initialized"', '"id":"x","result":{}',
                '"id":"x","error":{"code":1,"message":"x"}', '"method":"notifications/roots/list_changed"',
                '"method":"notifications/cancelled","params":{"requestId":"none"}',
                '"method":"notifications/progress","params":{"progressToken":"p","progress":1}',
                '"id":7,"method":"logging/setLevel","params":{"level":"error"}',
                '"id":7,"method":"tools/list","params":{"_meta":{}}', '"id":7,"method":"tools/list"']
    for message in messages:
        yield one(message, '{"jsonrpc":"2.0",%s}' % message)


def lists(meta):
    """Every list, named as in the results of the checks; the group is where its names are."""
    for name, method, group in [("tools", "tools/list", "tools name"), ("prompts", "prompts/list", "prompts name"),
                                ("resources", "resources/list", "resources uri"),
                                ("templates", "resources/templates/list", "resourceTemplates uriTemplate")]:
        text = '{"jsonrpc":"2.0","id":7,"method":"%s","params":{%s}}' % (method, meta.removeprefix(","))
        yield Request(name, text.encode(), group=group)


def tagged(requests, prefix, meta):
    """The requests, with tags and `meta` in their bodies."""
    for number, request in enumerate(requests):
        request.tag = f"{prefix}{number:03}x"
        for codec in ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp037"]:
            for placeholder, value in [("TAG", request.tag), ("META", meta)]:
                request.body = request.body.replace(placeholder.encode(codec), value.encode(codec))
        request.plain = request.body
        if request.encode:
            request.body = request.encode(request.body)
        yield request
