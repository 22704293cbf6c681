"""An image of our own, since no registry can be reached, and rehearsals of their own that use an engine."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import get_default_verify_paths

import certifi
import pytest

from tests.rehearsal.container_engine.machine import Machine
from tui.rehearsal.container_engine.engine import Engine, EngineFault, find
from tui.rehearsal.container_engine.images import GONE

BASE = "localhost/aml-deploy-tests-base:2"
"""Debian with Python and its venv module, without conda; as root."""
_SERVER = '''
"""A server that answers as its image and its variables say; used as an image's own."""
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply({"path": self.path})

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        own = {"user": os.getuid(), "variables": dict(os.environ), "arguments": sys.argv}
        self.reply({"path": self.path, "asked": asked, **own})

    def reply(self, answer):
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", int(sys.argv[1])), Answer).serve_forever()
'''


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine of this machine. Its absence is a failure where CI=true."""
    found = asyncio.run(find("auto", "tests"))
    if isinstance(found, Engine):
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"no container engine: {found.why}")
    pytest.skip(f"no container engine: {found.why}")


@contextmanager
def _lock() -> Iterator[None]:
    """One at a time of all that make images for tests on this machine, the other workers of pytest-xdist too."""
    with (Path(tempfile.gettempdir()) / f"aml-deploy-tests-images-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_here(engine: Engine, image: str) -> bool:
    try:
        asyncio.run(engine.inspect(image, "image"))
        return True
    except EngineFault as fault:
        assert GONE.search(str(fault)), fault
        return False


@pytest.fixture(scope="session")
def base_image(engine: Engine) -> str:
    """The name of BASE, which is made once for the machine (about a minute)."""
    with _lock():
        if not _is_here(engine, BASE):
            if os.environ.get("CI") != "true" and (shutil.which("debootstrap") is None or os.geteuid() != 0):
                pytest.skip("the base image is made by debootstrap, as root")
            with tempfile.TemporaryDirectory() as folder:
                make = ["debootstrap", "--variant=minbase", "--include=python3,python3-venv", "bookworm", folder]
                made = subprocess.run(make, capture_output=True, text=True, check=False)
                assert made.returncode == 0, made.stdout[-2000:] + made.stderr
                command = ["tar", "-C", folder, "--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*"]
                packed = subprocess.Popen([*command, "-c", "."], stdout=subprocess.PIPE)
                load = [engine.program, "import", "--change", 'CMD ["sh"]', "-", BASE]
                subprocess.run(load, stdin=packed.stdout, check=True, stdout=-3)
                assert packed.wait() == 0
    return BASE


def build_image(engine: Engine, name: str, dockerfile: str, files: dict[str, str]) -> str:
    """Build an image of a Dockerfile's text and files, unless it is here; return its tag."""
    digest = hashlib.sha256(json.dumps([dockerfile, files]).encode()).hexdigest()[:12]
    tag = f"localhost/aml-deploy-tests-{name}:{digest}"
    with _lock(), tempfile.TemporaryDirectory() as folder:
        if not _is_here(engine, tag):
            for file, text in {**files, "Dockerfile": dockerfile}.items():
                Path(folder, file).write_text(text)
            chroot = ("--isolation", "chroot", "--network", "host") if engine.options else ()
            command = [engine.program, "build", *chroot, "-t", tag, folder]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    return tag


@pytest.fixture(scope="session")
def server_image(engine: Engine, base_image: str) -> str:
    """An image with a server of its own on port 8501, which answers at every route and runs as `nobody`."""
    text = (
        f'FROM {base_image}\nCOPY serve.py /serve.py\nUSER nobody\nENTRYPOINT ["python3", "/serve.py"]\nCMD ["8501"]\n'
    )
    return build_image(engine, "server", text, {"serve.py": _SERVER})


@pytest.fixture(scope="session")
def script_image(engine: Engine, base_image: str) -> str:
    """An image with the scoring server in a Python of its own, which it names; as a user who is not root."""
    text = (
        f"FROM {base_image}\nCOPY trusted.pem /trusted.pem\nRUN python3 -m venv /served && "
        "/served/bin/pip install --no-cache-dir --cert /trusted.pem azureml-inference-server-http\n"
        "ENV AZUREML_CONDA_ENVIRONMENT_PATH=/served\nUSER 1234\n"
    )
    # What this machine trusts, also behind a proxy that inspects TLS.
    trusted = os.environ.get("REQUESTS_CA_BUNDLE") or get_default_verify_paths().cafile or certifi.where()
    return build_image(engine, "script", text, {"trusted.pem": Path(trusted).read_text()})


@contextmanager
def used(engine: Engine, folder: Path) -> Iterator[Machine]:
    """A machine with the engine; at the end its rehearsal is stopped, and nothing may be left."""
    made = Machine(folder)
    yield made
    stopped = made.run("rehearsal", "--stop")
    assert stopped.returncode == 0, stopped.stderr
    assert made.left(engine) == []


@pytest.fixture
def machine(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with the engine; at the end its rehearsal is stopped, and nothing may be left."""
    with used(engine, tmp_path_factory.mktemp("machine")) as made:
        yield made


@pytest.fixture(scope="module")
def _machine_of_the_module(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, built_environments: Path
) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("shared")
    (folder / "cache").mkdir()
    (folder / "cache" / "environments").symlink_to(built_environments)
    with used(engine, folder) as made:
        yield made


@pytest.fixture
def shared(_machine_of_the_module: Machine, tmp_path: Path) -> Machine:
    """One rehearsal for all tests of a module that change and end nothing of it, each with an endpoint of its own."""
    return _machine_of_the_module.elsewhere(tmp_path)
