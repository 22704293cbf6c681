"""Functions for notebook cells: `check(plan)`, `apply(plan)`, `attach()`.

It uses only the standard library, and works in a notebook whose own Python does not have aml-deploy: a child process
does everything, by default with the Python of the virtual environment that contains this file. If aml-deploy is
installed as a package, the file is also `notebook/aml_deploy.py` of that virtual environment:

    import sys; sys.path.append("/local_disk0/aml-deploy/notebook")
    from aml_deploy import apply, check

    apply("/Workspace/Shared/plan.yml", secrets={"credential.client_secret": dbutils.secrets.get("scope", "key")})

Progress is printed as lines. No function raises for an invalid plan or a failed run: check `.ok` of the result. Secrets
are passed through a pipe, never in a file, argument or environment variable. If a cell is cancelled, the run continues.
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
    """The result of a call: `ok`, `status` (succeeded, failed, blocked, detached, …) and `details`."""

    def __init__(self, status: str, details: Mapping[str, Any]) -> None:
        self.status = status
        self.details = dict(details)

    @property
    def ok(self) -> bool:
        """Whether nothing blocks, or the run succeeded."""
        return self.status == "succeeded"

    def __getattr__(self, name: str) -> Any:
        """`run`, `endpoint`, `scoring_uri`, `portal_url`, `test` or `findings` from `details`, or None."""
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
    """Find what would make a deployment fail, and change nothing.

    `plan` is a file or a preset's name, `overlays` are files that override it, `changes` sets values by key such as
    `{"deployment.instance_count": 2}`, `secrets` sets secret values by key, such as `credential.client_secret`.
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
    """Deploy a plan and follow the run; arguments as for `check`.

    `scenarios` are failures to rehearse. If the cell is cancelled, the run continues; see `attach`.
    """
    asked = _question(plan, overlays, changes, secrets, rehearse)
    return _carried_out("apply", {**asked, "scenarios": list(scenarios)})


def attach(run: str | None = None, *, secrets: Mapping[str, str] | None = None) -> Result:
    """Show and follow a run (by default the latest); it is resumed if its engine has stopped."""
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
    """Run a task in a child process, and show its output. Raises nothing."""
    reader = _secret_reader()
    asked = {**asked, "task": task, "reads": reader is not None}
    command, environ = _command()
    with tempfile.TemporaryFile() as unforeseen:
        try:
            # In a separate session: cancelling a cell sends a signal to the kernel's whole process group.
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=unforeseen,
                env=environ,
                start_new_session=True,
            )
        except OSError as error:
            print(
                f"aml-deploy cannot be started with {command[0]}: {error.strerror}. Set AML_DEPLOY_PYTHON to another."
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
            print(f"aml-deploy ended without a result (exit code {code}). {said[-1] if said else ''}".rstrip())
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
            continue  # not a message of aml-deploy


def _say_to(pipe: IO[bytes], message: Mapping[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the child has ended, and has reported why
        pipe.write(json.dumps(message).encode() + b"\n")
        pipe.flush()


def _leave(child: subprocess.Popen[bytes], told: dict[str, Any]) -> None:
    """Detach from the child; the run that it started continues."""
    assert child.stdin is not None and child.stdout is not None
    try:
        child.send_signal(signal.SIGINT)
        _show(_lines(child.stdout), child.stdin, None, told)
    except KeyboardInterrupt:
        print("Detached. Follow the run with attach().")
        told.setdefault("status", "detached")


def _code(child: subprocess.Popen[bytes]) -> int:
    try:
        return child.wait(timeout=LEAVE_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()  # it only follows; the run's engine is another process
        return child.wait()


def _command() -> tuple[list[str], dict[str, str]]:
    """The command for the Python that has aml-deploy, and environment variables without this notebook's package paths.

    Nothing is imported from the working directory, which in a notebook is the user's folder.
    """
    environ = dict(os.environ)
    beside = Path(__file__).resolve().parents[1] / "bin" / "python"
    named = os.environ.get("AML_DEPLOY_PYTHON")
    if not named and __name__ == "tui.notebook":
        from tui.common import child_process

        return child_process.command("tui.plain.notebook"), child_process.environment(environ)
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONSAFEPATH", "VIRTUAL_ENV"):
        environ.pop(name, None)
    start = "import sys; del sys.path[0]; import runpy; runpy.run_module('tui.plain.notebook', None, '__main__', True)"
    return [named or str(beside), "-c", start], environ


def _secret_reader() -> Any:
    """Databricks' `dbutils.secrets.get` of this notebook, or None."""
    dbutils = getattr(sys.modules.get("__main__"), "dbutils", None)
    return getattr(getattr(dbutils, "secrets", None), "get", None)


def _values(names: Sequence[str], reader: Any) -> dict[str, Any]:
    """The values of `SCOPE/KEY` names, read by the notebook; `refused` has the reasons for those it cannot read."""
    values: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name in names:
        scope, _, key = name.partition("/")
        try:
            values[name] = str(reader(scope, key))
        except Exception as error:  # any exception of the notebook's library
            refused[name] = type(error).__name__
    return {"values": values, "refused": refused}


def _show_links(links: Sequence[Sequence[str]]) -> None:
    """Show links as HTML if the notebook supports it, else as lines."""
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
