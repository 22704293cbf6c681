"""A plan from a notebook's cell: `check(plan)`, `apply(plan)`, `attach()`.

It needs the standard library only, and works in a notebook whose own Python knows nothing of aml-deploy: everything is
done by a child process, by default with the Python of the virtual environment that this file stands in. Where
aml-deploy is installed as a package, the file is also `notebook/aml_deploy.py` of that virtual environment:

    import sys; sys.path.append("/local_disk0/aml-deploy/notebook")
    from aml_deploy import apply, check

    apply("/Workspace/Shared/plan.yml", secrets={"credential.client_secret": dbutils.secrets.get("scope", "key")})

What is told is told in lines. No function raises for a plan that is wrong or a run that fails: look at `.ok` of what it
returns. Secrets travel through a pipe, and are in no file, argument or environment variable. A cell that is cancelled
leaves the run going.
"""

from __future__ import annotations

import contextlib
import html
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

__all__ = ["Result", "apply", "attach", "check"]

LEAVE_SECONDS = 10


class Result:
    """How it ended: `ok`, `status` (succeeded, failed, blocked, detached, …) and what is known of it in `details`."""

    def __init__(self, status: str, details: Mapping[str, Any]) -> None:
        self.status = status
        self.details = dict(details)

    @property
    def ok(self) -> bool:
        """Whether nothing blocks, or the run has succeeded."""
        return self.status == "succeeded"

    def __getattr__(self, name: str) -> Any:
        """`run`, `endpoint`, `scoring_uri`, `portal_url`, `test`, `findings`; None where there is none."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self.details.get(name)

    def __repr__(self) -> str:
        run = f", run {self.details['run']}" if self.details.get("run") else ""
        return f"<{self.status}{run}>"


def check(
    plan: str | os.PathLike[str],
    *overlays: str | os.PathLike[str],
    changes: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    rehearse: bool = False,
) -> Result:
    """Look for whatever would make a deployment fail, and change nothing.

    `plan` is a file or a preset's name, `overlays` are laid over it, `changes` sets values by key such as
    `{"deployment.instance_count": 2}`, `secrets` gives secret ones by key, such as `credential.client_secret`.
    """
    return _carried_out("check", _question(plan, overlays, changes, secrets, rehearse))


def apply(
    plan: str | os.PathLike[str],
    *overlays: str | os.PathLike[str],
    changes: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    rehearse: bool = False,
    scenarios: Sequence[str] = (),
) -> Result:
    """Deploy what a plan describes, and follow the run; arguments as for `check`.

    `scenarios` are failures to practise in the rehearsal. Cancelling the cell leaves the run going; see `attach`.
    """
    asked = _question(plan, overlays, changes, secrets, rehearse)
    return _carried_out("apply", {**asked, "scenarios": list(scenarios)})


def attach(run: str | None = None, *, secrets: Mapping[str, str] | None = None) -> Result:
    """Show a run (the latest, or by its id) and follow it; it is resumed when its engine is gone."""
    return _carried_out("attach", {"run": run, "secrets": dict(secrets or {})})


def _question(
    plan: str | os.PathLike[str],
    overlays: Sequence[str | os.PathLike[str]],
    changes: Mapping[str, Any] | None,
    secrets: Mapping[str, str] | None,
    rehearse: bool,
) -> dict[str, Any]:
    return {
        "plan": os.fspath(plan),
        "overlays": [os.fspath(one) for one in overlays],
        "changes": dict(changes or {}),
        "secrets": dict(secrets or {}),
        "rehearse": rehearse,
    }


def _carried_out(task: str, asked: dict[str, Any]) -> Result:
    """Let a child process do it, and show what it tells. Raises nothing."""
    reader = _secret_reader()
    asked = {**asked, "task": task, "reads": reader is not None}
    python, environ = _python()
    with tempfile.TemporaryFile() as unforeseen:
        try:
            # In a session of its own: a cell is cancelled by a signal to the kernel's whole process group.
            child = subprocess.Popen(
                [python, "-m", "tui.plain.notebook"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=unforeseen,
                env=environ,
                start_new_session=True,
            )
        except OSError as error:
            print(
                f"aml-deploy cannot be started with {python}: {error.strerror}. AML_DEPLOY_PYTHON names another Python."
            )
            return Result("failed", {})
        assert child.stdin is not None and child.stdout is not None
        told: dict[str, Any] = {}
        try:
            _say_to(child.stdin, asked)
            _show(_lines(child.stdout), child.stdin, reader, told)
        except KeyboardInterrupt:
            _leave(child, told)
        finally:
            for pipe in (child.stdin, child.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
        code = _code(child)
        if "status" not in told:
            unforeseen.seek(0)
            said = unforeseen.read().decode("utf-8", "replace").strip().splitlines()
            print(f"aml-deploy has ended without a result (exit code {code}). {said[-1] if said else ''}".rstrip())
            return Result("failed", {})
    return Result(str(told.pop("status")), told)


def _show(lines: Iterator[dict[str, Any]], answers: IO[bytes], reader: Any, told: dict[str, Any]) -> None:
    for line in lines:
        if "say" in line:
            print(line["say"], flush=True)
        if "read" in line:
            _say_to(answers, _values(line["read"], reader))
        if "links" in line:
            _show_links(line["links"])
        told.update(line.get("result") or {})


def _lines(output: IO[bytes]) -> Iterator[dict[str, Any]]:
    for line in output:
        try:
            yield dict(json.loads(line))
        except ValueError:
            continue  # nothing of ours


def _say_to(pipe: IO[bytes], message: Mapping[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # it has ended, and has said why
        pipe.write(json.dumps(message).encode() + b"\n")
        pipe.flush()


def _leave(child: subprocess.Popen[bytes], told: dict[str, Any]) -> None:
    """Let the child go; what it started goes on. It says how to come back."""
    assert child.stdin is not None and child.stdout is not None
    try:
        child.send_signal(signal.SIGINT)
        _show(_lines(child.stdout), child.stdin, None, told)
    except KeyboardInterrupt:
        print("Left. attach() shows how it goes on.")
        told.setdefault("status", "detached")


def _code(child: subprocess.Popen[bytes]) -> int:
    try:
        return child.wait(timeout=LEAVE_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()  # it only looks; the run's engine is another process
        return child.wait()


def _python() -> tuple[str, dict[str, str]]:
    """The Python that has aml-deploy, and its environment: without what leads this notebook's Python to packages."""
    environ = dict(os.environ)
    beside = Path(__file__).resolve().parents[1] / "bin" / "python"
    named = os.environ.get("AML_DEPLOY_PYTHON")
    if not named and __name__ == "tui.notebook":
        return sys.executable, environ
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV"):
        environ.pop(name, None)
    return named or str(beside), environ


