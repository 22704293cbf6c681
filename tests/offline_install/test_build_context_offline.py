"""A build context with all wheels inside: the commands of its Dockerfile run without a network, up to a response."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import dockerfile
import offline
import pytest
from packaging.utils import parse_wheel_filename

from tui.offline_install.build_context import _pack
from tui.plan.load_save.load import load

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("without_network")]

CALL = """
import json, sys, time, urllib.error, urllib.request
def ask(path, body=None):
    request = urllib.request.Request('http://127.0.0.1:5001' + path, body, {'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status, answer.read().decode()
for _ in range(200):
    try:
        health = ask('/')
        break
    except (urllib.error.URLError, ConnectionError):
        time.sleep(0.1)
print(json.dumps({'health': health, 'score': ask('/score', open(sys.argv[1], 'rb').read())}))
"""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, conda_file: Path) -> Path:
    """The folder that the command writes for a preset, with the Python that runs the tests."""
    folder = tmp_path_factory.mktemp("context")
    changed = f"deployment.environment.conda_file={conda_file}"
    done = offline.made("build-context", offline.PRESET.name, "--set", changed, "-o", folder / "closed", "--json")
    assert done.returncode == 0, done.stderr
    paths = [json.loads(line)["path"] for line in done.stdout.splitlines()]
    assert paths == [str(folder / "closed/image"), str(folder / "closed/plan.yml")]
    assert "never built" in done.stderr
    return folder / "closed"


def test_the_plan_points_to_the_context(context: Path) -> None:
    document = load(str(context / "plan.yml"))
    environment = document.get("deployment.environment")
    assert (document.base / environment["build"]["path"]).resolve() == (context / "image").resolve()
    assert environment["build"]["dockerfile_path"] == "Dockerfile"
    assert "conda_file" not in environment and "image" not in environment
    assert environment["inference_config"]["scoring_route"] == {"path": "/score", "port": 5001}


def test_the_wheels_are_those_that_the_dockerfile_names(context: Path) -> None:
    text = (context / "image/Dockerfile").read_text(encoding="utf-8")
    assert text.count(f"FROM {load('own-score').get('deployment.environment.image')}") == 2
    assert f"Python {offline.PYTHON} (for Linux on x86_64)" in text
    about = json.loads((context / "context.json").read_text(encoding="utf-8"))
    wheels = sorted((context / "image/wheels").iterdir())
    assert [wheel.name for wheel in wheels] == about["wheels"]
    version = offline.PYTHON.replace(".", "")
    for wheel in wheels:
        tags = parse_wheel_filename(wheel.name)[3]
        assert any(tag.platform == "any" or tag.platform.endswith("x86_64") for tag in tags), wheel.name
        assert any(tag.interpreter == f"cp{version}" or tag.abi in ("abi3", "none") for tag in tags), wheel.name


def test_what_the_dockerfile_runs_ends_in_an_answer_without_a_network(context: Path, tmp_path: Path) -> None:
    keep, code = tmp_path / "opt", tmp_path / "azureml-app" / "onlinescoring"
    keep.mkdir()
    preset = load(offline.PRESET.name)
    shutil.copytree(preset.base / preset.get("deployment.code_configuration.code"), code)
    request = preset.base / preset.get("test.request")
    environ = offline.environment(
        tmp_path,
        AML_APP_ROOT=str(code),
        AZUREML_ENTRY_SCRIPT=preset.get("deployment.code_configuration.scoring_script"),
        AZUREML_MODEL_DIR=str((preset.base / preset.get("deployment.model.path")).parent),
        PATH=os.pathsep.join([str(Path(sys.executable).resolve().parent), "/usr/local/bin", "/usr/bin", "/bin"]),
    )
    script = dockerfile.as_script(context / "image", keep)
    (tmp_path / "container.sh").write_text(script, encoding="utf-8")
    (tmp_path / "call.py").write_text(CALL, encoding="utf-8")
    # First the build, in the foreground; then the server and a caller in the same namespace.
    build, _, start = script.rpartition("\n")
    whole = f"{build}\n({start}) >{tmp_path}/server.log 2>&1 &\n{sys.executable} {tmp_path}/call.py {request}\nkill $!"
    done = offline.run(["sh", "-c", whole], environ)
    log = (tmp_path / "server.log").read_text(encoding="utf-8") if (tmp_path / "server.log").exists() else ""
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:] + log[-2000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["health"][0] == 200
    assert answer["score"][0] == 200, answer
    assert json.loads(answer["score"][1])
    assert (keep / "scoring/bin/azmlinfsrv").is_file() and not (keep / "context").exists()


def test_a_base_image_without_the_python_is_refused_with_a_sentence(context: Path, tmp_path: Path) -> None:
    keep = tmp_path / "opt"
    keep.mkdir()
    copy = shutil.copytree(context / "image", tmp_path / "image")
    text = (copy / "install.sh").read_text(encoding="utf-8").replace(offline.PYTHON, "3.99")
    (copy / "install.sh").write_text(text, encoding="utf-8")
    done = offline.run(["sh", "-c", dockerfile.as_script(copy, keep)], offline.environment(tmp_path))
    assert done.returncode == 1
    assert "The wheels are for Python 3.99" in done.stderr


def test_a_python_in_the_context_is_used_where_the_base_image_has_none(context: Path, tmp_path: Path) -> None:
    base = Path(sys.base_prefix)
    if base in (Path("/usr"), Path("/usr/local")):
        pytest.skip("the Python that runs the tests is not relocatable")
    copy = shutil.copytree(context / "image", tmp_path / "image")
    _pack(base, offline.PYTHON, copy / "python.tar.gz", tmp_path)
    keep = tmp_path / "opt"
    keep.mkdir()
    build = dockerfile.as_script(copy, keep).rpartition("\n")[0]
    # No python at all is on this PATH.
    (tmp_path / "bin").mkdir()
    for name in ("sh", "mkdir", "cp", "rm", "tar", "gzip", "mount"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    environ = offline.environment(tmp_path)
    words = ["env", f"PATH={tmp_path / 'bin'}", "sh", "-c", build]
    done = offline.run(words, environ)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"Python: /opt/python/bin/python{offline.PYTHON}" in done.stdout
    assert (keep / "python/bin" / f"python{offline.PYTHON}").exists() and (keep / "scoring/bin/azmlinfsrv").is_file()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "deployment.environment.image=null"], "Name one with --image"),
        (["--with-python", "/usr"], "holds more than a Python"),
        (["--with-python", "/tmp"], "it is not an installed Python"),
        (["--set", "deployment.environment.conda_file=nothing.yml"], "cannot be read"),
    ],
)
def test_what_a_context_cannot_be_made_of_is_named(words: list[str], sentence: str, tmp_path: Path) -> None:
    done = offline.made("build-context", offline.PRESET.name, *words, "-o", tmp_path / "out")
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert not (tmp_path / "out").exists()
