"""Saves a run's log and its text for support to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.app.dialogs.save_to_file import whole_log, write_somewhere
from tui.app.steps.deploy.follow_run import RunSnapshot
from tui.app.steps.deploy.support_text import support_text
from tui.common.redact import redact

if TYPE_CHECKING:
    from tui.app.state.store import Store
    from tui.app.widgets.card import Card
    from tui.app.widgets.log_view import LogView
    from tui.engine.journal.runs import Run


async def for_support(store: Store, run: Run, snapshot: RunSnapshot, card: Card | None) -> tuple[str, str]:
    """Save the text for support, without secrets; return it and the sentence that names the file."""
    text = support_text(card, snapshot, run)
    return text, await write_somewhere([run.folder / "support.txt"], text, "Copied, and saved to")


async def save_log(store: Store, run: Run, snapshot: RunSnapshot, log: LogView) -> str:
    """Save the log's filtered lines to a file in the working directory; return the sentence that names it."""
    if snapshot.dropped:
        count, text = await whole_log(run, log.only_task, log.only_text)
    else:
        count, text = log.shown_count, log.shown_text()
    text = redact(text)
    name = f"{run.id}.log"
    return await write_somewhere(
        [Path.cwd() / name, run.folder / name], text, f"{count:,} line{'s' * (count != 1)} saved to"
    )
