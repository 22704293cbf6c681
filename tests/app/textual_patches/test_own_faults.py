"""A terminal that disappears, and steps that are being shown when the wizard ends."""

from __future__ import annotations

import io

import pytest
from rich.traceback import Traceback

from tests.app.everything import answers
from tests.app.panes import home, wizard
from tui.app.launch import _Terminal
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


async def test_a_terminal_that_cannot_be_read_any_more_saves_and_ends_as_after_a_hang_up() -> None:
    """As Textual's thread calls it that reads the terminal."""
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        walk.store.set("endpoint.name", "churn-typed-01")
        try:
            raise OSError(5, "Input/output error")
        except OSError:
            walk.app.call_later(walk.app.panic, Traceback())
        await walk.until(lambda: walk.app._exit, "the end")
        assert walk.app.hung_up
        assert load(str(walk.store.file)).get("endpoint.name") == "churn-typed-01"


async def test_a_step_that_is_shown_while_the_wizard_ends_is_no_internal_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with wizard(answers()) as walk:
        walk.app.exit("left")
        walk.app._handle_exception(ZeroDivisionError("in a widget without children"))
        assert walk.app._exception is None
    assert walk.app.return_code == 0
    assert "While ending: ZeroDivisionError" in capfd.readouterr().err


def test_what_is_written_to_a_terminal_that_has_disappeared_is_dropped() -> None:
    class Gone(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            raise OSError(5, "Input/output error")

    terminal = _Terminal(io.BufferedWriter(Gone()), encoding="utf-8")
    for _ in range(3):
        assert terminal.write("x" * 100_000) == 100_000
        terminal.flush()
    terminal.buffer.raw.close()  # type: ignore[attr-defined]
