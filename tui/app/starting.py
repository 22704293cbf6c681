"""Starting a run of the plan on screen, and going on with one that was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, TypeVar

from tui.app.background import in_thread

if TYPE_CHECKING:
    from tui.app.store import Store
    from tui.engine.runs import Run


T = TypeVar("T")


class NotStarted(Exception):
    """Why the engine was not started, in a sentence; `key` is the field that it is about, if any."""

    def __init__(self, sentence: str, key: str = "") -> None:
        super().__init__(sentence)
        self.key = key


async def start(store: Store) -> Run:
    """Start the engine on the plan as it is now. Raises NotStarted."""
    from tui.engine import launch

    await _prepared(store)
    document, environ, secrets = store.document.copy(), dict(store.environ), dict(store.secrets)
    rehearse = store.rehearse
    return await _explained(lambda: launch.start(document, environ=environ, secrets=secrets, rehearse=rehearse))


async def resume(store: Store, run: Run) -> None:
    """Start the engine of an interrupted run again. Raises NotStarted."""
    from tui.engine import launch

    await _prepared(store)
    environ, secrets = dict(store.environ), dict(store.secrets)
    await _explained(lambda: launch.resume(run, environ=environ, secrets=secrets))


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
