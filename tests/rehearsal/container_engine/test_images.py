"""Images: their names, digests and build logs; pulls and builds that fail; what becomes of them."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.rehearsal.container_engine import registry
from tests.rehearsal.container_engine.conftest import build_image, used
from tests.rehearsal.container_engine.machine import SECONDS, Machine, own_server_plan, until
from tui.rehearsal.container_engine.engine import Engine
from tui.rehearsal.process import read_server

DIGEST = r"@sha256:[0-9a-f]{64}\b"
PASSWORD = "1Very-Private"
SCORE = "def init():\n    import hb_tiny\n\n\ndef run(data):\n    return data\n"


def ended(events: list[dict[str, Any]]) -> str:
    (message,) = [one["message"] for one in events if one["event"] == "run_finished"]
    return str(message)


def card(events: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [one["card"] for one in events if one["event"] == "needs_attention"]
    assert isinstance(found, dict)
    return found


def podman(engine: Engine, *arguments: str) -> str:
    done = subprocess.run([engine.program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def built_plan(machine: Machine, dockerfile: str) -> dict[str, Any]:
    """A plan whose environment is built from a Dockerfile of our own."""
    context = machine.folder / "context"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(dockerfile)
    plan = own_server_plan("")
    environment = plan["deployment"]["environment"]
    del environment["image"]
    environment["build"] = {"path": "context"}
    return plan


def conda_plan(machine: Machine, endpoint: str, image: str, *pip: str) -> dict[str, Any]:
    """A plan with a scoring script, a base image and a conda file."""
    (machine.folder / "code").mkdir()
    (machine.folder / "code" / "score.py").write_text(SCORE)
    lines = ["dependencies:", "- python=3.11", "- pip", "- pip:", *(f"  - {line}" for line in pip)]
    (machine.folder / "conda.yml").write_text("\n".join(lines))
    plan = own_server_plan(image, endpoint)
    plan["deployment"]["code_configuration"] = {"code": "code", "scoring_script": "score.py"}
    plan["deployment"]["environment"] = {"name": endpoint, "image": image, "conda_file": "conda.yml"}
    return plan


@pytest.fixture
def private_index() -> Iterator[str]:
    """A package index with a package that no other has, and a password in its address."""
    name = "hb_tiny-1.0-py3-none-any.whl"
    wheel = Path(os.environ.get("TMPDIR", "/tmp")) / f"{os.getpid()}-{name}"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("hb_tiny.py", "")
        packed.writestr("hb_tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: hb-tiny\nVersion: 1.0\n")
        packed.writestr("hb_tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr("hb_tiny-1.0.dist-info/RECORD", "")
    page = f'<a href="{name}">{name}</a>'.encode()
    pages = {"/simple/hb-tiny/": (200, page), f"/simple/hb-tiny/{name}": (200, wheel.read_bytes())}
    wheel.unlink()
    with registry.served(pages, (404, b""), login=f"reader:{PASSWORD}") as host:
        yield f"http://reader:{PASSWORD}@{host}/simple"


def test_the_log_names_the_image_with_its_digest(shared: Machine, server_image: str) -> None:
    code, events = shared.apply(own_server_plan(server_image, "named"))
    assert code == 0, ended(events)
    assert re.search(rf"^Image: {re.escape(server_image)}{DIGEST}$", shared.log("named"), re.MULTILINE)
    pulled = rf"^Image {re.escape(server_image)}{DIGEST} is on this machine"
    assert re.search(pulled, "\n".join(shared.build_logs()), re.MULTILINE)


def test_a_build_is_logged_and_its_layers_go_with_the_rehearsal(
    machine: Machine, server_image: str, engine: Engine
) -> None:
    failing = f"FROM {server_image}\nRUN echo http://me:{PASSWORD}@index.example\nRUN echo reason; exit 3\n"
    code, events = machine.apply(built_plan(machine, failing))
    assert code == 1
    assert "ImageBuildFailure" in ended(events) and "reason" in ended(events)
    assert "exit 3" in card(events)["cause"], "the card's sentence of the service is the failing instruction"
    assert PASSWORD not in str(events)
    code, events = machine.apply(built_plan(machine, failing.replace("exit 3", "true")))
    assert code == 0, ended(events)
    assert len(machine.build_logs()) == 2, "the failed one and the good one"
    logs = "\n".join(machine.build_logs())
    assert "STEP 2/" in logs and "http://***@index.example" in logs
    assert PASSWORD not in logs
    assert re.search(rf"^Image: localhost/aml-deploy-rehearsal:[0-9a-f]+{DIGEST}$", machine.log(), re.MULTILINE)
    assert len(machine.labelled(engine, "images", "-a")) >= 2

    # A rehearsal that ends by itself, or is killed, keeps its images for the next one; --stop does not (the fixture).
    end(machine)
    assert machine.labelled(engine, "images")
    assert machine.run("rehearsal", "--stop").returncode == 0
    assert machine.left(engine) == []
    podman(engine, "inspect", "--type", "image", server_image)


def test_the_card_of_a_failed_pull_is_about_this_image_and_not_the_one_before(machine: Machine) -> None:
    code, events = machine.apply(own_server_plan("registry.invalid:5000/first:1"))
    assert code == 1
    assert "registry.invalid:5000 gave it none" in str(events)
    code, events = machine.apply(own_server_plan("localhost/UPPER:1"))
    assert code == 1
    assert "is not valid" in next(one["card"]["title"] for one in events if one["event"] == "needs_attention")
    assert "registry.invalid" not in str(events)


def end(machine: Machine) -> None:
    """End the rehearsal as its time without use does."""
    server = read_server(machine.home)
    assert server is not None
    process = psutil.Process(server["pid"])
    process.terminate()
    process.wait(SECONDS)


def test_the_password_of_an_index_is_nowhere(
    machine: Machine, base_image: str, engine: Engine, private_index: str
) -> None:
    # As an option of the conda file, and as a setting of this machine; the proxy is one that nothing is sent to.
    machine.env["PIP_EXTRA_INDEX_URL"] = private_index
    machine.env["ftp_proxy"] = private_index.replace("/simple", "")
    plan = conda_plan(
        machine,
        "own-server",
        base_image,
        f"--extra-index-url {private_index}",
        "azureml-inference-server-http",
        "hb-tiny",
    )
    code, events = machine.apply(plan)
    assert code == 0, ended(events)
    build_log = "\n".join(machine.build_logs())
    assert "hb-tiny" in build_log and "***" in build_log
    image = re.findall(rf"^Image: (\S+){DIGEST}$", machine.log(), re.MULTILINE)[-1]
    assert re.search(rf"^Image build: succeeded: {image}{DIGEST}$", build_log, re.MULTILINE)
    for text in (
        build_log,
        machine.log(),
        machine.home.log_file.read_text(),
        podman(engine, "inspect", "--type", "image", image),
        podman(engine, "history", "--no-trunc", "--format", "json", image),
        podman(engine, "inspect", *machine.labelled(engine, "ps", "-a")),
    ):
        assert PASSWORD not in text
    saved = subprocess.Popen([engine.program, "save", image], stdout=subprocess.PIPE)
    assert saved.stdout is not None
    rest, seen = b"", 0
    while block := saved.stdout.read(2**20):
        assert PASSWORD.encode() not in rest + block
        rest, seen = block[-100:], seen + len(block)
    assert saved.wait() == 0 and seen > 10**8
    own = podman(engine, "inspect", "--type", "image", "--format", "{{json .Config.Cmd}}", image)
    assert own == podman(engine, "inspect", "--type", "image", "--format", "{{json .Config.Cmd}}", base_image)


@pytest.fixture(scope="module")
def pulling(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, str]]:
    """A machine with a registry that gives nothing, and a proxy that gives nothing; and the registry."""
    pages = {"/v2/": (200, b"{}"), "/v2/own/model/manifests/1": registry.UNKNOWN}
    with (
        registry.served(pages, registry.UNAUTHORIZED) as host,
        used(engine, tmp_path_factory.mktemp("pulling")) as made,
    ):
        made.trust(host)
        # A name without a registry is one of Docker Hub, as on Azure, which these tests cannot reach.
        made.env["https_proxy"] = made.env["HTTPS_PROXY"] = "http://127.0.0.1:9"
        yield made, host


@pytest.mark.parametrize(("name", "card_id"), [("own", "base-image-missing"), ("private", "registry-unreadable")])
def test_an_image_that_its_registry_does_not_give(pulling: tuple[Machine, str], name: str, card_id: str) -> None:
    machine, host = pulling
    code, events = machine.apply(own_server_plan(f"{host}/{name}/model:1", f"pull-{name}"))
    assert code == 1
    assert f"ImagePullFailed. Image pull failed: {host}/{name}/model:1 cannot be pulled from {host}: " in ended(events)
    assert card(events)["id"] == card_id
    assert f"Pulling {host}/{name}/model:1" in "\n".join(machine.build_logs())


@pytest.mark.parametrize("image", ["nobody.invalid/own/model:1", "own-model:1"])
def test_an_image_whose_registry_cannot_be_reached(pulling: tuple[Machine, str], image: str) -> None:
    host = "nobody.invalid" if "/" in image else "docker.io"
    code, events = pulling[0].apply(own_server_plan(image, f"from-{host.replace('.', '-')}"))
    assert code == 1
    assert f"ImagePullFailed. Image pull failed: {image} cannot be pulled from {host}: " in ended(events)
    found = card(events)
    assert found["id"] == "rehearsal-image-pull"
    assert host in found["title"] and "AcrPull" in found["remedy"]


def test_a_misspelt_image_of_this_machine_is_no_unreachable_registry(shared: Machine) -> None:
    code, events = shared.apply(own_server_plan("localhost/own-modle:1"))
    assert code == 1
    found = card(events)
    assert found["id"] == "base-image-missing"
    assert "localhost/own-modle:1 does not exist" in found["cause"]
    assert "no image of this machine has this name" in ended(events)


def test_a_base_image_that_cannot_be_pulled_leaves_a_bare_process(shared: Machine) -> None:
    plan = conda_plan(shared, "bare", "nobody.invalid/base:1", "azureml-inference-server-http")
    (shared.folder / "code" / "score.py").write_text(SCORE.replace("import hb_tiny", "pass"))
    code, events = shared.apply(plan)
    assert code == 0, ended(events)
    warning = "WARNING: The registry nobody.invalid cannot be reached from this machine"
    assert warning in "\n".join(shared.build_logs())
    log = shared.log("bare")
    assert "It runs as a bare process of this machine: without an image" in log and "Image: " not in log
    assert "bare/blue: It runs as a bare process" in shared.run("rehearsal", "--status").stdout


def test_an_image_that_was_removed(machine: Machine, server_image: str, engine: Engine) -> None:
    (machine.folder / "request.json").write_text("{}")
    invoke = ("invoke", "own-server", "--rehearse", "--request", "request.json")
    dockerfile = f"FROM {server_image}\nENV MACHINE={machine.folder.name}\n"
    own = build_image(engine, "gone", dockerfile, {})
    code, events = machine.apply(own_server_plan(own))
    assert code == 0, ended(events)
    end(machine)
    podman(engine, "rmi", own)
    assert machine.run(*invoke).returncode == 1
    assert re.search(rf"^The image {own}{DIGEST} was removed: it is made again", machine.log(), re.MULTILINE)
    assert f"its image was removed, and cannot be made again: Image pull failed: {own}" in machine.log()
    # What the rehearsal can make, it makes again: before a start, and when the container was removed with the image.
    code, events = machine.apply(built_plan(machine, dockerfile))
    assert code == 0, ended(events)
    for number in (1, 2):
        if number == 1:
            end(machine)
        (image,) = machine.labelled(engine, "images")

        def gone(image: str = image) -> bool:
            # The server's container needs the relay's; and the rehearsal starts them again at once.
            containers = machine.labelled(engine, "ps", "-a")
            subprocess.run([engine.program, "rm", "-f", "-t", "0", "--depend", "--ignore", *containers], check=False)
            subprocess.run([engine.program, "rmi", "-f", image], check=False)
            return image not in machine.labelled(engine, "images")

        until(gone, "the image stays")
        for _ in range(60):  # while a container starts again, others answer; here there are none
            said = machine.run(*invoke)
            if said.returncode == 0:
                break
        assert said.returncode == 0, (number, said.stderr, machine.log())


def test_an_engine_without_room(machine: Machine, base_image: str, engine: Engine) -> None:
    if os.geteuid() != 0:
        pytest.skip("a small disk is mounted by root only")
    disk = Path(tempfile.mkdtemp(prefix="small"))  # podman wants a short name
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=450m", "tmpfs", disk], check=True)
    try:
        small = f'exec "$ENGINE" --root {disk}/root --runroot {disk}/run "$@"'
        machine.instead_of(engine, small)
        packed = subprocess.Popen([engine.program, "save", base_image], stdout=subprocess.PIPE)
        subprocess.run([machine.folder / "bin" / engine.name, "load"], stdin=packed.stdout, check=True)
        code, events = machine.apply(built_plan(machine, f"FROM {base_image}\nRUN head -c 900M /dev/zero >/large\n"))
        assert code == 1
        assert "ImageBuildFailure" in ended(events) and "No space left on device" in ended(events)
        assert card(events)["id"] == "rehearsal-disk-full"
        assert "podman system df" in ended(events)
        assert machine.run("rehearsal", "--stop").returncode == 0
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_an_engine_that_stops_while_a_deployment_runs(machine: Machine, server_image: str, engine: Engine) -> None:
    broken = machine.folder / "broken"
    machine.instead_of(
        engine, f'[ ! -e {broken} ] || {{ echo "Error: no engine" >&2; exit 125; }}\nexec "$ENGINE" "$@"'
    )
    code, events = machine.apply(own_server_plan(server_image))
    assert code == 0, ended(events)
    try:
        broken.touch()
        podman(engine, "kill", *machine.labelled(engine, "ps"))
        (machine.folder / "request.json").write_text("{}")
        said = machine.run("invoke", "own-server", "--rehearse", "--request", "request.json")
        assert said.returncode == 1
        assert "Traceback" not in said.stderr + machine.home.log_file.read_text()
        assert "no engine" in machine.log()
    finally:
        broken.unlink()
