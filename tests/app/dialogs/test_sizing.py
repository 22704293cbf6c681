"""Size by measurement, at the keyboard; the load run is a process of its own that tells what one once told."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.steps.compute.test_compute import OFFERS, line
from tui.app.dialogs.sizing import SizingScreen
from tui.common import child_process
from tui.local_trial.load.measured import Measured, Memory, Point

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

PROGRESS = ("Starting a local Azure on this machine.", "Load: 1 worker, 1 concurrent: at most 25.0 requests a second.")
# Prints the lines that it was given; with a second file, it then waits for its end, and notes that it came.
CHILD = """
import json, pathlib, sys
asked = sys.stdin.readline()
pathlib.Path(sys.argv[1], "asked").write_text(asked)
print(pathlib.Path(sys.argv[1], "lines").read_text(), flush=True)
if len(sys.argv) > 2:
    sys.stdin.read()
    pathlib.Path(sys.argv[1], "ended").write_text("")
"""


def points(workers: int, capacity: float) -> list[Point]:
    """What a server with that many workers was measured to do at rising rates."""
    return [
        Point(workers, workers, share * capacity, 8.0, 300, 0, share * capacity, 50.0, p95, p95 * 1.3, 38.0, share)
        for share, p95 in ((0.3, 60.0), (0.5, 75.0), (0.7, 110.0), (0.85, 190.0), (0.95, 420.0))
    ]


def measured(**more: Any) -> dict[str, Any]:
    """The report of a load run."""
    told: dict[str, Any] = {
        "deployment": "blue", "processor": "Test 3000", "cores": 1.0, "limited_by": "affinity", "ready_seconds": 2.0,
        "warm_up": (40, 3.0), "request_bytes": (90, 90), "source": "sample",
        "points": (*points(1, 25.0), *points(2, 26.0)), "memory": Memory(200_000_000, 150_000_000, 400_000_000),
        "spread": 0.04, "blocked": True, "refused": "",
    }  # fmt: skip
    return {"measured": [Measured(**{**told, **more}).as_dict()], "findings": [], "figures": [], "card": None}


Tell = Callable[..., Path]


@pytest.fixture
def load_run(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Set what the process of the load run tells; without a report it goes on until it is stopped."""
    folder, command = tmp_path_factory.mktemp("load"), child_process.command

    def tell(report: dict[str, Any] | None, *progress: str) -> Path:
        told: list[dict[str, Any]] = [{"progress": text} for text in progress]
        told += [{"report": report}] if report is not None else []
        (folder / "lines").write_text("\n".join(map(json.dumps, told)))
        (folder / "child.py").write_text(CHILD)
        goes_on = ("goes-on",) if report is None else ()

        def of(module: str, *arguments: str) -> list[str]:
            if module != "tui.local_trial":
                return command(module, *arguments)
            return [sys.executable, str(folder / "child.py"), str(folder), *goes_on]

        monkeypatch.setattr(child_process, "command", of)
        return folder

    return tell


async def opened(walk: Walk) -> None:
    """Open the dialog from the step Compute, with its button."""
    await walk.to("compute")
    await walk.sees("Standard_D4as_v4  ", "6 sizes")
    await walk.tab_to("size-measure")
    await walk.press("enter")
    await walk.sees("Size by measurement", "Nothing in Azure is touched")


async def ask_for(walk: Walk, rate: str, latency: str) -> None:
    """Type a load, and Enter."""
    for name, text in (("rate", rate), ("latency", latency)):
        await walk.tab_to(f"sizing-{name}")
        await walk.press("end", "ctrl+u", *text)
    await walk.press("enter")


async def answered(walk: Walk, *words: str) -> str:
    """Wait for the choices, which then have the focus, and for these words; return the screen's text."""
    await walk.until(lambda: walk.focused == "sizing-choices", "the choices have the focus")
    return await walk.sees(*words)


