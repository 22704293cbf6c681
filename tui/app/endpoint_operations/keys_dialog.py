"""Regenerates an endpoint's keys without an interruption, one after the other. No key is ever shown."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Static

from tui.app.dialogs.base import Box, buttons, close_button, says
from tui.app.endpoint_operations.operation_dialog import OperationDialog
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.inputs import TextInput
from tui.common.az_command import az

PATIENCE = 600  # seconds: regenerating a key is a long-running operation in Azure
STEPS = (("primary", "secondary"), ("secondary", "primary"))  # the key to regenerate, the one callers use meanwhile


def store_in_vault(endpoint: str, file: str) -> str:
    """The command that stores the key in a file in a Key Vault."""
    return az("keyvault secret set", vault_name="VAULT", name=f"{endpoint}-key", file=file, output="none")


class KeysDialog(OperationDialog[bool]):
    """Guides through two steps: save one key to a file, move callers to it, regenerate the other key.

    Dismissed with whether a key was regenerated.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._keys: dict[str, str] = {}  # fingerprints
        self._first: dict[str, str] = {}
        self._step = 0

    def compose(self) -> ComposeResult:
        yield Box(
            "Keys",
            Facts("keys-facts"),
            says(id="keys-about"),
            TextInput(id="keys-path", tooltip="A new file that only you can read"),
            says(id="said"),
            buttons(
                Button("Save to the file", id="keys-put", compact=True),
                Button("Regenerate …", id="keys-replace", compact=True),
                close_button(variant="primary"),
            ),
            classes="-wide -keys",
        )

    def on_mount(self) -> None:
        self.query_one("#close").focus()
        self.show()
        in_background(self, self._read, "keys")

    def action_close(self) -> None:
        """Close; a request already sent continues in Azure."""
        self.dismiss(self._keys != self._first)

    @property
    def _done(self) -> bool:
        return self._step >= len(STEPS)

    @property
    def _endpoint(self) -> str:
        return str(self._store.resolved("endpoint.name") or self._store.value("endpoint.name") or "ENDPOINT")

    async def _read(self) -> None:
        self.say("▸ Reading the keys' fingerprints")
        answer = await self._ask("keys", PATIENCE)
        if answer is not None and self._there:
            self._keys = dict(answer["keys"])
            self._first = dict(self._keys)
            self._offer_path()
            self.show()
            self.say("No key has been regenerated yet.")

    def _offer_path(self) -> None:
        if not self._done:
            name = f"{self._endpoint}.{STEPS[self._step][1]}.key"
            self.query_one(TextInput).value = str(Path("~") / name)

    def show(self) -> None:
        if not self._there:
            return
        rows = []
        for which in ("primary", "secondary"):
            now, before = self._keys.get(which, ""), self._first.get(which, "")
            new = f", new; it was {before}" if before != now else ""
            rows.append(Fact("ok" if new else "", which, f"fingerprint {now}{new}" if now else "not read yet"))
        self.query_one(Facts).show(rows)
        known = bool(self._keys) and not self._working
        replace, put = self.query_one("#keys-replace", Button), self.query_one("#keys-put", Button)
        put.display = self.query_one(TextInput).display = replace.display = not self._done
        put.disabled = replace.disabled = not known
        if self._done:
            about = "Both keys are new, and callers use the primary one. Delete the files that are no longer needed."
        else:
            leave, use = STEPS[self._step]
            about = (
                f"Step {self._step + 1} of 2. Move all callers to the {use} key: save it to a file or a Key Vault, "
                f"never print it. Then regenerate the {leave} key; calls that still use the old one are refused."
            )
            if self._asked is None:
                replace.label = f"Regenerate {leave} …"
        self.query_one("#keys-about", Static).update(about)
        replace.refresh(layout=True)

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#keys-put")
    def _put(self) -> None:
        if self._keys and not self._working and not self._done:
            in_background(self, self._put_away, "keys")

    async def _put_away(self) -> None:
        self.take_back()  # the focus moves to this button below: it must ask again
        use, path = STEPS[self._step][1], self.query_one(TextInput).value.strip()
        if not path:
            self.say("! Enter a file that does not exist yet.")
            return
        answer = await self._ask("put_key", PATIENCE, which=use, path=path)
        if answer is None or not self._there:
            return
        self.show()
        self.set_focus(self.query_one("#keys-replace"))
        self.say(
            f"✔ The {use} key is in {answer['path']}, which only you can read. To store it in a Key Vault:\n"
            f"{store_in_vault(self._endpoint, str(answer['path']))}"
        )

    @on(Button.Pressed, "#keys-replace")
    def _replace(self) -> None:
        if not self._keys or self._working or self._done:
            return
        leave, button = STEPS[self._step][0], self.query_one("#keys-replace", Button)
        question = f"! Callers that still use the {leave} key will get 401 errors. Regenerate it?"
        if self.confirmed(button, f"Yes, regenerate {leave}", question):
            in_background(self, self._regenerate, "keys")

    async def _regenerate(self) -> None:
        leave = STEPS[self._step][0]
        self.say(f"▸ Regenerating the {leave} key")
        answer = await self._ask("regenerate_key", PATIENCE, which=leave)
        if answer is None or not self._there:
            return
        self._keys = dict(answer["keys"])
        self._step += 1
        self._offer_path()
        self.show()
        self.say(f"✔ The {leave} key is new: {self._keys[leave]}.")
        # Immediately, so that the next key press does not go to the previously focused widget.
        self.set_focus(self.query_one("#close" if self._done else "#keys-put"))
