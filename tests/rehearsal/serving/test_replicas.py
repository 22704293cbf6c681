"""Containers of a deployment: real inference servers that start, crash, hang, print, and end with the rehearsal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from tui.rehearsal.images import image_build
from tui.rehearsal.serving import cpu_group
from tui.rehearsal.serving.bare_process import BareProcesses
from tui.rehearsal.serving.container_log import STORAGE_INITIALIZER, DeploymentLog
from tui.rehearsal.serving.deployment_spec import DeploymentSpec, ProbeSettings
from tui.rehearsal.serving.replicas import ContainerCrashed, NoReadyInstance, ReplicaSet

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
ECHO = """
    import json, os
    def init():
        print("init was here")
    def run(data):
        asked = json.loads(data)
        exec(asked.get("do", ""))
        return {"pid": os.getpid(), "environment": dict(os.environ), "cwd": os.getcwd()}
"""
IMPATIENT = ProbeSettings(initial_delay=0.2, period=0.3, timeout=0.3, failure_threshold=3)

Make = Callable[..., ReplicaSet]


@pytest.fixture
async def make(scoring_python: Path, tmp_path: Path) -> AsyncIterator[Make]:
    made: list[ReplicaSet] = []

    def one(code: str, python: Path = scoring_python, **others: object) -> ReplicaSet:
        folder = tmp_path / f"d{len(made)}"
        for name in ("code", "model"):
            (folder / name).mkdir(parents=True)
        (folder / "code" / "score.py").write_text(textwrap.dedent(code))
        settings: dict[str, object] = dict(
            endpoint="e",
            deployment="blue",
            code_dir=folder / "code",
            scoring_script="score.py",
            model_dir=folder / "model",
            work_dir=folder,
            request_timeout=30.0,
        )
        settings.update(others)
        spec = DeploymentSpec(**settings)  # type: ignore[arg-type]
        made.append(ReplicaSet(spec, DeploymentLog(folder / "log"), BareProcesses(spec, python)))
        return made[-1]

    yield one
    for replicas in made:
        await replicas.stop()


async def ask(replicas: ReplicaSet, do: str = "") -> dict[str, object]:
    instance = await replicas.acquire()
    try:
        async with instance.session.post("http://container/score", json={"do": do}) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, object] = await answer.json()
            return found
    finally:
        replicas.release(instance)


def is_alive(pid: int) -> bool:
    try:
        # A zombie in a container without init is dead too.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        if Path("/proc/self").exists():
            return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def of_folder(folder: Path) -> list[int]:
    """The processes whose command names the folder."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if os.fsencode(folder) in command.read_bytes():
                found.append(int(command.parent.name))
    return found


async def until(condition: Callable[[], bool]) -> None:
    async def look() -> None:
        while not condition():  # noqa: ASYNC110 (processes and files of others can't set an event)
            await asyncio.sleep(0.02)

    await asyncio.wait_for(look(), 60)


@pytest.mark.smoke
async def test_a_healthy_container_serves_and_logs_as_recorded(make: Make) -> None:
    replicas = make(ECHO, environment_variables={"GREETING": "hello"})
    await replicas.start()
    answer = await ask(replicas, "print('a line from run')")
    environment = answer["environment"]
    assert isinstance(environment, dict)
    assert environment["GREETING"] == "hello"
    assert environment["AZUREML_MODEL_DIR"] == str(replicas.spec.model_dir)
    assert environment["AML_APP_ROOT"] == str(replicas.spec.code_dir)
    await until(lambda: "a line from run" in replicas.log.text())
    text = replicas.log.text(tail=5000)
    head, events, logs = (
        text.partition("\nContainer events:\n")[0],
        *text.partition("\nContainer events:\n")[2].split("\nContainer logs:\n"),
    )
    assert head.splitlines() == [
        "Instance status:",
        "SystemSetup: Succeeded",
        "UserContainerImagePull: Succeeded",
        "ModelDownload: Succeeded",
        "UserContainerStart: Succeeded",
    ]
    assert [line.split("Name: ")[1].split(",")[0] for line in events.splitlines()] == [
        "Downloading",
        "Pulling",
        "Pulled",
        "Downloaded",
        "Created",
        "Started",
        "ContainerReady",
    ]
    assert "| gunicorn/run | AzureML Inference Server" in logs
    assert "Invoking user's init function" in logs
    assert "init was here" in logs


