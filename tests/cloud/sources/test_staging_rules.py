"""Models of other sources: which files are staged, what is kept, and what a refusal means."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import namedtuple
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.sources import blob_source, mlflow_source, staging
from tui.cloud.sources.source_listing import Item, Listing


class Source:
    """A source with files in memory."""

    def __init__(self, **files: bytes) -> None:
        self.files = {name.replace("__", "/").replace("_", "."): content for name, content in files.items()}
        self.fetched: list[str] = []

    def listing(self, marked: bool = True) -> Listing:
        items = tuple(Item(name, len(content), "m" if marked else "") for name, content in self.files.items())
        return Listing("source", "leaf", items, self.fetch)

    def fetch(self, item: Item, target: Path, progress: Any) -> None:
        self.fetched.append(item.name)
        progress(1)
        target.write_bytes(self.files[item.name])
        progress(item.size + 100)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "staged"


def test_files_are_staged_counted_and_removed(cache: Path) -> None:
    source = Source(a_bin=b"12345", sub__b=b"1")
    told: list[tuple[int, int]] = []
    with staging.staged(source.listing(), lambda *counts: told.append(counts)) as root:
        assert root.name == "leaf" and (root / "a.bin").read_bytes() == b"12345" and (root / "sub" / "b").is_file()
        assert root.parent.stat().st_mode & 0o777 == 0o700
    assert told[-1] == (6, 6) and all(done <= 6 for done, _ in told) and list(cache.iterdir()) == []


def test_after_an_error_only_what_is_missing_is_fetched_again(cache: Path) -> None:
    source = Source(a=b"12345", b=b"1", c=b"")
    with pytest.raises(KeyError), staging.staged(source.listing()) as root:
        (root / "b").write_bytes(b"cut or grown")
        raise KeyError
    assert [folder.name for folder in cache.iterdir()] == [source.listing().content[:24]]
    source.fetched.clear()
    with staging.staged(source.listing()):
        assert source.fetched == ["b"]


def test_a_single_file_is_a_file() -> None:
    source = Source(**{"": b"123"})
    with staging.staged(source.listing()) as root:
        assert root.is_file() and root.read_bytes() == b"123"


def test_a_single_file_with_a_name_is_in_a_folder() -> None:
    with staging.staged(Source(only=b"1").listing()) as root:
        assert root.is_dir() and (root / "only").is_file()


def test_what_somebody_else_has_removed_is_no_error(cache: Path) -> None:
    with staging.staged(Source(a=b"1").listing()) as root:
        shutil.rmtree(root.parent)
    assert list(cache.iterdir()) == []


def test_a_cancel_ends_the_staging_and_keeps_the_files(cache: Path) -> None:
    with pytest.raises(Cancelled), staging.staged(Source(a=b"1").listing(), cancelled=lambda: True):
        raise AssertionError("not reached")
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize(("age", "kept"), [(-100, True), (100, False)])
def test_files_of_a_failed_run_are_kept_for_a_week(cache: Path, age: int, kept: bool) -> None:
    old = cache / "old"
    old.mkdir(parents=True)
    moment = time.time() - 7 * 24 * 3600 - age
    os.utime(old, (moment, moment))
    with staging.staged(Source(a=b"1").listing()):
        assert old.is_dir() is kept


@pytest.mark.parametrize(("more", "enough"), [(-1, False), (0, True), (1, True)])
def test_there_must_be_room_for_what_is_missing(monkeypatch: pytest.MonkeyPatch, more: int, enough: bool) -> None:
    usage = namedtuple("usage", "free")
    spare = 256 * 1024 * 1024
    monkeypatch.setattr(staging.shutil, "disk_usage", lambda path: usage(spare + 5 + more))
    if enough:
        with staging.staged(Source(a=b"12345").listing()):
            return
    with pytest.raises(CloudError) as caught, staging.staged(Source(a=b"12345").listing()):
        pass
    assert caught.value.code == "NoRoom"


@pytest.mark.parametrize(
    ("count", "words"), [(10**9 - 1, "1000 MB"), (10**9, "1.0 GB"), (10**6, "1 MB"), (1_500_000_000, "1.5 GB")]
)
def test_a_size_in_words(count: int, words: str) -> None:
    assert staging._size(count) == words


def test_where_nothing_can_be_staged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path / "file"))
    with pytest.raises(CloudError, match="cannot be staged"), staging.staged(Source(a=b"1").listing()):
        pass


def test_only_the_named_files_are_brought(tmp_path: Path) -> None:
    source = Source(MLmodel=b"x", other=b"y")
    assert staging.only(source.listing(), ("MLmodel", "missing"), tmp_path) == [tmp_path / "MLmodel"]
    assert source.fetched == ["MLmodel"]


@pytest.mark.parametrize(
    ("names", "code"), [((), "SourceEmpty"), (("../x",), None), (("/x",), None), (("a", "b/../../c"), None)]
)
@pytest.mark.parametrize("source", ["runs:/r/m", "models:/m/1", "https://a.blob.core.windows.net/c/p"])
def test_a_source_without_files_or_with_files_outside_is_refused(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], code: str | None, source: str
) -> None:
    listing = Listing(source, "leaf", tuple(Item(name, 1) for name in names), lambda *args: None)
    monkeypatch.setattr(mlflow_source, "listing", lambda source: listing)
    monkeypatch.setattr(blob_source, "listing", lambda cloud, source, credential: listing)
    with pytest.raises(CloudError) as caught:
        staging.listing(SimpleNamespace(), source)  # type: ignore[arg-type]
    assert caught.value.code == code and caught.value.status == (404 if code else None)


def test_a_change_of_any_file_is_another_content() -> None:
    first = Source(a=b"1", b=b"2").listing()
    assert first.content == Source(a=b"1", b=b"2").listing().content and len(first.content) == 64
    assert first.content != Source(a=b"1", b=b"22").listing().content
    unmarked = Source(a=b"1").listing(marked=False)
    elsewhere = Listing("other", "leaf", unmarked.items, unmarked.fetch)
    assert unmarked.content != elsewhere.content, "without marks, the address tells contents apart"
    assert first.content == Listing("other", "leaf", first.items, first.fetch).content and first.total == 2


class MlflowException(Exception):
    """As mlflow's."""


