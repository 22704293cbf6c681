"""Models in Azure's storage and in DBFS: told apart, staged or registered in place, refused with a reason."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tui.cloud.errors import CloudError
from tui.cloud.session import connect
from tui.cloud.sources import blob_source, staging
from tui.cloud.sources.source_listing import Item, Listing
from tui.cloud.storage.datastore import default_datastore
from tui.plan import presets
from tui.plan.fields import sources
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.model import Plan, Test
from tui.plan.problems import PlanInvalid

WORKSPACE = {
    "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_RESOURCE_GROUP": "rg-ml",
    "AZURE_ML_WORKSPACE": "ws-churn",
}


def resolved(path: str) -> Plan:
    document = load("churn-xgboost")
    document.set("deployment.model.path", path, "test")
    return resolve(document, WORKSPACE)


@pytest.mark.smoke
@pytest.mark.parametrize(
    "source",
    [
        "runs:/0a4220411da74ae1a88d7154ab0f86aa/model",
        "models:/churn/3",
        "models:/main.ml.churn@champion",
        "abfss://models@account.dfs.core.windows.net/churn/model",
        "https://account.blob.core.windows.net/models/churn/model",
    ],
)
def test_what_lies_elsewhere_is_a_source(source: str) -> None:
    model = resolved(source).deployment.model
    assert (model.source, model.path, model.registered) == (source, None, None)


@pytest.mark.smoke
@pytest.mark.parametrize("reference", ["azureml:churn:3", "azureml:churn@latest"])
def test_a_registered_model_is_not_a_source(reference: str) -> None:
    model = resolved(reference).deployment.model
    assert (model.source, model.path, model.registered) == (None, None, reference)


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("s3://bucket/model", "Azure storage (abfss://"),
        ("models:/churn", "models:/NAME/VERSION"),
        ("runs:/abc", "runs:/RUN/PATH"),
        ("abfss://account.dfs.core.windows.net/x", "abfss://CONTAINER@ACCOUNT"),
        ("https://a.blob.core.windows.net/c/m?sv=2024&sig=abc", "a secret"),
        ("dbfs:/models/churn", "not mounted"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_way(path: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DBFS", Path("/no-such-mount"))
    with pytest.raises(PlanInvalid) as refused:
        resolved(path)
    (problem,) = refused.value.problems
    assert problem.key == "deployment.model.path"
    assert said in f"{problem.message} {problem.remedy}"


@pytest.mark.smoke
def test_dbfs_is_read_where_it_is_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DBFS", tmp_path)
    (tmp_path / "models" / "churn").mkdir(parents=True)
    assert resolved("dbfs:/models/churn").deployment.model.path == tmp_path / "models" / "churn"
    assert sources.mounted("dbfs:/Volumes/main/ml/churn") == "/Volumes/main/ml/churn"


@pytest.mark.parametrize(
    ("source", "account", "container", "path"),
    [
        ("abfss://m@acc.dfs.core.windows.net/a/b/", "https://acc.blob.core.windows.net", "m", "a/b"),
        ("https://acc.dfs.core.windows.net/m/a%20b", "https://acc.blob.core.windows.net", "m", "a b"),
        ("https://acc.blob.core.usgovcloudapi.net/m/a", "https://acc.blob.core.usgovcloudapi.net", "m", "a"),
        ("abfss://m@127.0.0.1:10000/acc/a", "https://127.0.0.1:10000/acc", "m", "a"),
    ],
)
def test_an_address_names_account_container_and_path(source: str, account: str, container: str, path: str) -> None:
    assert blob_source.parse(source) == blob_source.Place(account, container, path)


def test_other_addresses_are_not_asked_for_files() -> None:
    for source in ("https://example.com/a/b/c", "https://acc.blob.core.windows.net/only-container"):
        with pytest.raises(CloudError, match="is not an address of files"):
            blob_source.parse(source)


@pytest.fixture
def cloud(rehearsal: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A connection to the rehearsal's workspace, and a staging folder of its own."""
    for name, value in rehearsal["set"].items():
        monkeypatch.setenv(name, value)
    for name in rehearsal["unset"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path / "cache"))
    environ = {**WORKSPACE, **rehearsal["set"]}
    document = load("churn-xgboost")
    document.set("deployment.egress_public_network_access", None, "test")
    return connect(resolve(document, environ))


