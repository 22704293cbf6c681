"""Questions that write files: nothing is overwritten unasked, and what cannot be written is said."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui.checks.scoring import write_scoring_files
from tui.checks.scoring.write_scoring_files import NotMlflow, ScoringFiles
from tui.cloud.endpoints.keys import EndpointCredential, fingerprint
from tui.cloud.errors import CloudError
from tui.export.targets import TARGETS
from tui.helper.questions import export, removal_and_keys, scoring

FILES = {"onlinescoring/score.py": "score", "conda.yml": "conda"}
SAMPLE = {"sample-request.json": "{}"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models that scoring files are made for; the files are always the same."""
    read: list[Any] = []
    monkeypatch.setattr("tui.checks.model.model_folder.read", lambda path: path)

    def make(model: Path) -> ScoringFiles:
        read.append(model)
        return ScoringFiles({**FILES, **SAMPLE}, ("azureml-inference-server-http",), ("note",))

    monkeypatch.setattr(write_scoring_files, "make", make)
    return read


def plan(**model: str) -> dict[str, Any]:
    return {"document": {"deployment": {"model": model}}, "base": "/"}


def test_the_files_are_written_and_the_plans_keys_name_them(tmp_path: Path, made: list[Any]) -> None:
    answer = scoring.make_scoring(plan(path="/models/churn"), str(tmp_path / "new"))
    assert [str(path) for path in made] == ["/models/churn"]
    assert (tmp_path / "new" / "onlinescoring" / "score.py").read_text() == "score"
    assert answer["files"] == [str(tmp_path / "new" / name) for name in {**FILES, **SAMPLE}]
    assert answer["set"]["deployment.code_configuration.code"] == str(tmp_path / "new" / "onlinescoring")
    assert answer["set"]["test.request"] == str(tmp_path / "new" / "sample-request.json")
    assert (answer["added"], answer["notes"]) == (("azureml-inference-server-http",), ("note",))


def test_without_a_sample_the_plan_keeps_its_request(
    tmp_path: Path, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_scoring_files, "make", lambda model: ScoringFiles(FILES, (), ()))
    assert "test.request" not in scoring.make_scoring(plan(path="/m"), str(tmp_path))["set"]


