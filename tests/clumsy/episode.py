"""One episode: the wizard is brought to a place with keys, then a clumsy user takes over; what must hold all the time.

After each burst of events, when the wizard has come to rest: it lives, no worker failed, no task of the event loop
ended with an error, one screen and one step are displayed (with dialogs over them), the focus is on something visible,
and what a field shows is what the plan has. At the end: the plan's file has what the plan had, and nothing on disk has
the planted secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual._context import visible_screen_stack
from textual.screen import ModalScreen
from textual.widgets import Input

from tests.clumsy import hand as hands
from tests.clumsy.hand import WAYS, Event, Gone, Hand, NotReached, bursts
from tests.clumsy.world import SECRET, World
from tui.app.app import WizardApp
from tui.app.dialogs.quit import QuitScreen
from tui.app.dialogs.too_small import COLUMNS, ROWS, TooSmallScreen
from tui.app.state.store import Store
from tui.app.steps.step_pane import Pane
from tui.app.widgets.choice import Choice
from tui.app.widgets.field_row import FieldRow
from tui.plan.load_save.load import load

LOG = "wizard.log"
BURSTS = 10  # of an episode
COMES_TRUE = 20.0  # seconds at most until what must hold holds again, on a slow machine
TRIAL_STOPS = 90.0  # seconds at most until a local trial that is stopped has removed what it created


@dataclass
class Fault:
    """What went wrong, where, and the events that led there."""

    what: str
    detail: str = ""
    screen: str = ""
    events: list[Event] = field(default_factory=list)

    def __str__(self) -> str:
        sent = " ".join(repr(what) if kind != "key" else what for kind, what in self.events[-60:])
        return f"{self.what}\n{self.detail}\nlast events: {sent}\n{self.screen}".rstrip()


@dataclass
class Ended:
    """The end of an episode: whether the place was reached, which places were displayed, and the fault, if any."""

    place: str
    reached: bool = False
    why_not: str = ""
    seen: set[str] = field(default_factory=set)
    fault: Fault | None = None
    bursts: int = 0
    events: int = 0


class Wrong(Exception):
    """Something that must hold does not: what, and details."""


async def play(
    place: str, seed: str, folder: Path, *, kind: type[WizardApp] = WizardApp, only: Sequence[int] | None = None
) -> Ended:
    """Play the episode of a place and a seed; with `only`, no bursts but those with these numbers."""
    ended, chance, world = Ended(place), random.Random(seed), World(folder, seed)
    begins, way = WAYS.get(place, ("plan", WAYS["WizardScreen"][1]))
    drawn = bursts(chance, BURSTS)
    one_by_one = [chance.random() < 0.3 for _ in drawn]
    watched = Watched()
    with world.entered(), _descriptor_2_to(folder / LOG):
        app = world.app(begins, _noting(kind, watched))
        asyncio.get_running_loop().set_exception_handler(watched.task_failed)
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                hand = Hand(app, pilot)
                try:
                    await _episode(hand, watched, world, way, ended, drawn, one_by_one, only)
                except Gone:
                    pass
                except (Wrong, TimeoutError) as wrong:
                    ended.fault = Fault(str(wrong).partition("\n")[0], str(wrong).partition("\n")[2], _text(app))
        except BaseException as error:  # run_test raises what the application ended with
            if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
                raise
            ended.fault = ended.fault or Fault(f"crash: {_brief(error)}", _traced(error))
        finally:
            if left := asyncio.all_tasks() - {asyncio.current_task()}:  # a local trial that is stopped
                await asyncio.wait(left, timeout=TRIAL_STOPS)
            gc.collect()  # what is left is closed while its event loop is there
            await asyncio.sleep(0.05)
            asyncio.get_running_loop().set_exception_handler(None)
        ended.seen |= hand.seen
        ended.events = len(hand.sent)
        try:
            if ended.fault is None:
                watched.check()
                if "Traceback" in (log := _log_of(folder)):
                    raise Wrong(f"a traceback is in the log: {log.strip().splitlines()[-1]}\n{log[-3000:]}")
                _nothing_lost(watched)
                _no_secret(folder)
        except Wrong as wrong:
            ended.fault = Fault(str(wrong).partition("\n")[0], str(wrong).partition("\n")[2])
    if ended.fault is not None:
        ended.fault.events = list(hand.sent)
    return ended


async def _episode(
    hand: Hand, watched: Watched, world: World, way: Any, ended: Ended, drawn: Any, one_by_one: Any, only: Any
) -> None:
    try:
        await way(hand)
        await hand.until(lambda: hand.at(ended.place), ended.place)
        ended.reached = True
    except NotReached as reason:
        ended.why_not = f"{reason}\n{_text(hand.app)}"
    await _rest(hand, watched)
    world.told.moody = True
    for number, events in enumerate(drawn):
        if only is not None and number not in only:
            continue
        for event in events:
            _typed(hand, event)
            if one_by_one[number]:
                await _rest(hand, watched)
        await _rest(hand, watched)
        ended.bursts += 1
    hand.post(("key", "ctrl+c"))
    hand.post(("key", "ctrl+c"))
    with contextlib.suppress(NotReached):
        await hand.until(lambda: False, "the end")
    raise Wrong("ctrl+c, pressed twice, does not quit")


def _typed(hand: Hand, event: Event) -> None:
    kind, what = event
    if hand.gone:
        raise Gone
    if kind == "fill":
        if hands.field_with_focus(hand.app) is not None:
            hand.post(("key", "ctrl+u"))
            hand.post(("text", what))
    elif kind == "secret":
        if hands.masked(hand.app):
            hand.post(("paste", SECRET))
            hand.post(("key", "tab"))  # it is not added to
    else:
        hand.post(event)


async def _rest(hand: Hand, watched: Watched) -> None:
    """Wait until the wizard has come to rest, and what must hold holds."""
    await hand.settle()
    await _holds(hand, watched)


async def _holds(hand: Hand, watched: Watched) -> None:
    deadline = time.monotonic() + COMES_TRUE
    while True:
        watched.check()
        if hand.gone:
            raise Gone
        try:
            for must in (one_screen, focus_visible, fields_agree, nothing_raw):
                must(hand.app)
            return
        except Wrong:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.05)
        await hand.settle()


# What must hold


def one_screen(app: WizardApp) -> None:
    """One screen below dialogs, one step on it, the notice exactly while the terminal is too small, on top."""
    stack = list(app.screen_stack)
    names = [type(one).__name__ for one in stack]
    full = [one for one in stack[1:] if not isinstance(one, ModalScreen)]
    if not full or stack[1 : len(full) + 1] != full or names[1 : len(full)] not in ([], ["FleetScreen"]):
        raise Wrong(f"screens: {names}")  # troubleshooting returns to the fleet that is below it
    for kind in (QuitScreen, TooSmallScreen):
        if sum(isinstance(one, kind) for one in stack) > 1:
            raise Wrong(f"twice the same dialog: {names}")
    notice = any(isinstance(one, TooSmallScreen) for one in (stack if _small(app) else stack[-1:]))
    if notice != _small(app):  # one that is covered goes when it is on top again
        raise Wrong(f"the notice of a small terminal at {app.size.width}×{app.size.height}: {names}")
    panes = [pane for pane in full[-1].query(Pane) if pane.display]
    step = getattr(full[-1], "step", None)
    if step is not None and [pane.step for pane in panes] != [step]:
        raise Wrong(f"step {step}, displayed are {[pane.step for pane in panes]}")


def _small(app: WizardApp) -> bool:
    return app.size.width < COLUMNS or app.size.height < ROWS


def focus_visible(app: WizardApp) -> None:
    """What has the focus can be seen; nothing has it only where nothing can have it."""
    screen, focused = app.screen, app.screen.focused
    where = f"on {type(screen).__name__} {getattr(screen, 'step', '')}".rstrip()
    if _small(app):
        return
    if focused is None:
        if screen.focus_chain:
            raise Wrong(f"no focus {where}\npossible: {[str(one) for one in screen.focus_chain[:6]]}")
        return
    if not focused.is_attached or not focused.display or focused.disabled:
        raise Wrong(f"the focus is on something that is hidden or disabled: {_name(focused)} {where}")
    try:
        found = screen.find_widget(focused)
    except Exception:
        raise Wrong(f"the focus is on something that is not laid out: {_name(focused)} {where}") from None
    if not found.visible_region.intersection(screen.region).area:
        raise Wrong(f"the focus is out of sight: {_name(focused)} {where}\n{found}")


def fields_agree(app: WizardApp) -> None:
    """What the displayed fields show is what the plan has."""
    for screen in app.screen_stack[1:]:
        for pane in screen.query(Pane):
            if not pane.display:
                continue
            for row in pane.query(FieldRow):
                if row.display:
                    _agrees(row, pane.store)


def _agrees(row: FieldRow, store: Store) -> None:
    key, control = row.field.key, row.control
    if isinstance(control, Choice):
        if control.value != (store.text(key) or ("false" if row.field.kind == "bool" else "")):
            raise Wrong(f"the field {key} shows something else than the plan\n{control.value!r}, {store.text(key)!r}")
    elif row.field.kind != "secret" and not row.listing and control.value.strip():
        shown = row.field.show(row.field.parse(control.value))
        if shown != store.text(key):
            raise Wrong(f"the field {key} shows something else than the plan\n{shown!r}, {store.text(key)!r}")


def nothing_raw(app: WizardApp) -> None:
    """No traceback, and no planted secret, is on the screen."""
    text = _text(app)
    if "Traceback" in text or "Internal error" in text:
        raise Wrong("an internal error is on the screen")
    if SECRET in text.replace("\n", ""):
        raise Wrong("the secret is on the screen")
    for box in app.screen.query(Input):
        if SECRET in box.value and not box.password:
            raise Wrong("the secret is in a field that is not masked")


# What is watched from inside


class Watched:
    """Stores as they were opened, workers and tasks that failed."""

    def __init__(self) -> None:
        self.stores: list[tuple[Store, Any]] = []
        self.failed: list[tuple[str, str]] = []

    def task_failed(self, _loop: Any, context: dict[str, Any]) -> None:
        """Take the event loop's report of a task that nobody waits for."""
        error = context.get("exception")
        self.failed.append((f"task: {_brief(error) if error else context.get('message')}", _traced(error)))

    def check(self) -> None:
        """Raise Wrong if something failed."""
        if self.failed:
            raise Wrong("\n".join(self.failed[0]))