async def test_a_choice_is_taken_into_the_plan_by_one_key_and_taken_back_by_one(load_run: Tell) -> None:
    folder = load_run(measured(), *PROGRESS)
    async with wizard(recorded_answers(sizes=OFFERS), sets=("deployment.instance_type=Standard_F4s_v2",)) as walk:
        before = walk.store.document.as_yaml()
        await opened(walk)
        await ask_for(walk, "20", "200")
        screen = await walk.sees(
            "✔ 20 requests a second, p95 at most 200 ms", "hold it, the cheapest first", "1 × Standard_D4as_v4"
        )
        assert json.loads((folder / "asked").read_text())["load"] == {}, "a load run was asked for"
        assert "0.192 USD/h" in screen and "2.67 USD a million" in screen
        await walk.sees("Changes", "Size Standard_D4as_v4", "Estimate")
        await answered(walk)
        await walk.press("enter")
        await walk.sees("● 1 × Standard_D4as_v4", "None: it is in the plan.")
        assert walk.store.value("deployment.instance_type") == "Standard_D4as_v4"
        assert walk.store.provenance("deployment.instance_type") == "measured here"
        assert walk.store.dirty
        await walk.tab_to("sizing-undo")
        await walk.press("enter")
        await walk.sees("  1 × Standard_D4as_v4", "Size Standard_D4as_v4")
        assert walk.store.document.as_yaml() == before
        assert walk.store.provenance("deployment.instance_type") == "test"


async def test_the_field_that_has_the_focus_below_the_dialog_shows_what_was_taken(load_run: Tell) -> None:
    load_run(measured())
    async with wizard(recorded_answers(sizes=OFFERS), sets=("deployment.instance_type=Standard_F4s_v2",)) as walk:
        await walk.to("compute")
        walk.app.screen.query_one("#row-deployment-instance_type").control.focus()  # type: ignore[attr-defined]
        await walk.press("ctrl+o", *"Size by measurement")
        await walk.sees("measured here.")
        await walk.press("enter")
        await walk.sees("Nothing in Azure is touched")
        await walk.press("enter")
        await answered(walk)
        await walk.press("enter")
        await walk.sees("● 1 × Standard_D4as_v4")
        await walk.press("escape")
        await walk.sees("Size                 Standard_D4as_v4", "measured here")
        assert walk.store.value("deployment.instance_type") == "Standard_D4as_v4"


async def test_every_line_says_whether_it_was_measured_and_why_sizes_fall_out(load_run: Tell) -> None:
    load_run(measured(), *PROGRESS)
    async with wizard(recorded_answers(sizes=OFFERS), size=(120, 40)) as walk:
        await opened(walk)
        await ask_for(walk, "20", "200")
        await answered(walk, "Measured", "blue on 1 core of this machine (Test 3000)", "Estimate", "Not chosen")
        await walk.tab_to("sizing-copy")
        await walk.press("enter")
        await walk.sees("Size by measurement", "Write to a file")
        text = walk.app.screen.plain  # type: ignore[attr-defined]
        assert "Standard_F4s_v2: " in text and "Standard_D8as_v4: not offered" in text
        assert {part.split()[0] for part in text.splitlines()[2:] if part[:1].isalpha()} <= {
            "Changes", "Estimate", "Measured", "Listed", "Dearer", "Not"}  # fmt: skip
        await walk.press("escape", "escape")
        # The table of sizes says the same.
        await walk.sees("✔ fits, holds", "it holds the load, as measured")
        assert "✖ no: 4 short" in line(walk, "Standard_F4s_v2")


