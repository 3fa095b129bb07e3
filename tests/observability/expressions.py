"""What the expressions of the dashboard and of the alerts name."""

import re

SELECTOR = re.compile(r"\b(mcp_auth_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring) \(([^)]*)\)")
# Prometheus adds them.
ADDED = {"job", "instance"}


def panels(dashboard):
    """The title and the expressions of each panel."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def without_variables(expression):
    """An expression of the dashboard, for all servers."""
    expression = expression.replace("$__rate_interval", "1m")
    return re.sub(r"\$\w+", ".*", expression)


def selectors(expression):
    """The metrics that an expression selects, with their matchers: (name, [(label, operator, value)])."""
    return [(name, MATCHER.findall(matchers or "")) for name, matchers in SELECTOR.findall(expression)]


def grouping_labels(expression):
    return {label.strip() for labels in GROUPING.findall(expression) for label in labels.split(",")}


def unknown_names(expression, samples):
    """The metrics, labels and values that an expression names and no server reports. `samples` has the labels of the samples of each metric."""
    selected = selectors(expression)
    reported = set()
    for name, matchers in selected:
        if name not in samples:
            yield name
            continue
        values = {}
        for labels in samples[name]:
            for label, value in labels.items():
                values.setdefault(label, set()).add(value)
        reported |= values.keys()
        for label, operator, value in matchers:
            if label in ADDED:
                continue
            alternatives = value.split("|") if "~" in operator else [value]
            for alternative in alternatives:
                if alternative not in values.get(label, ()):
                    yield alternative
    yield from grouping_labels(expression) - reported - ADDED


def read_metrics(text):
    """The `HELP` and `TYPE` of each family, and the labels of the samples of each metric, in the text of a server."""
    families, samples = {}, {}
    for line in text.splitlines():
        if found := re.match(r"# (HELP|TYPE) (\w+) (.+)", line):
            families.setdefault(found[2], {})[found[1]] = found[3]
        elif found := re.match(r"(\w+)(?:\{(.*)\})? \S+$", line):
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2] or ""))
            samples.setdefault(found[1], []).append(labels)
    return families, samples
