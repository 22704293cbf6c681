"""Images with a server of their own, and images that serve a script: what they are given, and what they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.rehearsal.container_engine.conftest import build_image
from tests.rehearsal.container_engine.machine import Machine, own_server_plan
from tui.rehearsal.container_engine.engine import Engine

_STRICT = '''
"""Answers at each port only the path /PORT, with what it was given."""
import json, os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        kept = [key for key in ("AZUREML_MODEL_DIR", "AML_APP_ROOT") if key in os.environ]
        files = {key: sorted(os.listdir(os.environ[key])) for key in kept}
        given = {"arguments": sys.argv[1:], "directory": os.getcwd(), "user": os.getuid(), "files": files}
        body = json.dumps({"path": self.path, "variables": dict(os.environ), **given}).encode()
        self.send_response(200 if self.path == f"/{self.server.server_port}" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET


for port in sys.argv[1:]:
    threading.Thread(target=ThreadingHTTPServer(("", int(port)), Answer).serve_forever).start()
'''
_OWN = (
    "FROM {}\nCOPY strict.py /srv/strict.py\nWORKDIR /srv\nUSER 1234\n"
    'ENTRYPOINT ["python3", "strict.py"]\nCMD ["8001", "8002", "8003"]\n'
)
_SCRIPT = """
import json, os, sys

def init():
    global models
    folder = os.path.join(os.environ["AZUREML_MODEL_DIR"], "models")
    models = {name: open(os.path.join(folder, name)).read() for name in sorted(os.listdir(folder))}

def run(data):
    return {"user": os.getuid(), "python": sys.prefix, "answer": models[json.loads(data)["model"]]}
"""
_ROUTES = {
    f"{kind}_route": {"path": f"/{port}", "port": port}
    for kind, port in (("liveness", 8001), ("readiness", 8002), ("scoring", 8003))
}


def called(machine: Machine, endpoint: str, request: object = None, *more: str) -> Any:
    """What the endpoint answers to `invoke`."""
    (machine.folder / "request.json").write_text(json.dumps(request))
    said = machine.run("invoke", endpoint, "--rehearse", "--request", "request.json", "--json", *more)
    assert said.returncode == 0, said.stdout + said.stderr
    return json.loads(said.stdout)["response"]


def written(folder: Path, files: dict[str, str]) -> None:
    """Make files with their folders."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_an_image_with_its_own_server_answers_at_its_own_routes(shared: Machine, server_image: str) -> None:
    plan = own_server_plan(server_image, "own-routes", environment_variables={"GREETING": "hello"})
    (shared.folder / "sample.json").write_text("{}")
    code, events = shared.apply({**plan, "test": {"request": "sample.json"}})
    assert code == 0, json.dumps(events[-2:])
    assert events[-1]["scoring_uri"].endswith("/endpoints/own-routes/v1/predict")
    assert events[-1]["test"]["status_code"] == 200 and "/v1/predict" in events[-1]["test"]["response"]
    answer = called(shared, "own-routes", {"a": 1})
    assert answer["path"] == "/v1/predict"
    assert answer["user"] == 65534
    assert answer["variables"]["GREETING"] == "hello"


def test_the_image_keeps_what_it_runs_and_gets_the_plans_files(
    shared: Machine, engine: Engine, base_image: str
) -> None:
    image = build_image(engine, "strict", _OWN.format(base_image), {"strict.py": _STRICT})
    written(shared.folder, {"models/m.bin": "1", "code/score.py": _SCRIPT})
    more: dict[str, Any] = {
        "environment": {"name": "own-files", "image": image, "inference_config": _ROUTES},
        "model": {"name": "own-files", "path": "models"},
        "code_configuration": {"code": "code", "scoring_script": "score.py"},
        "model_mount_path": "/mounted",
    }
    code, events = shared.apply(own_server_plan(image, "own-files", **more))
    assert code == 0, json.dumps(events[-2:])
    answer = called(shared, "own-files")
    assert answer["path"] == "/8003"  # each of the three answers at its own port only
    assert (answer["arguments"], answer["directory"], answer["user"]) == (["8001", "8002", "8003"], "/srv", 1234)
    assert answer["files"] == {"AZUREML_MODEL_DIR": ["models"], "AML_APP_ROOT": ["score.py"]}
    assert answer["variables"]["AZUREML_MODEL_DIR"] == "/mounted"
    assert answer["variables"]["AZUREML_ENTRY_SCRIPT"] == "score.py"


