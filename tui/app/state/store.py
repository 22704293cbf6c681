"""The wizard's state: the plan being edited, typed secrets, answers about Azure, the run. Contains no screens."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from tui.app.state.answers import Answer, stay_busy
from tui.app.state.background import lower_priority
from tui.app.state.freshness import PATHS, Freshness
from tui.app.state.new_files import content_of, copy_of_preset, kept_edits, new_plan_file
from tui.app.state.questions import CHANGING, DEPENDS, OF_ONE, concerned
from tui.app.state.recent_plans import remember
from tui.app.state.step_states import StepStates
from tui.common.redact import learn
from tui.common.typed_path import here, real_path
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.document import Document
from tui.plan.load_save.references import Unresolved, expand, has_reference

if TYPE_CHECKING:
    from tui.engine.journal.runs import Run
    from tui.helper.client import HelperClient

Listener = Callable[[frozenset[str]], None]
Adopt = Callable[[Document], Document]

ASSUMED = ("workspace.", "deployment.egress_public_network_access")
"""Keys that are never saved when their value comes from the rehearsal: from its lists, or dictated by its workspace."""


class Store:
    """The state shared by all panes.

    `environ` is the environment in which references are resolved and child processes are started; in a rehearsal it is
    complete once `ready` is set. `facts` holds the helper's answers by query, as long as they are valid for the plan.
    `adopt` returns the document as it is deployed here (a rehearsal signs in with its own identity); the credential
    that it substitutes is never saved (see `to_save`).

    Listeners are called once for a change, with the keys of all changed fields and the names of the queries that were
    answered or discarded; or with one of "run", "saved", "ready", "preparing", "states", "files", "azure", "left"
    (a field that was being filled in).
    """

    def __init__(
        self,
        document: Document,
        *,
        environ: Mapping[str, str] | None = None,
        rehearse: bool = False,
        helper: HelperClient | None = None,
        adopt: Adopt | None = None,
    ) -> None:
        self.environ: dict[str, str] = dict(os.environ if environ is None else environ)
        self._adopt = adopt
        self._take(document)
        self.rehearse = rehearse
        self.secrets: dict[str, str] = {}
        self.wanted_load = ("", "")  # requests a second and p95 in ms, as typed for Size by measurement
        self.facts: dict[str, Any] = {}
        self.run: Run | None = None
        self.saves = True  # not where an endpoint is operated: the document only identifies it
        self.readonly = False  # whether what would change something is refused
        self.preparing = ""  # what is being started, as text
        self.prepare_problem = ""
        self.ready = asyncio.Event()  # a store is created inside the event loop that uses it
        self._settled = asyncio.Event()  # ready, or given up
        self._helper = helper
        self._starting, self._started = asyncio.Lock(), False
        self._listeners: list[Listener] = []
        self.fresh = Freshness(self)
        self.states = StepStates(self)
        self.listen(self.states.heard)

    def _take(self, document: Document) -> None:
        """Edit this document, which nothing was changed in yet."""
        self._written = document  # the file's content, before `adopt`
        self._assumed: set[str] = set()  # keys whose value comes from the rehearsal
        self.document = self._adopt(document) if self._adopt else document
        if self.document.listed():  # the steps show the last one, which takes over the traffic
            self.document.shown = len(self.document.listed()) - 1
        self.file: Path | None = document.path
        self._content = content_of(document.path)  # of the file, as it was read or written here
        self.dirty = self.outdated = False  # outdated: another program has changed the file
        self.save_problem = ""
        self._kept: Path | None = None  # the file with the unsaved edits

    def reload(self) -> None:
        """Read the file again, in place of the edits, which are kept as after a crash. Raises PlanInvalid, OSError."""
        from tui.plan.load_save.load import load

        assert self.file is not None
        document = load(self.file)
        self.keep_edits()
        self._take(document)
        discarded = tuple(self.facts)
        self.facts.clear()
        self.announce("saved", *BY_KEY, *discarded)

    @property
    def is_preset(self) -> bool:
        """Whether the plan is a preset of which there is no copy yet."""
        return self.saves and self.file is None and self.document.origin.startswith("preset ")

    @property
    def paths_from(self) -> Path:
        """The folder from which a relative path that is typed starts: the plan's, or the current one for a preset."""
        return here() if self.is_preset else self.document.base

    # Listening

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(names)` once on every change; return a function that unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def announce(self, *names: str) -> None:
        """Notify the listeners that the fields, queries or states with these names have changed."""
        told = frozenset(names)
        for listener in list(self._listeners):
            listener(told)

    # The plan

    def text(self, key: str) -> str:
        """Return the text that a form shows for a field: its value as written, or default. Empty for a typed secret."""
        if key in self.secrets:
            return ""
        return BY_KEY[key].show(self.document.value(key))

    def value(self, key: str) -> Any:
        """Return a field's value as written, or its default; references are not resolved."""
        return self.document.value(key)

    def provenance(self, key: str) -> str:
        """Return the source of a field's value, as text."""
        if key in self.secrets:
            return "typed, kept in memory only"
        return self.document.source(key)

    def set(self, key: str, typed: str) -> None:
        """Set a field to the typed text. A secret is kept in memory only, unless it is a reference."""
        field = BY_KEY[key]
        if field.kind == "secret" and typed.strip() and not has_reference(typed):
            self.secrets[key] = typed.strip()
            learn(typed)
            self.touched(key)
            return
        was_typed = self.secrets.pop(key, None)
        if field.kind == "secret" and not typed.strip():
            if was_typed:
                self.touched(key)
            return
        value = field.parse(typed)
        if value != self.document.value(key):
            self.put(key, value, "you")
        elif was_typed:
            self.touched(key)

    def put(self, key: str, value: Any, source: str) -> None:
        """Set a field (None: remove it), with the source as text."""
        if key in PATHS and self.is_preset:  # a relative one starts from the current folder
            with contextlib.suppress(OSError):  # which `save` reports
                self._copy_preset()
        self.document.set(key, value, source)
        from_rehearsal = self.rehearse and source != "you" and key.startswith(ASSUMED)
        (self._assumed.add if from_rehearsal else self._assumed.discard)(key)
        self.dirty = True
        self.touched(key)

    def problem(self, key: str) -> str | None:
        """Return what is wrong with a field and what is valid, as a sentence, or None. May read the disk."""
        if not self.ready.is_set() and self._waits(key):
            return None
        from tui.plan.load_save.resolve import value_problem

        return value_problem(self.document, key, self.environ, self.secrets)

    def problems(self, document: Document | None = None) -> dict[str, str]:
        """Return the problems of all fields, by key in field order, with conflicts between values.

        Reads the disk. In a thread, pass a copy of the document: the plan is edited meanwhile.
        """
        from tui.plan.load_save.resolve import resolve
        from tui.plan.problems import PlanInvalid

        ready = self.ready.is_set()  # before `environ` is read, which may be completed meanwhile
        try:
            resolve(document or self.document, self.environ, self.secrets)
        except PlanInvalid as invalid:
            listed = reversed(invalid.problems)  # so that the first one for each key is kept
            found = {problem.key: f"{problem.message} {problem.remedy}".strip() for problem in listed}
            keys = [key for key in dict.fromkeys((*BY_KEY, *found)) if key in found]
            return {key: found[key] for key in keys if ready or not self._waits(key)}
        return {}

    def _waits(self, key: str) -> bool:
        """Whether a field refers to a variable; while the rehearsal that sets it is starting, it has no value."""
        return key in BY_KEY and has_reference(self.document.value(key))

    def resolved(self, key: str) -> str | None:
        """Return the value that a field's reference resolves to; None without a reference or value, and for secrets."""
        value = self.document.value(key)
        if BY_KEY[key].kind == "secret" or not has_reference(value):
            return None
        try:
            return expand(value, self.environ)
        except Unresolved:
            return None

    def touched(self, *keys: str) -> None:
        """Announce that fields' values, or the values their references resolve to, have changed."""
        outdated = [question for question in DEPENDS if question in self.facts and concerned(question, keys)]
        for question in outdated:
            del self.facts[question]
        self.announce(*keys, *outdated)

    # Azure

    def use(self, environ: Mapping[str, str]) -> None:
        """Set the complete environment; from now on the helper can be queried."""
        self.environ = dict(environ)
        self.preparing = self.prepare_problem = ""
        self.ready.set()
        self._settled.set()
        self.announce("ready")

    def give_up(self, problem: str) -> None:
        """Record that the environment cannot be completed; `problem` is a sentence with the reason and the remedy."""
        self.preparing = ""
        self.prepare_problem = problem
        self._settled.set()
        self.announce("preparing")

    async def settled(self) -> None:
        """Wait until the environment is complete, or has failed."""
        await self._settled.wait()

    def payload(self, question: str = "") -> dict[str, Any]:
        """Return the plan in the helper's format; for queries about one deployment, the one shown comes last."""
        document = self.document.with_shown_last() if question in OF_ONE else self.document.copy()
        if question == "export":
            document = self.to_save()
        return {
            "document": document.tree,
            "base": str(self.document.base),
            "secrets": dict(self.secrets),
        }

    async def ask(self, question: str, /, timeout: float = 30, **with_: Any) -> Any:
        """Query the helper about this plan.

        The answer is stored in `facts`, unless the plan has since changed in a way that affects it.
        Raises HelperError (title, cause, remedy, raw).
        """
        from tui.helper.client import HelperError

        if self.readonly and question in CHANGING:
            raise HelperError("Read-only", "It was started with --readonly.", "To change something, start without it.")
        await self.settled()
        if not self.ready.is_set():
            raise HelperError(
                "The rehearsal did not start", self.prepare_problem, "To try again: ctrl+o, Restart the rehearsal."
            )
        helper = await self.helper()
        before = self.fingerprint(question)
        try:
            answer = await helper.ask(question, timeout=timeout, plan=self.payload(question), **with_)
        finally:
            if question in CHANGING:  # also if it failed half-way, or its dialog was closed meanwhile
                self.fresh.azure_changed()
        if question in DEPENDS and before == self.fingerprint(question):
            self.facts[question] = answer
            self.fresh.read(question)
            self.announce(question)
        return answer

    def fingerprint(self, question: str) -> str:
        """Return a text that changes when an answer to the query would no longer be valid for the plan."""
        keys = DEPENDS.get(question, ("",))
        values = [(key, self.document.value(key), self.secrets.get(key)) for key in BY_KEY if key.startswith(keys)]
        return repr((self.fresh.times_changed(question), values))

    async def answer(self, question: str, /, timeout: float = 30, blink: float | None = None, **with_: Any) -> Answer:
        """Query the helper as `ask` does, but return errors as part of the answer.

        With `blink`, the caller shows a busy message: wait until it was on the screen for a second, so that it can be
        read, unless the answer came within `blink` seconds.
        """
        from tui.helper.client import HelperError

        before, began = self.fingerprint(question), time.monotonic()
        try:
            value, error = await self.ask(question, timeout=timeout, **with_), None
        except HelperError as raised:
            value, error = None, raised
        if blink is not None:
            await stay_busy(began, blink)
        return Answer(value, error, before != self.fingerprint(question))

    async def helper(self) -> HelperClient:
        """Return the helper process, started on first use."""
        if self._helper is None:
            from tui.helper.client import HelperClient

            self._helper = HelperClient()
        async with self._starting:
            if not self._started:
                self._started = True
                await self._helper.start(self.environ)
                lower_priority(self._helper.pid)
        return self._helper

    async def close(self) -> None:
        """Stop the helper. A run in progress continues."""
        if self._helper is not None and self._started:
            await self._helper.close()

    # The run

    def follow(self, run: Run | None) -> None:
        """Set the run that this wizard follows."""
        self.run = run
        self.fresh.azure_changed()
        self.announce("run")

    # Saving

    def save(self) -> None:
        """Save the plan, without secrets, to its file; a preset to a copy of its own, an import in the state folder.

        An error is stored in `save_problem` as a sentence, not raised, and the edits are kept: also if another program
        has changed the file, which is then left as it is.
        """
        if not self.dirty or not self.saves:
            return
        try:
            if self.is_preset:
                self._copy_preset()
            self.file = self.file or new_plan_file(self.document)
            self.outdated = self.replaces(self.file)
            if self.outdated:
                raise FileExistsError(errno.EEXIST, "another program has changed it since it was opened")
            self.save_as(self.file)
        except OSError as error:
            place = f" to {self.file}" if self.file else ""
            self.save_problem = f"The plan cannot be saved{place}: {error.strerror or error}."
            with contextlib.suppress(OSError):
                self.keep_edits()
            self.announce("saved")

    def _copy_preset(self, place: Path | None = None) -> None:
        """Copy the preset's files, once, before they or the plan are changed. Raises OSError."""
        copy, self.file = copy_of_preset(self.document, place)
        self._content = content_of(self.file)
        self.document.tree, self.document.base = copy.tree, copy.base

    def to_save(self) -> Document:
        """Return the document as it is saved and exported: without what the rehearsal assumes."""
        if not self.rehearse:
            return self.document.copy()
        from tui.rehearsal_client import without_assumed

        return without_assumed(self.document, self._written, self._assumed)

    def save_as(self, path: Path) -> None:
        """Save the plan to this file, and use it for later saves. Raises OSError."""
        if self.is_preset:
            self._copy_preset(path.parent)
        self.to_save().save(path)
        self.file, self._content = path, content_of(path)
        self.dirty, self.outdated, self.save_problem, self._kept = False, False, "", None
        remember(path)
        self.announce("saved")

    def replaces(self, path: Path) -> bool:
        """Whether saving to this file would replace what was neither read nor written here."""
        content = content_of(path)
        ours = self.file is not None and real_path(path) == real_path(self.file)
        return content is not None and not (ours and content == self._content)

    def keep_edits(self) -> Path | None:
        """Write unsaved edits, without secrets, to a plan of their own in the state folder's plans; return its path.

        For a crash, which must not change the user's file. None if everything is saved. Raises OSError.
        """
        if not self.dirty or not self.saves:
            return None
        self._kept = self._kept or kept_edits(self.file)
        self.to_save().save(self._kept)
        return self._kept
