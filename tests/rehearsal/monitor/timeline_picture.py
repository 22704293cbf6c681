"""Draws what autoscale saw and did, as SVG: `python -m tests.rehearsal.monitor.timeline_picture autoscale.jsonl`.

One line of JSON for each run of a setting, as the rehearsal keeps it in its folder.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT = 900, 150, 150


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The runs in a file; none if there is no file yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def draw(runs: Sequence[dict[str, Any]]) -> str:
    """The metric of the first rule, the requests (refused ones apart) and the instances, over Azure's minutes."""
    first, last = runs[0]["minute"], max(runs[-1]["minute"], runs[0]["minute"] + 1)
    condition = next(iter(runs[0]["seen"]), "no rule")
    charts = [
        (condition.split()[0], [(run["seen"].get(condition), "#1b6ec2") for run in runs], float(condition.split()[2])),
        ("requests a minute", [(run["requests"], "#555555") for run in runs], None),
        ("of these refused (429)", [(run["refused"], "#c0392b") for run in runs], None),
        ("instances", [(run["count"], "#2e8540") for run in runs], None),
        ("instances that serve", [(run["ready"], "#2e8540") for run in runs], None),
    ]
    parts = []
    for number, (title, points, threshold) in enumerate(charts):
        top, most = 20 + number * HEIGHT, max([value or 0 for value, _ in points] + [threshold or 1]) or 1

        def at(minute: float, value: float, top: float = top, most: float = most) -> str:
            x = LEFT + (minute - first) / (last - first) * (WIDTH - LEFT - 20)
            return f"{x:.1f},{top + (HEIGHT - 40) * (1 - value / most):.1f}"

        drawn = " ".join(at(run["minute"], value) for run, (value, _) in zip(runs, points) if value is not None)
        parts.append(
            f'<text x="8" y="{top + 20}">{escape(title)}</text><text x="8" y="{top + 40}">0 to {most:g}</text>'
        )
        parts.append(f'<polyline fill="none" stroke="{points[0][1]}" stroke-width="2" points="{drawn}"/>')
        if threshold is not None:
            ends = f"{at(first, threshold)} {at(last, threshold)}"
            parts.append(f'<polyline fill="none" stroke="#c0392b" stroke-dasharray="4" points="{ends}"/>')
    said = f"minutes of Azure: {first:g} to {last:g}"
    parts.append(f'<text x="{LEFT}" y="{30 + len(charts) * HEIGHT}">{said}</text>')
    size = f'width="{WIDTH}" height="{50 + len(charts) * HEIGHT}"'
    text = 'font-family="sans-serif" font-size="12"'
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {text}>{ground}{"".join(parts)}</svg>\n'


if __name__ == "__main__":
    print(draw(lines_of(Path(sys.argv[1]))), end="")
