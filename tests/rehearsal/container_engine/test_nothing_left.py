"""However a rehearsal ends, nothing that it made with a container engine is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.conftest import ROOT
from tests.rehearsal.container_engine.machine import SECONDS, Machine, own_server_plan, until
from tui.rehearsal.container_engine.engine import Engine
from tui.rehearsal.process import read_server


def server_of(machine: Machine) -> psutil.Process:
    server = read_server(machine.home)
    assert server is not None
    return psutil.Process(server["pid"])


def reapers_of(server: psutil.Process) -> list[psutil.Process]:
    """Its reapers; the commands of the engine among its children may end meanwhile."""
    found = []
    for child in server.children():
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one of these
            if any("reaper.py" in word for word in child.cmdline()):
                found.append(child)
    return found


def deploy(machine: Machine, image: str, **deployment: object) -> None:
    code, events = machine.apply(own_server_plan(image, **deployment))
    assert code == 0, events[-5:]


@pytest.fixture
def other(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A second rehearsal on the same engine."""
    made = Machine(tmp_path_factory.mktemp("other"))
    yield made
    made.run("rehearsal", "--stop")
    assert made.left(engine) == []


@pytest.fixture(scope="module", autouse=True)
def idle(
    engine: Engine, server_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Machine, psutil.Popen]]:
    """A rehearsal with a deployment, which ends when nobody has used it for half a minute, while other tests run."""
    made = Machine(tmp_path_factory.mktemp("idle"))
    command = [sys.executable, "-m", "tui.rehearsal", "serve", "--quiet", "--idle-minutes", "0.5"]
    serving = psutil.Popen(command, env={**made.env, "PYTHONPATH": str(ROOT)}, cwd=made.folder)
    until(lambda: bool((read_server(made.home) or {}).get("ready")), "it starts")
    deploy(made, server_image)
    assert made.left(engine)
    yield made, serving
    assert made.run("rehearsal", "--stop").returncode == 0
    assert made.left(engine) == []


def test_twenty_containers_do_not_outlive_a_killed_rehearsal(
    machine: Machine, engine: Engine, server_image: str
) -> None:
    deploy(machine, server_image, instance_count=20)
    assert len(machine.labelled(engine, "ps")) > 20, "twenty, with their relays"
    server = server_of(machine)
    os.killpg(os.getpgid(server.pid), signal.SIGKILL)
    until(lambda: not machine.left(engine), "the reaper is not of the killed process group")


def test_a_rehearsal_killed_while_it_makes_containers_leaves_none(
    machine: Machine, engine: Engine, server_image: str
) -> None:
    plan = own_server_plan(server_image, instance_count=6)
    (machine.folder / "plan.yml").write_text(json.dumps(plan))  # JSON is YAML
    command = [sys.executable, "-m", "tui", "apply", "plan.yml", "--rehearse", "--yes"]
    applying = subprocess.Popen(
        command, env={**machine.env, "PYTHONPATH": str(ROOT)}, cwd=machine.folder, stdout=-3, stderr=-3
    )
    try:
        until(lambda: len(machine.left(engine)) >= 3, "no container is made")
        server = server_of(machine)
        reapers = reapers_of(server)
        server.kill()
        # What was just being made may come later than the first removal: the reaper ends when nothing can come.
        psutil.wait_procs(reapers, timeout=SECONDS)
    finally:
        applying.kill()
        applying.wait()
    assert reapers
    assert machine.left(engine) == []


def test_what_a_killed_reaper_left_goes_with_the_next_start_and_with_stop(
    machine: Machine, engine: Engine, server_image: str
) -> None:
    for name, ends in (("blue", "--env"), ("green", "--stop")):
        deploy(machine, server_image, name=name)
        server = server_of(machine)
        for one in (*reapers_of(server), server):
            one.kill()
        psutil.wait_procs([server], timeout=SECONDS)
        assert machine.left(engine), "the reaper removed nothing"
        assert machine.run("rehearsal", ends).returncode == 0
        until(lambda: not machine.left(engine), f"removed by {ends}")


def test_rehearsals_leave_each_other_alone_and_start_again_at_the_first_call(
    machine: Machine, other: Machine, engine: Engine, server_image: str
) -> None:
    deploy(machine, server_image)
    deploy(other, server_image)
    before = other.left(engine)
    assert machine.run("rehearsal", "--stop").returncode == 0
    assert machine.left(engine) == []
    assert other.left(engine) == before
    for one in (other, machine):
        (one.folder / "request.json").write_text("{}")
        answer = one.run("invoke", "own-server", "--rehearse", "--request", "request.json", "--json")
        assert answer.returncode == 0, answer.stdout + answer.stderr
    assert len(machine.left(engine)) == len(before)


def test_a_deployment_that_fails_leaves_nothing(machine: Machine, engine: Engine, base_image: str) -> None:
    plan = own_server_plan(base_image, instance_count=2)  # sh without input: ends
    code, events = machine.apply(plan)
    assert code != 0
    assert "crashed or terminated" in str(events)
    assert machine.left(engine) == []


def test_an_idle_rehearsal_ends_with_its_containers(idle: tuple[Machine, psutil.Popen], engine: Engine) -> None:
    machine, serving = idle
    assert serving.wait(SECONDS) == 0
    assert machine.left(engine) == []
