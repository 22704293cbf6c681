"""Models from elsewhere: which URIs are accepted, and where a secret may stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.plan.fields import sources

MODEL = "deployment.model.path"
BLOB = "https://a.blob.core.windows.net/c/m"


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("runs:/r/model", False),
        ("runs:/r", True),
        ("models:/m/3", False),
        ("models:/m@champion", False),
        ("models:/m", True),
        ("models:/m/3@x", True),
        ("abfss://c@a.dfs.core.windows.net/m", False),
        ("abfss://c@a.dfs.core.windows.net", True),
        ("abfss://a.dfs.core.windows.net/m", True),
        (BLOB, False),
        (f"{BLOB}?x=sig=1", False),
        (f"{BLOB}?sv=1&sig=abc", True),
        (f"{BLOB}?sig=abc", True),
        ("https://a.blob.core.windows.net/c", True),
        ("s3://bucket/m", True),
        ("dbfs:/m", True),
        ("http://a/c/m", True),
    ],
)
def test_the_uri_of_a_model(value: str, wrong: bool) -> None:
    assert (sources.wrong_source(MODEL, value) is not None) == wrong


def test_only_the_model_comes_from_elsewhere() -> None:
    assert sources.wrong_source("test.request", BLOB) is not None
    assert "mounted" in (sources.wrong_source("test.request", "dbfs:/m") or ("",))[0]


def test_a_signature_is_called_a_secret_in_every_address() -> None:
    assert "SAS" in (sources.wrong_source(MODEL, f"{BLOB}?sig=abc") or ("",))[0]
    assert "SAS" in (sources.wrong_source(MODEL, "runs:/r/m?sig=abc") or ("",))[0]
    assert sources.wrong_source(MODEL, "runs:/r/m-sig=abc") is None


def test_dbfs_is_read_where_a_cluster_mounts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DBFS", tmp_path)
    assert sources.mounted("dbfs:/m/x") == f"{tmp_path}/m/x" == sources.mounted("dbfs:///m/x")
    assert sources.mounted("dbfs:/Volumes/c/s") == "/Volumes/c/s"
    assert sources.mounted("/local") == "/local"
    monkeypatch.setattr(sources, "DBFS", tmp_path / "none")
    assert sources.mounted("dbfs:/m") == "dbfs:/m"


@pytest.mark.parametrize(
    ("key", "may"),
    [("credential.client_secret", True), ("workspace.name", True), ("deployment.environment_variables", True),
     ("endpoint.name", False), ("deployment.name", False)],
)  # fmt: skip
def test_where_a_secret_may_be_referred_to(key: str, may: bool) -> None:
    assert sources.may_be_secret(key) == may


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/dbfs/m", "DBFS is not mounted"), ("/Volumes/a/b/m", "/Volumes is Databricks' own"),
        ("/Workspace/Users/m", "/Workspace is Databricks' own"), ("/Volumesx/m", ""), ("/home/me/dbfs/m", ""),
    ],
)  # fmt: skip
def test_a_path_of_databricks_elsewhere(path: str, words: str) -> None:
    said = sources.not_here(path)
    assert (said is not None) == bool(words)
    assert said is None or (words in said[0] and said[1])
