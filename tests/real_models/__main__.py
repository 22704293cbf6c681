"""`python -m tests.real_models [--only NAME …] [--python 3.12 …] [--as-it-is] [--fix]`: a table of what check foretold.

Each cell makes a model, has `aml-deploy new` write the plan of its folder, checks it and applies it in a rehearsal of
its own. `--as-it-is` deploys the MLflow models without code, as `az ml online-deployment create` would; `--fix` first
corrects what check can. A blocked plan is deployed by its exported Python code, which asks no check, to see whether
the check was right. A plan that fails counts as foretold only if a warning named the error at the container's end.
Models that need big downloads are made only if they are named. Ends with 1 if one of the rows is not as foretold.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.real_models import makers

_AT_ONCE = 2
"""Cells that run at the same time: each is a process that waits for another one most of the time."""

_ENDING = re.compile(r"would end with: (.+?)\.?$")
"""How a warning says that the deployment will fail, and with which error."""

NO_CODE = """\
workspace: {{subscription_id: 00000000-0000-4000-8000-000000000001, resource_group: rg-ml, name: ws-private}}
credential: {{method: default}}
endpoint: {{name: {name}, auth_mode: key, public_network_access: disabled}}
deployment:
  name: blue
  model: {{name: {name}-model, path: model, type: mlflow_model}}
  instance_type: Standard_D2as_v4
  instance_count: 1
traffic: {{blue: 100}}
test: {{request: request.json}}
"""


def main() -> int:
    """Print the table; 1 if a row differs from what was foretold."""
    parser = argparse.ArgumentParser(prog="python -m tests.real_models")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=makers.MAKERS, help=", ".join(makers.MAKERS))
    parser.add_argument("--python", nargs="+", metavar="VERSION", help="such as 3.9 3.12; else the newest")
    parser.add_argument("--as-it-is", action="store_true", help="MLflow models without code")
    parser.add_argument("--fix", action="store_true", help="with what `check --fix` corrects")
    asked = parser.parse_args()
    every = makers.MLFLOW if asked.as_it_is else makers.MAKERS
    most = [name for name, maker in every.items() if not maker.needs]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        cells = [
            (name, python) for name in asked.only or most for python in _pythons(makers.MAKERS[name], asked.python)
        ]
        try:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                rows = list(pool.map(lambda one: cell(*one, Path(folder), home, asked.as_it_is, asked.fix), cells))
        finally:
            command("rehearsal", "--stop", home=home)
    print(f"{sum(row['as_foretold'] for row in rows)} of {len(rows)} as foretold")
    return 0 if all(row["as_foretold"] for row in rows) else 1


def _pythons(maker: makers.Maker, asked: list[str] | None) -> list[str]:
    possible = [one for one in makers.interpreters() if makers.suits(maker, one)]
    return [one for one in possible if one in asked] if asked else possible[-1:]


def cell(name: str, python: str, root: Path, home: Path, as_it_is: bool = False, fix: bool = False) -> dict[str, Any]:
    """One row: the model made, its plan written, checked and applied, and whether the two agree. Prints it."""
    folder = root / f"{name}-{python}".replace(".", "-")
    makers.make(name, makers.interpreters()[python], folder)
    if as_it_is:
        plan = folder / "plan.yml"
        plan.write_text(NO_CODE.format(name=folder.name), encoding="utf-8")
        rows = {"columns": list("abcd"), "data": [[0.1, 0.2, 0.3, 0.4]]}
        (folder / "request.json").write_text(json.dumps({"input_data": rows}), encoding="utf-8")
    else:
        plan = root / f"{folder.name}-plan" / "plan.yml"
        plan.parent.mkdir()
        made = command("new", folder, "-o", plan, home=home)
        if made.returncode:
            return _row(name, python, "no plan", made.stderr.strip().splitlines()[-1:], False)
    if fix:
        command("check", plan, "--rehearse", "--fix", home=home)
    checked = command("check", plan, "--rehearse", "--json", home=home)
    findings = [json.loads(line) for line in checked.stdout.splitlines()]
    told = [one["id"] for one in findings if one.get("severity") in ("blocker", "warning", "unknown")]
    endings = [ending[1] for one in findings if (ending := _ENDING.search(one.get("message", "")))]
    if checked.returncode == 3:
        served, happened = by_its_code(plan, home)
        return _row(name, python, f"blocked {told}", happened, not served)
    applied = command("apply", plan, "--rehearse", "--yes", "--json", home=home)
    events = [json.loads(line) for line in applied.stdout.splitlines()]
    cards = [event["card"]["id"] for event in events if event.get("event") == "needs_attention"]
    last = events[-1] if events else {}
    test = last.get("test") or {}
    happened = [test[key] for key in ("status_code", "response") if key in test] or [last.get("status")]
    happened += cards if events else [applied.stderr[-300:]]
    command("remove", plan, "--rehearse", "--yes", home=home)
    as_told = any(one in applied.stdout for one in endings) if applied.returncode else not endings
    return _row(name, python, f"passes {told}", happened, checked.returncode == 0 and as_told)


def by_its_code(plan: Path, home: Path) -> tuple[bool, str]:
    """Deploy a plan by its exported Python code, which asks no check: whether it answered, and the last line."""
    target = plan.parent / "exported"
    command("export", plan, "--to", "python", "-o", target, home=home)
    told = command("rehearsal", "--env", "--json", home=home)
    environ = {**os.environ, **json.loads(told.stdout)["set"]}
    (script,) = target.glob("*.py")
    done = subprocess.run(
        [sys.executable, script], env=environ, capture_output=True, text=True, timeout=900, check=False
    )
    return done.returncode == 0, (done.stdout + done.stderr).strip().rpartition("\n")[2][-300:]


def command(*arguments: Any, home: Path) -> subprocess.CompletedProcess[str]:
    """Run `aml-deploy` with its state in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tui", *map(str, arguments)],
        env={**os.environ, "AML_DEPLOY_HOME": str(home), "AML_DEPLOY_CONTAINER_ENGINE": "none"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip


def _row(name: str, python: str, foretold: str, happened: Any, as_foretold: bool) -> dict[str, Any]:
    row = {"model": name, "python": python, "foretold": foretold, "happened": happened, "as_foretold": as_foretold}
    print(f"{'ok ' if as_foretold else 'NOT'} {name:16} {python:5} {foretold} -> {happened}", flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
