"""What an answer brings does not move the focus while the user types."""

from __future__ import annotations

import ast
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import Button

import tui.app
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.offered_focus import offer_focus

# Coroutines that move the focus as the direct effect of a key, before or without an answer, or to what replaces the
# dialog's own buttons; each was judged.
JUDGED = {
    ("endpoint_operations/keys_dialog.py", "_regenerate"),  # the buttons change places under the focus
    ("endpoint_operations/keys_dialog.py", "_put_away"),
    ("endpoint_operations/removal_dialog.py", "_remove"),
    ("endpoint_operations/traffic_dialog.py", "_change"),
    ("endpoint_operations/traffic_dialog.py", "_read"),
    ("steps/compute/pane.py", "_open_table"),  # the key Down
    ("steps/credentials/pane.py", "sign_in"),  # before it asks
    ("steps/form_pane.py", "show_all"),  # the button for more fields
    ("steps/form_pane.py", "show_field"),  # a field chosen in Review or in the menu
    ("steps/review/pane.py", "advance"),  # the button Deploy
    ("steps/review/pane.py", "show_field"),
    ("steps/wizard_screen.py", "_left_step"),  # the key Next; what is typed meanwhile waits
    ("steps/wizard_screen.py", "_show_step"),
    ("troubleshoot/finding_dialog.py", "_carry_out"),
}


def moves_focus(node: ast.AST) -> bool:
    """Whether a part of a program focuses a widget."""
    return isinstance(node, ast.Attribute) and node.attr in ("focus", "set_focus")


def test_coroutines_offer_the_focus() -> None:
    root = Path(str(tui.app.__file__)).parent
    found = {
        (path.relative_to(root).as_posix(), node.name)
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.AsyncFunctionDef) and any(map(moves_focus, ast.walk(node)))
    }
    assert found == JUDGED


class FieldAndButton(App[None]):
    """A text field and a button that an answer leads to."""

    def compose(self) -> ComposeResult:
        yield TextInput("", id="field")
        yield Button("Test the endpoint", id="answer")


async def test_the_focus_is_offered_to_who_does_not_type() -> None:
    async with FieldAndButton().run_test() as pilot:
        button = pilot.app.query_one("#answer")
        await pilot.press("a")
        offer_focus(button)
        await pilot.press("b")
        assert pilot.app.query_one(TextInput).value == "ab"
        pilot.app.screen.set_focus(None)
        offer_focus(button)
        await pilot.pause()
        assert pilot.app.focused is button
