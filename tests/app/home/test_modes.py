"""Where things happen, Azure or the rehearsal: it belongs to the plan or run that is open, and is always visible."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.app.panes import Walk, home, plans
from tests.app.recorded import Recording
from tests.app.scenes import good_answers
from tests.app.troubleshoot.test_troubleshoot import REPORT
from tui.app.app import WizardApp
from tui.app.steps.deploy.pane import DeployPane
from tui.app.steps.step_texts import ORDER
from tui.app.troubleshoot import endpoint_lookup
from tui.engine import start_stop
from tui.engine.journal import runs
from tui.plain.arguments import endpoint
from tui.plain.failure import Failure
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


def interrupted(home: Path, *, rehearsed: bool, run: str = "20261122-220501-ab12") -> runs.Run:
    """A run without an engine that has not finished."""
    recording = Recording(home, ago=60, run=run, rehearsed=rehearsed)
    recording.begin()
    load("churn-xgboost").save(recording.folder / "plan.yml")
    return recording.run


@asynccontextmanager
async def started(*, rehearse: bool, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Walk]:
    """The wizard at home; its rehearsal only sets a variable."""

    def prepare(document: Document | None) -> Mapping[str, str]:
        return {**os.environ, "IN_REHEARSAL": "yes"}

    app = WizardApp(environ=dict(os.environ), rehearse=rehearse, prepare=prepare,
                    adopt=lambda document: document, helper=good_answers(troubleshoot=REPORT))  # fmt: skip
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Presets")
        yield walk


async def opened(walk: Walk) -> None:
    """Wait until a plan or run is open and its environment is complete."""
    await walk.until(lambda: walk.store is not None and walk.store.ready.is_set(), "the environment is complete")
    await walk.sees("step ")


def first_row(walk: Walk) -> str:
    """Return the top row; empty while the screen is being replaced."""
    return (walk.text().splitlines() or [""])[0]


async def test_a_real_run_attached_from_a_rehearsal_is_resumed_in_azure(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(home, rehearsed=False)
    resumed: list[Mapping[str, str]] = []
    monkeypatch.setattr(start_stop, "resume", lambda run, environ, secrets: resumed.append(environ))
    async with started(rehearse=True) as walk:
        await walk.sees("Unfinished runs")
        await walk.press("home", "enter")
        await walk.sees("interrupted in Azure", "it can only be resumed in Azure")
        await walk.press("enter")
        await opened(walk)
        assert "AZURE" in first_row(walk)
        walk.app.screen.query_one(DeployPane).resume()
        await walk.until(lambda: resumed, "the run is resumed")
        assert "IN_REHEARSAL" not in resumed[0]
        walk.app.go_home()
        await walk.sees("rehearsal", "Switch to Azure")


async def test_a_rehearsed_run_that_was_viewed_leaves_the_next_plan_in_azure(home: Path) -> None:
    run = interrupted(home, rehearsed=True)
    async with started(rehearse=False) as walk:
        walk.app.attach(run)
        await opened(walk)
        assert "rehearsal" in first_row(walk)
        assert walk.store.environ["IN_REHEARSAL"] == "yes"
        walk.app.go_home()
        await walk.sees("Switch to rehearsal")
        await walk.pilot.pause()
        assert "AZURE" in first_row(walk)
        walk.app.open(load("churn-xgboost"))
        await opened(walk)
        assert "AZURE" in first_row(walk)
        assert "IN_REHEARSAL" not in walk.store.environ


async def test_the_plan_of_a_run_is_edited_where_the_run_was_started(home: Path) -> None:
    run = interrupted(home, rehearsed=True)
    before = run.plan.read_bytes()
    async with started(rehearse=False) as walk:
        await walk.sees("Unfinished runs")
        await walk.press("home", "enter")
        await walk.sees("interrupted in the rehearsal", "Edit")
        await walk.press("right", "enter")
        await opened(walk)
        assert "rehearsal" in first_row(walk) and "saved" in first_row(walk)
        assert walk.app.rehearse is False, "home is left as it was"
        walk.store.save()
        assert not list(plans(home).iterdir()), "nothing was changed"
        walk.store.set("deployment.instance_count", "3")
        await walk.press("pagedown")
        await walk.until(lambda: any(plans(home).iterdir()), "it is saved")
        (saved,) = plans(home).iterdir()
        assert "instance_count: 3" in saved.read_text() and walk.store.file == saved
        assert run.plan.read_bytes() == before, "the run resumes with what it began with"


async def test_what_is_changed_while_a_run_is_followed_is_not_written_to_its_plan(home: Path) -> None:
    run = interrupted(home, rehearsed=False)
    before = run.plan.read_bytes()
    async with started(rehearse=False) as walk:
        walk.app.attach(run)
        await opened(walk)
        walk.store.set("deployment.instance_count", "3")
        walk.store.save()
        assert run.plan.read_bytes() == before and walk.store.file.parent == plans(home)


async def test_home_chooses_where_a_plan_is_opened() -> None:
    async with started(rehearse=False) as walk:
        assert "AZURE" in first_row(walk)
        await walk.tab_to("mode")
        await walk.press("enter")
        await walk.sees("Switch to Azure", "Nothing in Azure is touched")
        assert "rehearsal" in first_row(walk)
        walk.app.open(load("churn-xgboost"))
        await opened(walk)
        assert "rehearsal" in first_row(walk)
        assert walk.store.rehearse


@pytest.mark.parametrize(("rehearse", "shown"), [(False, "AZURE"), (True, "rehearsal")])
@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow)], ids=["80x24", "120x40"])
async def test_every_screen_shows_where_things_happen(rehearse: bool, shown: str, size: tuple[int, int]) -> None:
    async with started(rehearse=rehearse, size=size) as walk:
        assert shown in first_row(walk)
        walk.app.open(load("churn-xgboost"))
        await opened(walk)
        for step in ORDER:
            await walk.to(step)
            assert shown in first_row(walk), step
        walk.app.operate(load("churn-xgboost"))
        await walk.until(lambda: "troubleshoot" in first_row(walk) or "churn" in first_row(walk), "the operator's view")
        assert shown in first_row(walk)


async def test_operating_an_endpoint_never_writes_into_the_plan_that_names_it(home: Path) -> None:
    load("churn-xgboost").save(home / "plan.yml")
    before = (home / "plan.yml").read_bytes()
    async with started(rehearse=True) as walk:
        walk.app.operate(load(home / "plan.yml"))
        await walk.sees("No requests reach any deployment")
        walk.store.set("credential.client_secret", "${env:NEW_SECRET}")
        walk.app.finish("left")
    assert (home / "plan.yml").read_bytes() == before
    assert not [*plans(home).iterdir()]


def test_variables_that_point_to_the_rehearsal_are_not_shown_as_azure() -> None:
    from tui.app.widgets.header import badge

    assert badge(False, {"REHEARSAL_CLIENT_ID": "1"}).plain == "rehearsal"
    assert badge(True, {"REHEARSAL_SCENARIOS": "quota"}).plain == "rehearsal of quota"
    assert badge(False, {}).plain == "AZURE"


def named(**given: Any) -> Namespace:
    """The arguments of a command about an endpoint."""
    nothing = dict.fromkeys(("plan", "run", "subscription", "resource_group", "workspace"))
    return Namespace(**{"endpoint": "churn-endpoint-01", "rehearse": False, **nothing, **given})


def test_a_commands_run_decides_where_it_happens(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = interrupted(home, rehearsed=False, run="real")
    with pytest.raises(Failure, match="was started in Azure: --rehearse does not apply to it") as refused:
        endpoint.target(named(run=real.id, rehearse=True))
    assert refused.value.code == 2
    assert "REHEARSAL_SCENARIOS" not in endpoint.target(named(run=real.id))[1]


def test_a_name_in_the_rehearsal_is_not_that_of_a_run_in_azure(home: Path) -> None:
    rehearsed = interrupted(home, rehearsed=True, run="rehearsed")
    real = interrupted(home, rehearsed=False, run="real")
    about = json.loads((real.folder / "run.json").read_text())
    (real.folder / "run.json").write_text(json.dumps({**about, "started": "2999-01-01T00:00:00Z"}))
    assert runs.latest("churn-endpoint-01").id == real.id  # type: ignore[union-attr]
    assert runs.latest("churn-endpoint-01", rehearsed=True).id == rehearsed.id  # type: ignore[union-attr]
    name = "churn-endpoint-01"
    assert [endpoint_lookup.of_text(name, os.environ, mode).rehearsed for mode in (False, True)] == [False, True]


def test_the_prompts_say_at_every_step_where_things_happen() -> None:
    from tui.plain.prompts.prompts import _title

    assert _title("credentials", True) == "\nStep 1 of 9: Credentials  [rehearsal]"
    assert _title("review", False) == "\nStep 7 of 9: Review  [AZURE]"
