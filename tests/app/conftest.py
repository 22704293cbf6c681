"""For all tests of the wizard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def a_folder_to_work_in(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, to which a preset that is changed is copied."""
    folder = tmp_path_factory.mktemp("work")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(autouse=True)
def keys_wait_for_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys typed ahead wait as long as a slow machine may need; a user's patience, three seconds, ends sooner."""
    from tui.app.steps import typed_ahead

    monkeypatch.setattr(typed_ahead, "MOST_SECONDS", 60.0)
    monkeypatch.setattr(typed_ahead, "LEAVING_SECONDS", 60.0)


@pytest.fixture(autouse=True)
def failed_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """A worker that fails only shows a notice, and must fail the test; one that expects it clears the list."""
    from tui.app.app import WizardApp

    failed: list[BaseException] = []
    show = WizardApp.worker_failed

    def note(app: WizardApp, error: BaseException) -> None:
        failed.append(error)
        show(app, error)

    monkeypatch.setattr(WizardApp, "worker_failed", note)
    yield failed
    if failed:
        raise failed[0]
