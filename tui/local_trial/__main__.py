"""`python -m tui.local_trial`: reads `{"document": tree, "base": folder}` as one line, and runs a local trial of it.

With `"load": {…}`, the options of a load run, it is measured under load.

It prints JSON lines: `{"progress": sentence}` while it works, and one `{"report": …}` at the end. If its standard
input is closed, or on SIGTERM, it stops and removes what it has created.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from tui.common.redact import each_text, learn_environment, redact
from tui.local_trial import trial, verdict
from tui.plan.load_save.document import Document


def main() -> int:
    """Run one local trial; return 0 with a report, 1 without one."""
    asked = json.loads(sys.stdin.readline())
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # keeps output of libraries out of the JSON lines
    learn_environment(os.environ)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    threading.Thread(target=_until_closed, args=(ended,), daemon=True).start()

    def say(content: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            print(json.dumps(each_text(content, redact), ensure_ascii=False), file=told, flush=True)

    document = Document(tree=dict(asked["document"]), base=Path(asked["base"]))
    folder = Path(tempfile.mkdtemp(prefix="aml-deploy-trial-"))
    os.environ["AML_DEPLOY_HOME"] = str(folder)
    try:
        perform, options = trial.perform, {}
        if asked.get("load") is not None:
            from tui.local_trial.load import run

            perform, options = run.perform, asked["load"]
        report = perform(document, dict(os.environ), lambda line: say({"progress": line}), ended, **options)
    except trial.Ended:
        return 1
    except Exception as error:
        report = {"findings": [_not_known(error)], "figures": [], "card": None, "measured": []}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say({"report": report})
    return 0


def _not_known(error: Exception) -> dict[str, Any]:
    """The finding that nothing was served, and why; it does not block, since the plan may be correct."""
    from tui.plan.problems import PlanInvalid
    from tui.rehearsal_client import CannotRehearse

    key = verdict.MODEL
    if isinstance(error, PlanInvalid):
        problem = error.problems[0]
        text, remedy, key = f"The plan cannot be served on this machine: {problem.message}", problem.remedy, problem.key
    elif isinstance(error, trial.CannotServe):
        text, remedy, key = f"This plan cannot be served on this machine. {error}", error.remedy, error.key
    elif isinstance(error, CannotRehearse):
        text, remedy = f"Nothing was served on this machine. {error}", "See: aml-deploy rehearsal --help"
    elif isinstance(error, OSError):
        text = f"Nothing was served on this machine: {error.strerror or error}."
        remedy = "It needs disk space for the model twice and a writable folder (TMPDIR, AML_DEPLOY_CACHE)."
    else:
        text = f"Nothing was served on this machine because of an internal error: {type(error).__name__}: {error}"
        remedy = "Report this error."
    return verdict.finding("trial-ready", "unknown", key, text, remedy)


def _until_closed(ended: threading.Event) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    sys.exit(main())