def put(cloud: Any, container: str, files: dict[str, bytes]) -> str:
    """Put files into a container of the rehearsal's storage; returns the account's URL."""
    from azure.core.exceptions import ResourceExistsError

    target = replace(default_datastore(cloud), credential=cloud.credential)
    target = replace(target, container=container or target.container)
    client = blob_source._container(cloud, blob_source.Place(target.account_url, target.container, ""))
    with contextlib.suppress(ResourceExistsError):
        client.create_container()
    for name, content in files.items():
        client.upload_blob(name, content, overwrite=True)
    return str(target.account_url)


FILES = {"models/churn/MLmodel": b"flavors: {}", "models/churn/data/weights.bin": bytes(range(256)) * 40_000}


def addresses(account: str, container: str, path: str) -> tuple[str, str]:
    """Both ways to write where files lie."""
    url = urlsplit(account)
    return f"{account}/{container}/{path}", f"abfss://{container}@{url.netloc}{url.path}/{path}"


def test_files_of_a_container_are_staged_and_removed(cloud: Any) -> None:
    account = put(cloud, "lake", {**FILES, "models/churn-2/other": b"x"})
    for source in addresses(account, "lake", "models/churn"):
        told: list[tuple[int, int]] = []
        found = staging.listing(cloud, source)
        assert found.in_place is None
        assert [item.name for item in found.items] == ["MLmodel", "data/weights.bin"]
        with staging.staged(found, lambda done, total, told=told: told.append((done, total))) as folder:  # type: ignore[misc]
            assert folder.name == "churn"
            assert (folder / "data" / "weights.bin").read_bytes() == FILES["models/churn/data/weights.bin"]
        assert told[-1] == (found.total, found.total)
        assert not folder.exists()
    single = staging.listing(cloud, f"{account}/lake/models/churn/MLmodel")
    with staging.staged(single) as file:
        assert file.name == "MLmodel" and file.read_bytes() == b"flavors: {}"


def test_a_broken_download_goes_on_within_the_file(cloud: Any) -> None:
    account = put(cloud, "lake", FILES)
    found = staging.listing(cloud, f"{account}/lake/models/churn")
    with pytest.raises(RuntimeError), staging.staged(found) as folder:
        raise RuntimeError("the upload failed")
    weights = next(item for item in found.items if item.name == "data/weights.bin")
    whole = folder / "data" / "weights.bin"
    part = whole.with_name(f".{whole.name}.{weights.mark}.part")
    part.write_bytes(b"\0" * (weights.size - 1000))  # told apart from what the storage holds
    whole.unlink()
    with staging.staged(found) as folder:
        content = (folder / "data" / "weights.bin").read_bytes()
    assert content[: weights.size - 1000] == b"\0" * (weights.size - 1000)
    assert content[-1000:] == FILES["models/churn/data/weights.bin"][-1000:]


def test_another_content_is_another_version(cloud: Any) -> None:
    account = put(cloud, "lake", FILES)
    source = f"{account}/lake/models/churn"
    before = staging.listing(cloud, source)
    assert staging.listing(cloud, source).content == before.content
    put(cloud, "lake", {"models/churn/MLmodel": b"flavors: []"})
    assert staging.listing(cloud, source).content != before.content


def test_files_of_the_workspaces_own_datastore_are_registered_where_they_lie(cloud: Any) -> None:
    store = default_datastore(cloud)
    account = put(cloud, "", {"own/churn/model.txt": b"content"})
    found = staging.listing(cloud, f"{account}/{store.container}/own/churn")
    assert found.in_place == "azureml://datastores/workspaceblobstore/paths/own/churn"
    model = cloud.plan.deployment.model
    made = staging.register_in_place(cloud, model, found, {"by": "test"})
    from tui.cloud.assets import models

    again = models.find(cloud, model, found.content)
    assert again is not None and again.version == made.version
    assert again.path.endswith("/paths/own/churn")


