"""Memory and cores of the chosen size: what a container gets, and what happens to one that needs more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.app.panes import home, wizard
from tests.rehearsal.container_engine.conftest import build_image
from tests.rehearsal.container_engine.machine import Machine, own_server_plan, until
from tui.engine.start_stop import read
from tui.rehearsal.container_engine.engine import Engine

__all__ = ["home"]

SMALL = {"instance_type": "Standard_DS1_v2", "request_settings": {"request_timeout_ms": 120_000}}
"""1 core and 3.5 GiB, and the time that a busy machine may take to fill them."""
KILLED = "OOMKilled: the container needed more than the 3.5 GiB of Standard_DS1_v2"
NEXT = "such as Standard_DS2_v2 (2 cores, 7 GiB)"
_HUNGRY = '''
"""Says its limits, or takes memory until it is killed; 6 GiB at most, should nothing limit it."""
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def eat():
    hoard = [b"x" * 2**26 for _ in range(96)]


def read(*paths):
    return next(Path(path).read_text().split() for path in paths if os.path.exists(path))


def limits():
    memory = read("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    cores = read("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
    period = cores[1:] or read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
    return {"memory": int(memory[0]), "cores": int(cores[0]) / int(period[0])}


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(200, {})

    def do_POST(self):
        what = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)))["do"]
        if what == "limits":
            return self.reply(200, limits())
        if what == "eat":
            eat()
        if what == "fail":
            return self.reply(500, {})
        child = os.fork()
        if child == 0:
            eat()
            os._exit(0)
        self.reply(500, {"child": os.waitpid(child, 0)[1]})

    def reply(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if "EAT" in os.environ:
    eat()
ThreadingHTTPServer(("", 8501), Answer).serve_forever()
'''
_SCORE = """
import os


def eat():
    hoard = [b"x" * 2**26 for _ in range(96)]


def init():
    if "EAT" in os.environ:
        eat()


def run(data):
    eat()
"""


@pytest.fixture(scope="module")
def hungry_image(engine: Engine, base_image: str) -> str:
    """An image whose server takes memory when it is asked to, or at once if EAT is set."""
    text = f'FROM {base_image}\nCOPY serve.py /serve.py\nUSER nobody\nENTRYPOINT ["python3", "/serve.py"]\n'
    return build_image(engine, "hungry", text, {"serve.py": _HUNGRY})


def invoke(machine: Machine, endpoint: str, what: str) -> dict[str, Any]:
    """What `invoke --json` says of a request to the server."""
    (machine.folder / "request.json").write_text(json.dumps({"do": what}))
    done = machine.run("invoke", endpoint, "--rehearse", "--request", "request.json", "--json")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def finding_of(machine: Machine, endpoint: str, card: str) -> dict[str, Any]:
    """What `troubleshoot` says with a card of the catalogue."""
    told = json.loads(machine.run("troubleshoot", endpoint, "--rehearse", "--json").stdout)
    found: dict[str, Any] = next(one for one in told["findings"] if one["card"] == card)
    return found


def card_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The card of a run that failed."""
    found: dict[str, Any] = next(event["card"] for event in events if event["event"] == "needs_attention")
    return found


def scored_plan(machine: Machine, image: str, name: str, **deployment: Any) -> dict[str, Any]:
    """A plan for an image with the scoring server, with a script that takes memory."""
    (machine.folder / "code").mkdir()
    (machine.folder / "code" / "score.py").write_text(_SCORE)
    script = {"code": "code", "scoring_script": "score.py"}
    environment = {"name": name, "image": image}
    return own_server_plan(image, name, **SMALL, environment=environment, code_configuration=script, **deployment)


def test_a_container_gets_the_memory_and_cores_of_its_size(shared: Machine, hungry_image: str) -> None:
    code, events = shared.apply(own_server_plan(hungry_image, "limits", **SMALL))
    assert code == 0, events
    assert invoke(shared, "limits", "limits")["response"] == {"memory": int(3.5 * 2**30), "cores": 1}
    sentence = "with 1 core and 3.5 GiB of Standard_DS1_v2, "
    assert sentence in shared.run("rehearsal", "--status").stdout
    assert sentence in shared.log("limits")


def test_a_machine_with_less_than_the_size_gives_what_it_has_and_says_so(
    shared: Machine, hungry_image: str, engine: Engine
) -> None:
    if engine.cores >= 12 or engine.memory >= 252 * 2**30:
        pytest.skip("this machine has as much as the size")
    code, events = shared.apply(own_server_plan(hungry_image, "large", instance_type="Standard_FX12mds"))
    assert code == 0, events
    given = invoke(shared, "large", "limits")["response"]
    assert given["cores"] == engine.cores
    assert engine.memory - 2**16 <= given["memory"] <= engine.memory  # whole pages
    sentence = (
        f"with {engine.cores} of the 12 cores and {round(engine.memory / 2**30, 1):g} of the 252 GiB of "
        "Standard_FX12mds (this machine has no more), "
    )
    assert sentence in shared.run("rehearsal", "--status").stdout
    assert sentence in shared.log("large")