async def test_nothing_of_this_machine_reaches_the_container(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_CLIENT_SECRET", "IDENTITY_HEADER", "REHEARSAL_CLIENT_SECRET", "HTTPS_PROXY", "MY_OWN"):
        monkeypatch.setenv(name, "must-not-be-seen")
    replicas = make(ECHO)
    await replicas.start()
    environment = (await ask(replicas))["environment"]
    assert isinstance(environment, dict)
    assert "must-not-be-seen" not in environment.values()
    assert environment["HOME"] != os.environ.get("HOME")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def init():\n    raise ValueError('no such model')\ndef run(data): pass", "no such model"),
        ("import absent_module\ndef init(): pass\ndef run(data): pass", "absent_module"),
        ("def init(): pass", "run()"),
        ("def init(:", "SyntaxError"),
        ("import os\ndef init(): os._exit(7)\ndef run(data): pass", "exited with code 7"),
    ],
    ids=["init raises", "import fails", "no run", "syntax", "exits"],
)
async def test_a_container_that_crashes_is_given_up_with_its_own_last_lines(make: Make, code: str, words: str) -> None:
    replicas = make(code)
    with pytest.raises(ContainerCrashed) as crash:
        await replicas.start()
    assert crash.value.code == "ResourceNotReady"
    assert crash.value.message.startswith("User container has crashed or terminated: Liveness probe failed")
    assert words in crash.value.message
    assert "UserContainerStart: Failed" in replicas.log.text()
    assert not any(instance.running for instance in replicas.instances)


async def test_an_environment_without_the_inference_server_says_so(make: Make, tmp_path: Path) -> None:
    bare = await image_build.build(f"dependencies: [python={PYTHON}]", None, cache=tmp_path, log=lambda line: None)
    replicas = make(ECHO, python=bare)
    with pytest.raises(ContainerCrashed) as crash:
        await replicas.start()
    assert "A required package azureml-inference-server-http is missing." in crash.value.message


async def test_a_container_that_hangs_in_init_is_given_up_by_its_probe(make: Make) -> None:
    replicas = make(
        "import time\ndef init():\n    time.sleep(3600)\ndef run(data): pass",
        liveness_probe=IMPATIENT,
        readiness_probe=ProbeSettings(timeout=0.3),
    )
    with pytest.raises(ContainerCrashed) as crash:
        await replicas.start()
    assert crash.value.code == "ResourceNotReady"
    assert "Liveness probe failed" in crash.value.message
    assert replicas.log.text().count("Name: LivenessProbeFailed, Type: Warning") >= 1
    assert not any(instance.running for instance in replicas.instances)


async def test_instances_take_turns(make: Make) -> None:
    replicas = make(ECHO, instance_count=2)
    await replicas.start()
    pids = [(await ask(replicas))["pid"] for _ in range(4)]
    assert pids[0] != pids[1]
    assert pids[:2] == pids[2:]


async def test_stop_ends_everything_and_a_call_starts_it_again(make: Make) -> None:
    replicas = make(ECHO)
    await replicas.start()
    worker = (await ask(replicas))["pid"]
    assert isinstance(worker, int)
    await replicas.stop()
    assert not is_alive(worker)
    with pytest.raises(NoReadyInstance):
        await replicas.acquire()
    await asyncio.gather(replicas.ensure_running(), replicas.ensure_running())
    assert (await ask(replicas))["pid"] != worker


async def test_cancelling_a_start_ends_what_was_started(make: Make) -> None:
    replicas = make("import time\ndef init():\n    print('hanging'); time.sleep(3600)\ndef run(data): pass")
    starting = asyncio.ensure_future(replicas.start())
    await until(lambda: "hanging" in replicas.log.text())
    keeper = replicas.instances[0].pid
    assert keeper is not None
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not is_alive(keeper)


async def test_a_container_that_ends_is_started_again(make: Make) -> None:
    replicas = make(ECHO)
    await replicas.start()
    # The server's master goes, and with it the container.
    with pytest.raises(aiohttp.ClientError):
        await ask(replicas, "os.kill(os.getppid(), 9); os._exit(1)")
    await until(lambda: replicas.instances[0].restarts == 1 and replicas.instances[0].ready)
    assert (await ask(replicas))["pid"]
    assert "Restarting container inference-server: it exited with code 137" in replicas.log.text()


async def test_a_worker_that_exits_in_run_is_replaced_by_the_server(make: Make) -> None:
    replicas = make(ECHO)
    await replicas.start()
    before = (await ask(replicas))["pid"]
    with pytest.raises(aiohttp.ClientError):
        await ask(replicas, "os._exit(1)")
    assert (await ask(replicas))["pid"] != before
    assert replicas.instances[0].restarts == 0


async def test_a_container_that_stops_answering_is_restarted_by_its_liveness_probe(make: Make) -> None:
    # Patient while it starts, at a fast pace once it runs.
    replicas = make(ECHO, liveness_probe=ProbeSettings(initial_delay=60, period=0.3, timeout=0.3, failure_threshold=2))
    await replicas.start()
    stuck = asyncio.ensure_future(ask(replicas, "import time; time.sleep(3600)"))
    await until(lambda: replicas.instances[0].restarts == 1)
    with pytest.raises(aiohttp.ClientError):
        await stuck
    assert "Liveness probe failed" in replicas.log.text()


async def test_a_megabyte_of_output_stays_bounded(make: Make) -> None:
    replicas = make(ECHO)
    await replicas.start()
    await ask(replicas, "import sys; sys.stdout.write('x' * 3_000_000 + chr(10)); sys.stdout.flush()")
    await ask(replicas, "import sys\nfor _ in range(60_000): sys.stdout.write('y' * 99 + chr(10))\nsys.stdout.flush()")
    await ask(replicas, "print('after it all')")
    await until(lambda: "after it all" in replicas.log.text())
    assert len(replicas.log.text(tail=1_000_000)) < 3_000_000
    files = list((replicas.spec.work_dir / "log").iterdir())
    assert sum(file.stat().st_size for file in files) < 9_000_000


