"""The whole walk in a real xterm.js in Chromium, by keys, with the connection cut in mid deployment."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.webterm.player import Player, terminal

pytestmark = [pytest.mark.slow, pytest.mark.browser]

COMMAND = f"{shlex.quote(sys.executable)} -m tui"
ENDPOINT = "churn-browser-01"
BUILD_SECONDS = 240


def missing() -> str:
    """Return what a browser test needs and this machine lacks; empty if nothing is missing."""
    return ", ".join(name for name in ("chromium", "npm", "bash") if shutil.which(name) is None)


@pytest_asyncio.fixture
async def person(rehearsal_home: dict[str, str], rehearsal: dict[str, Any]) -> AsyncIterator[Player]:
    """Drives a shell in a browser's terminal of 80×24."""
    if missing():
        if os.environ.get("CI"):
            pytest.fail(f"not on this machine: {missing()}")
        pytest.skip(f"not on this machine: {missing()}")
    environ = {**rehearsal_home, "PS1": "shell> "}
    async with terminal(["bash", "--norc", "--noprofile", "-i"], environ) as player:
        await player.sees("shell>")
        yield player


async def runs(environ: dict[str, str]) -> list[dict[str, Any]]:
    """Return the output of `aml-deploy runs --json`."""
    import asyncio

    listing = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", "runs", "--json", env=environ, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await listing.communicate()
    return [json.loads(line) for line in printed.splitlines()]


async def test_the_walk_survives_a_lost_connection_and_comes_back_to_the_same_run(
    person: Player, rehearsal_home: dict[str, str], tmp_path: Path
) -> None:
    await person.type(f"{COMMAND} churn-xgboost --rehearse --set endpoint.name={ENDPOINT}")
    await person.press("Enter")
    await person.sees("step 1 of 9", 30)
    await person.sees("Found here", 60)
    await person.press("Tab", "Enter")
    await person.sees("Signed in +as", 60)
    for step in range(2, 8):
        await person.press("PageDown")
        await person.sees(f"step {step} of 9", 20)
    await person.sees("Ready", 60)
    await person.press("Tab", "Enter")
    await person.sees("step 8 of 9", 20)
    await person.sees("▸ .*deployment", 60)

    lost = person.session
    await person.drop()
    assert await person.ended(20) is not None, "the wizard outlives its terminal"
    begun = [run for run in await runs(rehearsal_home) if run["endpoint"] == ENDPOINT]
    assert len(begun) == 1

    await person.reopen()
    assert person.session is not lost
    await person.sees("shell>")
    await person.resize(120, 40)
    await person.type(f"{COMMAND} attach {begun[0]['run']}")
    await person.press("Enter")
    await person.sees("step 8 of 9", 30)
    await person.sees("succeeded", BUILD_SECONDS)
    assert [run["run"] for run in await runs(rehearsal_home) if run["endpoint"] == ENDPOINT] == [begun[0]["run"]]
    await person.picture(tmp_path / "deployed.png")

    await person.press("PageDown")
    await person.sees("step 9 of 9", 20)
    await person.sees('"Idade"', 30)
    await person.press("ctrl+c")
    await person.sees("Quit the wizard", 10)
    await person.press("Enter")
    await person.sees(f"(?s){ENDPOINT}.*aml-deploy remove.*shell>", 20)


async def test_keys_paste_and_copy_in_the_browser(person: Player) -> None:
    await person.type(f"{COMMAND} churn-xgboost --rehearse")
    await person.press("Enter")
    await person.sees("step 1 of 9", 30)
    await person.press("PageDown", "PageDown")
    await person.sees("step 3 of 9", 30)

    await person.press("ctrl+o")
    await person.sees("Enter: run, Esc: close")
    await person.press("Escape")
    await person.gone("Esc: close")
    await person.resize(70, 18)
    await person.sees("(?i)80")
    await person.resize(120, 40)
    await person.gone("The wizard needs")
    await person.sees("Endpoint name")

    await person.press("End", "z")  # the focus begins on the first field
    await person.sees("churn-endpoint-01z")
    await person.press("ctrl+u")
    long = "a" * 5000 + "é 漢字 " + "b" * 5000
    await person.paste(long)
    await person.sees("bbbb", 20)
    await person.press("Tab")
    await person.sees("✖ ", 20)
    await person.press("shift+Tab", "End", "ctrl+u")
    await person.paste("fraud-score-07")
    await person.sees("fraud-score-07")
    await person.press("ctrl+y")
    await person.sees("Copied")
    assert await person.copied() == "fraud-score-07"

    await person.press("ctrl+c")
    await person.sees("Nothing is running")
    await person.press("Enter")
    await person.sees(r"^shell>\s*$", 20)