def test_nothing_there_is_told(cloud: Any) -> None:
    account = put(cloud, "lake", FILES)
    with pytest.raises(CloudError, match="No files were found at"):
        staging.listing(cloud, f"{account}/lake/no/such/folder")
    with pytest.raises(CloudError) as refused:
        staging.listing(cloud, f"{account}/no-such-container/x")
    assert refused.value.status == 404


def test_the_small_files_of_a_source_say_what_the_model_is(cloud: Any) -> None:
    """What the Model step shows of a model in storage: flavour, files, size, signature, sample, environment."""
    from tui.app.steps.model import model_facts
    from tui.checks.model import source_model

    folder = presets.folder() / "churn-xgboost" / "model"
    files = {f"gold/churn/{file.name}": file.read_bytes() for file in folder.iterdir()}
    account = put(cloud, "lake", {**files, "gold/churn/data/weights.bin": bytes(2_000_000)})
    (_, source) = addresses(account, "lake", "gold/churn")
    plan = resolved(source)
    found = source_model.inspect(plan, lambda: cloud.for_plan(plan))
    assert (found["exists"], found["complete"], found["flavour"]) == (True, True, "xgboost")
    assert (found["files"], found["bytes"]) == (len(files) + 1, sum(map(len, files.values())) + 2_000_000)
    assert len(found["signature"]) == 12 and found["sample_source"] == "plan"
    assert found["source"] == {"exact": source, "in_place": False, "problem": ""}
    assert found["score"]["has_run"] and found["conda"]["has_server"]
    assert not [one for one in found["findings"] if one["severity"] == "blocker"], found["findings"]
    assert "aml-deploy-look-" not in str(found)
    lines = {fact.name: fact.text for fact in model_facts.about(found)}
    assert lines["Model"].startswith("xgboost, 7 files, ") and "12 columns: Idade" in lines["Signature"]
    assert lines["Source"] == f"{source}: downloaded to this machine, then uploaded"

    plan = replace(plan, test=Test())
    assert source_model.inspect(plan, lambda: cloud.for_plan(plan))["sample_source"] == "example"


def test_a_source_that_cannot_be_looked_into_says_why(cloud: Any) -> None:
    from tui.app.steps.model import model_facts
    from tui.checks.model import source_model

    account = put(cloud, "lake", FILES)
    plan = resolved(f"{account}/lake/no/such/folder")
    found = source_model.inspect(plan, lambda: cloud.for_plan(plan))
    assert not found["exists"] and found["score"]["has_run"]
    (line,) = [fact.text for fact in model_facts.about(found) if fact.name == "Model"]
    assert line.startswith("No files were found at") and "Check the path" in line


def test_two_runs_of_one_source_do_not_share_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path))
    monkeypatch.setattr(staging, "_SPARE", 0)

    def fetch(item: Item, target: Path, progress: Any) -> None:
        target.write_text("x")

    found = Listing("runs:/r/m", "m", (Item("a", 1),), fetch)
    with staging.staged(found) as first:
        with staging.staged(found) as second:
            assert second != first and (second / "a").is_file()
        assert (first / "a").is_file() and not second.exists()
    assert not first.exists()


def test_a_folder_that_its_run_removes_meanwhile_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening the folder and locking it, the run that had the lock may end."""
    lock, removed = staging.fcntl.flock, []

    def late(descriptor: int, how: int) -> None:
        if not removed:
            removed.append((tmp_path / "m").rmdir())
        lock(descriptor, how)

    monkeypatch.setattr(staging.fcntl, "flock", late)
    folder, descriptor = staging._own_folder(tmp_path, "m")
    assert os.path.samestat(folder.stat(), os.fstat(descriptor))
    os.close(descriptor)
