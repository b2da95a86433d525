"""RESULTS.svg: for each row of load and each program, its figure relative to nginx."""

from html import escape
from itertools import accumulate

from .report import SHOWN, Results

COLOURS = {
    "usher": "#0b6e4f",
    "nginx": "#8d99ae",
    "haproxy": "#5b7db1",
    "h2o": "#a26a96",
    "nghttpx": "#b5564e",
    "relay": "#d9b26f",
}
PANELS = (
    ("cpu_us", "CPU per request (shorter is better)"),
    ("rps", "Throughput (longer is better)"),
    ("p50_us", "Median latency (shorter is better)"),
)
LEFT, PANEL, GAP, TOP = 240, 250, 34, 76
BAR, ROW_GAP = 11, 14
MOST = 2.0  # times nginx; a longer bar is cut and says its figure


def text(x: float, y: float, words: str, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def bar(results: Results, row, program: str, metric: str, x: float, y: float) -> str:
    ratio = results.ratio(row.name, program, metric, "nginx")
    if ratio is None:
        return text(x + 4, y + BAR - 2, "n/a", extra='class="small"')
    width = PANEL * min(ratio, MOST) / MOST
    inside = width > PANEL - 30
    label = text(
        x + width + (-4 if inside else 4),
        y + BAR - 2,
        f"{ratio:.2f}",
        "end" if inside else "start",
        'class="small"',
    )
    colour = COLOURS[program]
    rect = f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 1}" fill="{colour}"/>'
    return rect + label


def panel(results: Results, rows, number: int, height: float) -> list[str]:
    metric, title = PANELS[number]
    x = LEFT + number * (PANEL + GAP)
    one = x + PANEL / MOST
    parts = [
        text(x, TOP - 14, title, extra='class="title"'),
        f'<path d="M{x} {TOP}V{height} M{one} {TOP}V{height}" stroke="#999" stroke-width="0.6"/>',
    ]
    for row, top in zip(rows, tops(results, rows)):
        for j, program in enumerate(taking_part(results, row)):
            parts.append(bar(results, row, program, metric, x, top + j * BAR))
    return parts


def taking_part(results: Results, row) -> list[str]:
    return [program for program in results.programs if program not in row.without]


def tops(results: Results, rows) -> list[int]:
    """Where each row begins, and where the last one ends."""
    heights = (len(taking_part(results, row)) * BAR + ROW_GAP for row in rows)
    return list(accumulate(heights, initial=TOP))


def row_titles(results: Results, rows) -> list[str]:
    return [
        text(LEFT - 10, top + len(taking_part(results, row)) * BAR / 2 + 4, row.title, "end")
        for row, top in zip(rows, tops(results, rows))
    ]


def legend(results: Results) -> list[str]:
    parts = [text(16, 26, "Relative to nginx = 1 (medians)", extra='class="title"')]
    for i, program in enumerate(results.programs):
        x = LEFT + i * 100
        parts.append(
            f'<rect x="{x}" y="16" width="12" height="12" fill="{COLOURS[program]}"/>'
            + text(x + 17, 26, SHOWN.get(program, program))
        )
    return parts


def svg(results: Results) -> str:
    rows = [row for row in results.rows if row.kind == "load"]
    height = tops(results, rows)[-1]
    width = LEFT + len(PANELS) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 10}">',
        "<style>text{font:12px system-ui,sans-serif;fill:#222}"
        ".small{font-size:9px;paint-order:stroke;stroke:#fff;stroke-width:2px}.title{font-weight:600}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        *legend(results),
        *row_titles(results, rows),
    ]
    for number in range(len(PANELS)):
        parts += panel(results, rows, number, height)
    return "\n".join([*parts, "</svg>", ""])
