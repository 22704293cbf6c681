"""Starts a run of the current plan, or resumes an interrupted one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Callable, TypeVar

from tui.app.state.background import in_thread
from tui.app.state.questions import READONLY
from tui.app.state.store import Store

if TYPE_CHECKING:
    from tui.engine.journal.runs import Run


T = TypeVar("T")


class NotStarted(Exception):
    """The engine was not started; the text is the reason, `key` the field to fix, if any."""

    def __init__(self, sentence: str, key: str = "") -> None:
        super().__init__(sentence)
        self.key = key


class SecretNeeded(NotStarted):
    """A secret that was typed when the run started, and kept in memory only, must be entered again."""

    def __init__(self, key: str) -> None:
        super().__init__("A secret must be entered again.", key)


async def start(store: Store) -> Run:
    """Start a run of the plan in its current state. Raises NotStarted."""
    from tui.engine import start_stop

    await _prepared(store)
    document, environ, secrets = store.document.copy(), dict(store.environ), dict(store.secrets)
    rehearse = store.rehearse
    return await _explained(lambda: start_stop.start(document, environ=environ, secrets=secrets, rehearse=rehearse))


async def resume(store: Store, run: Run) -> None:
    """Resume an interrupted run. Raises NotStarted, or SecretNeeded if a secret must be entered again."""
    from tui.engine import start_stop

    await _prepared(store)
    environ, secrets = dict(store.environ), dict(store.secrets)
    for key in await in_thread(_to_ask, run, environ, secrets):
        raise SecretNeeded(key)
    await _explained(lambda: start_stop.resume(run, environ=environ, secrets=secrets))


def _to_ask(run: Run, environ: Mapping[str, str], secrets: Mapping[str, str]) -> list[str]:
    from tui.plan.load_save.load import load
    from tui.plan.load_save.typed_secrets import to_ask
    from tui.plan.problems import PlanInvalid

    try:
        return to_ask(load(run.plan), environ, secrets, run.typed)
    except (PlanInvalid, OSError):
        return []  # starting the engine reports what is wrong


async def roll_back(run: Run) -> str:
    """Ask the run's engine to roll back its rollout; return the sentence to show."""
    from tui.engine import start_stop

    try:
        heard = await in_thread(start_stop.roll_back, run)
    except OSError as error:
        return f"✖ The engine cannot be reached: {error.strerror or error}. Use aml-deploy rollback {run.endpoint}"
    if not heard:
        return f"✖ This run is not in progress. Use aml-deploy rollback {run.endpoint}"
    return "Rolling back; this takes Azure several seconds"


async def _prepared(store: Store) -> None:
    """Wait for the rehearsal. Raises NotStarted if it could not be started, or nothing may be changed."""
    if store.readonly:
        raise NotStarted(READONLY)
    await store.settled()
    if not store.ready.is_set():
        raise NotStarted(f"{store.prepare_problem} To try again: ctrl+o, Restart the rehearsal.")


async def _explained(call: Callable[[], T]) -> T:
    from tui.plan.problems import PlanInvalid

    try:
        return await in_thread(call)
    except PlanInvalid as invalid:
        problem = invalid.problems[0]
        raise NotStarted(f"{problem.message} {problem.remedy}".strip(), problem.key) from None
    except OSError as error:
        raise NotStarted(f"The run's folder cannot be written: {error.strerror or error}.") from None