def test_files_that_are_there_are_replaced_only_if_asked(tmp_path: Path, made: list[Any]) -> None:
    (tmp_path / "conda.yml").write_text("mine")
    with pytest.raises(CloudError, match=r"already has conda\.yml") as caught:
        scoring.make_scoring(plan(path="/m"), str(tmp_path))
    assert caught.value.code == "FilesExist"
    assert [path.name for path in tmp_path.iterdir()] == ["conda.yml"], "nothing was written"
    scoring.make_scoring(plan(path="/m"), str(tmp_path), replace=True)
    assert (tmp_path / "conda.yml").read_text() == "conda"
    scoring.make_scoring(plan(path="/m"), str(tmp_path), replace=True)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, made: list[Any]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CloudError, match="cannot be written"):
        scoring.make_scoring(plan(path="/m"), str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("source", "connected"),
    [("runs:/1/model", False), ("models:/churn/1", False), ("https://a.blob.core.windows.net/c/m", True)],
)
def test_of_a_model_elsewhere_only_the_small_files_are_read(
    source: str, connected: bool, tmp_path: Path, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's sources need no connection to Azure."""
    monkeypatch.setattr("tui.helper.sessions.cloud_of", lambda plan: "connection")
    monkeypatch.setattr("tui.cloud.sources.staging.listing", lambda cloud, source: (cloud, source))
    brought: list[Any] = []
    monkeypatch.setattr("tui.cloud.sources.staging.only", lambda found, names, into: brought.append((found, names)))
    scoring.make_scoring(plan(path=source), str(tmp_path))
    assert brought == [(("connection" if connected else None, source), write_scoring_files.SMALL_FILES)]
    assert not made[0].exists(), "the copies are removed"


@pytest.mark.parametrize("model", [{}, {"path": "azureml:churn:1"}])
def test_without_files_there_is_nothing_to_write_a_script_for(
    model: dict[str, str], tmp_path: Path, made: list[Any]
) -> None:
    with pytest.raises(CloudError) as caught:
        scoring.make_scoring(plan(**model), str(tmp_path))
    assert (caught.value.code, made) == ("NotMlflow", [])


def test_what_mlflow_did_not_save_is_refused(tmp_path: Path, made: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def make(model: Any) -> ScoringFiles:
        raise NotMlflow("no MLmodel file")

    monkeypatch.setattr(write_scoring_files, "make", make)
    with pytest.raises(CloudError, match="no MLmodel file") as caught:
        scoring.make_scoring(plan(path="/m"), str(tmp_path))
    assert caught.value.code == "NotMlflow"


# Exports

EXPORTED = {
    "document": {
        "workspace": {
            "subscription_id": "11111111-1111-4111-8111-111111111111",
            "resource_group": "rg",
            "name": "my-ws",
        },
        "endpoint": {"name": "churn-endpoint-01"},
        "deployment": {
            "name": "blue",
            "model": {"path": "azureml:churn:1"},
            "environment": {"registered": "azureml:env:1"},
            "instance_type": "Standard_DS3_v2",
            "instance_count": 1,
        },
        "traffic": {"blue": 100},
    }
}


def test_without_a_target_the_targets_are_listed() -> None:
    named = [one["name"] for one in export.export(EXPORTED)["targets"]]
    assert named == [one.name for one in TARGETS]


def test_an_export_goes_to_a_folder_named_after_its_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = export.export({**EXPORTED, "base": str(tmp_path)}, "docs")
    assert answer["folder"] == "docs"
    assert [Path(path).parent for path in answer["files"]] == [Path("docs")]
    (written,) = answer["files"]
    Path(written).write_text("mine")
    with pytest.raises(CloudError) as caught:
        export.export({**EXPORTED, "base": str(tmp_path)}, "docs")
    assert (caught.value.code, Path(written).read_text()) == ("FilesExist", "mine")
    export.export({**EXPORTED, "base": str(tmp_path)}, "docs", replace=True)
    assert "churn-endpoint-01" in Path(written).read_text()


def test_an_export_goes_to_the_named_folder(tmp_path: Path) -> None:
    answer = export.export(EXPORTED, "docs", str(tmp_path / "here"))
    assert answer["folder"] == str(tmp_path / "here")
    assert all(Path(path).is_file() for path in answer["files"])
    (tmp_path / "file").write_text("")
    with pytest.raises(CloudError, match="cannot be written"):
        export.export(EXPORTED, "docs", str(tmp_path / "file"), replace=True)


def test_an_empty_plan_and_an_unknown_target_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match="cannot be exported"):
        export.export({}, "python", str(tmp_path))
    with pytest.raises(CloudError, match="cannot be exported"):
        export.export(EXPORTED, "fortran", str(tmp_path))


# Keys


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The keys of the plan's endpoint; regenerating one gives what `next` holds."""
    there = {"primary": "k1", "secondary": "k2", "next": "k3"}
    cloud = SimpleNamespace(plan=SimpleNamespace(endpoint=SimpleNamespace(name="churn")))
    monkeypatch.setattr("tui.helper.sessions.cloud_of", lambda plan: cloud)

    def existing(cloud: Any, name: str, deployments: bool = True) -> Any:
        assert not deployments, "its deployments are not needed and cost a request"
        return SimpleNamespace(name=name)

    monkeypatch.setattr("tui.cloud.endpoints.endpoints.existing", existing)
    monkeypatch.setattr(
        "tui.cloud.endpoints.keys.both",
        lambda cloud, endpoint: {which: EndpointCredential(there[which], "key") for which in ("primary", "secondary")},
    )

    def regenerate(cloud: Any, endpoint: str, which: str) -> Any:
        assert endpoint == "churn"
        there[which] = there["next"]
        return SimpleNamespace(result=lambda: None)

    monkeypatch.setattr("tui.cloud.endpoints.keys.begin_regenerate", regenerate)
    return there


def mark(key: str) -> str:
    return fingerprint(EndpointCredential(key, "key"))


def test_keys_are_told_by_their_fingerprints(keys: dict[str, str]) -> None:
    shown = {"endpoint": "churn", "keys": {"primary": mark("k1"), "secondary": mark("k2")}}
    assert removal_and_keys.keys({}) == shown


@pytest.mark.parametrize("new", ["a", "b", "c", "d"])
def test_a_regenerated_key_is_told_with_the_one_before(new: str, keys: dict[str, str]) -> None:
    keys["next"] = new
    answer = removal_and_keys.regenerate_key({}, "secondary")
    assert (answer["before"]["secondary"], answer["keys"]["secondary"]) == (mark("k2"), mark(new))
    assert answer["keys"]["primary"] == mark("k1")


def test_a_key_that_stays_the_same_is_an_error(keys: dict[str, str]) -> None:
    keys["next"] = "k1"
    with pytest.raises(CloudError, match="primary key was not replaced"):
        removal_and_keys.regenerate_key({}, "primary")


def test_a_key_is_written_to_a_new_file_that_only_its_owner_reads(tmp_path: Path, keys: dict[str, str]) -> None:
    answer = removal_and_keys.put_key({}, "secondary", str(tmp_path / "key"))
    assert (tmp_path / "key").read_text() == "k2"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert (answer["path"], answer["fingerprint"]) == (str(tmp_path / "key"), mark("k2"))
    with pytest.raises(CloudError) as caught:
        removal_and_keys.put_key({}, "primary", str(tmp_path / "key"))
    assert (caught.value.code, (tmp_path / "key").read_text()) == ("NotWritten", "k2")


def test_a_removal_removes_failed_deployments_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.helper.sessions.cloud_of", lambda plan: "cloud")
    monkeypatch.setattr("tui.cloud.endpoints.remove.inventory", lambda cloud, deployment, failed: (deployment, failed))
    monkeypatch.setattr("tui.cloud.endpoints.remove.remove", lambda cloud, deployment, *, failed: (deployment, failed))
    for question in (removal_and_keys.inventory, removal_and_keys.remove):
        assert question({}) == (None, False)
        assert question({}, "blue", True) == ("blue", True)
