"""The user's hand: keys one by one or in a burst, pastes, sizes; and how each place is reached with them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.geometry import Size
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from tests.clumsy.places import shown
from tui.app.app import WizardApp
from tui.app.widgets.field_row import FieldRow
from tui.app.widgets.inputs import TextInput

Event = tuple[str, Any]


class Gone(Exception):
    """The wizard has ended."""


class NotReached(Exception):
    """A place was not reached with the keys that lead there."""


class Hand:
    """Sends events to a wizard, as its driver does."""

    def __init__(self, app: WizardApp, pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot
        self.sent: list[Event] = []  # everything, in order
        self.seen: set[str] = set()

    @property
    def gone(self) -> bool:
        """Whether the wizard has ended, or is about to."""
        return self.app._exit or self.app._exception is not None or not self.app.is_running

    def post(self, event: Event) -> None:
        """Send one event, without waiting for anything."""
        kind, what = event
        self.sent.append(event)
        driver = self.app._driver
        assert driver is not None
        if kind == "size":
            size = Size(*what)
            driver._size = size  # type: ignore[attr-defined]
            self.app.post_message(events.Resize(size, size))
        elif kind == "paste":
            self._send(events.Paste(what))
        elif kind == "text":
            for letter in what:
                self._key(letter)
        else:
            self._key(what)

    def _key(self, key: str) -> None:
        if len(key) == 1 and not key.isalnum():
            key = _character_to_key(key)
        character: str | None
        try:
            character = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(key, key)))
        except KeyError:
            character = key if len(key) == 1 else None
        self._send(events.Key(key, character))

    def _send(self, event: events.Event) -> None:
        event.set_sender(self.app)
        assert self.app._driver is not None
        self.app._driver.send_message(event)

    async def settle(self, seconds: float = 30) -> None:
        """Wait until all events are handled. Raises Gone, TimeoutError when the wizard does not come to rest."""
        deadline = time.monotonic() + seconds
        calm = 0
        while calm < 2:
            if self.gone:
                raise Gone
            if time.monotonic() > deadline:
                raise TimeoutError("the keys typed ahead are not taken")
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.pilot._wait_for_screen(), seconds)
            await asyncio.sleep(0.01)
            typed = self.app._typed
            calm = 0 if typed._settling is not None or typed._kept else calm + 1
        if self.gone:
            raise Gone
        self.seen.update(shown(self.app))

    async def until(self, condition: Callable[[], Any], what: str, seconds: float = 40) -> None:
        """Wait for a condition. Raises NotReached, Gone."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.gone:
                raise Gone
            if time.monotonic() > deadline:
                raise NotReached(what)
            await asyncio.sleep(0.02)

    async def press(self, *keys: str) -> None:
        """Press keys, each when the one before it was handled."""
        for key in keys:
            self.post(("key", key))
            await self.settle()

    # On the way to a place

    def at(self, name: str) -> bool:
        """Whether a place is displayed now."""
        return name in shown(self.app)

    async def button(self, wanted: str) -> None:
        """Press Tab until the widget with this id has the focus, then Enter."""

        async def there() -> bool:
            for _ in range(50):
                focused = self.app.screen.focused
                if focused is not None and focused.id == wanted and not focused.has_class("-active"):
                    return True
                await self.press("tab")
            return False

        await self.until(lambda: self.app.screen.query(f"#{wanted}"), f"no {wanted}")
        for _ in range(3):
            if await there():
                return await self.press("enter")
        raise NotReached(f"Tab does not come to {wanted}")

    async def choose(self, words: str) -> None:
        """Choose an entry of the screen's list by its words: by typing them where the list is searched."""
        screen = self.app.screen
        await self.until(lambda: screen.query(OptionList), "no list")
        options = screen.query_one(OptionList)
        await self.until(lambda: options.option_count, "an empty list")
        if screen.query(Input):
            self.post(("text", words))
            await self.settle()
            await self.until(lambda: options.highlighted_option is not None, words)
        for _ in range(60):
            marked = options.highlighted_option
            if marked is not None and words in str(marked.prompt):
                return await self.press("enter")
            await self.press("down")
        raise NotReached(f"{words} is not offered")

    async def menu(self, words: str) -> None:
        """Choose an action of the menu."""
        before = self.app.screen
        await self.press("ctrl+o")
        await self.until(lambda: self.app.screen is not before, "no menu")
        await self.choose(words)

    async def step(self, name: str) -> None:
        """Go to a step, by the menu."""
        await self.until(lambda: getattr(self.app.screen, "step", None), "no steps")
        if self.app.screen.step != name:  # type: ignore[attr-defined]
            from tui.app.steps.step_texts import ORDER, TITLES

            await self.menu(f"Go to step {ORDER.index(name) + 1}, {TITLES[name]}")
        await self.until(lambda: getattr(self.app.screen, "step", "") == name, f"step {name}")


