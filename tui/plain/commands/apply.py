"""The command `aml-deploy apply`: a run without the wizard."""

from __future__ import annotations

import contextlib
import errno
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.common.regular_file import read_regular
from tui.common.typed_path import typed_path
from tui.engine import start_stop
from tui.engine.journal.journal import Event
from tui.engine.journal.runs import Run
from tui.plain.arguments.plan_and_environment import ready, say_practised
from tui.plain.failure import Failure
from tui.plain.guard import INTERRUPTED, Unwritable, writing
from tui.plain.output.event_lines import Lines
from tui.plain.output.follow import DETACHED, EXIT_CODES, FINISHED, GONE, STARTED, follow
from tui.plain.output.run_result import remove_command, summary
from tui.plain.signals import Signals
from tui.plain.terminal import can_ask, confirmed, out_json, say
from tui.plan.approved_change import parse
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.rules import value_rules

HUNG_UP = 129
LARGEST = 16 * 2**20
"""Bytes that are read of a file of approved changes."""
WITHOUT_QUESTION = "There is no terminal to ask for confirmation: add --yes to deploy."


def run(arguments: Namespace) -> int:
    """Deploy the plan and follow the run. Raises PlanInvalid, Failure."""
    if not arguments.yes and not can_ask():
        raise Failure(WITHOUT_QUESTION, 2)
    approved = read_approved(arguments.approved) if arguments.approved else None
    record = new_recording(arguments.record) if arguments.record else None
    beside(arguments)
    document, environ = ready(arguments)
    if not arguments.yes and not confirmed(_question(document, rehearse=arguments.rehearse)):
        raise Failure("Nothing was done.", INTERRUPTED)
    return deploy(
        document,
        environ,
        rehearse=arguments.rehearse,
        as_json=arguments.json,
        detach=arguments.detach,
        remove=_remove_command(arguments),
        record=record,
        approved=approved,
    )


def read_approved(file: str) -> dict[str, Any]:
    """The content of a file of `diff -o`. Raises Failure, with the line of what is wrong."""
    path = typed_path(file)
    try:
        if path.stat().st_size > LARGEST:
            raise OSError(errno.EFBIG, "it is larger than any file of aml-deploy diff")
        text = read_regular(path).decode("utf-8", "replace")
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.", 2) from None
    found, problem = parse(text, str(path))
    if problem is not None:
        raise Failure(str(problem), 2)
    return found


def beside(arguments: Namespace, *, steps: bool = True) -> None:
    """Turn `--as NAME` into values of the plan: name, final traffic, and with `steps` a rollout. Raises Failure."""
    name = getattr(arguments, "as_name", None)
    if not name:
        return
    document = load(arguments.plan, arguments.overlays, arguments.sets)
    if document.listed():
        raise Failure("--as is for plans with one deployment. This plan lists its deployments; add one to the list.", 2)
    wrong = value_rules.online_name(name)
    if wrong:
        raise Failure(f"--as {name} is not the name of a deployment. {wrong}", 2)
    sets = [f"deployment.name={name}", f"traffic={{{name}: 100}}"]
    if steps and not document.get("rollout"):
        sets.append("rollout.steps=[10, 50, 100]")
    arguments.sets = [*arguments.sets, *sets]


def new_recording(given: str) -> Path:
    """The absolute path of a new recording, in a writable folder. Raises Failure."""
    path = Path(os.path.abspath(typed_path(given)))  # noqa: PTH100 (resolve would follow links)
    folder = path.parent
    if path.exists() or path.is_symlink():
        raise Failure(
            f"{path} already exists, and a recording does not replace a file. Name a new one with --record.", 2
        )
    if not folder.is_dir():
        raise Failure(f"The recording cannot be written: there is no folder {folder}.", 2)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(f"The recording cannot be written: {folder} is not writable.", 2)
    return path


