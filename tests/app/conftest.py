"""For all tests of the wizard."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def keys_wait_for_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys typed ahead wait as long as a slow machine may need; a user's patience, three seconds, ends sooner."""
    from tui.app.steps import typed_ahead

    monkeypatch.setattr(typed_ahead, "MOST_SECONDS", 60.0)
    monkeypatch.setattr(typed_ahead, "LEAVING_SECONDS", 60.0)
