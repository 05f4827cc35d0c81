"""The table, as text, Markdown, JSON and a picture."""

import json
import statistics
from pathlib import Path
from xml.sax.saxutils import escape

from cases import FIGURES, Figure

Results = dict[str, list[dict[str, float]]]  # case: its runs
UNITS = {"rate": "/s", "p50_us": "µs p50", "p99_us": "µs p99", "bytes": "bytes", "seconds": "s"}


def values(results: Results, case: str, value: str) -> list[float]:
    return [run[value] for run in results.get(case, []) if value in run]


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def shown_values(runs: list[dict[str, float]]) -> list[str]:
    if not runs:
        return []
    if "bytes" in runs[0]:
        return ["bytes"]
    if "rate" in runs[0]:
        return ["rate", *(name for name in ("p50_us", "p99_us") if name in runs[0])]
    return ["seconds"]


def measured_rows(results: Results) -> list[tuple[str, ...]]:
    rows = []
    for case, runs in results.items():
        for name in shown_values(runs):
            found = values(results, case, name)
            middle = statistics.median(found)
            spread = f"{number(min(found))} – {number(max(found))}"
            rows.append((case, f"{number(middle)} {UNITS[name]}", spread))
    return rows


def ratio(results: Results, figure: Figure) -> float | None:
    ours = values(results, figure.case, figure.value)
    theirs = values(results, figure.beside, figure.value) if figure.beside else [1.0]
    return statistics.median(ours) / statistics.median(theirs) if ours and theirs else None


def figure_rows(results: Results) -> list[tuple[str, ...]]:
    rows = []
    for figure in FIGURES:
        found = ratio(results, figure)
        if found is None:
            continue
        held = found >= figure.bound if figure.at_least else found <= figure.bound
        word = "at least" if figure.at_least else "at most"
        rows.append((figure.text, number(found), f"{word} {number(figure.bound)}", "yes" if held else "no"))
    return rows


def markdown_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def markdown(results: Results, failures: list[str]) -> str:
    parts = [
        markdown_table(("work", "median", "smallest – largest"), measured_rows(results)),
        markdown_table(("figure", "measured", "wanted", "held"), figure_rows(results)),
    ]
    if failures:
        parts.append("Failed runs:\n\n" + "\n".join(f"- {failure}" for failure in failures))
    return "\n\n".join(parts) + "\n"


BARS = ["flood: bare relay", "flood: text", "flood: nats-server", "flood: ngircd", "flood: JSON", "flood: mosquitto"]
ROW, LEFT, WIDTH = 30, 190, 760


def picture(results: Results) -> str:
    """Bars: messages a second of the flood."""
    bars = [(case.split(": ")[1], statistics.median(values(results, case, "rate"))) for case in BARS if values(results, case, "rate")]
    if not bars:
        return ""
    most = max(rate for _, rate in bars)
    height = ROW * len(bars) + 50
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="14">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        '<text x="10" y="24" font-weight="bold">Messages of 64 bytes a second, 50 senders to 50 receivers</text>',
    ]
    for row, (name, rate) in enumerate(sorted(bars, key=lambda bar: -bar[1])):
        y = 40 + row * ROW
        length = max(2, (WIDTH - LEFT - 110) * rate / most)
        ours = name in ("text", "JSON")
        label = f"P2P chat, {name}" if ours else name
        out.append(f'<text x="10" y="{y + 16}">{escape(label)}</text>')
        out.append(f'<rect x="{LEFT}" y="{y}" width="{length:.0f}" height="{ROW - 8}" fill="{"#2f6fdf" if ours else "#9aa5b1"}"/>')
        out.append(f'<text x="{LEFT + length + 6:.0f}" y="{y + 16}">{rate:,.0f}</text>')
    return "\n".join([*out, "</svg>", ""])


def write(folder: Path, results: Results, failures: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps({"results": results, "failures": failures}, indent=1))
    (folder / "results.md").write_text(markdown(results, failures))
    if drawn := picture(results):
        (folder / "results.svg").write_text(drawn)
