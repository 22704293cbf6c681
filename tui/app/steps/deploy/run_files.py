"""Writes a text about a run to a file, and reads a run's whole log; both in the background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tui.app.state.background import in_thread
from tui.app.widgets.log_view import as_text
from tui.common.write_atomic import write_atomic
from tui.engine.journal.run_view import LogLine
from tui.engine.journal.runs import Run


async def write_somewhere(places: Sequence[Path], text: str, words: str) -> str:
    """Write a text to the first writable path; return the sentence to show: `words` and the path, or the error."""
    why = ""
    for path in places:
        try:
            await in_thread(write_atomic, path, text)
        except OSError as error:
            why = f"✖ {path} cannot be written: {error.strerror or error}."
        else:
            return f"{words} {path}"
    return why


async def whole_log(run: Run, task: str, text: str) -> tuple[int, str]:
    """Return the number of lines in a run's complete log that match a filter, and the lines; read from the journal."""
    return await in_thread(_whole_log, run, task, text.lower())


def _whole_log(run: Run, task: str, wanted: str) -> tuple[int, str]:
    lines = [
        LogLine(event["task"], event.get("source", ""), event.get("line", ""), event["time"])
        for event in run.journal.read()
        if event.get("event") == "task_log"
        and (not task or event["task"] == task)
        and wanted in event.get("line", "").lower()
    ]
    return len(lines), as_text(lines)
