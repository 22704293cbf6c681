"""The image build: real virtual environments made with uv, real failures, and nothing secret on the way."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from aiohttp import web

from tui.common import conda_requirements, uv_program
from tui.rehearsal import programs
from tui.rehearsal.images import image_build, interpreters

THIS_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
SMALL = f"dependencies: [python={THIS_PYTHON}, pip, {{pip: ['six==1.17.0']}}]\n"


def build(conda: str, cache: Path, lines: list[str] | None = None, **others: Path) -> Path:
    log = (lambda line: None) if lines is None else lines.append
    return asyncio.run(image_build.build(conda, None, cache=cache, log=log, **others))


def output_of(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def processes_with(text: str) -> list[str]:
    """Command lines of living processes that mention `text`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if text in command:
                    found.append(command)
    return found


@pytest.mark.parametrize(
    ("conda", "packages", "python"),
    [
        ("[python=3.10, pip, pandas]", ["pandas"], "==3.10.*"),
        ("['python==3.10.12', 'pandas=2.2']", ["pandas==2.2.*"], "==3.10.12"),
        ("['python>=3.9,<3.12', 'pandas==2.2.3']", ["pandas==2.2.3"], ">=3.9,<3.12"),
        ("['python=3.10.*', 'conda-forge::scikit-learn>=1.3']", ["scikit-learn>=1.3"], "==3.10.*"),
        ("['numpy=1.26.4=py310_0', 'pytorch=2.1']", ["numpy==1.26.4", "torch==2.1.*"], ""),
        ("['numpy 1.26.*', 'matplotlib-base']", ["numpy==1.26.*", "matplotlib"], ""),
        ("['libstdcxx-ng', 'cudatoolkit=11.8', 'mkl', 'wheel']", ["wheel"], ""),
        (
            "[pip: ['a[b]>=1 ; python_version > \"3.8\"', '# nothing', 'c # why']]",
            ['a[b]>=1 ; python_version > "3.8"', "c"],
            "",
        ),
    ],
)
def test_conda_packages_are_said_in_pips_words(conda: str, packages: list[str], python: str) -> None:
    read = conda_requirements.read(conda_requirements.parse(f"dependencies: {conda}"))
    assert read.packages == packages
    assert read.python == python


@pytest.mark.parametrize(
    ("conda", "packages"),
    [
        ("[pandas=2.1, numpy]", ["pandas==2.1.*", "numpy", "numpy<2"]),
        ("['scikit-learn<1.4.2']", ["scikit-learn<1.4.2", "numpy<2"]),
        ("[scipy=1.11=py310h1_0, {pip: [numpy]}]", ["scipy==1.11", "numpy<2", "numpy"]),
        ("[pandas=2.1, {pip: ['numpy>=2']}]", ["pandas==2.1.*", "numpy>=2"]),
        ("[pandas=2.1, numpy=1.26]", ["pandas==2.1.*", "numpy==1.26.*"]),
        ("[pandas=2.2.2, scikit-learn=1.4]", ["pandas==2.2.2.*", "scikit-learn==1.4.*"]),  # 1.4.2 is among 1.4
        ("['pandas>=1.5', numpy]", ["pandas>=1.5", "numpy"]),
        ("[{pip: [pandas==1.5.3]}]", ["pandas==1.5.3"]),
    ],
)
def test_conda_packages_from_before_numpy_2_hold_numpy_below_it(conda: str, packages: list[str]) -> None:
    read = conda_requirements.read(conda_requirements.parse(f"dependencies: {conda}"))
    assert read.packages == packages
    assert ("numpy<2" in packages) == any("before numpy 2" in line for line in read.warnings)


@pytest.mark.parametrize(
    ("entry", "packages"),
    [
        ("conda-forge/linux-64::numpy=1.26.*=py312*", ["numpy==1.26.*"]),
        ("pytorch[version='>=2.4,<3',build=*cuda*]", ["torch>=2.4,<3"]),
        ("pandas[channel=conda-forge]", ["pandas"]),
        ("pandas=*=py310*", ["pandas"]),
        ("blas=*=openblas", []),
        ("libboost-headers", []),
    ],
)
def test_selectors_of_builds_are_left_out(entry: str, packages: list[str]) -> None:
    read = conda_requirements.read({"dependencies": [entry]})
    assert read.packages == packages and bool(packages) != bool(read.warnings)


