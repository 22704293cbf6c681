"""A table of a run's tasks, with bars on a common time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Union

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.app.steps.deploy import schedule
from tui.app.steps.deploy.follow_run import RunSnapshot
from tui.app.steps.deploy.task_words import is_slow, note, time_words, usual_words, what_of
from tui.app.text import formatting
from tui.app.widgets.help import Topic
from tui.common.cell_width import cut, fit, ljust
from tui.engine.journal.run_view import TASKS, RunView, TaskView

# Symbol, word and component class of each state; the word conveys everything that the colour does.
STATES: dict[str, tuple[str, str, str]] = {
    "waiting": ("·", "waiting", "timeline--quiet"),
    "running": ("▸", "running", "timeline--running"),
    "succeeded": ("✔", "done", "timeline--done"),
    "skipped": ("–", "skipped", "timeline--quiet"),
    "failed": ("✖", "failed", "timeline--failed"),
    "cancelled": ("✖", "cancelled", "timeline--failed"),
    "attention": ("!", "needs attention", "timeline--attention"),
    "retrying": ("!", "retrying", "timeline--attention"),
    "interrupted": ("!", "interrupted", "timeline--attention"),
}

AXIS_CELLS = 20  # the axis labels are shown from this bar width

Part = tuple[str, str]  # text, component class


def state_of(task: TaskView, snapshot: RunSnapshot) -> str:
    """Return a task's key in STATES."""
    if task.status != "running":
        return task.status if task.status in STATES else "waiting"
    if snapshot.interrupted:
        return "interrupted"
    if snapshot.view.card and snapshot.view.card.get("task") == task.name:
        return "attention"
    return "retrying" if task.retrying else "running"


class Group(NamedTuple):
    """Tasks that share a row: their state (a key of STATES) and their names."""

    state: str
    names: tuple[str, ...]


def folded(tasks: Sequence[TaskView]) -> list[Union[TaskView, Group]]:  # noqa: UP007
    """Return completed, skipped, running or failed, and waiting tasks in this order; a group of one stays a task."""
    rest = [task for task in tasks if task.status not in ("succeeded", "skipped", "waiting")]
    return [*_alike(tasks, "succeeded"), *_alike(tasks, "skipped"), *rest, *_alike(tasks, "waiting")]


def _alike(tasks: Sequence[TaskView], state: str) -> list[Union[TaskView, Group]]:  # noqa: UP007
    found = [task for task in tasks if task.status == state]
    return [Group(state, tuple(task.name for task in found))] if len(found) > 1 else list(found)


