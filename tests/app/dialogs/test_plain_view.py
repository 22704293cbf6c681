"""A text that is shown outside the alternate screen, on the terminal itself."""

from __future__ import annotations

import contextlib
import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tui.app.dialogs import plain_view


def test_control_characters_of_the_text_do_not_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    app: Any = SimpleNamespace(suspend=contextlib.nullcontext)
    monkeypatch.setattr(sys, "__stderr__", terminal)
    monkeypatch.setattr(plain_view, "open", lambda *_, **__: io.StringIO("\n"), raising=False)
    monkeypatch.setattr(plain_view, "wait_for_enter", lambda keys, told: 0)
    assert plain_view.show_plainly(app, "a\x1b]52;c;Y29weQ==\x07\x1b[2Jb\nc")
    assert terminal.getvalue().startswith("\nab\nc\n\n")
