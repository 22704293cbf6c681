"""Starting a run of the plan on screen, and going on with one that was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Callable, TypeVar

from tui.app.state.background import in_thread

if TYPE_CHECKING:
    from tui.app.state.store import Store
    from tui.engine.journal.runs import Run


T = TypeVar("T")


class NotStarted(Exception):
    """Why the engine was not started, in a sentence; `key` is the field that it is about, if any."""

    def __init__(self, sentence: str, key: str = "") -> None:
        super().__init__(sentence)
        self.key = key


class SecretNeeded(NotStarted):
    """A secret was typed when the run began, and has to be typed again: it was kept in memory only."""

    def __init__(self, key: str) -> None:
        super().__init__("A secret has to be typed again.", key)


async def start(store: Store) -> Run:
    """Start the engine on the plan as it is now. Raises NotStarted."""
    from tui.engine import start_stop

    await _prepared(store)
    document, environ, secrets = store.document.copy(), dict(store.environ), dict(store.secrets)
    rehearse = store.rehearse
    return await _explained(lambda: start_stop.start(document, environ=environ, secrets=secrets, rehearse=rehearse))


async def resume(store: Store, run: Run) -> None:
    """Start the engine of an interrupted run again. Raises NotStarted, and SecretNeeded where one must be typed."""
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
        return []  # launching says what is wrong


async def roll_back(run: Run) -> str:
    """Ask the run's engine to take its rollout back; the sentence to show."""
    from tui.engine import start_stop

    try:
        heard = await in_thread(start_stop.roll_back, run)
    except OSError as error:
        return f"✖ The engine cannot be asked: {error.strerror or error}. Use aml-deploy rollback {run.endpoint}"
    if not heard:
        return f"✖ No engine works on this run. Use aml-deploy rollback {run.endpoint}"
    return "▸ The rollout is taken back; that takes Azure some seconds"


async def _prepared(store: Store) -> None:
    """Wait for the rehearsal. Raises NotStarted when it cannot be had."""
    await store.settled()
    if not store.ready.is_set():
        raise NotStarted(f"{store.prepare_problem} To try once more: ctrl+o, Start the rehearsal again.")


async def _explained(call: Callable[[], T]) -> T:
    from tui.plan.problems import PlanInvalid

    try:
        return await in_thread(call)
    except PlanInvalid as invalid:
        problem = invalid.problems[0]
        raise NotStarted(f"{problem.message} {problem.remedy}".strip(), problem.key) from None
    except OSError as error:
        raise NotStarted(f"The run's folder cannot be written: {error.strerror or error}.") from None