@pytest.mark.parametrize("entry", ["r-base=4.3", "conda-forge::r-tidyverse", "nodejs"])
def test_packages_of_other_languages_are_the_rehearsals_limit(entry: str) -> None:
    with pytest.raises(conda_requirements.CondaFileInvalid, match="the rehearsal cannot") as refused:
        conda_requirements.read({"dependencies": [entry]})
    assert f"'{entry}'" in str(refused.value)


def test_a_build_without_a_twin_on_pypi_says_so(tmp_path: Path) -> None:
    conda = f"dependencies: [python={THIS_PYTHON}, aml-deploy-has-no-such-package=1.0]"
    with pytest.raises(image_build.ImageBuildFailure, match=r"no-such-package=1\.0' is not on PyPI"):
        build(conda, tmp_path)


def test_what_has_no_counterpart_on_pypi_is_named_in_the_log() -> None:
    read = conda_requirements.read(conda_requirements.parse("dependencies: [cudatoolkit=11.8]"))
    assert "cudatoolkit" in read.warnings[0]


def test_pip_options_are_kept_for_uv() -> None:
    read = conda_requirements.read(
        conda_requirements.parse(
            "dependencies: [{pip: ['--extra-index-url https://a/x?y=z', '--index-url=https://b', --pre]}]"
        )
    )
    assert read.options == [("--extra-index-url", "https://a/x?y=z"), ("--index-url", "https://b"), ("--pre", "")]


def test_pip_options_reach_uv() -> None:
    lines = ["--pre", "--no-index", "--only-binary :all:", "--no-binary=numpy,scipy"]
    read = conda_requirements.read({"dependencies": [{"pip": lines}]})
    environment = uv_program.environment({}, read.options, {"PATH": "/bin"})
    assert environment["UV_PRERELEASE"] == "allow"
    words = ["--no-index", "--only-binary", ":all:", "--no-binary", "numpy,scipy"]
    assert uv_program.arguments(read.options, {}) == words


