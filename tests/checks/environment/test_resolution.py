"""Whether an environment resolves as a whole: real uv, with an index on loopback whose wheels have metadata only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pins_index
import pytest
from plan_files import MakePlan

from tui.checks.environment import pins, resolution
from tui.checks.finding import Finding
from tui.cloud.http import package_index
from tui.common import uv_program


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    with pins_index.serving() as url:
        yield url


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.mktemp("uv")))
    monkeypatch.setattr(resolution, "LIMIT", 60.0)
    monkeypatch.delenv("REHEARSAL_CLIENT_ID", raising=False)
    package_index._known.clear()


def resolved(
    make_plan: MakePlan, index: str, *pip: str, python: str = "3.10", conda: tuple[str, ...] = ()
) -> list[Finding]:
    """The findings about a conda file, whose first package is in line 3."""
    entries = "".join(f"  - {line}\n" for line in conda)
    lines = "".join(f"      - {line}\n" for line in pip)
    plan = make_plan(
        conda=f"dependencies:\n  - python={python}\n{entries}{lines and '  - pip:' + chr(10)}{lines}"
        f"{'' if pip else '  - pip:' + chr(10)}      - --index-url {index}\n"
    )
    asked = pins.wanted(plan)
    assert asked is not None
    return resolution.check(plan, asked, 120.0)


def test_what_fits_together_is_in_order_with_what_it_brings(make_plan: MakePlan, index: str) -> None:
    (found,) = resolved(make_plan, index, "azureml-inference-server-http==1.5.1", "needs-old-numpy")
    assert (found.id, found.severity, found.field) == ("pins", "ok", pins.FIELD)
    assert "fit together for Python 3.10: 4 in all" in found.message, "the server, flask, numpy and what was asked for"


def test_a_conflict_names_the_lines_and_the_reason(make_plan: MakePlan, index: str) -> None:
    (found,) = resolved(make_plan, index, "needs-old-numpy", "numpy==2.2.6")
    assert found.severity == "blocker"
    assert "conda.yml: needs-old-numpy (line 4) and numpy==2.2.6 (line 5) do not fit together: " in found.message
    assert "needs numpy<2" in found.message and found.remedy


def test_a_conflict_with_condas_part_is_no_proof(make_plan: MakePlan, index: str) -> None:
    (found,) = resolved(make_plan, index, "needs-old-numpy", conda=("numpy=2.2.6",))
    assert found.severity == "warning"
    assert "numpy=2.2.6 (line 3)" in found.message and "conda's channels were not asked" in found.message


@pytest.mark.parametrize(
    ("conda", "severity", "words"),
    [
        ("numpy=1.26.4", "warning", "line 3: numpy 1.26.4 has wheels, but none for Python 3.12"),
        ("numpy=1.26.4=py312h0_0", "warning", "none for Python 3.12"),
        ("numpy=2.2", "ok", "fit together"),
        ("conda-forge::joblib==1.4.2", "ok", "fit together"),
        ("joblib=9.9", "warning", "line 3: there is no release joblib==9.9.*"),
    ],
)
def test_condas_pins_are_looked_up(make_plan: MakePlan, index: str, conda: str, severity: str, words: str) -> None:
    (found,) = resolved(make_plan, index, python="3.12", conda=(conda,))
    assert found.severity == severity and words in found.message


def test_old_conda_packages_bring_numpy_below_2(make_plan: MakePlan, index: str) -> None:
    (old,) = resolved(make_plan, index, "numpy>=2", conda=("scikit-learn=1.6",))
    assert old.severity == "ok"
    plan = make_plan(conda="dependencies: [python=3.10, scikit-learn=1.2, numpy]\n")
    asked = pins.wanted(plan)
    assert asked is not None and "numpy<2" in asked.all.packages


def test_what_is_built_from_source_is_not_known(make_plan: MakePlan, index: str) -> None:
    for line in ("sources-only", "needs-sources"):
        (found,) = resolved(make_plan, index, line)
        assert found.severity == "unknown" and "sources-only has no wheel and is built from source" in found.message


def test_a_dependency_without_a_wheel_for_this_python_is_a_warning(make_plan: MakePlan, index: str) -> None:
    (found,) = resolved(make_plan, index, "needs-old-numpy", python="3.12")
    assert found.severity == "warning"
    assert "no release of numpy that they allow has a wheel for Python 3.12" in found.message


def test_packages_of_condas_channels_only_are_left_out_and_limit_the_rehearsal(
    make_plan: MakePlan, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for conda in ("r-base=4.3", "only-on-conda=1.0"):
        (alone,) = resolved(make_plan, index, "stable", conda=(conda, "cudatoolkit=11.8", "libgcc"))
        assert alone.severity == "ok" and f"not on PyPI: {conda}." in alone.message
        monkeypatch.setenv("REHEARSAL_CLIENT_ID", "x")
        found, limit = resolved(make_plan, index, "stable", conda=(conda, "cudatoolkit=11.8", "libgcc"))
        monkeypatch.delenv("REHEARSAL_CLIENT_ID")
        assert (found.severity, limit.id, limit.severity) == ("ok", "rehearsal-packages", "blocker")
        assert f"'{conda}' is not on PyPI" in limit.message and "the rehearsal cannot" in limit.message


def test_results_of_both_kinds_are_kept_the_bad_ones_for_a_shorter_time(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pins_index.serving() as address:
        (good,) = resolved(make_plan, address, "stable")
        (bad,) = resolved(make_plan, address, "needs-old-numpy", "numpy==2.2.6")
    package_index._known.clear()  # as in another process
    (again,) = resolved(make_plan, address, "stable")
    assert (again.severity, again.message) == ("ok", good.message) and ", queried 20" in again.looked_at
    (still,) = resolved(make_plan, address, "needs-old-numpy", "numpy==2.2.6")
    assert (still.severity, still.message, still.remedy) == ("blocker", bad.message, bad.remedy)
    monkeypatch.setattr(resolution, "KEPT_WRONG", 0.0)
    (asked,) = resolved(make_plan, address, "needs-old-numpy", "numpy==2.2.6")
    assert asked.severity == "unknown" and "127.0.0.1 does not answer" in asked.message
    (other,) = resolved(make_plan, address, "stable", python="3.11")
    assert other.severity == "unknown", "another Python is another question"


@contextmanager
def silent() -> Iterator[str]:
    """An index that takes requests and never answers."""
    ended = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ended.wait()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/simple"
    finally:
        ended.set()
        server.shutdown()


def test_an_index_that_is_slow_is_not_waited_for_longer_than_is_said(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolution, "LIMIT", 0.5)
    with silent() as address:
        (found,) = resolved(make_plan, address, "stable")
        assert found.severity == "unknown" and "was not found out in time (at most 0.5 seconds)" in found.message
        (again,) = resolved(make_plan, address, "stable")
        assert again.looked_at == found.looked_at, "it is not kept"


@pytest.mark.parametrize(("name", "value"), [("UV_OFFLINE", "1"), ("UV_EXCLUDE_NEWER", "2020-01-01")])
def test_settings_of_uv_on_this_machine_are_not_those_of_the_build(
    make_plan: MakePlan, index: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    (found,) = resolved(make_plan, index, "needs-old-numpy")
    assert found.severity == "ok", found.message


def test_what_an_index_of_this_machine_lacks_is_no_proof(
    make_plan: MakePlan, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX", index)
    (found,) = resolved(make_plan, index, "needs-old-numpy", "numpy==2.2.6")
    assert found.severity == "warning"


def test_a_cache_that_cannot_be_written_is_done_without(
    make_plan: MakePlan, index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path / "file"))
    assert [one.severity for one in resolved(make_plan, index, "needs-old-numpy")] == ["ok"]


def test_without_uv_each_package_is_looked_up(make_plan: MakePlan, index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv_program, "find", lambda: None)
    (found,) = resolved(make_plan, index, "needs-old-numpy", conda=("r-base=4.3", "numpy=1.26.4"))
    assert found.severity == "ok" and "has a release for Python 3.10 of each of the" in found.message


def test_wheels_of_a_folder_are_found(make_plan: MakePlan, tmp_path: Path) -> None:
    name = "own-1.0-py3-none-any.whl"
    (tmp_path / name).write_bytes(pins_index.wheel(name))
    plan = make_plan(
        conda=f"dependencies:\n  - python=3.10\n  - pip:\n      - --no-index\n      - -f {tmp_path}\n      - own\n"
    )
    asked = pins.wanted(plan)
    assert asked is not None
    (found,) = resolution.check(plan, asked, 120.0)
    assert found.severity == "ok" and "1 in all" in found.message


def test_no_password_is_in_a_finding_or_in_the_cache(
    make_plan: MakePlan, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = index.replace("http://", "http://someone:hush-hush@")
    found = resolved(make_plan, address, "needs-old-numpy", "numpy==2.2.6")
    found += resolved(make_plan, address, "not-there-at-all")
    assert [one.severity for one in found] == ["blocker", "warning"]
    kept = "".join(path.read_text() for path in Path(resolution.cache.folder("resolved")).glob("*.json"))
    assert kept and "hush-hush" not in kept + repr(found)


def test_requirements_files_are_resolved_too(make_plan: MakePlan, index: str, tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("needs-old-numpy==1.0 --hash=sha256:00\n# nothing\n")
    (found,) = resolved(make_plan, index, "-r more.txt", "numpy==2.2.6")
    assert found.severity == "blocker" and "needs-old-numpy==1.0" in found.message
