"""Background work is started in one way, by which none is ever reported as never awaited; listening ends."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from textual.app import App

from tests.conftest import ROOT
from tui.app.state.background import in_background


def test_only_one_function_starts_workers() -> None:
    calls = {
        path.relative_to(ROOT).as_posix()
        for path in Path(ROOT, "tui/app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "run_worker"
    }
    assert calls == {"tui/app/state/background.py"}


def test_a_widget_that_listens_to_the_store_stops_when_it_is_removed() -> None:
    listening: dict[str, bool] = {}
    for path in Path(ROOT, "tui/app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and ".store.listen(" in ast.unparse(node):
                listening[node.name] = any(getattr(one, "name", "") == "_on_prune" for one in node.body)
    assert listening == dict.fromkeys(("Pane", "WizardScreen", "StepFindings", "FleetScreen"), True)


@pytest.mark.filterwarnings("error")
async def test_the_last_of_a_group_runs_and_those_it_replaces_leave_no_warning() -> None:
    done: list[int] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        for number in range(3):

            async def work(number: int = number) -> None:
                done.append(number)

            in_background(app, work, "one")
        await pilot.pause()
        await app.workers.wait_for_complete([worker for worker in app.workers if not worker.is_cancelled])
    assert done == [2]