MlflowException.__module__ = "mlflow.exceptions"


@pytest.mark.parametrize(
    ("text", "code", "status", "known"),
    [
        ("RESOURCE_DOES_NOT_EXIST: no run", "RESOURCE_DOES_NOT_EXIST", 404, "no run"),
        ("Registered model alias x not found", None, 404, "Registered model alias x not found"),
        ("alias x", None, None, "alias x"),
        ("not found", None, None, "not found"),
        ("denied", "PERMISSION_DENIED", 403, "denied"),
        ("denied", "UNAUTHENTICATED", 403, "denied"),
        ("answered 403", None, 403, "answered 403"),
        ("answered 401", None, 403, "answered 401"),
        ("Max retries exceeded", None, None, "The MLflow server does not answer."),
        ("x timed out", None, None, "The MLflow server does not answer."),
        ("first\nsecond", None, None, "first"),
    ],
)
def test_what_an_mlflow_server_refuses(text: str, code: str | None, status: int | None, known: str) -> None:
    error = MlflowException(text)
    error.error_code = code  # type: ignore[attr-defined]
    found = mlflow_source.explained(error, "runs:/r/m")
    assert (found.status, found.code, found.cause) == (status, code or "MlflowRefused", known) and found.remedy
    assert mlflow_source.explained(found, "x") is found
    assert mlflow_source.explained(ConnectionError("x"), "y").cause == "The MLflow server does not answer."


class Artifacts:
    """mlflow.artifacts with a table of folders."""

    def __init__(self, folders: dict[str, list[tuple[str, int | None]]]) -> None:
        self.folders, self.error = folders, None

    def list_artifacts(self, artifact_uri: str) -> list[Any]:
        rows = self.folders[artifact_uri]
        return [SimpleNamespace(path=path, is_dir=size is None, file_size=size) for path, size in rows]

    def download_artifacts(self, artifact_uri: str, dst_path: str) -> str:
        if self.error is not None:
            raise self.error
        path = Path(dst_path) / "got"
        path.write_text(artifact_uri)
        return str(path)


@pytest.mark.parametrize(
    ("exact", "rows", "leaf"),
    [
        ("runs:/r/out/my model", [("out/my model/MLmodel", 3), ("out/my model/sub", None)], "my-model"),
        ("models:/m/1", [("MLmodel", 3), ("sub", None)], "model"),
    ],
)
def test_the_files_of_an_mlflow_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exact: str, rows: Any, leaf: str
) -> None:
    below = rows[1][0] + "/w.bin"
    artifacts = Artifacts({exact: rows, f"{exact}/sub": [(below, 5), (below + "2", 0)]})
    monkeypatch.setattr(mlflow_source, "_client", lambda source: artifacts)
    monkeypatch.setattr(mlflow_source, "_without_alias", lambda source: source)
    found = mlflow_source.listing(exact)
    assert [(item.name, item.size) for item in found.items] == [("MLmodel", 3), ("sub/w.bin", 5), ("sub/w.bin2", 0)]
    assert (found.leaf, found.exact) == (leaf, exact)
    found.fetch(found.items[0], tmp_path / "MLmodel", lambda done: None)
    assert (tmp_path / "MLmodel").read_text() == f"{exact}/MLmodel"
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["MLmodel"]
    for error, kind in ((OSError("full"), CloudError), (MlflowException("x"), CloudError), (Cancelled(), Cancelled)):
        artifacts.error = error  # type: ignore[assignment]
        with pytest.raises(kind):
            found.fetch(found.items[0], tmp_path / "MLmodel", lambda done: None)