def test_a_wheelhouse_is_all_that_is_asked_where_pips_settings_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real: six is on every index, and is not found."""
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nno-index = true\nfind-links = {tmp_path}\n")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setattr("tui.rehearsal.images.package_index._listings", [])
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    with pytest.raises(image_build.ImageBuildFailure) as failure:
        build(SMALL, tmp_path / "cache")
    assert "six was not found in the provided package locations" in failure.value.message


def test_an_option_without_a_counterpart_is_named_in_the_log() -> None:
    read = conda_requirements.read({"dependencies": [{"pip": ["--prefer-binary", "--use-feature=fast-deps", "numpy"]}]})
    assert (read.options, read.packages) == ([], ["numpy"])
    assert ["--prefer-binary" in read.warnings[0], "--use-feature" in read.warnings[1]] == [True, True]


def test_a_source_is_not_built_where_the_conda_file_forbids_it(tmp_path: Path) -> None:
    """Real: the only file of the package is a source, and uv says which rule it breaks."""
    source = tmp_path / "only_source-1.0.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        for name, text in (
            ("pyproject.toml", '[project]\nname = "only-source"\nversion = "1.0"\n'),
            ("PKG-INFO", "Metadata-Version: 2.1\nName: only-source\nVersion: 1.0\n"),
        ):
            entry = tarfile.TarInfo(f"only_source-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    pip = [f"--find-links {tmp_path}", "--no-index", "--only-binary :all:", "only-source"]
    with pytest.raises(image_build.ImageBuildFailure) as failure:
        build(json.dumps({"dependencies": [{"pip": pip}]}), tmp_path)
    assert "only-source" in failure.value.message
    assert "building from source is disabled" in failure.value.message or "no usable wheels" in failure.value.message


@pytest.mark.parametrize(
    "line",
    [
        "-r requirements.txt",
        "-rrequirements.txt",
        "-e .",
        "./wheels/a.whl",
        "a @ file:///tmp/a",
        "--strange",
        "wheels/a.whl",
    ],
)
def test_what_the_image_build_can_not_have_is_refused_by_name(line: str, tmp_path: Path) -> None:
    with pytest.raises(image_build.ImageBuildFailure) as failure:
        build(f"dependencies: [{{pip: ['{line}']}}]", tmp_path)
    assert line in failure.value.message


@pytest.mark.parametrize(
    ("conda", "word"),
    [("dependencies: [a", "line"), ("dependencies: {a: 1}", "list"), ("dependencies: ['a=1|2']", "a=1|2")],
)
def test_a_bad_conda_file_is_explained(conda: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(image_build.ImageBuildFailure) as failure:
        build(conda, tmp_path)
    assert word in failure.value.message


@pytest.mark.smoke
def test_builds_once_and_then_takes_it_from_the_cache(tmp_path: Path) -> None:
    first: list[str] = []
    python = build(SMALL, tmp_path, first)
    assert output_of(python, "import six; print(six.__version__)") == "1.17.0"
    assert any("six==1.17.0" in line and line.strip().startswith("+") for line in first), first
    second: list[str] = []
    # Name, comments and layout of the file are not its content.
    again = build("name: other\n# comment\n" + SMALL, tmp_path, second)
    assert again == python
    assert any("cache" in line for line in second)
    assert not any("Installed" in line for line in second)


def test_an_unfinished_environment_is_built_again(tmp_path: Path) -> None:
    python = build(SMALL, tmp_path)
    environment = python.parent.parent
    (environment / "rehearsal-image.json").unlink()
    leftover = environment.with_name(f".{environment.name}.dead")
    leftover.mkdir()
    lines: list[str] = []
    assert build(SMALL, tmp_path, lines) == python
    assert any("Installed" in line for line in lines)
    assert not leftover.exists()


async def test_two_builds_of_the_same_content_become_one(tmp_path: Path) -> None:
    lines: list[str] = []
    builds = [image_build.build(SMALL, None, cache=tmp_path, log=lines.append) for _ in range(3)]
    first, *others = await asyncio.gather(*builds)
    assert set(others) == {first}
    assert len([line for line in lines if line.startswith("Installed")]) == 1, lines


def test_what_can_not_be_resolved_fails_in_uvs_own_words(tmp_path: Path) -> None:
    with pytest.raises(image_build.ImageBuildFailure) as failure:
        build(f"dependencies: [python={THIS_PYTHON}, {{pip: ['six==99.0']}}]", tmp_path)
    assert failure.value.code == "ImageBuildFailure"
    assert "No solution found" in failure.value.message
    assert "six==99.0" in failure.value.message
    assert [entry.suffix for entry in (tmp_path / "environments").iterdir()] == [".lock"]


class SilentIndex:
    """A package index on loopback that takes requests and never answers; remembers what it was sent."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.authorization: str | None = None

    async def __aenter__(self) -> SilentIndex:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.authorization = request.headers.get("Authorization")
        if self.authorization:
            self.asked.set()
            await asyncio.Event().wait()
        # As private indexes do: uv shows its credentials only after this.
        return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads command lines from /proc")
