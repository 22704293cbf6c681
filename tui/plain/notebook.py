"""The process behind `tui.notebook`: executes a notebook cell's task, and reports in JSON lines.

Standard input: one object, the task with its plan, values and secrets; then answers to `read`. Standard output, one
object per line: `say` (a line of text), `read` (names of Databricks secrets to read), `links`, and at the end
`result`. After SIGINT, a run continues.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Mapping
from typing import IO, Any

from tui.common import redact
from tui.common.redact import each_text
from tui.common.terminal_text import without_controls
from tui.engine import start_stop
from tui.engine.journal.journal import Event
from tui.engine.journal.run_view import RunView
from tui.engine.journal.runs import Run
from tui.plain.arguments.plan_and_environment import practise, rehearsal_of
from tui.plain.ask_helper import ask
from tui.plain.commands import attach as attaching
from tui.plain.commands.check import CHECK_SECONDS, finding_lines, verdict, worst_first
from tui.plain.failure import Failure
from tui.plain.output.event_lines import Lines, clock
from tui.plain.output.follow import DETACHED, FINISHED, follow
from tui.plain.output.problems import report
from tui.plain.output.run_result import summary
from tui.plain.signals import Signals
from tui.plain.terminal import say
from tui.plan.fields.all_fields import FIELDS
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.load_save.references import REFERENCE
from tui.plan.load_save.resolve import resolve
from tui.plan.problems import PlanInvalid

QUIET_SECONDS = 20.0
"""After this time without output, a line reports the tasks in progress."""
LOG_SECONDS = 5.0
"""The interval at which a task's log lines are shown; all of them are in the run's journal."""
_HIDDEN = ("build", "container", "storage-initializer")


class Cell:
    """The output to the notebook."""

    def __init__(self, output: IO[str], answers: IO[str]) -> None:
        self._output, self._answers = output, answers
        self._lock = threading.Lock()
        self.told = time.monotonic()

    def tell(self, **message: Any) -> None:
        """Send a message. Raises BrokenPipeError if the notebook has ended."""
        with self._lock:
            self.told = time.monotonic()
            self._output.write(json.dumps(each_text(message, _shown), ensure_ascii=False, default=str) + "\n")
            self._output.flush()

    def say(self, text: str) -> None:
        """Send a line of text, without secrets and control characters."""
        self.tell(say=text)

    def read(self, names: list[str]) -> dict[str, str]:
        """The values of Databricks secrets that the notebook can read."""
        self.tell(read=names)
        answer = json.loads(self._answers.readline() or "{}")
        for name, reason in (answer.get("refused") or {}).items():
            self.say(f"The notebook cannot read the secret {name} ({reason}); trying another way.")
        values = dict(answer.get("values") or {})
        redact.learn(*values.values())
        return values


def _shown(text: str) -> str:
    return redact.redact(without_controls(text))


class _Said(io.TextIOBase):
    """Sends other modules' output on standard error to the cell."""

    def __init__(self, cell: Cell) -> None:
        self._cell, self._rest = cell, ""

    def write(self, text: str) -> int:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            self._cell.say(line)
        return len(text)


def main() -> int:
    """Execute the task on standard input; return the exit code."""
    asked = json.loads(sys.stdin.readline())
    redact.learn(*(asked.get("secrets") or {}).values())
    redact.learn_environment(os.environ)
    # Libraries may print: their output is shown only if there is no result.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    cell = Cell(output, sys.stdin)
    task = {"check": _check, "apply": _apply, "attach": _attach}[str(asked["task"])]
    try:
        with contextlib.redirect_stderr(_Said(cell)):
            result = _ended(task, asked, cell)
        cell.tell(result=result)
    except BrokenPipeError:
        return 141
    return 0


def _ended(task: Any, asked: dict[str, Any], cell: Cell) -> dict[str, Any]:
    try:
        return dict(task(asked, cell))
    except Failure as failure:
        say(str(failure))
    except PlanInvalid as invalid:
        report(invalid)
        return {"status": "invalid"}
    except KeyboardInterrupt:
        say("Cancelled before anything was started.")
        return {"status": "cancelled"}
    except OSError as error:
        where = error.filename or "The state folder"
        say(f"{where} cannot be used: {error.strerror}. Set AML_DEPLOY_HOME to another state folder.")
    return {"status": "failed"}


def _ready(asked: Mapping[str, Any], cell: Cell) -> tuple[Document, dict[str, str], dict[str, str]]:
    """The document, environment and secrets of a task. Raises PlanInvalid, Failure."""
    changes = [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in asked.get("changes", {}).items()
    ]
    document = load(asked["plan"], asked.get("overlays", ()), changes)
    secrets = {key: str(value) for key, value in asked["secrets"].items() if value}
    if asked["rehearse"]:
        practise(Namespace(scenario=asked.get("scenarios") or [], container_engine=None, rehearse=True))
        document, environ = rehearsal_of(document)
        return document, environ, {}  # the rehearsal has its own identity
    if asked["reads"]:
        secrets = {**_looked_up(document, cell), **secrets}
    resolve(document, os.environ, secrets)
    return document, dict(os.environ), secrets


