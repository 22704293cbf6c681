"""The engine: found, tried, chosen, and explained."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.rehearsal.container_engine.machine import Machine, own_server_plan
from tui.rehearsal.container_engine.engine import Engine

FAULTY = {
    "fails": ("#!/bin/sh\necho the service is not running >&2\nexit 1\n", "the service is not running"),
    "prints rubbish": ("#!/bin/sh\nprintf '{\\001\\377 rubbish'\n", "its answer to `info` cannot be read"),
    "prints something else": ("#!/bin/sh\necho '{\"a\": 1}'\n", "its answer to `info` cannot be read"),
    "cannot start": ("#!/no/such/program\n", "cannot be started"),
}


def with_programs(machine: Machine, **programs: str) -> Machine:
    """The machine with these programs alone in PATH, of this text or, for a path, linked."""
    folder = machine.folder / "bin"
    folder.mkdir()
    for name, text in programs.items():
        if text.startswith("#!"):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        else:
            (folder / name).symlink_to(text)
    machine.env["PATH"] = str(folder)
    return machine


@pytest.fixture
def alone(tmp_path: Path) -> Machine:
    """A machine without any test of its engine."""
    return Machine(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def status_with_a_hanging_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Future[str]]]:
    """The file with the number of a process that the engine leaves, and the status: half a minute while others run."""
    machine = Machine(tmp_path_factory.mktemp("hanging"))
    mark = machine.folder / "pid"
    text = f"#!/bin/sh\n{shutil.which('sleep')} 3600 &\necho $! > {mark}\nwait\n"
    with ThreadPoolExecutor(1) as pool:
        yield mark, pool.submit(containers_line, with_programs(machine, podman=text))


def status_of(machine: Machine) -> str:
    said = machine.run("rehearsal", "--status", seconds=120)
    assert said.returncode == 0, said.stderr
    return said.stdout


def containers_line(machine: Machine) -> str:
    return next(line for line in status_of(machine).splitlines() if line.startswith("Containers: "))


def test_the_status_names_the_engine_with_what_it_has(machine: Machine, engine: Engine) -> None:
    said = status_of(machine)
    assert f"Containers: {engine.name} {engine.version}" in said
    assert f"{engine.cores} cores" in said
    assert "No rehearsal is running." in said


def test_without_an_engine_the_status_says_what_is_done_instead(alone: Machine) -> None:
    said = containers_line(with_programs(alone))
    assert said.startswith("Containers: none, since no executable program docker or podman is in PATH. ")
    assert "bare processes" in said


def test_a_program_that_is_not_executable_is_no_engine(alone: Machine) -> None:
    with_programs(alone, podman="#!/bin/sh\n")
    (alone.folder / "bin" / "podman").chmod(0o644)
    assert "no executable program docker or podman" in containers_line(alone)


@pytest.mark.parametrize("fault", FAULTY)
def test_an_engine_that_does_not_work_is_named_with_its_reason(alone: Machine, fault: str) -> None:
    text, reason = FAULTY[fault]
    said = containers_line(with_programs(alone, podman=text))
    assert said.startswith("Containers: none, since podman does not work: ")
    assert reason in said
    assert said.isprintable()


def test_an_engine_whose_containers_do_not_start_is_not_used(alone: Machine, engine: Engine) -> None:
    refuses = (
        f'#!/bin/sh\n[ "$1" = run ] && {{ echo error setting rlimit >&2; exit 126; }}\nexec {engine.program} "$@"\n'
    )
    said = containers_line(with_programs(alone, **{engine.name: refuses}))
    assert f"{engine.name} {engine.version} starts no container: error setting rlimit" in said


def test_of_two_engines_the_one_that_works_is_used_and_the_other_is_explained(machine: Machine, engine: Engine) -> None:
    if engine.name != "podman":
        pytest.skip("docker comes first")
    machine.env["PATH"] = (
        f"{with_programs(machine, docker=FAULTY['fails'][0]).env['PATH']}{os.pathsep}{os.environ['PATH']}"
    )
    said = containers_line(machine)
    assert said.startswith("Containers: podman ")
    assert "docker does not work: the service is not running" in said


@pytest.mark.parametrize("command", [("rehearsal", "--status"), ("rehearsal", "--env"), ("apply",)])
def test_an_unknown_engine_in_the_variable_is_refused_with_the_choices(
    alone: Machine, command: tuple[str, ...]
) -> None:
    alone.env["AML_DEPLOY_CONTAINER_ENGINE"] = "containerd"
    if command == ("apply",):
        code, _ = alone.apply(own_server_plan("any:1"))
        assert code == 2
        return
    said = alone.run(*command)
    assert said.returncode == 2
    assert "AML_DEPLOY_CONTAINER_ENGINE must be one of auto, none, docker, podman, not 'containerd'." in said.stderr


def test_the_status_is_a_text_and_combines_with_nothing(alone: Machine) -> None:
    for option in (("--json",), ("--container-engine", "none"), ("--port", "1")):
        said = alone.run("rehearsal", "--status", *option)
        assert said.returncode == 2
        assert "--status does not combine with other options" in said.stderr


def test_an_engine_that_was_asked_for_and_does_not_work_is_an_error(alone: Machine) -> None:
    with_programs(alone, docker=FAULTY["fails"][0])
    for command in (("rehearsal", "--env"), ("rehearsal",)):
        said = alone.run(*command, "--container-engine", "docker")
        assert said.returncode == 1
        reason = "docker does not work: the service is not running. Nothing was changed."
        assert f"--container-engine docker: {reason}" in said.stderr
    assert "No rehearsal is running." in status_of(alone)


def test_an_engine_on_the_command_line_needs_a_rehearsal(alone: Machine) -> None:
    (alone.folder / "plan.yml").write_text("{}")
    said = alone.run("check", "plan.yml", "--container-engine", "none")
    assert said.returncode == 2
    assert "--container-engine requires --rehearse" in said.stderr


def test_a_running_rehearsal_changes_for_what_is_deployed_next(
    machine: Machine, engine: Engine, server_image: str
) -> None:
    plan = own_server_plan(server_image)
    assert machine.apply(plan)[0] == 0
    made = machine.left(engine)
    changed = machine.run("rehearsal", "--container-engine", "none")
    assert "What is deployed from now on runs without a container engine." in changed.stderr
    assert "--container-engine none was chosen" in status_of(machine)
    assert machine.left(engine) == made, "what runs stays"
    plan["deployment"]["name"] = "green"
    code, events = machine.apply(plan)
    assert code != 0
    assert "--container-engine none was chosen" in str(events)
    code, events = machine.apply(plan, "--container-engine", engine.name)
    assert code == 0, events[-5:]
    assert len(machine.left(engine)) == 2 * len(made)


def test_an_engine_whose_service_starts_later_is_found_for_the_next_deployment(
    machine: Machine, engine: Engine, server_image: str
) -> None:
    off = machine.folder / "off"
    off.touch()
    text = f'#!/bin/sh\n[ -e {off} ] && {{ echo no service >&2; exit 1; }}\nexec {engine.program} "$@"\n'
    machine.env["PATH"] = f"{with_programs(machine, **{engine.name: text}).env['PATH']}{os.pathsep}{os.environ['PATH']}"
    machine.env["AML_DEPLOY_CONTAINER_ENGINE"] = engine.name
    code, events = machine.apply(own_server_plan(server_image))
    assert code != 0
    assert f"{engine.name} does not work: no service" in str(events)
    off.unlink()
    code, events = machine.apply(own_server_plan(server_image))
    assert code == 0, events[-5:]


def test_an_engine_that_hangs_does_not_hang_the_status_and_leaves_no_process(
    status_with_a_hanging_engine: tuple[Path, Future[str]],
) -> None:
    mark, status = status_with_a_hanging_engine
    assert "podman info did not answer within" in status.result()
    process = int(mark.read_text())
    assert not psutil.pid_exists(process) or psutil.Process(process).status() == psutil.STATUS_ZOMBIE


def test_warnings_of_an_engine_are_no_answers(machine: Machine, server_image: str, engine: Engine) -> None:
    # podman without root warns at each command where no systemd session exists, as in WSL.
    machine.instead_of(engine, 'echo "WARN[0000] there is no systemd user session" >&2\nexec "$ENGINE" "$@"')
    code, events = machine.apply(own_server_plan(server_image))
    assert code == 0, events[-1]
    assert "It runs in containers of" in machine.log()