def test_a_log_is_there_again_after_a_restart(tmp_path: Path) -> None:
    log = DeploymentLog(tmp_path)
    log.write("first life")
    log.write("files arrived", STORAGE_INITIALIZER)
    log.close()
    again = DeploymentLog(tmp_path)
    assert "first life" in again.text()
    assert "files arrived" in again.text("StorageInitializer")
    assert "first life" not in again.text("storage-initializer")
    with pytest.raises(KeyError):
        again.text("other")
    again.close()


PARENT = """
    import asyncio, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[4])
    from tui.rehearsal.serving.bare_process import BareProcesses
    from tui.rehearsal.serving.deployment_spec import Egress
    from tui.rehearsal.serving.replicas import *

    async def main():
        root = Path(sys.argv[1])
        spec = DeploymentSpec("e", "blue", root, "score.py", root, work_dir=root, instance_count=2,
                              egress=Egress(sys.argv[3] == "closed"))
        identity = {"MSI_ENDPOINT": "http://127.0.0.1:4321/msi/token"}
        processes = BareProcesses(spec, Path(sys.argv[2]), identity)
        replicas = ReplicaSet(spec, DeploymentLog(root / "log"), processes)
        await replicas.start()
        print("ready", [instance.pid for instance in replicas.instances], flush=True)
        await asyncio.sleep(3600)

    asyncio.run(main())
"""
DAEMON = """
    import os, subprocess, sys
    from pathlib import Path
    def init():
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
        daemon = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
        Path(os.environ["AML_APP_ROOT"], f"pids-{os.getpid()}").write_text(f"{os.getpid()} {os.getppid()} {daemon.pid}")
    def run(data):
        return 1
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has gone")
async def test_a_killed_keeper_takes_its_container_with_it(make: Make) -> None:
    replicas = make(ECHO)
    await replicas.start()
    worker, keeper = (await ask(replicas))["pid"], replicas.instances[0].pid
    assert isinstance(worker, int)
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    await until(lambda: not is_alive(worker))


@pytest.mark.skipif(sys.platform != "linux", reason="daemons that leave the process group are found through /proc")
@pytest.mark.parametrize("egress", ["open", "closed"])
def test_nothing_outlives_a_killed_rehearsal(scoring_python: Path, tmp_path: Path, egress: str) -> None:
    (tmp_path / "score.py").write_text(textwrap.dedent(DAEMON))
    parent = tmp_path / "parent.py"
    parent.write_text(textwrap.dedent(PARENT))
    root = Path(image_build.__file__).parents[3]
    command = [sys.executable, parent, tmp_path, scoring_python, egress, root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as rehearsal:
        assert rehearsal.stdout is not None
        line = rehearsal.stdout.readline()
        assert line.startswith("ready"), line
        pids = [int(pid) for file in tmp_path.glob("pids-*") for pid in file.read_text().split()]
        pids += [int(pid) for pid in line[len("ready [") : -2].split(",")]
        assert len(pids) == 8
        assert all(map(is_alive, pids))
        pids += of_folder(tmp_path)  # what answers in a closed network too
        rehearsal.send_signal(signal.SIGKILL)
    asyncio.run(until(lambda: not any(map(is_alive, pids))))
    assert of_folder(tmp_path) == []


def group_that_holds(pid: object) -> Path:
    groups = Path("/sys/fs/cgroup").glob("**/aml-deploy-*/cgroup.procs")
    (found,) = [one.parent for one in groups if str(pid) in one.read_text().split()]
    return found


def quota_of(group: Path) -> float:
    if (group / "cpu.max").exists():
        quota, period = (group / "cpu.max").read_text().split()
    else:
        quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    return int(quota) / int(period)


async def test_a_bare_process_is_kept_to_the_chosen_part_of_a_core(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_REHEARSAL_CORES", "0.25")
    if await cpu_group.group_of("test", 0.25) is None:
        pytest.skip("this machine lets this user make no control group")
    replicas = make(ECHO)
    await replicas.start()
    assert "with 0.25 cores (AML_DEPLOY_REHEARSAL_CORES) and no limit of memory" in replicas.isolation
    pid = (await ask(replicas))["pid"]
    group = group_that_holds(pid)
    assert quota_of(group) == 0.25
    await replicas.stop()
    assert not group.exists()


async def test_where_no_group_can_be_made_the_log_says_so(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_REHEARSAL_CORES", "0.25")
    monkeypatch.setattr(cpu_group, "_place", lambda: None)
    replicas = make(ECHO)
    await replicas.start()
    assert "AML_DEPLOY_REHEARSAL_CORES is not limited here: no control group can be made" in replicas.isolation
    assert (await ask(replicas))["pid"]
