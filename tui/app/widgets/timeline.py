"""The tasks of a run as a table of rows with a bar each: what waits, runs, is done, and how long it takes."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.app import figures
from tui.app.follow import Sight
from tui.app.widgets.help import Topic
from tui.engine.view import TASKS, RunView, TaskView

# Symbol, word and component class of every state; the word says all that the colour says.
STATES: dict[str, tuple[str, str, str]] = {
    "waiting": ("·", "waiting", "timeline--quiet"),
    "running": ("▸", "running", "timeline--running"),
    "succeeded": ("✔", "done", "timeline--done"),
    "skipped": ("–", "skipped", "timeline--quiet"),
    "failed": ("✖", "failed", "timeline--failed"),
    "cancelled": ("✖", "cancelled", "timeline--failed"),
    "attention": ("!", "needs attention", "timeline--attention"),
    "retrying": ("!", "trying again", "timeline--attention"),
    "interrupted": ("!", "interrupted", "timeline--attention"),
}

WHAT: dict[str, str] = {
    "sign-in": "Signs in to Microsoft Entra and shows as whom.",
    "workspace": "Reads the workspace and its network isolation, and runs the preflight.",
    "endpoint": "Creates the endpoint: the stable address that callers use.",
    "model": "Uploads the model to the workspace's storage and registers it.",
    "code": "Uploads the folder of the scoring script.",
    "environment": "Registers the conda file and the base image.",
    "deployment": "Builds the environment's image, starts the instances and waits until the server is ready.",
    "traffic": "Sends requests to the deployment; without traffic the endpoint answers 404.",
    "test": "Sends the sample request, as any caller would.",
}

Part = tuple[str, str]  # text, component class


def state_of(task: TaskView, sight: Sight) -> str:
    """The key in STATES for a task."""
    if task.status != "running":
        return task.status if task.status in STATES else "waiting"
    if sight.interrupted:
        return "interrupted"
    if sight.view.card and sight.view.card.get("task") == task.name:
        return "attention"
    return "retrying" if task.retrying else "running"


def expected_seconds(view: RunView) -> float:
    """How long the whole run typically takes: the longest chain of tasks that wait for each other; 0 if unknown."""
    ends: dict[str, float] = {}
    for task in view.tasks:
        start = max((ends.get(need, 0.0) for need in task.needs), default=0.0)
        ends[task.name] = start + (task.typical_seconds or 0.0)
    return max(ends.values(), default=0.0)


def time_words(task: TaskView, now: float) -> str:
    """Elapsed and typical time of a task."""
    typical = figures.running(max(task.typical_seconds, 1)) if task.typical_seconds else ""
    if task.seconds is not None:
        return figures.duration(task.seconds) if task.status != "skipped" else ""
    if task.started is not None and task.status == "running":
        elapsed = figures.running(max(now - task.started, 0.0))
        return f"{elapsed} of ~{typical}" if typical else elapsed
    return f"usually {typical}" if typical and task.status == "waiting" else ""


def note(task: TaskView, now: float) -> str:
    """The last column: progress while there is any, else what the task said last."""
    if task.status == "running":
        if task.retrying:
            return task.retrying
        if task.done is not None and (task.total is None or task.done < task.total):
            return figures.progress(task.done, task.total, task.unit, now - (task.started or now))
        return figures.plain(task.last_line or task.detail)
    if task.status == "waiting":
        return f"after {', '.join(task.needs)}" if task.needs else ""
    return figures.plain(task.detail or task.last_line)


class Timeline(Widget, can_focus=True):
    """A row a task. Arrows choose a row, Enter shows that task's log lines alone, or all again.

    Only the cells that changed are painted anew: a waiting run costs a few bytes a second.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--done",
        "timeline--running",
        "timeline--failed",
        "timeline--attention",
        "timeline--quiet",
        "timeline--name",
        "timeline--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Task above", show=False, id="timeline.up", tooltip="Choose the task above"),
        Binding("down", "move(1)", "Task below", show=False, id="timeline.down", tooltip="Choose the task below"),
        Binding(
            "enter,space",
            "choose",
            "Log of this task",
            show=False,
            id="timeline.choose",
            tooltip="Show only this task's log lines, or all again",
        ),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    class Chosen(Message):
        """Enter on a task."""

        def __init__(self, task: str) -> None:
            super().__init__()
            self.task = task

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sight = Sight(RunView(tasks=tuple(TaskView(name) for name in TASKS)))
        self._rows: list[list[Part]] = []

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        """One row a task."""
        return max(len(self.sight.view.tasks), 1)

    def topic(self) -> Topic | None:
        """Help about the chosen task, with everything that the row has no room for."""
        if not self.sight.view.tasks:
            return None
        task = self.sight.view.tasks[min(self.cursor, len(self.sight.view.tasks) - 1)]
        said = figures.plain(task.detail or task.last_line)
        return Topic(task.name, WHAT.get(task.name, ""), "Enter shows only its lines in the log.", value=said)

    def show(self, sight: Sight) -> None:
        """Show a newer snapshot."""
        grown = len(sight.view.tasks) != len(self.sight.view.tasks)
        if not sight.view.tasks:
            return
        self.sight = sight
        if grown:
            self.refresh(layout=True)
        self.tick()

    def tick(self) -> None:
        """Repaint what the passing time has changed."""
        before, self._rows = self._rows, self._parts()
        for y, row in enumerate(self._rows):
            old = before[y] if y < len(before) else []
            if row == old:
                continue
            start, end = _changed_cells(old, row)
            self.refresh(Region(start, y, max(end - start, 1), 1))

    def on_resize(self) -> None:
        """Columns follow the width."""
        self._rows = self._parts()
        self.refresh()

    def watch_cursor(self, before: int, after: int) -> None:
        """Only the two rows change."""
        for y in (before, after):
            self.refresh(Region(0, y, self.size.width, 1))
        show_help = getattr(self.screen, "show_help", None)
        if callable(show_help) and self.has_focus:
            show_help()

    def on_focus(self) -> None:
        """The chosen row is marked only while the table has the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """See on_focus."""
        self.refresh()

    def action_move(self, by: int) -> None:
        """Choose the row above or below."""
        self.cursor = min(max(self.cursor + by, 0), len(self.sight.view.tasks) - 1)

    def action_choose(self) -> None:
        """Ask for the log of the chosen task."""
        self.post_message(self.Chosen(self.sight.view.tasks[self.cursor].name))

    def on_click(self, event: Any) -> None:
        """A click chooses a row."""
        if 0 <= event.y < len(self.sight.view.tasks):
            self.cursor = event.y
            self.action_choose()

    def render_line(self, y: int) -> Strip:
        """One row."""
        width = self.size.width
        if not self._rows:
            self._rows = self._parts()
        base = self.rich_style
        if y >= len(self._rows):
            return Strip.blank(width, base)
        styles = {name: base + self.get_component_rich_style(name, partial=True) for name in self.COMPONENT_CLASSES}
        segments = [Segment(text, styles.get(name, base)) for text, name in self._rows[y]]
        strip = Strip(segments).adjust_cell_length(width, base)
        if y == self.cursor and self.has_focus:
            mark: Style = self.get_component_rich_style("timeline--cursor", partial=True)
            strip = strip.apply_style(mark)
        return strip

    def _parts(self) -> list[list[Part]]:
        view, now = self.sight.view, self.sight.now
        width = self.size.width
        states = [state_of(task, self.sight) for task in view.tasks]
        words = max(7, *(len(STATES[state][1]) for state in states)) + 4
        bar = 10 if width < 100 else 20 if width < 140 else 36
        times = [time_words(task, now) for task in view.tasks]
        time_width = max(15, *(len(text) + 1 for text in times)) if times else 15
        rest = max(width - words - 13 - bar - 2 - time_width, 0)
        whole = max(self.sight.elapsed(), expected_seconds(view), 1.0)
        rows: list[list[Part]] = []
        for task, state, spent in zip(view.tasks, states, times):
            symbol, word, look = STATES[state]
            rows.append(
                [
                    (f"{symbol} {word}".ljust(words), look),
                    (task.name.ljust(13), "timeline--name" if state != "waiting" else "timeline--quiet"),
                    (_bar(task, view.started, now, whole, bar), look),
                    ("  ", ""),
                    (figures.cut(spent, time_width).ljust(time_width), "" if state == "running" else "timeline--quiet"),
                    (figures.cut(note(task, now), rest).ljust(rest), look if state in _LOUD else "timeline--quiet"),
                ]
            )
        return rows


_LOUD = ("failed", "attention", "retrying", "interrupted")


def _bar(task: TaskView, began: float | None, now: float, whole: float, width: int) -> str:
    """Where in the run's time a task lies: `   ━━━━   `."""
    if task.started is None or began is None or task.status in ("waiting", "skipped"):
        return " " * width
    seconds = task.seconds if task.seconds is not None else now - task.started
    start = min(int((task.started - began) / whole * width), width - 1)
    start = max(start, 0)
    length = min(max(round(seconds / whole * width), 1), width - start)
    return (" " * start + "━" * length).ljust(width)


def _changed_cells(old: list[Part], new: list[Part]) -> tuple[int, int]:
    """First and last cell that differ between two rows; all cells where the columns differ."""
    if [len(text) for text, _ in old] != [len(text) for text, _ in new]:
        return 0, sum(len(text) for text, _ in new)
    start = end = at = 0
    found = False
    for before, after in zip(old, new):
        if before != after:
            if not found:
                start, found = at, True
            end = at + len(after[0])
        at += len(after[0])
    return start, end