def test_a_build_context_is_built_and_runs(shared: Machine, base_image: str) -> None:
    written(
        shared.folder,
        {"context/docker/Own": _OWN.format(base_image), "context/strict.py": _STRICT, "models/m.bin": "1"},
    )
    build = {"path": "context", "dockerfile_path": "docker/Own"}
    plan = own_server_plan(
        "",
        "own-build",
        environment={"name": "own-build", "build": build, "inference_config": _ROUTES},
        model={"name": "m", "path": "models", "version": "7"},
    )
    code, events = shared.apply(plan)
    assert code == 0, json.dumps(events[-2:])
    answer = called(shared, "own-build")
    assert answer["user"] == 1234
    assert answer["variables"]["AZUREML_MODEL_DIR"] == "/var/azureml-app/azureml-models/m/7"
    assert answer["files"] == {"AZUREML_MODEL_DIR": ["models"]}


def test_an_image_without_routes_serves_the_script_with_its_own_python(shared: Machine, script_image: str) -> None:
    written(shared.folder, {"models/a": "of a", "models/b": "of b", "code/score.py": _SCRIPT})
    more: dict[str, Any] = {
        "environment": {"name": "own-python", "image": script_image},
        "model": {"name": "own-python", "path": "models"},
        "code_configuration": {"code": "code", "scoring_script": "score.py"},
    }
    code, events = shared.apply(own_server_plan(script_image, "own-python", **more))
    assert code == 0, json.dumps(events[-2:])
    for name in "ab":
        answer = called(shared, "own-python", {"model": name})
        assert answer == {"user": 1234, "python": "/served", "answer": f"of {name}"}


def test_a_conda_file_is_installed_on_a_base_image_without_conda(shared: Machine, base_image: str) -> None:
    conda = {"dependencies": ["python=3.11", "pip", {"pip": ["azureml-inference-server-http"]}]}
    written(shared.folder, {"models/a": "of a", "code/score.py": _SCRIPT, "conda.yml": json.dumps(conda)})
    more: dict[str, Any] = {
        "environment": {"name": "own-conda", "image": base_image, "conda_file": "conda.yml"},
        "model": {"name": "own-conda", "path": "models"},
        "code_configuration": {"code": "code", "scoring_script": "score.py"},
    }
    code, events = shared.apply(own_server_plan(base_image, "own-conda", **more))
    assert code == 0, json.dumps(events[-2:])
    answer = called(shared, "own-conda", {"model": "a"})
    assert answer == {"user": 0, "python": "/azureml-envs/rehearsal", "answer": "of a"}


def test_a_conda_file_on_an_image_with_its_own_server_leaves_its_command(shared: Machine, server_image: str) -> None:
    conda = {"dependencies": ["python=3.11", "pip", {"pip": ["six"]}]}
    written(shared.folder, {"models/a": "of a", "conda.yml": json.dumps(conda)})
    plan = own_server_plan(server_image, "own-server-conda", model={"name": "own-server-conda", "path": "models"})
    plan["deployment"]["environment"]["conda_file"] = "conda.yml"
    code, events = shared.apply(plan)
    assert code == 0, json.dumps(events[-2:])
    answer = called(shared, "own-server-conda")
    assert (answer["arguments"], answer["user"]) == (["/serve.py", "8501"], 65534)
    made = answer["variables"]["AZUREML_CONDA_ENVIRONMENT_PATH"]
    assert answer["variables"]["PATH"].startswith(f"{made}/bin:")
    assert answer["variables"]["LD_LIBRARY_PATH"] == f"{made}/lib"


def limits(machine: Machine, plan: dict[str, Any], *more: str) -> list[str]:
    """The messages of `check --rehearse` about limits of the rehearsal."""
    (machine.folder / "plan.yml").write_text(json.dumps(plan))
    done = machine.run("check", "plan.yml", "--rehearse", "--json", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [one["message"] for one in found if one["id"] == "rehearsal-limit"]


def test_the_check_tells_of_a_limit_only_where_nothing_runs_containers(machine: Machine, server_image: str) -> None:
    plan = own_server_plan(server_image)
    assert limits(machine, plan) == []
    assert machine.run("rehearsal", "--container-engine", "none").returncode == 0
    (told,) = limits(machine, plan)
    assert told.endswith("a container with its own routes, since --container-engine none was chosen.")
    code, events = machine.apply(plan)
    (card,) = [one["card"] for one in events if one["event"] == "needs_attention"]
    assert code == 1 and card["id"] == "rehearsal-no-engine"
    assert "(--container-engine none was chosen), so it cannot start the container" in events[-1]["message"] + str(card)


def test_azures_own_triton_server_is_refused_by_name(shared: Machine) -> None:
    written(shared.folder, {"models/m/1/model.onnx": "x"})
    plan = own_server_plan("", "own-triton", model={"name": "t", "path": "models", "type": "triton_model"})
    del plan["deployment"]["environment"]
    (told,) = limits(shared, plan)
    assert told.endswith("refuses to run the Triton server of a triton_model, since it has no image of Azure's.")
    code, events = shared.apply(plan)
    (card,) = [one["card"] for one in events if one["event"] == "needs_attention"]
    assert code == 1 and card["id"] == "rehearsal-no-engine" and "no image of Azure's Triton server" in str(events)
