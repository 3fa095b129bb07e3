"""Horizontal bars as SVG: axes begin at zero, figures are text, and nothing is loaded from elsewhere."""

from html import escape

WIDTH, LEFT, MARGIN = 760, 236, 16
BAR, GAP = 16, 6
LETTER = 8  # the width of a letter of a wide font, in which everything has to fit as well

STYLE = """
svg { font: 13px system-ui, sans-serif; }
.title { font-size: 16px; } .title, .heading { font-weight: 600; }
.figure { paint-order: stroke; stroke-width: 5px; stroke-linejoin: round; }
.panel { fill: #ffffff; } text { fill: #1f2328; } .quiet { fill: #59636e; } .figure { stroke: #ffffff; }
.grid { stroke: #d1d9e0; } .layer { fill: #0969da; } .other { fill: #818b98; }
.layer.light { fill: #80ccff; } .other.light { fill: #c8d1da; }
@media (prefers-color-scheme: dark) {
.panel { fill: #0d1117; } text { fill: #f0f6fc; } .quiet { fill: #9198a1; } .figure { stroke: #0d1117; }
.grid { stroke: #3d444d; } .layer { fill: #4493f8; } .other { fill: #9198a1; }
.layer.light { fill: #1b4a8f; } .other.light { fill: #4a525c; }
}
"""


class Bar:
    """A bar, perhaps with a shorter one in front. `kind` is `layer` or `other`, and also `light` of one of two."""

    def __init__(self, label, value, text, kind, front=None):
        self.label, self.value, self.text, self.kind, self.front = label, value, text, kind, front


class Panel:
    """Bars with an axis of their own. `step` is the distance of its marks; `unit` is what they count."""

    def __init__(self, heading, unit, step, bars):
        self.heading, self.unit, self.step, self.bars = heading, unit, step, bars

        self.top = 26 if heading else 6  # of the first bar

    def height(self):
        return self.top + len(self.bars) * (BAR + GAP) + 40

    def scale(self):
        """Pixels for one of the unit, so that every bar has room for its text."""
        space = WIDTH - LEFT - 2 * MARGIN
        return min((space - LETTER * len(bar.text)) / bar.value for bar in self.bars if bar.value)

    def draw(self, top):
        scale = self.scale()
        x = lambda value: round(LEFT + scale * value, 1)
        first = top + self.top
        last = first + len(self.bars) * (BAR + GAP)
        marks = [self.step * number for number in range(int(max(bar.value for bar in self.bars) / self.step) + 1)]
        if self.heading:
            yield f'<text class="heading" x="{MARGIN}" y="{top + 14}">{escape(self.heading)}</text>'
        for mark in marks:
            yield f'<path class="grid" d="M{x(mark)} {first - 4}V{last}"/>'
            yield f'<text class="quiet" x="{x(mark)}" y="{last + 16}" text-anchor="middle">{mark:,g}</text>'
        after = x(marks[-1]) + LETTER * len(f"{marks[-1]:,g}") / 2 + 6
        yield f'<text class="quiet" x="{round(after, 1)}" y="{last + 16}">{escape(self.unit)}</text>'
        for number, bar in enumerate(self.bars):
            y = first + number * (BAR + GAP)
            yield f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(bar.label)}</text>'
            for drawn in filter(None, (bar, bar.front)):
                width = round(scale * drawn.value, 1)
                yield f'<rect class="{drawn.kind}" x="{LEFT}" y="{y}" width="{width}" height="{BAR}"/>'
            yield f'<text class="figure" x="{round(x(bar.value) + 6, 1)}" y="{y + 12}">{escape(bar.text)}</text>'


def picture(title, subtitle, description, panels):
    """The text of an SVG file."""
    top, parts = 68, []
    for panel in panels:
        parts += panel.draw(top)
        top += panel.height()
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        'role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(description)}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="panel" width="{WIDTH}" height="{top}" rx="8"/>',
        f'<text class="title" x="{MARGIN}" y="28">{escape(title)}</text>',
        f'<text class="quiet" x="{MARGIN}" y="48">{escape(subtitle)}</text>',
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
