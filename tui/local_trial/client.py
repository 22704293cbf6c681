"""Starts a local trial for a front end, passes on its progress, and returns its report."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

from tui.common import child_process

if TYPE_CHECKING:
    from tui.plan.load_save.document import Document

STOP_SECONDS = 60.0
"""How long the clean-up may take after a cancel."""
_LINE_LIMIT = 8 * 1024 * 1024


async def perform(
    document: Document,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    load: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Run a local trial and return its report: `{"findings", "figures", "card"}`.

    `load`: the options of a load run (fields of `load.run.Options`, may be empty), whose report also has "measured".
    `tell` receives one line of progress at a time. Cancelling stops it and waits for its clean-up.
    Raises OSError if it cannot be started or ends without a report.
    """
    process = await asyncio.create_subprocess_exec(
        *child_process.command("tui.local_trial"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=child_process.without_identity(environ),
        start_new_session=True,  # an interrupt goes to the front end only, which then ends this process
        limit=_LINE_LIMIT,
    )
    assert process.stdin is not None and process.stdout is not None
    report: dict[str, Any] | None = None
    try:
        asked = {"document": document.tree, "base": str(document.base.resolve()), "load": load}
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        async for line in process.stdout:
            told = json.loads(line)
            if "progress" in told:
                tell(str(told["progress"]))
            report = told.get("report") or report
        await process.wait()
    finally:
        if process.returncode is None:
            process.stdin.close()
            with contextlib.suppress(asyncio.TimeoutError):  # shielded: an application that ends cancels a second time
                await asyncio.shield(asyncio.wait_for(process.wait(), STOP_SECONDS))
    if report is None:
        raise OSError(0, "The local trial ended without a report")
    return report
