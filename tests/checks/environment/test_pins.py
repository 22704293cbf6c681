"""Whether the packages of a conda file exist, from an index on loopback that behaves like PyPI."""

from __future__ import annotations

from collections.abc import Iterator

import pins_index
import pytest
from plan_files import MakePlan

from tui.checks.environment import pins
from tui.checks.finding import Finding
from tui.cloud.http import package_index


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    with pins_index.serving() as url:
        yield url


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path_factory.mktemp("cache")))


def judged(make_plan: MakePlan, index: str, python: str, *lines: str) -> list[Finding]:
    conda = f"dependencies:\n  - python={python}\n  - pip:\n      - --index-url {index}\n"
    plan = make_plan(conda=conda + "".join(f"      - {line}\n" for line in lines))
    asked = pins.wanted(plan)
    assert asked is not None
    return pins.check(plan, asked, 20.0)


def test_what_can_be_had_is_in_order(make_plan: MakePlan, index: str) -> None:
    lines = ("azureml-inference-server-http==1.5.1  # the server", "XGBoost_CPU>=2", "numpy<2", "stable",
             "sources-only", "html-flask", "not-there ; sys_platform == 'win32'")  # fmt: skip
    (finding,) = judged(make_plan, index, "3.10", *lines)
    assert (finding.id, finding.severity) == ("pins", "ok"), finding
    assert "for Python 3.10 of each of the 6 packages in conda.yml" in finding.message
    assert "127.0.0.1" in finding.looked_at


@pytest.mark.parametrize(
    ("python", "line", "severity", "words"),
    [
        ("3.10", "xgboost-cpu==2.1.99", "warning", "no release xgboost-cpu==2.1.99 on 127.0.0.1. The newest is 2.1.4."),
        ("3.10", "xgboos==2.1.4", "warning", "there is no package xgboos on 127.0.0.1"),
        (
            "3.8",
            "azureml-inference-server-http==1.5.1",
            "blocker",
            "does not support Python 3.8 (it needs Python >=3.9)",
        ),
        ("3.8", "html-flask>=3", "blocker", "html-flask 3.1.0 does not support Python 3.8"),
        ("3.12", "numpy==1.26.4", "warning", "none for Python 3.12 on Linux: it would be built from source"),
        ("3.10", "xgboost-cpu>3", "warning", "no release xgboost-cpu>3"),
    ],
)
def test_what_does_not_resolve(
    make_plan: MakePlan, index: str, python: str, line: str, severity: str, words: str
) -> None:
    (finding,) = judged(make_plan, index, python, line)
    assert (finding.id, finding.severity) == ("pins", severity)
    assert words in finding.message


def test_two_pins_that_do_not_go_together(make_plan: MakePlan, index: str) -> None:
    (finding,) = judged(make_plan, index, "3.10", "azureml-inference-server-http==1.5.1", "flask<2")
    assert finding.severity == "blocker"
    assert (
        "azureml-inference-server-http 1.5.1 needs flask<3.2,>=3.1.0, but the file requests flask<2." in finding.message
    )


def test_a_release_that_is_asked_for_early_counts(make_plan: MakePlan, index: str) -> None:
    (finding,) = judged(make_plan, index, "3.10", "xgboost-cpu==3.0.0rc1")
    assert finding.severity == "ok"


def test_an_index_that_does_not_answer_is_not_known_and_never_blocks(make_plan: MakePlan) -> None:
    (finding,) = judged(make_plan, "http://127.0.0.1:9/simple", "3.10", "numpy")
    assert finding.severity == "unknown"
    assert "127.0.0.1 does not answer" in finding.message


def test_without_time_nothing_is_said_to_be_wrong(make_plan: MakePlan, index: str) -> None:
    asked = pins.wanted(make_plan())
    assert asked is not None
    (finding,) = pins.check(make_plan(), asked, 0.0)
    assert finding.severity == "unknown"


def test_a_mirror_of_this_machine_may_lack_what_azure_finds(make_plan: MakePlan, index: str) -> None:
    mirror = package_index.indexes([], {"PIP_INDEX_URL": index})
    assert (mirror.urls, mirror.own) == ((index,), False)
    assert package_index.indexes([("--index-url", "https://x/simple")], {"PIP_INDEX_URL": index}).own
    assert package_index.indexes([], {}).urls == (package_index.PUBLIC,)
    with_password = package_index.indexes([("-i", "https://user:secret@pkgs.example.com/simple")], {})
    assert with_password.hosts == "pkgs.example.com"


def test_what_azure_does_not_build_from_is_left_alone(make_plan: MakePlan) -> None:
    assert pins.wanted(make_plan(conda="dependencies: [pip]\n")) is None  # the Python version is unknown
    assert pins.wanted(make_plan(conda="dependencies:\n  - python=3.10\n  - pip:\n    - -r more.txt\n")) is None
    for option in ("--find-links https://example.com/wheels", "-f ./wheels", "--no-index"):
        conda = f"dependencies:\n  - python=3.10\n  - pip:\n    - {option}\n    - numpy\n"
        plan = make_plan(conda=conda)
        asked = pins.wanted(plan)
        assert asked is not None and pins.check(plan, asked, 20.0) == [], option