Way = Callable[[Hand], Awaitable[None]]


def home(words: str) -> Way:
    """An entry of home."""

    async def go(hand: Hand) -> None:
        await hand.until(lambda: hand.app.screen.name == "home", "home")
        await hand.settle()
        await hand.choose(words)

    return go


def step(name: str, *buttons: str, menu: str = "", keys: tuple[str, ...] = ()) -> Way:
    """A step, and then buttons, an action of the menu, or keys."""

    async def go(hand: Hand) -> None:
        await hand.step(name)
        for one in buttons:
            await hand.button(one)
        if menu:
            await hand.menu(menu)
        await hand.press(*keys)

    return go


def keys(*pressed: str, after: str = "") -> Way:
    """Keys on the screen that the wizard begins with, once it shows the widget `after` as filled."""

    async def go(hand: Hand) -> None:
        if after:
            await hand.until(lambda: hand.app.screen.query(after), after)
        await hand.settle()
        await hand.press(*pressed)

    return go


async def first_finding(hand: Hand) -> None:
    """The first finding of troubleshoot."""
    await hand.until(lambda: getattr(hand.app.screen, "report", None), "a report")
    await hand.until(lambda: hand.app.screen.focused and hand.app.screen.focused.id == "findings", "the findings")
    await hand.press("enter")


async def fleet_row(hand: Hand) -> None:
    """The logs of the first endpoint."""
    await hand.until(lambda: getattr(hand.app.screen, "marked", None), "an endpoint")
    await hand.press("l")


async def small(hand: Hand) -> None:
    """A terminal that is too small."""
    hand.post(("size", (60, 15)))
    await hand.settle()


async def unfinished(hand: Hand) -> None:
    """The unfinished run at home."""
    await hand.until(lambda: hand.app.screen.name == "home", "home")
    await hand.until(lambda: "churn-endpoint-01" in _list(hand), "the runs")
    await hand.choose("churn-endpoint-01")


def _list(hand: Hand) -> str:
    options = hand.app.screen.query_one(OptionList)
    return " ".join(str(options.get_option_at_index(at).prompt) for at in range(options.option_count))


async def task(hand: Hand) -> None:
    """The first task of a run."""
    await hand.step("deploy")
    await hand.button("timeline")


async def removal(hand: Hand) -> None:
    """The removal, from the traffic."""
    await hand.step("test")
    await hand.menu("Traffic and removal")
    await hand.button("traffic-remove")


