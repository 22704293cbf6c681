"""The engine's commands: what they are given and keep to themselves, what they warn of, and one that does not end."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import psutil

from tests.conftest import ROOT
from tests.rehearsal.container_engine.machine import Machine, own_server_plan
from tests.rehearsal.container_engine.test_own_images import called
from tui.rehearsal.container_engine.engine import Engine


def test_variables_reach_the_container_and_not_the_engine_and_bring_none_of_this_machines(
    machine: Machine, engine: Engine, server_image: str
) -> None:
    machine.env["OF_THIS_MACHINE"] = "secret to containers"
    machine.env["DEFINED_HERE"] = "another value"
    commands = machine.folder / "commands"
    machine.instead_of(engine, f'echo "$TMPDIR $@" >> {commands}\nexec "$ENGINE" "$@"')
    given = {
        "*": "a pattern",
        "OF_*": "another",
        "with space": "a=b",
        "LINES": "one\ntwo\n",
        "TMPDIR": "/only/there",
        "DEFINED_HERE": "of the plan",
        "KEY": "not in an argument",
        "EMPTY": "",
    }
    code, events = machine.apply(own_server_plan(server_image, environment_variables=given))
    assert code == 0, json.dumps(events[-2:])
    found = called(machine, "own-server")["variables"]
    assert {name: found.get(name) for name in given} == given
    assert "OF_THIS_MACHINE" not in found
    said = commands.read_text()
    assert "--env KEY " in said and "not in an argument" not in said
    assert not [line for line in said.splitlines() if line.startswith("/only/there")]


def test_an_engine_that_only_warns_of_limits_has_none(machine: Machine, engine: Engine) -> None:
    warning = "WARNING: Your kernel does not support memory limit capabilities. Limitation discarded."
    machine.instead_of(engine, f'[ "$1" = run ] && echo "{warning}" >&2\nexec "$ENGINE" "$@"')
    said = machine.run("rehearsal", "--status").stdout
    assert "a deployment's memory and cores are not limited: the engine cannot" in said


def test_a_copy_that_does_not_end_is_ended_with_the_rehearsal(
    machine: Machine, engine: Engine, server_image: str
) -> None:
    mark = machine.folder / "copy"
    machine.instead_of(engine, f'[ "$1" = cp ] && {{ echo $$ > {mark}; exec sleep 3600; }}\nexec "$ENGINE" "$@"')
    (machine.folder / "models").mkdir()
    (machine.folder / "models" / "m.bin").write_bytes(bytes(1_000_000))
    plan = own_server_plan(server_image, model={"name": "m", "path": "models"})
    (machine.folder / "plan.yml").write_text(json.dumps(plan))
    command = [sys.executable, "-m", "tui", "apply", "plan.yml", "--rehearse", "--yes", "--json"]
    env, null = {**machine.env, "PYTHONPATH": str(ROOT)}, subprocess.DEVNULL
    with subprocess.Popen(command, env=env, cwd=machine.folder, stdout=null, stderr=null) as apply:
        while not mark.exists() or not mark.read_text().strip():
            assert apply.poll() is None
            time.sleep(0.1)
        copy = int(mark.read_text())
        assert psutil.pid_exists(copy)
        assert machine.run("rehearsal", "--stop").returncode == 0
        apply.terminate()
    assert not psutil.pid_exists(copy) or psutil.Process(copy).status() == psutil.STATUS_ZOMBIE
