"""The table of results, MATRIX.md: what clients and servers did, and what their users saw.

matrix.py WORK            compares the results of a run in WORK with MATRIX.md
matrix.py WORK --whole    the same; a result that MATRIX.md has and the run has not is a difference, too
matrix.py WORK --write    writes MATRIX.md

A result that differs is a failure, unless the program has another version than in MATRIX.md: texts change with
versions, and then the difference is only printed. The checks themselves fail where a credential is not accepted
or refused as it must be.
"""

import json
import pathlib
import re
import sys

from versions import PROGRAMS, versions

MATRIX = pathlib.Path(__file__).with_name("MATRIX.md")
CLIENTS = "Clients"
UPSTREAMS = "Servers behind `proxy`"
CONFORMANCE = "Conformance"
VERSIONS = "Versions"
RIGHT, CANNOT = "✓", "–"

# The tables, their columns, and how many of these name a row.
TABLES = {
    CLIENTS: (
        ["client", "transport", "Basic", "bearer", "signed", "OAuth", "wrong credential", "no credential",
         "expired within the session"],
        2,
    ),
    UPSTREAMS: (["server", "check", "alone", "behind `proxy`"], 2),
    CONFORMANCE: (["scenario", "alone", "behind `proxy`", "reason"], 1),
    VERSIONS: (["program", "version"], 1),
}
ABOUT = {
    CLIENTS: f"""\
{RIGHT}: it lists the tools of a server and calls one as the right user, at each server with this transport: the
example servers, and the proxy before a server of the Python SDK. {CANNOT}: it cannot; [README.md](README.md) says
why. The other columns are what the user sees. Where a number of requests is named, no more arrived.""",
    UPSTREAMS: "The same client, at the server itself and through the proxy.",
    CONFORMANCE: "The official suite, at the same server. These scenarios differ; all others have the same result.",
    VERSIONS: "",
}


def folder(work):
    return pathlib.Path(work, "results")


def load(work):
    """What the checks of a run recorded: by table and row, the texts of columns."""
    tables = {table: {} for table in TABLES}
    for file in sorted(folder(work).glob("*.json")):
        for table, row, column, text in json.loads(file.read_text(encoding="utf-8")):
            tables[table].setdefault(tuple(row), {})[column] = text
    tables[VERSIONS] = {(name,): {"version": version} for name, version in versions(work).items()}
    return tables


def render(tables):
    parts = ["# Clients and servers\n", "`./run --write` writes this page.\n"]
    for table, (columns, keys) in TABLES.items():
        parts += [f"## {table}\n", *([ABOUT[table] + "\n"] if ABOUT[table] else [])]
        parts += [line(columns), line(["---"] * len(columns))]
        order = {name: number for number, name in enumerate(PROGRAMS)}
        found = sorted(tables[table].items(), key=lambda item: order.get(item[0][0], len(order)))
        rows = [[*row, *(cells.get(column, "") for column in columns[keys:])] for row, cells in found]
        parts += [*map(line, rows), ""]
    return "\n".join(parts)


def line(cells):
    return f"| {' | '.join(escape(cell) for cell in cells)} |"


def escape(text):
    return text.replace("|", "\\|")


def read(page):
    """The tables of a page that `render` made."""
    tables = {table: {} for table in TABLES}
    table = None
    for text in page.splitlines():
        if text.startswith("## "):
            table = text.removeprefix("## ")
        elif text.startswith("| ") and table in TABLES:
            columns, keys = TABLES[table]
            cells = [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", text)[1:-1]]
            if cells != columns and set(cells) != {"---"}:
                found = {name: cell for name, cell in zip(columns[keys:], cells[keys:]) if cell}
                tables[table][tuple(cells[:keys])] = found
    return tables


def differences(old, new, whole):
    """Pairs: a text, and whether another version of the program explains it."""
    changed = {row[0] for row in new[VERSIONS] if old[VERSIONS].get(row) != new[VERSIONS][row]}
    for program in sorted(changed):
        before, now = (tables[VERSIONS].get((program,), {}).get("version") for tables in (old, new))
        yield f"{program}: version {now}, not {before}", True
    for table in (CLIENTS, UPSTREAMS, CONFORMANCE):
        before = {(row, column): text for row, cells in old[table].items() for column, text in cells.items()}
        now = {(row, column): text for row, cells in new[table].items() for column, text in cells.items() if text}
        for row, column in {**before, **now} if whole else now:
            was, is_now = before.get((row, column)), now.get((row, column))
            if was != is_now:
                name = ", ".join([*row, column])
                yield f"{name}:\n    was {was}\n    is  {is_now}", row[0] in changed


def main(work, *flags):
    results = load(work)
    if "--write" in flags:
        MATRIX.write_text(render(results), encoding="utf-8")
        return 0
    old = read(MATRIX.read_text(encoding="utf-8"))
    failed = False
    for text, explained in differences(old, results, "--whole" in flags):
        failed |= not explained
        print(f"{'differs' if explained else 'FAILED '} {text}")
    print("differs from MATRIX.md: see above, and ./run --write" if failed else "the results are those of MATRIX.md")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