def _noting(kind: type[WizardApp], watched: Watched) -> type[WizardApp]:
    """A class of application that tells `watched` what happens in it."""

    class Noting(kind):  # type: ignore[misc,valid-type]
        CSS_PATH = WizardApp.CSS_PATH

        def worker_failed(self, error: BaseException) -> None:
            watched.failed.append((f"worker: {_brief(error)}", _traced(error)))

        def _take_up(self, *arguments: Any) -> Store:
            store: Store = super()._take_up(*arguments)
            watched.stores.append((store, store.document.copy().tree))
            return store

    return Noting


def _nothing_lost(watched: Watched) -> None:
    """The last plan of each file is in the file; what has none is unchanged."""
    newest: dict[Path | None, Store] = {}
    for store, before in watched.stores:
        if not store.saves:
            continue
        if store.file is None:
            if store.document.tree != before and not store.save_problem:
                raise Wrong(f"edits are in no file\n{_differ(before, store.document.tree)}")
        else:
            newest[store.file] = store
    for path, store in newest.items():
        assert path is not None
        if store.save_problem or not path.exists():
            continue  # said on the screen; or its run was discarded
        beside = path.with_name("wanted.yml")  # paths are relative to the file
        store.to_save().save(beside)
        written, wanted = load(str(path)).tree, load(str(beside)).tree
        beside.unlink()
        if written != wanted:
            raise Wrong(f"edits are lost in {path.name}\n{_differ(written, wanted)}")