WAYS: dict[str, tuple[str, Way]] = {
    "HomeScreen": ("home", keys()),
    "RunsScreen": ("home", home("Runs")),
    "RunScreen": ("home", unfinished),
    "OpenPlanScreen": ("home", home("Open a plan file")),
    "ImportScreen": ("home", home("Import into a plan")),
    "FolderScreen": ("home", home("Start from a folder")),
    "ChooseEndpointDialog": ("home", home("Troubleshoot an endpoint")),
    "FleetScreen": ("home", home("Endpoints")),
    "LogsDialog": ("fleet", fleet_row),
    "TroubleshootScreen": ("trouble", keys()),
    "FindingDialog": ("trouble", first_finding),
    "WizardScreen": ("plan", keys()),
    "SearchScreen": ("plan", keys("ctrl+o")),
    "QuitScreen": ("middle", keys("ctrl+c")),
    "TextScreen": ("plan", keys("ctrl+g")),
    "TooSmallScreen": ("plan", small),
    "SaveAsScreen": ("plan", step("credentials", menu="Save the plan as")),
    "ReferencesScreen": ("plan", step("workspace", menu="References")),
    "CallsDialog": ("plan", step("workspace", menu="Calls to Azure")),
    "ExportScreen": ("plan", step("review", menu="Export")),
    "LocalTrialScreen": ("registered", step("review", menu="Test locally")),
    "SizingScreen": ("registered", step("compute", menu="Size by measurement")),
    "SecretScreen": ("typed", step("deploy", "card-retry")),
    "TaskDialog": ("middle", task),
    "RollBackDialog": ("rollout", step("deploy", "deploy-back")),
    "LoadTestDialog": ("plan", step("test", menu="Load test")),
    "TrafficDialog": ("plan", step("test", menu="Traffic and removal")),
    "KeysDialog": ("plan", step("test", menu="Keys")),
    "RemovalDialog": ("plan", removal),
    "CredentialsPane": ("plan", step("credentials")),
    "WorkspacePane": ("plan", step("workspace")),
    "EndpointPane": ("plan", step("endpoint")),
    "ModelPane": ("plan", step("model")),
    "ComputePane": ("plan", step("compute")),
    "NetworkPane": ("plan", step("network")),
    "ReviewPane": ("plan", step("review")),
    "DeployPane": ("failed", step("deploy")),
    "TestPane": ("plan", step("test")),
}
"""How the wizard begins, and the keys from there, by the place that they lead to."""


# Random events

OFTEN = ("tab", "shift+tab", "enter", "escape", "up", "down", "left", "right", "pageup", "pagedown", "space")
SELDOM = ("home", "end", "backspace", "delete", "ctrl+o", "ctrl+g", "ctrl+y", "ctrl+u", "ctrl+a", "ctrl+k", "ctrl+z",
          "ctrl+x", "ctrl+v", "f1", "f4", "insert", "ctrl+l", "ctrl+p", "ctrl+q", "ctrl+w", "shift+left",
          "ctrl+right")  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_.,:;{}[]()!$%&'\"#* äß你😀"  # no path of another folder
PASTES = ("churn", "two\nlines", "a\r\nb\r\nc\r\n", "\x00\x01\x1b[2J\x07\x7f", "\ufeff你好\u200d👩\u200d💻\u0301", "{}",
          "- a: [", "x" * 3000, "\n", " ", '{"data": [1, 2]}', "${env:NOPE}", "blue=10,green=90",
          "plan.yml\n")  # fmt: skip
SIZES = ((80, 24), (80, 24), (80, 20), (79, 24), (80, 19), (40, 10), (10, 3), (1, 1), (100, 30), (120, 40), (200, 50))


def bursts(chance: random.Random, count: int) -> list[list[Event]]:
    """Draw bursts of events. "fill" and "secret" type into the field that has the focus then, if there is one."""
    return [[_event(chance) for _ in range(chance.choice((1, 1, 2, 3, 5, 9, 16)))] for _ in range(count)]


def _event(chance: random.Random) -> Event:
    kind = chance.choices(("often", "seldom", "letter", "paste", "size", "fill", "secret", "leave"),
                          (60, 16, 8, 4, 5, 8, 2, 1))[0]  # fmt: skip
    if kind == "often":
        return "key", chance.choice(OFTEN)
    if kind == "seldom":
        return "key", chance.choice(SELDOM)
    if kind == "letter":
        return "text", "".join(chance.choices(LETTERS, k=chance.randint(1, 5)))
    if kind == "paste":
        return "paste", chance.choice(PASTES)
    if kind == "size":
        return "size", chance.choice(SIZES)
    if kind == "leave":
        return "key", "ctrl+c"
    return kind, f"w{chance.randint(10, 99)}-{chance.choice(('ab', 'cd', 'ef'))}"


def field_with_focus(app: WizardApp) -> tuple[FieldRow, TextInput] | None:
    """The row and the input of the plan's field that is typed into now."""
    focused = app.screen.focused
    if not isinstance(focused, TextInput):
        return None
    row = next((one for one in focused.ancestors if isinstance(one, FieldRow)), None)
    return (row, focused) if row is not None and focused is row.control else None


def masked(app: WizardApp) -> bool:
    """Whether what is typed now is shown as dots."""
    return isinstance(app.screen.focused, Input) and app.screen.focused.password