def _secret_reader() -> Any:
    """Databricks' `dbutils.secrets.get` of this notebook, or None."""
    dbutils = getattr(sys.modules.get("__main__"), "dbutils", None)
    return getattr(getattr(dbutils, "secrets", None), "get", None)


def _values(names: Sequence[str], reader: Any) -> dict[str, Any]:
    """What `SCOPE/KEY` stands for, through the notebook; `refused` has the reasons of those that it does not give."""
    values: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name in names:
        scope, _, key = name.partition("/")
        try:
            values[name] = str(reader(scope, key))
        except Exception as error:  # whatever the notebook's library raises
            refused[name] = type(error).__name__
    return {"values": values, "refused": refused}


def _show_links(links: Sequence[Sequence[str]]) -> None:
    """Links to click on where the notebook shows HTML, lines elsewhere."""
    texts = [f"{label}: {address}" for label, address in links]
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or type(shell).__name__ == "TerminalInteractiveShell":
        print("\n".join(texts), flush=True)
        return
    anchors = [
        f'{html.escape(label)}: <a href="{html.escape(address)}" target="_blank" rel="noopener">'
        f"{html.escape(address)}</a>"
        for label, address in links
        if address.startswith("https://")
    ]
    display: Any = importlib.import_module("IPython.display")
    display.publish_display_data({"text/plain": "\n".join(texts), "text/html": "<br>".join(anchors)})
