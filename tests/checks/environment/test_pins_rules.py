"""Which files an environment can use and what is said about the others, from lists of files without an index."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Optional

import pytest
from plan_files import MakePlan

from tui.checks.environment import pins, resolution
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.cloud.http import package_index
from tui.cloud.http.package_index import File, Indexes, Unreachable
from tui.common import uv_program
from tui.plan.model import Environment, Plan

Files = Mapping[str, Optional[Sequence[File]]]
Judge = Callable[..., list[Finding]]


@dataclasses.dataclass(frozen=True)
class Shelf(Indexes):
    """An index whose files are in memory; a package that is not listed does not exist."""

    held: Files = dataclasses.field(default_factory=dict)

    def files(self, name: str) -> list[File] | None:
        found = self.held.get(name)
        return None if found is None else list(found)


@pytest.fixture
def judge(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Judge:
    """The findings about requirements, given what an index has, and what wheels say that they need."""
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(uv_program, "find", lambda: None)

    def judged(
        held: Files,
        *lines: str,
        python: str = "3.10",
        own: bool = True,
        needs: Mapping[str, Sequence[str]] | None = None,
        shelf: Indexes | None = None,
    ) -> list[Finding]:
        indexes = shelf or Shelf(("https://index.example/simple",), own, held)
        monkeypatch.setattr(package_index, "indexes", lambda _: indexes)
        monkeypatch.setattr(package_index, "requirements", lambda file: list((needs or {}).get(file.name, ())))
        plan = make_plan(conda=conda(*lines, python=python))
        asked = pins.wanted(plan)
        assert asked is not None
        return resolution.check(plan, asked, 20.0)

    return judged


def conda(*lines: str, python: str = "3.10") -> str:
    entries = "".join(f'      - "{line}"\n' for line in lines)
    return f"dependencies:\n  - python={python}\n  - pip:\n{entries}"


def severity(findings: list[Finding]) -> str:
    (finding,) = findings
    assert finding.id == "pins"
    return finding.severity


@pytest.mark.parametrize(
    ("file", "python", "usable"),
    [
        ("a-1.0-py3-none-any.whl", "3.10", True),
        ("a-1.0-py2.py3-none-any.whl", "3.10", True),
        ("a-1.0-py2-none-any.whl", "3.10", False),
        ("a-1.0-py39-none-any.whl", "3.10", True),  # pure Python: this version or a later one
        ("a-1.0-py310-none-any.whl", "3.10", True),
        ("a-1.0-py311-none-any.whl", "3.10", False),
        ("a-1.0-cp310-cp310-manylinux2014_x86_64.whl", "3.10", True),
        ("a-1.0-cp310-cp310-linux_x86_64.whl", "3.10.4", True),
        ("a-1.0-cp39-cp39-manylinux2014_x86_64.whl", "3.10", False),  # compiled: this version only
        ("a-1.0-cp311-cp311-manylinux2014_x86_64.whl", "3.10", False),
        ("a-1.0-cp39-abi3-manylinux2014_x86_64.whl", "3.10", True),
        ("a-1.0-cp310-abi3-manylinux2014_x86_64.whl", "3.10", True),
        ("a-1.0-cp311-abi3-manylinux2014_x86_64.whl", "3.10", False),
        ("a-1.0-cp310-cp310-manylinux2014_aarch64.whl", "3.10", False),
        ("a-1.0-cp310-cp310-macosx_11_0_x86_64.whl", "3.10", False),
        ("a-1.0-cp310-cp310-win_amd64.whl", "3.10", False),
        ("a-1.0-pp310-pypy310_pp73-manylinux2014_x86_64.whl", "3.10", False),
        ("a-1.0-notags.whl", "3.10", False),
        ("a-1.0.tar.gz", "3.10", True),
        ("a-1.0.zip", "3.10", True),
        ("a-1.0.tar.bz2", "3.10", True),
    ],
)
def test_files_that_an_instance_can_use(judge: Judge, file: str, python: str, usable: bool) -> None:
    assert severity(judge({"a": [File(file)]}, "a", python=python)) == (OK if usable else BLOCKER)


@pytest.mark.parametrize(
    ("requires", "python", "usable"),
    [
        ("", "3.10", True),
        (">=3.10", "3.10", True),
        (">=3.10.5", "3.10", True),  # without the last part, the newest is installed
        (">=3.10.5", "3.10.4", False),
        (">=3.10.5", "3.10.5", True),
        (">=3.11", "3.10", False),
        ("<3.10", "3.10", False),
        ("nonsense", "3.10", True),
    ],
)
@pytest.mark.parametrize("file", ["a-1.0-py3-none-any.whl", "a-1.0.tar.gz"])
def test_the_python_that_a_file_requires(judge: Judge, file: str, requires: str, python: str, usable: bool) -> None:
    assert severity(judge({"a": [File(file, requires)]}, "a", python=python)) == (OK if usable else BLOCKER)


@pytest.mark.parametrize("file", ["a-1.0.whl", "a-1.0.exe", "a.tar.gz", "a-new-py3-none-any.whl"])
def test_files_without_a_version_are_no_release(judge: Judge, file: str) -> None:
    (finding,) = judge({"a": [File(file)]}, "a")
    assert finding.severity == WARNING and "newest" not in finding.message


ONE = [File("a-1.0-py3-none-any.whl")]
WINDOWS = [File("a-1.0-cp310-cp310-win_amd64.whl")]
EARLY = [*ONE, File("a-2.0rc1.tar.gz"), File("a-2.0rc1-cp310-cp310-win_amd64.whl")]


@pytest.mark.parametrize(
    ("files", "line", "expected"),
    [
        (ONE, "a==1.0", OK),
        (ONE, "A", OK),  # case and dashes do not matter
        (ONE, "a==1.*", OK),
        (ONE, "a==1.1", WARNING),  # no such release
        (None, "a", WARNING),  # no such package
        ([], "a", WARNING),
        (WINDOWS, "a", BLOCKER),
        ([File("a-1.0.tar.gz")], "a", OK),  # there are only sources, for all
        ([File("a-1.0.tar.gz"), *WINDOWS], "a", WARNING),  # others get a wheel
        ([File("a-1.0.tar.gz"), *ONE], "a", OK),
        ([File("a-1.0.tar.gz"), *WINDOWS, File("a-2.0-py3-none-any.whl")], "a", OK),  # only the newest is installed
        ([File("a-2.0.tar.gz"), File("a-2.0-cp39-cp39-win32.whl"), *ONE], "a", WARNING),
        (EARLY, "a", OK),  # pre-releases count only if one is requested
        (EARLY, "a>=1.0", OK),
        (EARLY, "a>=1.0rc1", WARNING),
    ],
)
def test_releases(judge: Judge, files: list[File] | None, line: str, expected: str) -> None:
    assert severity(judge({"a": files}, line)) == expected


def test_a_mirror_may_lack_what_azures_index_has(judge: Judge) -> None:
    assert severity(judge({"a": WINDOWS}, "a", own=False)) == WARNING


def test_the_newest_release_is_named(judge: Judge) -> None:
    names = ("a-2.0.tar.gz", "a-10.0.tar.gz", "a-9.0.tar.gz", "a-11.0rc1.tar.gz")
    (missing,) = judge({"a": [File(name) for name in names]}, "a==3")
    assert "10.0" in missing.message
    (unusable,) = judge({"a": [File(name, ">=3.12") for name in names]}, "a")
    assert "a 10.0 " in unusable.message and "(it needs Python >=3.12)" in unusable.message
    (of_others,) = judge({"a": WINDOWS}, "a")
    assert "needs" not in of_others.message


def test_every_package_is_reported_and_the_rest_still_checked(judge: Judge) -> None:
    found = judge({"a": ONE, "b": None, "c": [], "d": WINDOWS}, "a", "b", "c", "d")
    assert [one.severity for one in found] == [WARNING, WARNING, BLOCKER]


@pytest.mark.parametrize(("lines", "said"), [(("a",), "of the package in"), (("a", "b"), "each of the 2 packages")])
def test_packages_are_counted(judge: Judge, lines: tuple[str, ...], said: str) -> None:
    (finding,) = judge({"a": ONE, "b": [File("b-1.0.tar.gz")]}, *lines)
    assert said in finding.message


B1, B2 = File("b-1.0-py3-none-any.whl"), File("b-2.0-py3-none-any.whl")


@pytest.mark.parametrize(
    ("needs", "lines", "conflict"),
    [
        (["b>=2"], ("a==1.0", "b==1.0"), True),
        (["B>=2"], ("a==1.0", "b<2"), True),
        (["b>=2"], ("a==1.0", "b"), False),  # 2.0 is allowed too
        (["b>=1"], ("a==1.0", "b==1.0"), False),
        (["b>1.0rc1"], ("a==1.0", "b==1.0"), False),
        (["c>=2"], ("a==1.0", "b==1.0"), False),  # not listed: installed as needed
        (["b>=2"], ("a==1.0",), False),
        (["b>=2; sys_platform == 'win32'"], ("a==1.0", "b==1.0"), False),
        (["b>=2; sys_platform == 'linux'"], ("a==1.0", "b==1.0"), True),
        (["b>=2; extra == 'tests'"], ("a==1.0", "b==1.0"), False),
        (["not a requirement !", "b>=2"], ("a==1.0", "b==1.0"), True),
        (["c>=2", "b>=2"], ("a==1.0", "b==1.0"), True),
        ([], ("a==1.0", "b==1.0"), False),
    ],
)
def test_a_pinned_release_that_excludes_another(
    judge: Judge, needs: list[str], lines: tuple[str, ...], conflict: bool
) -> None:
    found = judge({"a": ONE, "b": [B1, B2]}, *lines, needs={ONE[0].name: needs})
    assert severity(found) == (BLOCKER if conflict else OK)
    if conflict:
        assert f"requests {lines[1]}." in found[0].message


def test_a_release_that_may_still_change_excludes_nothing(judge: Judge) -> None:
    files = {"a": [*ONE, File("a-1.1-py3-none-any.whl")], "b": [B1]}
    assert severity(judge(files, "a", "b==1.0", needs={ONE[0].name: ["b>=2"]})) == OK
    pinned = {"a": [File("a-1.0.tar.gz"), *ONE], "b": [B1]}  # the wheel is asked, not the sources
    assert severity(judge(pinned, "a==1.0", "b==1.0", own=False, needs={ONE[0].name: ["b>=2"]})) == WARNING


def test_nothing_is_said_without_packages_or_an_index(judge: Judge) -> None:
    assert judge({}, "-q") == []
    assert judge({"a": ONE}, "a", shelf=Shelf((), True, {"a": ONE})) == []


def test_only_a_good_result_is_kept_and_for_a_day(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    judge({"a": WINDOWS}, "a")
    assert not (tmp_path / "cache").exists()
    judge({"a": ONE}, "a")
    (kept,) = (tmp_path / "cache").rglob("*.json")
    moment = json.loads(kept.read_text())["kept"]
    for seconds, expected in ((86_399.0, OK), (86_400.0, WARNING)):
        monkeypatch.setattr(time, "time", lambda after=seconds: moment + after)
        assert severity(judge({}, "a")) == expected
    monkeypatch.setattr(time, "time", lambda: moment)
    assert severity(judge({}, "a", python="3.11")) == WARNING, "another Python is another question"
    assert severity(judge({}, "a>=1")) == WARNING
    elsewhere = Shelf(("https://user:other@index.example:8443/simple",), True, {})
    assert severity(judge({}, "a", shelf=elsewhere)) == WARNING
    for word, held in (("secret", {"a": ONE}), ("newer", {})):  # another password is the same index
        own = Shelf((f"https://user:{word}@index.example/simple",), True, held)
        assert severity(judge(held, "a", shelf=own)) == OK
    assert not any("secret" in path.read_text() for path in (tmp_path / "cache").rglob("*.json"))


class Silent(Shelf):
    def files(self, name: str) -> list[File] | None:
        raise Unreachable("index.example does not answer")


def test_an_index_without_an_answer_never_blocks(judge: Judge) -> None:
    assert severity(judge({}, "a", shelf=Silent(("https://index.example/simple",), True))) == UNKNOWN


def without_code(plan: Plan, environment: Environment) -> Plan:
    return dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, environment=environment))


def test_the_file_of_a_model_without_code_is_the_models(make_plan: MakePlan, tmp_path: Path) -> None:
    none = Environment(name="none")
    plan = without_code(make_plan(model_type="mlflow_model", code=False), none)
    assert pins.wanted(plan) is None, "there is no file"
    (tmp_path / "model/conda.yaml").write_text(conda("a"))
    asked = pins.wanted(plan)
    assert asked is not None and asked.path == tmp_path / "model/conda.yaml"
    assert pins.wanted(without_code(make_plan(model_type="custom_model"), none)) is None
    registered = dataclasses.replace(plan.deployment.model, path=None)
    assert (
        pins.wanted(dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, model=registered)))
        is None
    )


@pytest.mark.parametrize(
    ("python", "read"),
    [("3.10", "3.10"), ("3.10.4", "3.10.4"), ("3", None), ("3.x", None), ("3.10.4.1", None)],
)
def test_the_python_must_be_a_version(make_plan: MakePlan, python: str, read: str | None) -> None:
    asked = pins.wanted(make_plan(conda=conda("a", python=python)))
    assert (asked.python if asked else None) == read


@pytest.mark.parametrize(
    ("line", "python", "kept"),
    [
        ("a", "3.10", True),
        ("a; python_version == '3.10'", "3.10.4", True),
        ("a; python_version > '3.10'", "3.10.4", False),
        ("a; python_full_version >= '3.10.5'", "3.10", True),
        ("a; python_full_version >= '3.10.5'", "3.10.4", False),
        ("a; platform_machine == 'x86_64' and os_name == 'posix'", "3.10", True),
        ("a; platform_machine == 'aarch64'", "3.10", False),
        ("a @ https://example.com/a.whl", "3.10", False),
        ("git+https://example.com/a", "3.10", False),
    ],
)
def test_requirements_that_apply_on_an_instance(make_plan: MakePlan, line: str, python: str, kept: bool) -> None:
    asked = pins.wanted(make_plan(conda=conda("b", line, python=python)))
    assert asked is not None and [one.name for one in asked.requirements] == (["b", "a"] if kept else ["b"])


@pytest.mark.parametrize(("count", "asked_for"), [(79, 79), (80, 80), (81, 80)])
def test_at_most_80_packages_are_asked_for(make_plan: MakePlan, count: int, asked_for: int) -> None:
    asked = pins.wanted(make_plan(conda=conda(*(f"a{number}" for number in range(count)))))
    assert asked is not None and len(asked.requirements) == asked_for


def test_only_options_that_name_an_index_are_kept(make_plan: MakePlan) -> None:
    lines = ("--index-url https://a/simple --trusted-host a", "--extra-index-url=https://b/simple", "--index-url", "-q")
    asked = pins.wanted(make_plan(conda=conda(*lines, "a")))
    assert asked is not None
    assert asked.options == (("--index-url", "https://a/simple"), ("--extra-index-url", "https://b/simple"))


def test_the_finding_is_about_the_file_that_was_read(judge: Judge, make_plan: MakePlan, tmp_path: Path) -> None:
    (own,) = judge({"a": ONE}, "a")
    assert own.field == "deployment.environment.conda_file"
    (tmp_path / "model/conda.yaml").write_text(conda("a"))
    plan = without_code(make_plan(model_type="mlflow_model", code=False), Environment(name="none"))
    asked = pins.wanted(plan)
    assert asked is not None
    (of_model,) = pins.check(plan, asked, 20.0)
    assert of_model.field == "deployment.model.path"