def _looked_up(document: Document, cell: Cell) -> dict[str, str]:
    """The values, by key, of the plan's Databricks secrets; kept in memory only, like typed ones."""
    references = {field.key: REFERENCE.fullmatch(str(document.get(field.key) or "")) for field in FIELDS}
    wanted = {key: found[2] for key, found in references.items() if found and found[1] == "databricks"}
    values = cell.read(sorted(set(wanted.values()))) if wanted else {}
    return {key: values[name] for key, name in wanted.items() if name in values}


def _check(asked: dict[str, Any], cell: Cell) -> dict[str, Any]:
    document, environ, secrets = _ready(asked, cell)
    findings = worst_first(ask(document, environ, "check", secrets=secrets, timeout=CHECK_SECONDS))
    for line in finding_lines(findings):
        cell.say(line)
    cell.say(verdict(findings))
    blocked = any(finding.get("severity") == "blocker" for finding in findings)
    return {"status": "blocked" if blocked else "succeeded", "findings": findings}


def _apply(asked: dict[str, Any], cell: Cell) -> dict[str, Any]:
    document, environ, secrets = _ready(asked, cell)
    with Signals() as signals:
        run = start_stop.start(document, environ=environ, secrets=secrets, rehearse=asked["rehearse"])
        return _followed(run, signals, cell, starting=True)


def _attach(asked: dict[str, Any], cell: Cell) -> dict[str, Any]:
    run = attaching.choose(asked["run"])
    with Signals() as signals:
        resumed = not run.journal.finished() and not run.alive and not attaching.elsewhere(run)
        if resumed:
            cell.say(f"The engine of run {run.id} has stopped; resuming the run.")
            _, environ, secrets = _ready({**asked, "plan": run.plan, "rehearse": run.rehearsed}, cell)
            lacking = [key for key in run.typed if key not in secrets and not run.rehearsed]
            if lacking:
                given = ", ".join(f'"{key}": …' for key in lacking)
                raise Failure(
                    f"Secrets given at the start are not stored. Repeat them: attach({run.id!r}, secrets={{{given}}})"
                )
            start_stop.resume(run, environ=environ, secrets=secrets)
        return _followed(run, signals, cell, starting=resumed)


def _followed(run: Run, signals: Signals, cell: Cell, *, starting: bool) -> dict[str, Any]:
    """Report a run's progress until it ends or the cell is cancelled."""
    lines = _Few(cell)
    with lines.reminding():
        how, last = follow(run, lines.show, signals, starting=starting)
    view = lines.view
    facts = {"run": run.id, "endpoint": view.endpoint, "scoring_uri": view.scoring_uri, "portal_url": view.portal_url}
    if how == DETACHED:
        cell.say(f"The run continues in the background. Attach to it with: attach({run.id!r})")
        return {"status": "detached", **facts}
    if how != FINISHED or last is None:
        cell.say(f"The run's engine ended before the run finished. Its log: {run.log}")
        cell.say(f"Resume it with: attach({run.id!r})")
        return {"status": "interrupted", **facts}
    for line in _ending(run, view):
        cell.say(line)
    links = [
        ("Azure portal", view.portal_url),
        ("Scoring URI", view.scoring_uri),
        ("More about the error", str((view.card or {}).get("docs") or "")),
    ]
    found = [link for link in links if link[1]]
    if found:
        cell.tell(links=found)
    return {"status": view.status, "test": view.test, "findings": list(view.findings), **facts}


def _ending(run: Run, view: RunView) -> list[str]:
    """The summary, with calls for a cell instead of terminal commands."""
    lines = summary(run, view)
    end = len(lines) - 1 - lines[::-1].index("")
    linked = ("  scoring URI ", "  portal ")  # sent as links
    return [*(line for line in lines[:end] if not line.startswith(linked)), "", f"See it again: attach({run.id!r})"]


class _Few(Lines):
    """Prints few lines: start and end of tasks, and occasional progress."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell.say)
        self._cell = cell
        self._logged: dict[str, float] = {}

    def _task_log(self, event: Event) -> None:
        now = time.monotonic()
        task = str(event["task"])
        if event.get("source") in _HIDDEN or now - self._logged.get(task, -LOG_SECONDS) < LOG_SECONDS:
            return
        self._logged[task] = now
        super()._task_log(event)

    @contextlib.contextmanager
    def reminding(self) -> Any:
        """While entered, print the tasks in progress whenever there was no output for a while."""
        ended = threading.Event()
        reminder = threading.Thread(target=self._remind, args=(ended,), daemon=True)
        reminder.start()
        try:
            yield
        finally:
            ended.set()
            reminder.join()

    def _remind(self, ended: threading.Event) -> None:
        while not ended.wait(1.0):
            if time.monotonic() - self._cell.told < QUIET_SECONDS:
                continue
            view = self.view
            at = [task.name for task in view.tasks if task.status == "running"]
            since = clock(time.time() - view.started) if view.started else "0:00"
            with contextlib.suppress(BrokenPipeError):
                self._cell.say(f"{since:>6}  in progress: {', '.join(at) or 'starting'}")


if __name__ == "__main__":
    sys.exit(main())