def deploy(
    document: Document,
    environ: Mapping[str, str],
    *,
    rehearse: bool,
    secrets: Mapping[str, str] | None = None,
    as_json: bool = False,
    detach: bool = False,
    remove: str | None = None,
    record: Path | None = None,
    approved: Mapping[str, Any] | None = None,
) -> int:
    """Start a run and follow it to its end, or with `detach` only to its start; return the exit code.

    `record` is the file to which the run records its exchanges with Azure; `approved` are the only changes that it may
    make.
    """
    with Signals() as signals:
        try:
            started = start_stop.start(
                document,
                environ=environ,
                secrets=secrets or {},
                rehearse=rehearse,
                record=record,
                approved=approved,
            )
        except OSError as error:
            where = error.filename or "the state folder"
            raise Failure(
                f"The run cannot be started: {where}: {error.strerror}. Set AML_DEPLOY_HOME to a writable folder."
            ) from None
        if record is not None:
            say(f"The exchanges with Azure are recorded in {record}, without secrets and names.")
        code = watch(started, signals, starting=True, stops=True, as_json=as_json, detach=detach, remove=remove)
        if rehearse and not as_json:
            say_practised(environ)
        return code


def watch(
    run: Run,
    signals: Signals,
    *,
    starting: bool,
    stops: bool,
    as_json: bool,
    detach: bool = False,
    remove: str | None = None,
) -> int:
    """Show a run as lines or JSON until it ends; return the exit code. With `stops`, a signal also stops the run."""
    lines = Lines(say)
    try:
        how, last = follow(
            run,
            _print_event if as_json else lines.show,
            signals,
            starting=starting,
            only_start=detach,
            stop=(lambda: start_stop.stop(run)) if stops and not detach else None,
            stopping=lambda: say("Stopping the run. Press Ctrl+C again to quit without waiting."),
        )
    except (BrokenPipeError, Unwritable):
        if run.journal.finished():  # a run that changes nothing can end before the reader's leaving is noticed
            say(f"The run has ended. See it: aml-deploy attach {run.id}")
        else:
            _say_detached(run)
        raise
    if how == FINISHED and last is not None:
        if not as_json:
            for line in summary(run, lines.view, remove=remove):
                say(line)
        return EXIT_CODES.get(str(last.get("status")), 1)
    if how == STARTED:
        _say_detached(run)
        return 0
    if how == DETACHED:
        if not signals.hung_up:
            _say_detached(run)
        return HUNG_UP if signals.hung_up else INTERRUPTED
    if how == GONE:
        if signals.stops:
            say(f"Run {run.id} is stopped; its engine had not started working.")
            return INTERRUPTED
        say(f"The engine of run {run.id} ended before the run finished. Its log: {run.log}")
        say(f"Resume the run with: aml-deploy attach {run.id}")
        return 1
    say(f"Run {run.id} is still stopping. Follow it with: aml-deploy attach {run.id}")
    return INTERRUPTED


def _print_event(event: Event) -> None:
    with writing():
        out_json(event)


def _say_detached(run: Run) -> None:
    with contextlib.suppress(OSError):  # standard error may be closed
        say(f"Run {run.id} continues in the background. Attach to it with: aml-deploy attach {run.id}")


def _question(document: Document, *, rehearse: bool) -> str:
    where = "in the rehearsal" if rehearse else f"in the workspace {_shown(document, 'workspace.name')}"
    return (
        f"Deploy {_shown(document, 'deployment.name')} behind {_shown(document, 'endpoint.name')}, "
        f"{_shown(document, 'deployment.instance_count')} x {_shown(document, 'deployment.instance_type')}, {where}?"
    )


def _shown(document: Document, key: str) -> str:
    from tui.plan.load_save.references import Unresolved, expand

    value = str(document.value(key))
    try:
        return expand(value, os.environ)
    except Unresolved:
        return value


def _remove_command(arguments: Namespace) -> str | None:
    """The shortest command that removes what this one created; None if that needs the run's own copy of the plan."""
    if arguments.sets or arguments.overlays:
        return None
    return remove_command(arguments.plan, arguments.rehearse)
