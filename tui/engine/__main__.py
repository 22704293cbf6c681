"""The engine's process: `python -m tui.engine RUN_FOLDER`, started by tui.engine.launch."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path

from tui.engine.journal import JournalWriter
from tui.engine.runs import read, write_engine

EXIT = {"succeeded": 0, "failed": 1, "blocked": 3, "cancelled": 130}


def main(folder: Path) -> int:
    """Carry out the run in a folder; typed secrets come as a JSON object on standard input."""
    secrets = json.loads(sys.stdin.buffer.read() or b"{}")
    run = read(folder)
    if run is None:
        print(f"There is no run in {folder}.", file=sys.stderr)
        return 2
    write_engine(folder, os.getpid())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    resumed = run.journal.last() is not None
    journal = JournalWriter(folder, run.id)
    try:
        from tui.engine.run import Engine
        from tui.plan.load import load
        from tui.plan.resolve import resolve

        plan = resolve(load(run.plan), os.environ, secrets)
        engine = Engine(plan, folder, journal, rehearsed=run.rehearsed, resumed=resumed, record=run.record)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: engine.stop())
        return EXIT[engine.execute()]
    except Exception as error:
        traceback.print_exc()
        from tui.engine.cards import card

        journal.emit("needs_attention", task="", card=card(error, str(run.log)))
        journal.emit(
            "run_finished",
            status="failed",
            endpoint=run.endpoint,
            deployment=run.deployment,
            scoring_uri=None,
            portal_url=None,
            test=None,
            message=str(error),
        )
        return 1
    finally:
        journal.close()


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads of the SDK that still wait for an answer must not keep the process