def _differ(one: dict[str, Any], two: dict[str, Any]) -> str:
    return "\n".join(
        f"{key}: {one.get(key)!r} → {two.get(key)!r}" for key in {*one, *two} if one.get(key) != two.get(key)
    )


@contextlib.contextmanager
def _descriptor_2_to(path: Path) -> Iterator[None]:
    """Redirect descriptor 2 to a file, as the wizard does on a terminal."""
    kept, log = os.dup(2), os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(log, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(log)


def _log_of(folder: Path) -> str:
    return (folder / LOG).read_text(encoding="utf-8", errors="replace")


def _no_secret(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and SECRET.encode() in path.read_bytes():
            raise Wrong(f"the secret is in {path.relative_to(folder)}")


def _name(widget: Any) -> str:
    return f"{type(widget).__name__}#{widget.id}"


def _brief(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:] or [None]
    place = f" in {Path(last[0].filename).name}:{last[0].name}" if last[0] else ""
    return f"{type(error).__name__}: {str(error)[:120]}{place}".replace("\n", " ")


def _traced(error: BaseException | None) -> str:
    return "" if error is None else "".join(traceback.format_exception(type(error), error, error.__traceback__))[-3000:]


def _text(app: WizardApp) -> str:
    try:
        width, height = app.size
        visible_screen_stack.set(app._background_screens)
        strips = app.screen._compositor.render_strips()
        return "\n".join("".join(one.text for one in strip)[:width].rstrip() for strip in strips[:height])
    except Exception as error:  # a screen that is just being removed
        return f"(no screen: {error!r})"


def run(place: str, seed: str, **options: Any) -> Ended:
    """Play an episode in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="clumsy-") as folder:
        return asyncio.run(play(place, seed, Path(folder), **options))