async def test_cancelling_ends_uv_and_an_indexs_password_is_in_no_log_and_no_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SilentIndex() as index:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://someone:hush-hush@127.0.0.1:{index.port}/simple")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
        lines: list[str] = []
        conda = f"dependencies: [python={THIS_PYTHON}, {{pip: [surely-not-there]}}]"
        building = asyncio.ensure_future(image_build.build(conda, None, cache=tmp_path, log=lines.append))
        asking = asyncio.ensure_future(index.asked.wait())
        await asyncio.wait([building, asking], timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert index.asked.is_set(), lines
        running = processes_with(str(tmp_path))
        assert any("uv pip install" in command for command in running)
        building.cancel()
        with pytest.raises(asyncio.CancelledError):
            await building
        assert not processes_with(str(tmp_path))
    assert index.authorization is not None
    assert "hush-hush" not in "".join(running) + "".join(lines)
    assert [entry.suffix for entry in (tmp_path / "environments").iterdir()] == [".lock"]


def test_pip_configuration_is_passed_on_but_not_its_constraints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheelhouse = tmp_path / "wheelhouse"
    wheelhouse.mkdir()
    index = tmp_path / "index"
    (index / "other").mkdir(parents=True)
    settings = tmp_path / "pip.conf"
    settings.write_text(
        f"[global]\nextra-index-url = file://{index}\nfind-links = {wheelhouse} {tmp_path}/gone\n"
        f"constraint = {tmp_path}/c\n"
    )
    (tmp_path / "c").write_text("six==1.16.0\n")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setattr("tui.rehearsal.images.package_index._listings", [])
    # An extra index that lacks the package must not break the resolution.
    python = build(SMALL, tmp_path / "cache")
    assert output_of(python, "import six; print(six.__version__)") == "1.17.0"


def test_children_get_neither_azures_nor_the_rehearsals_variables() -> None:
    given = {
        "PATH": "/bin",
        "HTTPS_PROXY": "http://proxy",
        "UV_INDEX_CORP_PASSWORD": "needed",
        "AZURE_CLIENT_SECRET": "x",
        "IDENTITY_HEADER": "x",
        "REHEARSAL_CLIENT_SECRET": "x",
        "DATABRICKS_TOKEN": "x",
        "MY_API_KEY": "x",
    }
    assert set(programs.without_secrets(given)) == {"PATH", "HTTPS_PROXY", "UV_INDEX_CORP_PASSWORD"}


async def test_an_interpreter_that_does_not_run_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shims, real = tmp_path / "shims", tmp_path / "real"
    other = "3.11" if THIS_PYTHON != "3.11" else "3.12"
    for folder, body in ((shims, "exit 127"), (real, f'exec {sys.executable} "$@"')):
        folder.mkdir()
        shim = folder / f"python{other}"
        shim.write_text(f"#!/bin/sh\n{body}\n")
        shim.chmod(0o755)
    choice = await interpreters.find(
        f"=={other}.*", {"PATH": f"{shims}{os.pathsep}{real}", "PYENV_ROOT": str(tmp_path / "none")}
    )
    assert choice.interpreter.path.parent != shims


async def test_where_the_version_is_missing_the_nearest_is_taken_with_a_warning() -> None:
    choice = await interpreters.find("==3.99.*")
    assert "3.99" in choice.warning
    assert str(choice.interpreter) in choice.warning


@pytest.mark.parametrize(
    ("version", "specifier", "expected"),
    [
        ((3, 10, 4), "==3.10.*", True),
        ((3, 11, 4), "==3.10.*", False),
        ((3, 10, 4), ">=3.9,<3.12", True),
        ((3, 12, 0), ">=3.9,<3.12", False),
        ((3, 10, 4), "==3.10.4", True),
        ((3, 10, 5), "==3.10.4", False),
        ((3, 10, 5), "~=3.10.2", True),
        ((3, 11, 0), "~=3.10.2", False),
        ((3, 11, 0), "", True),
    ],
)
def test_python_versions_are_compared_as_pip_does(version: tuple[int, ...], specifier: str, expected: bool) -> None:
    assert interpreters.satisfies(version, specifier) is expected


def test_a_named_scoring_interpreter_is_used_as_it_is(tmp_path: Path) -> None:
    python = build(SMALL, tmp_path)
    lines: list[str] = []
    conda = f"dependencies: [python={THIS_PYTHON}, {{pip: ['six==1.17.0', absent-package]}}]"
    assert build(conda, tmp_path / "unused", lines, scoring_python=python) == python
    assert not (tmp_path / "unused").exists()
    assert any("WARNING" in line and "absent-package" in line for line in lines), lines
    with pytest.raises(image_build.ImageBuildFailure) as failure:
        build(conda, tmp_path, scoring_python=tmp_path / "nothing")
    assert str(tmp_path / "nothing") in failure.value.message