def test_every_instance_gets_the_chosen_part_of_a_core(machine: Machine, hungry_image: str) -> None:
    machine.env["AML_DEPLOY_REHEARSAL_CORES"] = "a quarter"
    refused = machine.run("rehearsal", "--env")
    assert refused.returncode == 2
    assert "AML_DEPLOY_REHEARSAL_CORES must be a number from 0.01 to 1024, such as 0.25" in refused.stderr
    machine.env["AML_DEPLOY_REHEARSAL_CORES"] = "0.25"
    code, events = machine.apply(own_server_plan(hungry_image, "quarter", **SMALL))
    assert code == 0, events
    assert invoke(machine, "quarter", "limits")["response"] == {"memory": int(3.5 * 2**30), "cores": 0.25}
    sentence = "with 0.25 of the 1 core (AML_DEPLOY_REHEARSAL_CORES) and 3.5 GiB of Standard_DS1_v2, "
    assert sentence in machine.log("quarter")


def test_without_an_engine_nothing_is_limited_and_that_is_said(tmp_path: Path) -> None:
    said = Machine(tmp_path, "none").run("rehearsal", "--status").stdout
    assert "Deployments run as bare processes, without an image or limits" in said


async def test_a_server_killed_before_it_is_ready_has_a_card_with_the_next_size(
    shared: Machine, hungry_image: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, events = shared.apply(own_server_plan(hungry_image, "greedy", **SMALL, environment_variables={"EAT": "1"}))
    assert code == 1
    said = [event["line"] for event in events if event["event"] == "task_log"]
    assert f"Warning: Terminated: Container exited with code 137 ({KILLED})" in said
    assert f"{KILLED}." in said
    card = card_of(events)
    assert (card["id"], card["field"]) == ("out-of-memory", "deployment.instance_type")
    assert NEXT in card["remedy"]
    assert f"Container exited with code 137 ({KILLED})" in card["cause"]

    state = shared.env["AML_DEPLOY_HOME"]
    shown = shared.run("attach", events[0]["run"])
    assert NEXT in " ".join(shown.stderr.split())

    monkeypatch.setenv("AML_DEPLOY_HOME", state)
    async with wizard() as walk:
        walk.store.follow(read(Path(state, "runs", events[0]["run"])))
        await walk.to("deploy")
        screen = await walk.sees("The container ran out of memory", "Standard_DS2_v2")
        assert "OOMKilled" in screen


def test_a_process_that_is_killed_is_told_and_one_that_the_server_needs_is_started_again(
    shared: Machine, hungry_image: str
) -> None:
    code, events = shared.apply(own_server_plan(hungry_image, "killed", **SMALL))
    assert code == 0, events
    assert invoke(shared, "killed", "fail")["status_code"] == 424
    assert "OOMKilled" not in shared.log("killed"), "told apart from another error"

    assert invoke(shared, "killed", "child")["response"] == {"child": 9}
    until(lambda: "Name: OOMKilled, Type: Warning" in shared.log("killed"), "the log says that one was killed")
    log = shared.log("killed")
    assert f"{KILLED}." in log
    assert "Restarting" not in log

    killed = invoke(shared, "killed", "eat")
    assert (killed["status_code"], killed["ok"]) == (424, False)
    assert "502" in killed["note"]
    restarts = f"Restarting container inference-server: it exited with code 137 ({KILLED})"
    until(lambda: restarts in shared.log("killed"), "the log says why it is started again")
    assert NEXT in finding_of(shared, "killed", "out-of-memory")["remedy"]


def test_a_worker_killed_in_init_fails_the_deployment_with_the_card(shared: Machine, script_image: str) -> None:
    code, events = shared.apply(scored_plan(shared, script_image, "init", environment_variables={"EAT": "1"}))
    assert code == 1, events
    said = [event["line"] for event in events if event["event"] == "task_log"]
    assert f"{KILLED}." in said
    assert any("was sent SIGKILL! Perhaps out of memory?" in line for line in said)
    card = card_of(events)
    assert card["id"] == "out-of-memory"
    assert NEXT in card["remedy"]
    assert any("OOMKilled" in line for line in card["evidence"])


def test_a_worker_killed_at_a_request_is_replaced_and_the_log_says_why(shared: Machine, script_image: str) -> None:
    code, events = shared.apply(scored_plan(shared, script_image, "request"))
    assert code == 0, events
    assert invoke(shared, "request", "run")["status_code"] == 424
    until(lambda: "Name: OOMKilled, Type: Warning" in shared.log("request"), "the log says that one was killed")
    assert f"{KILLED}." in finding_of(shared, "request", "out-of-memory")["evidence"]
