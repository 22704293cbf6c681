"""Pictures of the screen as SVG, to compare with those that were accepted in `tests/app/snapshots`.

Our own, because a picture here is one of a test that is under way (pytest-textual-snapshot starts an application of its
own), and because ours hold nothing random, no fonts and no window frame, so that a difference in text is one in words.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.app import App

from tests.app.panes import Walk

FOLDER = Path(__file__).with_name("snapshots")
ACCEPT = "ACCEPT_SNAPSHOTS"
PATIENCE = 10.0  # seconds until the screen must look as it did
CALM = 0.5  # seconds without a change before a new picture is accepted

# The colours of xterm (its XTerm-col.ad), in the order of ANSI.
XTERM = TerminalTheme(
    (0, 0, 0),
    (229, 229, 229),
    [(0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)],
    [(127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
     (255, 255, 255)],
)  # fmt: skip
TEMPLATE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {terminal_width} {terminal_height}">
<style>.{unique_id}-matrix {{ font: {char_height}px "DejaVu Sans Mono", monospace; white-space: pre }}
{styles}</style>
<g shape-rendering="crispEdges">
{backgrounds}
</g>
<g class="{unique_id}-matrix">
{matrix}
</g>
</svg>
"""


def rows(app: App[object]) -> list[list[Segment]]:
    """What is on the screen, a list a line; also what a dialog lies over."""
    app.screen._set_dirty()  # a look at the dialog alone (`Walk.text`) leaves its background out, and that is kept
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens, simplify=True)
    return [[segment for strip in line for segment in strip] for line in update.strips]  # type: ignore[union-attr]


def in_16_colours(lines: Iterable[Iterable[Segment]]) -> list[list[Segment]]:
    """The lines as a terminal with 16 colours gets them."""

    def fewer(color: Color | None) -> Color | None:
        return color.downgrade(ColorSystem.STANDARD) if color is not None else None

    found = []
    for line in lines:
        found.append([
            Segment(text, style + Style(color=fewer(style.color), bgcolor=fewer(style.bgcolor)) if style else style)
            for text, style, control in line if not control
        ])  # fmt: skip
    return found


def svg(lines: Iterable[Iterable[Segment]], width: int, height: int) -> str:
    """The lines as a picture."""
    console = Console(
        width=width, height=height, file=io.StringIO(), force_terminal=True, color_system="truecolor", record=True,
        legacy_windows=False, safe_box=False, markup=False, highlight=False, emoji=False, _environ={},
    )  # fmt: skip
    for line in lines:
        # Links have an id of their own each time.
        plain = [Segment(text, style.update_link(None) if style else style) for text, style, _ in line]
        console.print(Segments([*plain, Segment.line()]), end="")
    picture = console.export_svg(title="", theme=XTERM, code_format=TEMPLATE, unique_id="t")
    # Letters of a line keep their columns in every font.
    picture = re.sub(r' (?:clip-path="[^"]*"|shape-rendering="[^"]*")', "", picture)
    return "".join(line.rstrip() + "\n" for line in picture.replace("><", ">\n<").splitlines() if line.strip())


async def expect(walk: Walk, name: str, *, standard: bool = False) -> None:
    """Wait until the screen looks like the accepted picture of this name; otherwise say what to do.

    `standard` draws it in 16 colours. With ACCEPT_SNAPSHOTS=1 the screen is accepted as it is, once it is calm.
    """
    path, seen = FOLDER / f"{name}.svg", FOLDER / f"{name}.new.svg"
    known = path.read_text(encoding="utf-8") if path.is_file() else ""
    accepting = bool(os.environ.get(ACCEPT))
    deadline = time.monotonic() + (1.0 if not known and not accepting else PATIENCE)
    now, drawn, since = "", None, time.monotonic()
    while True:
        await walk.pilot.pause()
        lines = rows(walk.app)
        if lines != drawn:
            drawn, since = lines, time.monotonic()
            now = svg(in_16_colours(lines) if standard else lines, *walk.app.size)
        if not accepting and now == known:
            seen.unlink(missing_ok=True)
            return
        if accepting and time.monotonic() - since > CALM:
            path.write_text(now, encoding="utf-8")
            return
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.02)
    seen.write_text(now, encoding="utf-8")
    test = os.environ.get("PYTEST_CURRENT_TEST", "tests/app/test_snapshots.py").partition(" ")[0]
    what = "does not look as it was accepted" if known else "has no accepted picture yet"
    raise AssertionError(
        f"{name} {what}. Compare {seen} with {path.name}; to accept what is there now:\n"
        f"  {ACCEPT}=1 {Path(sys.executable).name} -m pytest '{test}'\n{walk.text()}"
    )


def contrast(first: Color, second: Color) -> float:
    """The contrast of two colours, 1 to 21 (W3C, WCAG 2.1, contrast ratio)."""

    def light(color: Color) -> float:
        parts = [part / 255 for part in color.get_truecolor(XTERM)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((light(first), light(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