@pytest.mark.parametrize(("most", "enough"), [(3, False), (4, True)])
def test_a_source_with_too_many_folders_is_refused(monkeypatch: pytest.MonkeyPatch, most: int, enough: bool) -> None:
    monkeypatch.setattr(mlflow_source, "_MOST_FOLDERS", most)
    artifacts = Artifacts({"models:/m/1": [("a", None)], "models:/m/1/a": [("b", None)], "models:/m/1/b": [("c", 1)]})
    if enough:
        assert len(mlflow_source._walk(artifacts, "models:/m/1", "")) == 1
        return
    with pytest.raises(CloudError, match="too many folders"):
        mlflow_source._walk(artifacts, "models:/m/1", "")


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The parts of mlflow that name a server and a version; without the package."""
    made: Any = ModuleType("mlflow")
    made.artifacts = ModuleType("mlflow.artifacts")
    made.set: list[str] = []
    made.set_tracking_uri = lambda uri: made.set.append(f"tracking {uri}")
    made.set_registry_uri = lambda uri: made.set.append(f"registry {uri}")
    made.get_tracking_uri = lambda: "tracked"
    made.versions = ["9", "10", "2"]
    made.MlflowClient = lambda: SimpleNamespace(
        get_model_version_by_alias=lambda name, alias: SimpleNamespace(version=f"7-{name}-{alias}"),
        search_model_versions=lambda asked: [SimpleNamespace(version=one) for one in made.versions],
    )
    monkeypatch.setitem(sys.modules, "mlflow", made)
    monkeypatch.setitem(sys.modules, "mlflow.artifacts", made.artifacts)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "DATABRICKS_HOST", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)
    for name in (*mlflow_source._PATIENCE, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))  # restored afterwards
    return made


@pytest.mark.parametrize(
    ("source", "exact"),
    [
        ("models:/m@champion", "models:/m/7-m-champion"),
        ("models:/m/latest", "models:/m/10"),
        ("models:/m/3/", "models:/m/3"),
        ("runs:/r/model/", "runs:/r/model"),
        ("models:/a/b@c/d", "models:/a/b@c/d"),
    ],
)
def test_an_alias_becomes_a_version(mlflow: Any, source: str, exact: str) -> None:
    assert mlflow_source._without_alias(source) == exact
    mlflow.versions = []
    assert mlflow_source._without_alias("models:/m/latest") == "models:/m/latest"


@pytest.mark.parametrize(
    ("env", "source", "done"),
    [
        ({"MLFLOW_TRACKING_URI": "x"}, "models:/m/1", ["registry tracked"]),
        ({"MLFLOW_TRACKING_URI": "x", "MLFLOW_REGISTRY_URI": "y"}, "models:/m/1", []),
        ({"DATABRICKS_HOST": "h"}, "models:/m/1", ["tracking databricks", "registry tracked"]),
        ({"DATABRICKS_RUNTIME_VERSION": "15"}, "models:/c.s.m/1", ["tracking databricks", "registry databricks-uc"]),
        ({"MLFLOW_TRACKING_URI": "x"}, "models:/c.s.m@a", ["registry databricks-uc"]),
        ({"MLFLOW_TRACKING_URI": "x"}, "models:/c.s/1", ["registry tracked"]),
        ({}, "models:/m/1", None),
    ],
)
def test_the_server_that_the_environment_names(
    mlflow: Any, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], source: str, done: list[str] | None
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    if done is None:
        with pytest.raises(CloudError) as caught:
            mlflow_source._client(source)
        assert caught.value.code == "MlflowServerUnknown"
        return
    assert mlflow_source._client(source) is mlflow.artifacts and mlflow.set == done


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch, mlflow: Any) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(CloudError) as caught:
        mlflow_source._client("runs:/r/m")
    assert caught.value.code == "PackageMissing"