class Timeline(Widget, can_focus=True):
    """Shows one row per task. Arrows select a row, Enter shows all details of the task.

    Only the changed cells are repainted: a waiting run costs a few bytes per second.
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
        Binding("up", "move(-1)", "Previous task", show=False, id="timeline.up", tooltip="Select the previous task."),
        Binding("down", "move(1)", "Next task", show=False, id="timeline.down", tooltip="Select the next task."),
        Binding(
            "enter,space",
            "choose",
            "Details",
            show=False,
            id="timeline.choose",
            tooltip="Show the task's purpose, times, results and log lines.",
        ),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    @dataclass
    class Chosen(Message):
        """A task was selected with Enter."""

        task: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.snapshot = RunSnapshot(RunView(tasks=tuple(TaskView(name) for name in TASKS)))
        self._rows: list[list[Part]] = []
        self._head = 0  # rows above the first task
        self._most = 99  # rows available for tasks
        self._first = 0  # index of the task in the first row
        self._moved = False  # whether the user has selected a row
        self._folding = False

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        """Return one row per task, and one for the axis if the bars are wide enough."""
        tasks = self.snapshot.view.tasks
        rows = len(folded(tasks)) if self._folded else min(len(tasks), self._most)
        return max(rows, 1) + (_columns(self.snapshot, width).bar >= AXIS_CELLS)

    def topic(self) -> Topic | None:
        if not self.snapshot.view.tasks:
            return None
        task = self.snapshot.view.task(self.chosen)
        said = formatting.plain(task.detail or task.last_line)
        usual = f"Usual: {told}. " if (told := usual_words(task)) else ""
        return Topic(task.name, what_of(task.name), f"{usual}Enter shows all details.", value=said)

    def limit(self, most: int) -> None:
        """Show at most so many tasks: those around the selected one, or around the running ones."""
        if most != self._most:
            self._most = most
            self._lay_out()
            # A request made during a layout would be lost.
            self.call_after_refresh(self._lay_out)

    def fold(self, folding: bool) -> None:
        """Use few rows while something else has the focus: completed tasks share a row, waiting ones another."""
        if folding != self._folding:
            self._folding = folding
            self._lay_out()
        failed = [at for at, task in enumerate(self.snapshot.view.tasks) if task.status == "failed"]
        if folding and failed and not self._moved:
            self.set_reactive(Timeline.cursor, failed[0])

    @property
    def _folded(self) -> bool:
        return self._folding and not self.has_focus

    def _lay_out(self) -> None:
        self._rows = self._parts()
        self.refresh(layout=True)

    def show(self, snapshot: RunSnapshot) -> None:
        """Show a new snapshot."""
        grown = len(snapshot.view.tasks) != len(self.snapshot.view.tasks)
        if not snapshot.view.tasks:
            return
        self.snapshot = snapshot
        if grown:
            self.refresh(layout=True)
        self.tick()

    def tick(self) -> None:
        """Repaint what has changed with the elapsed time."""
        before, self._rows = self._rows, self._parts()
        for y, row in enumerate(self._rows):
            old = before[y] if y < len(before) else []
            if row == old:
                continue
            start, end = _changed_cells(old, row)
            self.refresh(Region(start, y, max(end - start, 1), 1))

    def on_resize(self) -> None:
        self._rows = self._parts()
        self.refresh()

    def watch_cursor(self, before: int, after: int) -> None:
        """Repaint only the two rows concerned."""
        self.tick()
        for y in (before, after):
            self.refresh(Region(0, max(y - self._first, 0) + self._head, self.size.width, 1))
        show_help = getattr(self.screen, "show_help", None)
        if callable(show_help) and self.has_focus:
            show_help()

    def on_focus(self) -> None:
        """Highlight the selected row and show all rows while the table has the focus."""
        self.call_next(self._lay_out)  # `has_focus` is set after this message

    def on_blur(self) -> None:
        """Remove the highlight and fold the rows again."""
        self.call_next(self._lay_out)

    def action_move(self, by: int) -> None:
        """Select the previous or next row."""
        self._moved = True
        self.cursor = min(max(self.cursor + by, 0), len(self.snapshot.view.tasks) - 1)

    def action_choose(self) -> None:
        """Ask for all details of the selected task."""
        self.post_message(self.Chosen(self.chosen))

    @property
    def chosen(self) -> str:
        """The name of the selected task."""
        tasks = self.snapshot.view.tasks
        return tasks[min(self.cursor, len(tasks) - 1)].name if tasks else ""

    def on_click(self, event: Any) -> None:
        at = event.y - self._head
        if 0 <= at < self._most and at + self._first < len(self.snapshot.view.tasks):
            self._moved = True
            self.cursor = at + self._first
            self.action_choose()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if not self._rows:
            self._rows = self._parts()
        base = self.rich_style
        if y >= len(self._rows):
            return Strip.blank(width, base)

        def style(name: str) -> Style:
            return base + self.get_component_rich_style(name, partial=True) if name else base

        selected = y == self.cursor - self._first + self._head and self.has_focus
        cursor = self.get_component_rich_style("timeline--cursor", partial=True) if selected else Style.null()
        segments = [Segment(text, style(name) + cursor) for text, name in self._rows[y]]
        return Strip(segments).adjust_cell_length(width, base + cursor)

    def _parts(self) -> list[list[Part]]:
        snapshot = self.snapshot
        columns = _columns(snapshot, self.size.width)
        now, spans = snapshot.now, schedule.spans(snapshot)
        length = schedule.axis_length(spans, snapshot.elapsed())
        self._head = int(columns.bar >= AXIS_CELLS)
        rows: list[list[Part]] = []
        if self._head:
            rows.append([(text, "timeline--quiet") for text in columns.head(schedule.axis(length, columns.bar))])
        tasks, hidden = (folded(snapshot.view.tasks), ("", "")) if self._folded else self._in_sight()
        for at, task in enumerate(tasks):
            if isinstance(task, Group):
                symbol, word, look = STATES[task.state]
                said = fit(", ".join(task.names), max(self.size.width - columns.words, 0))
                rows.append([(ljust(f"{symbol} {word}", columns.words), look), (said, "timeline--quiet")])
                continue
            state = state_of(task, snapshot)
            symbol, word, look = STATES[state]
            drawn = " " * columns.bar if state == "skipped" else schedule.bar(spans[task.name], length, columns.bar)
            spent, said = time_words(task, now, bool(self._head)), note(task, now)
            told = look if state in _LOUD else "timeline--attention" if is_slow(task, now) else "timeline--quiet"
            more = hidden[0] if at == 0 else hidden[1] if at == len(tasks) - 1 else ""
            rows.append(
                [
                    (ljust(f"{symbol} {word}", columns.words), look),
                    (ljust(cut(task.name, columns.name - 1), columns.name),
                     "timeline--name" if state != "waiting" else "timeline--quiet"),
                    (drawn, look),
                    ("  ", ""),
                    (fit(spent, columns.time),
                     "" if state == "running" else "timeline--quiet"),
                    (fit(said, max(columns.rest - len(more), 0)), told),
                    (more[-columns.rest :] if columns.rest else "", "timeline--name"),
                ]
            )  # fmt: skip
        return rows

    def _in_sight(self) -> tuple[tuple[TaskView, ...], tuple[str, str]]:
        """Return the visible tasks, and the texts about those above and below them."""
        tasks = self.snapshot.view.tasks
        if len(tasks) <= self._most:
            self._first = 0
            return tasks, ("", "")
        loud = [at for at, task in enumerate(tasks) if task.status in ("running", "failed", "cancelled")]
        waiting = [at for at, task in enumerate(tasks) if task.status == "waiting"]
        if self._moved:
            first = min(max(self._first, self.cursor - self._most + 1), self.cursor)
        else:
            at = (loud or waiting or [len(tasks) - 1])[-1 if loud else 0]
            first = at - self._most // 2 - 1
            self.set_reactive(Timeline.cursor, at)
        self._first = min(max(first, 0), len(tasks) - self._most)
        below = len(tasks) - self._first - self._most
        return tasks[self._first : self._first + self._most], (
            f" … {self._first} above" if self._first else "",
            f" … {below} below" if below else "",
        )


_LOUD = ("failed", "attention", "retrying", "interrupted")


class _Columns(NamedTuple):
    """The widths of the columns, in cells."""

    words: int
    name: int
    bar: int
    time: int
    rest: int

    def head(self, axis: str) -> tuple[str, ...]:
        """Return the column headings."""
        return (ljust("State", self.words), ljust("Task", self.name), axis, "  ", ljust("Time", self.time),
                set_cell_size("Last message", self.rest))  # fmt: skip


def _columns(snapshot: RunSnapshot, width: int) -> _Columns:
    """Compute the column widths; bars get two fifths of the width that the texts leave."""
    tasks, now = snapshot.view.tasks, snapshot.now
    words = max(7, *(len(STATES[state_of(task, snapshot)][1]) for task in tasks)) + 4 if tasks else 11
    name = min(max(12, *(cell_len(task.name) for task in tasks)) + 1, 20) if tasks else 13
    rest = max(width - words - name - 2, 0)
    for usual in (True, False):
        time = max(15, *(len(time_words(task, now, usual)) + 1 for task in tasks)) if tasks else 15
        free = max(rest - time, 0)
        bar = min(max(free * 2 // 5, 10), 60, free)
        if bar >= AXIS_CELLS:
            break
    return _Columns(words, name, bar, time, free - bar)


def _changed_cells(old: list[Part], new: list[Part]) -> tuple[int, int]:
    """Return the first and last cell that differ between two different rows; the whole row if the columns differ."""
    widths = [cell_len(text) for text, _ in new]
    if [cell_len(text) for text, _ in old] != widths:
        return 0, sum(widths)
    differ = [at for at, (before, after) in enumerate(zip(old, new)) if before != after]
    return sum(widths[: differ[0]]), sum(widths[: differ[-1] + 1])
