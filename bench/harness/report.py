"""From samples to medians, ratios, verdicts and the text of RESULTS.md."""

from dataclasses import dataclass
from statistics import median

from .rows import METRICS, TARGETS, Metric, Row, Target

SHOWN = {"haproxy": "HAProxy"}


@dataclass
class Results:
    """What a run brought: samples and failures by row and program, and where it ran."""

    rows: list[Row]
    programs: list[str]
    samples: dict[tuple[str, str], list[dict[str, float]]]
    failures: dict[tuple[str, str], str]
    setting: list[tuple[str, str]]

    def values(self, row: str, program: str, metric: str) -> list[float]:
        if (row, program) in self.failures:
            return []
        return [s[metric] for s in self.samples.get((row, program), []) if metric in s]

    def median(self, row: str, program: str, metric: str) -> float | None:
        values = self.values(row, program, metric)
        return median(values) if values else None

    def ratio(self, row: str, program: str, metric: str, base: str) -> float | None:
        return divide(self.median(row, program, metric), self.median(row, base, metric))


def divide(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None


def figure(value: float | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def ratio_text(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"


def table(head: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *lines])


def cell(results: Results, row: Row, program: str, metric: str) -> str:
    if program in row.without:
        return ""
    value = figure(results.median(row.name, program, metric))
    if value == "n/a":
        return value
    ratios = [ratio_text(results.ratio(row.name, program, metric, b)) for b in ("nginx", "relay")]
    return f"{value} ({', '.join(ratios)})"


def spread(results: Results, row: Row, metric: str) -> str:
    """The widest spread of any program's rounds: differences below it mean nothing."""
    widths = []
    for program in results.programs:
        values = results.values(row.name, program, metric)
        if len(values) > 1 and median(values) > 0:
            widths.append((max(values) - min(values)) / median(values))
    return f"{max(widths):.0%}" if widths else "–"


def metric_lines(results: Results, metric: Metric, first: str) -> list[list[str]]:
    return [
        [first or row.title]
        + [cell(results, row, program, metric.name) for program in results.programs]
        + [spread(results, row, metric.name)]
        for row in results.rows
        if row.kind == metric.kind
    ]


def columns(results: Results) -> list[str]:
    return [SHOWN.get(p, p) for p in results.programs] + ["spread"]


def load_tables(results: Results) -> list[str]:
    parts = []
    for metric in METRICS:
        lines = metric_lines(results, metric, "") if metric.kind == "load" else []
        if lines:
            parts += [f"## {metric.title} ({metric.unit})", table(["", *columns(results)], lines)]
    return parts


def other_table(results: Results) -> list[str]:
    lines = []
    for metric in METRICS:
        if metric.kind != "load":
            lines += metric_lines(results, metric, f"{metric.title} ({metric.unit})")
    if not lines:
        return []
    return ["## Memory and start", table(["", *columns(results)], lines)]


def reached(results: Results, target: Target) -> float | None:
    """The figure that a target judges; None when a part of it was not measured."""
    value = results.median(target.row, "usher", target.metric)
    if target.above_row is not None:
        base = results.median(target.above_row, "usher", target.metric)
        return None if value is None or base is None else value - base
    if target.program is None:
        return value
    base = results.median(target.divisor_row or target.row, target.program, target.metric)
    return divide(value, base)


def verdict(value: float | None, limit: float) -> str:
    if value is None:
        return "n/a"
    return "pass" if value <= limit else f"**fail** (by {value / limit - 1:.0%})"


def target_line(results: Results, target: Target) -> list[str]:
    metric = next(m for m in METRICS if m.name == target.metric)
    row = next(r for r in results.rows if r.name == target.row)
    base = "" if target.program is None else f", ÷ {SHOWN.get(target.program, target.program)}"
    if target.divisor_row is not None:
        base += f" with {target.divisor_row}"
    if target.above_row is not None:
        base = f", above {target.above_row}"
    value = reached(results, target)
    unit = "" if target.program else f" {metric.unit}"
    limit = f"≤ {target.limit:g}{unit}" if unit else f"≤ {target.limit:.2f}"
    shown = figure(value) if unit else ratio_text(value)
    lower = metric.title[0].lower() + metric.title[1:] if metric.name != "cpu_us" else metric.title
    what = row.title if row.title == lower else f"{row.title}: {lower}{base}"
    return [what, limit, shown, spread(results, row, target.metric), verdict(value, target.limit)]


def target_table(results: Results) -> list[str]:
    known = {row.name for row in results.rows}
    lines = [target_line(results, target) for target in TARGETS if target.row in known]
    if not lines:
        return []
    return ["## Targets", table(["usher's", "target", "reached", "spread", ""], lines)]


def missing(results: Results) -> list[str]:
    if not results.failures:
        return []
    lines = [f"* {program}, {row}: {why}" for (row, program), why in results.failures.items()]
    return ["## Not measured", "\n".join(lines)]


def setting(results: Results) -> str:
    return "\n".join(f"* {name}: {value}" for name, value in results.setting)


def markdown(results: Results, notes: str = "") -> str:
    legend = (
        "Medians. In brackets the ratio to nginx, then to the bare relay; – where there is nothing"
        " to compare with. *Spread* is the widest difference between rounds of one program:"
        " a smaller difference between programs means nothing. `bench/README.md` explains the rows."
    )
    parts = ["# Results of `make bench`", setting(results), legend, *target_table(results)]
    if notes:
        parts.append(notes.strip())
    if any(row.kind == "load" for row in results.rows):
        parts.append("![CPU time, throughput and latency relative to nginx](RESULTS.svg)")
    parts += [*load_tables(results), *other_table(results), *missing(results)]
    return "\n\n".join(parts) + "\n"

