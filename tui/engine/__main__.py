"""The engine's process: `python -m tui.engine RUN_FOLDER`, started by tui.engine.start_stop."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path

from tui.common import call_log, redact
from tui.common.output_stream import guard_streams
from tui.engine import preload
from tui.engine.heartbeat_and_takeover import Heart
from tui.engine.journal.journal import JournalWriter
from tui.engine.journal.runs import Run, read, write_engine
from tui.engine.stop_signals import StopSignals

EXIT = {"succeeded": 0, "failed": 1, "blocked": 3, "cancelled": 130}


def main(folder: Path) -> int:
    """Execute the run in a folder; typed secrets arrive as a JSON object on standard input."""
    secrets = json.loads(sys.stdin.buffer.read() or b"{}")
    redact.learn(*secrets.values())
    redact.learn_environment(os.environ)
    run = read(folder)
    if run is None:
        print(f"There is no run in {folder}.", file=sys.stderr)
        return 2
    guard_streams()
    call_log.begin(run.id)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stopping = StopSignals()
    heart = Heart(folder, stopping.ask)
    other = heart.begin()
    if other is not None:
        print(f"An engine on {other.host} is working on this run; this one ends.", file=sys.stderr)
        return 0
    write_engine(folder, os.getpid())
    resumed = any(event.get("event") == "run_started" for event in run.journal.read())
    preload.begin(run, resumed=resumed)
    journal = JournalWriter(folder, run.id)
    from tui.engine.task_context import Stopped

    try:
        from tui.cloud.auth.secrets import fill
        from tui.engine.run import Engine
        from tui.engine.task_graph import unless_stopped
        from tui.plan.load_save.load import load
        from tui.plan.load_save.resolve import resolve

        resolved = resolve(load(run.plan), os.environ, secrets)
        plan = unless_stopped(stopping.asked, lambda: fill(resolved))
        engine = Engine(
            plan, folder, journal, rehearsed=run.rehearsed, resumed=resumed, record=run.record, asked=stopping.asked
        )
        stopping.call(engine.stop)
        return EXIT[engine.execute()]
    except Stopped:
        _finish(journal, run, "cancelled", "The run was stopped before its first task.")
        return EXIT["cancelled"]
    except Exception as error:
        traceback.print_exc()
        from tui.engine.error_cards import card

        journal.emit("needs_attention", task="", card=card(error, str(run.log)))
        _finish(journal, run, "failed", str(error))
        return EXIT["failed"]
    finally:
        journal.close()
        heart.end()
        if journal.lost:
            print(f"{journal.lost} events of the run could not be written: free disk space for {folder}.")


def _finish(journal: JournalWriter, run: Run, status: str, message: str) -> None:
    """Record the end of a run that has no engine."""
    journal.emit(
        "run_finished",
        status=status,
        endpoint=run.endpoint,
        deployment=run.deployment,
        scoring_uri=None,
        portal_url=None,
        test=None,
        message=message,
    )


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # SDK threads that still wait for a response must not keep the process alive
