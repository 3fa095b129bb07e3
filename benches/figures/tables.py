"""The tables of benches/README.md, by the name of their place there: what each shows of the figures in figures.json."""

import re


def socket(figures):
    """Processor time of a request over a socket, divided by that of a server without a layer."""
    runs = sorted(figures["socket"], key=lambda run: not run["prometheus"])
    handlers = list(dict.fromkeys(row["handler"] for row in runs[0]["rows"]))
    servers = list(dict.fromkeys(row["server"] for row in runs[0]["rows"]))
    columns = [{row["server"]: row for row in run["rows"] if row["handler"] == handler}
               for handler in handlers for run in runs]
    names = [f"{handler}, {'Prometheus' if run['prometheus'] else 'no recorder'}"
             for handler in handlers for run in runs]
    rows = [[server, *(f"{column[server]['cpu_ratio']:.2f}" for column in columns)] for server in servers]
    return table(["", *names], ["no layer, µs", *(f"{column['no layer']['cpu_ns'] / 1000:.1f}" for column in columns)],
                 *rows)


def requests(figures):
    """Requests per second and processor time, beside nginx."""
    rows = {}
    for row in figures["load"]["requests"]:
        rows.setdefault(row["case"], {})[row["server"]] = row
    return table(
        ["requests", "nginx, per second", "µs of processor time", "`McpAuthLayer`, per second", "µs of processor time"],
        *([case, *(number(of[server][figure]) for server in ("nginx", "McpAuthLayer")
                   for figure in ("per_second", "cpu_us"))] for case, of in rows.items()))


def latency(figures):
    """How long other clients wait during password guessing, beside nginx."""
    rows = {}
    for row in figures["load"]["latency"]:
        rows.setdefault((f"{row['check']}: {row['kind']}", row["attackers"]), {})[row["server"]] = waited(row)
    return table(["check: client", "attackers", "nginx", "`McpAuthLayer`"],
                 *([*case, of["nginx"], of["McpAuthLayer"]] for case, of in rows.items()))


def waited(row, unit=""):
    """Median and 99th percentile, and what went wrong."""
    text = f"{number(row['median_ms'])} / {number(row['p99_ms'])}{unit}"
    for problem in ("refused", "unanswered"):
        if row[problem]:
            text += f", {row[problem]} of {row['requests']} {problem}"
    return text


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def table(head, *rows):
    ruler = ["---:" if re.match(r"[\d.,]+", cell) else "---" for cell in rows[0]]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ruler, *rows])


def machine(figures):
    """Where the figures are from."""
    of, settings = figures["machine"], figures["load"]["settings"]
    return (f"Measured on {of['processors']}, with nginx {of['nginx']}; latencies over {settings['rounds']} × "
            f"{settings['seconds']} seconds.\n")


TABLES = {"socket": socket, "requests": requests, "latency": latency, "machine": machine}


def placed(text, figures):
    """The text of the README, with each table in its place."""
    for name, draw in TABLES.items():
        begin, end = f"<!-- figures.json: {name} -->\n", "<!-- end -->\n"
        before, found, after = text.partition(begin)
        if not found or end not in after:
            raise SystemExit(f"README.md has no place for {name}")
        text = before + begin + draw(figures) + end + after.partition(end)[2]
    return text