async def test_another_load_is_answered_without_measuring_again_also_after_the_dialog_was_closed(
    load_run: Tell,
) -> None:
    folder = load_run(measured(), *PROGRESS)
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await opened(walk)
        await ask_for(walk, "20", "200")
        await answered(walk, "✔ 20 requests a second")
        (folder / "asked").unlink()
        await ask_for(walk, "200", "200")
        await answered(walk, "✔ 200 requests a second", "3 × Standard_D4as_v4")
        await walk.press("escape")
        await walk.sees("6 sizes")
        await walk.tab_to("size-measure")
        await walk.press("enter")
        await answered(walk, "✔ 200 requests a second", "Measure again")
        assert not (folder / "asked").exists()
        await walk.press("escape")
        walk.store.put("deployment.model.path", "./other", "test")  # another model: nothing is known of it
        await walk.tab_to("size-measure")
        await walk.press("enter")
        await walk.sees("Nothing in Azure is touched")
        assert walk.app.screen.query_one("#sizing-rate").value == "200"  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_a_measurement_is_shown_and_stopped_and_its_process_ends(load_run: Tell, key: str) -> None:
    folder = load_run(None, *PROGRESS)
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await opened(walk)
        await walk.press("enter")
        screen = await walk.sees("▸ 1 worker, 1 concurrent: at most 25.0", "· 1 worker, 1 concurrent", "Cancel")
        assert "Load:" not in screen
        await walk.press(key)
        await walk.until((folder / "ended").exists, "the process has ended")
        if key == "enter":
            await walk.sees("! Stopped: nothing was measured.", "Measure")
        assert isinstance(walk.app.screen, SizingScreen) == (key == "enter")
        assert "measured" not in walk.store.facts


async def test_a_second_measurement_that_is_stopped_leaves_the_first(load_run: Tell) -> None:
    load_run(measured())
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await opened(walk)
        await ask_for(walk, "20", "200")
        await answered(walk, "✔ 20 requests a second")
        folder = load_run(None, *PROGRESS)
        await walk.tab_to("sizing-measure")
        await walk.press("enter")
        await walk.sees("▸ 1 worker, 1 concurrent")
        assert not walk.shows("1 × Standard_D4as_v4")
        await walk.press("enter")
        await walk.sees("! Stopped: nothing was measured.", "1 × Standard_D4as_v4", "Measure again")
        assert (folder / "ended").exists()


async def test_what_is_typed_first_is_the_rate(load_run: Tell) -> None:
    load_run(measured())
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await opened(walk)
        await walk.press(*"30", "enter")
        await answered(walk, "✔ 30 requests a second")


async def test_a_load_run_that_ends_without_a_report_says_so(load_run: Tell) -> None:
    folder = load_run(measured())
    (folder / "lines").write_text(json.dumps({"progress": PROGRESS[0]}))
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await opened(walk)
        await walk.press("enter")
        await walk.sees("✖ The load run cannot be started: The local trial ended without a report.")


async def test_a_figure_that_is_refused_says_why(load_run: Tell) -> None:
    load_run(measured(points=(), refused="The server and the generator share too few cores."))
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await opened(walk)
        await walk.press("enter")
        await walk.sees("✖ No recommendation: The server and the generator share too few cores.")
        assert walk.app.screen.query_one("#sizing-take").disabled  # type: ignore[attr-defined]


async def test_a_model_that_cannot_be_served_shows_the_findings(load_run: Tell) -> None:
    finding = {"id": "trial-ready", "severity": "blocker", "message": "It failed.", "remedy": "Correct score.py."}
    load_run({"findings": [finding], "figures": [], "card": None})
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await opened(walk)
        await walk.press("enter")
        await walk.sees("✖ Nothing was measured", "✖ Start", "It failed.", "Correct score.py.")


@pytest.mark.parametrize(("rate", "latency"), [("0", ""), ("x", ""), ("1e3", ""), ("20", "-5"), ("20", ".")])
async def test_a_load_that_is_no_number_is_refused(load_run: Tell, rate: str, latency: str) -> None:
    folder = load_run(measured())
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await opened(walk)
        await ask_for(walk, rate, latency)
        await walk.sees("must be a number above 0, such as")
        assert not (folder / "asked").exists()
        assert walk.focused == ("sizing-latency" if latency else "sizing-rate")


async def test_the_local_trial_leads_to_it(load_run: Tell) -> None:
    load_run({"findings": [], "figures": [], "card": None})
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await walk.to("review")
        walk.app.screen.query_one("#pane-review").local_trial()  # type: ignore[attr-defined]
        await walk.sees("✔ It works here")
        await walk.tab_to("trial-size")
        await walk.press("enter")
        await walk.sees("Nothing in Azure is touched", "Requests a second")
