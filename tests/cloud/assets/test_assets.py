"""Models, code and environments through the unmodified client, over HTTPS, into the rehearsal."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.sdk_code import registered_by_the_sdk
from tui.cloud.assets import code, environments, models
from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.session import Cloud, connect
from tui.cloud.storage.datastore import default_datastore
from tui.plan.model import BuildContext, Environment, Model, Plan, Workspace

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260514.v1"


@pytest.fixture
def cloud(rehearsed: dict[str, Any]) -> Cloud:
    return connect(Plan(workspace=Workspace(**rehearsed["workspaces"]["managed"])))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    (made / "deep" / "er").mkdir(parents=True)
    (made / "large.bin").write_bytes(uuid.uuid4().bytes * (600 * 1024))  # 9.4 MB: several blocks
    (made / "empty").write_bytes(b"")
    for number in range(30):
        (made / "deep" / "er" / f"part {number} é.txt").write_text(str(number) * 100)
    (made / ".amlignore").write_text("*.log\n")
    (made / "noise.log").write_text("not for upload")
    return made


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def blobs_below(cloud: Cloud, prefix: str, what: str = "size") -> dict[str, Any]:
    from azure.storage.blob import ContainerClient

    target = default_datastore(cloud)
    client = ContainerClient(target.account_url, target.container, credential=target.credential)
    found = client.list_blobs(name_starts_with=prefix + "/")
    return {blob.name[len(prefix) + 1 :]: getattr(blob, what) for blob in found}


def test_a_folder_is_uploaded_registered_and_found_again(cloud: Cloud, folder: Path) -> None:
    wanted = Model(name=unique("m"), type="custom_model", tags={"mine": "1"}, description="d")
    content = models.content_hash(folder)
    assert models.find(cloud, wanted, content) is None
    seen: list[tuple[int, int]] = []
    made = models.register(
        cloud, wanted, folder, content, lambda done, total: seen.append((done, total)), tags={"run": "r"}
    )
    assert (made.name, made.version, made.type, made.reused) == (wanted.name, "1", "custom_model", False)
    assert made.id.endswith(f"/models/{wanted.name}/versions/1")

    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    del sizes["noise.log"]
    total = sum(sizes.values())
    prefix = made.path.partition("/paths/")[2]
    assert prefix.endswith("/model")
    assert blobs_below(cloud, prefix) == sizes
    assert seen[0] == (0, total) and seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    again = models.register(cloud, wanted, folder, content)
    assert again.reused and again.version == "1"
    assert again.tags["mine"] == "1" and again.tags["run"] == "r"
    assert models.find(cloud, replace(wanted, type="mlflow_model"), content) is None
    assert models.resolve(cloud, f"azureml:{wanted.name}:1").id == made.id
    assert models.resolve(cloud, f"azureml:{wanted.name}@latest").id == made.id

    (folder / "empty").write_bytes(b"changed")
    second = models.register(cloud, wanted, folder, models.content_hash(folder))
    assert second.version == "2"
    assert models.resolve(cloud, f"azureml:{wanted.name}@latest").version == "2"


def test_a_single_file_is_a_model_too(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text(uuid.uuid4().hex)
    made = models.register(cloud, Model(name=unique("m")), file, models.content_hash(file))
    assert made.path.endswith("/model.json")
    assert blobs_below(cloud, made.path.partition("/paths/")[2].rpartition("/")[0]) == {"model.json": 32}


def test_what_is_there_is_not_sent_again(cloud: Cloud, folder: Path) -> None:
    content = models.content_hash(folder)
    place = models.register(cloud, Model(name=unique("m")), folder, content).path.partition("/paths/")[2]
    before = blobs_below(cloud, place, "etag")
    other = models.register(cloud, Model(name=unique("m")), folder, content)
    assert not other.reused and other.path.endswith(place)
    assert before and blobs_below(cloud, place, "etag") == before


def test_an_upload_can_be_cancelled(cloud: Cloud, folder: Path) -> None:
    wanted = Model(name=unique("m"))
    content = models.content_hash(folder)
    stop = threading.Event()

    def progress(done: int, total: int) -> None:
        stop.set()

    with pytest.raises(Cancelled):
        models.register(cloud, wanted, folder, content, progress, stop.is_set)
    assert models.find(cloud, wanted, content) is None
    assert models.register(cloud, wanted, folder, content).version == "1"


def test_a_version_that_has_other_content_is_not_overwritten(cloud: Cloud, folder: Path) -> None:
    wanted = Model(name=unique("m"), version="7")
    made = models.register(cloud, wanted, folder, models.content_hash(folder))
    assert made.version == "7"
    assert models.register(cloud, wanted, folder, models.content_hash(folder)).reused
    (folder / "empty").write_bytes(b"changed")
    with pytest.raises(CloudError, match=r"Version 7 of .* is already registered"):
        models.register(cloud, wanted, folder, models.content_hash(folder))


def test_an_unknown_model_is_told(cloud: Cloud) -> None:
    with pytest.raises(CloudError, match="not registered"):
        models.resolve(cloud, "azureml:no-such-model:3")
    with pytest.raises(CloudError, match="not registered"):
        models.resolve(cloud, "azureml:no-such-model@latest")


def test_code_is_found_again_by_its_content_also_by_the_sdk(cloud: Cloud, tmp_path: Path) -> None:
    folder = tmp_path / "onlinescoring"
    folder.mkdir()
    (folder / "score.py").write_text(f"# {uuid.uuid4()}\ndef init(): ...\ndef run(data): ...\n")
    (folder / "Helper.py").write_text("x = 1\n")
    assert code.find(cloud, folder) is None
    seen: list[tuple[int, int]] = []
    made = code.register(cloud, folder, lambda done, total: seen.append((done, total)))
    assert not made.reused
    assert seen[-1][0] == seen[-1][1] > 0
    assert code.register(cloud, folder) == code.CodeVersion(made.id, reused=True)

    from azure.ai.ml import MLClient

    where = cloud.plan.workspace
    client = MLClient(cloud.credential, where.subscription_id, where.resource_group, where.name)
    assert registered_by_the_sdk(client, folder) == made.id


def test_an_environment_is_made_once_for_its_content(cloud: Cloud, tmp_path: Path) -> None:
    conda = tmp_path / "conda.yml"
    conda.write_text("name: a\ndependencies:\n  - python=3.10\n  - pip:\n    - pandas==2.2.3\n")
    wanted = Environment(name=unique("env"), conda_file=conda, image=IMAGE)
    assert environments.find(cloud, wanted) is None
    first = environments.register(cloud, wanted)
    assert (first.version, first.reused) == ("1", False)
    conda.write_text("# a comment\nname: a\ndependencies: [python=3.10, {pip: [pandas==2.2.3]}]\n")
    assert environments.register(cloud, wanted).reused
    conda.write_text("name: a\ndependencies: [python=3.11]\n")
    assert environments.register(cloud, wanted).version == "2"
    assert environments.register(cloud, replace(wanted, image=IMAGE + "x")).version == "3"
    assert environments.resolve(cloud, f"azureml:{wanted.name}:1").id == first.id
    with pytest.raises(CloudError, match="not registered"):
        environments.resolve(cloud, f"azureml:{wanted.name}:9")


def test_a_conda_file_that_is_not_yaml_is_told(cloud: Cloud, tmp_path: Path) -> None:
    conda = tmp_path / "conda.yml"
    conda.write_text("name: [a\n")
    with pytest.raises(CloudError, match=r"conda\.yml cannot be read"):
        environments.register(cloud, Environment(name=unique("env"), conda_file=conda, image=IMAGE))


def test_files_rewritten_during_the_upload_are_not_registered(cloud: Cloud, folder: Path) -> None:
    """A file of the same size, changed after it was hashed: what is registered under a hash has that content."""
    victim = next(path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size)
    right = victim.read_bytes()
    content = models.content_hash(folder)
    wanted = Model(name=unique("m"))
    victim.write_bytes(bytes(len(right)))
    with pytest.raises(CloudError, match="changed while it was uploaded"):
        models.register(cloud, wanted, folder, content)
    assert models.find(cloud, wanted, content) is None
    victim.write_bytes(right)
    made = models.register(cloud, wanted, folder, content)
    from azure.storage.blob import ContainerClient

    target = default_datastore(cloud)
    client = ContainerClient(target.account_url, target.container, credential=target.credential)
    name = f"{made.path.partition('/paths/')[2].rstrip('/')}/{victim.relative_to(folder).as_posix()}"
    assert client.download_blob(name).readall() == right, "not the bytes that the first attempt left in the storage"


def test_code_rewritten_during_the_upload_is_not_registered(cloud: Cloud, folder: Path) -> None:
    victim = next(path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size)
    victim.write_bytes(b"a" * 9)
    written: list[int] = []

    def rewrite(done: int, total: int) -> None:
        if not written:  # after the hash, before the first file is read
            written.append(victim.write_bytes(b"b" * 9))

    with pytest.raises(CloudError, match="changed while it was uploaded"):
        code.register(cloud, folder, rewrite)
    assert code.find(cloud, folder) is None


def test_a_large_model_rewritten_during_the_upload_is_not_registered(
    cloud: Cloud, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is hashed as it is sent: what was sent before and after the change can be part old, part new."""
    monkeypatch.setattr(models, "_WORTH_OVERLAPPING", 1)
    wanted, victim = Model(name=unique("m")), folder / "deep" / "er" / "part 1 é.txt"

    def rewrite(done: int, total: int) -> None:
        if done == total:
            victim.write_bytes(bytes(victim.stat().st_size))

    with pytest.raises(CloudError, match="changed while it was uploaded"):
        models.bring(cloud, wanted, folder, rewrite)
    assert models.find(cloud, wanted, models.content_hash(folder)) is None


def test_a_build_context_rewritten_during_the_upload_is_not_registered(cloud: Cloud, folder: Path) -> None:
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\n")
    wanted = Environment(name=unique("env"), build=BuildContext(folder))
    written: list[int] = []

    def rewrite(done: int, total: int) -> None:
        if not written:  # after the hash, before the first file is read
            written.append((folder / "Dockerfile").write_text(f"FROM {IMAGE[::-1]}\n"))

    with pytest.raises(CloudError, match="changed while it was uploaded"):
        environments.register(cloud, wanted, progress=rewrite)
    assert environments.find(cloud, wanted) is None
