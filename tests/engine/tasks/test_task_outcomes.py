"""What the tasks of a run decide from Azure's state: create, change, skip, and which result they leave."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Clock, Notes, a_run, a_task
from tui.cloud.assets.models import ModelVersion
from tui.cloud.errors import Cancelled, CloudError
from tui.engine.resume_state import Begun, Shift
from tui.engine.task_context import RUN_TAG, Outcome, Run, Stopped
from tui.engine.tasks import code, environment, model, model_version, sign_in, traffic, uploads, workspace
from tui.plan.model import CodeConfiguration, Credential, Deployment, Environment, Limits, Model, Plan


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return a_run(tmp_path)


def notes(run: Run) -> Notes:
    return run.journal


def started(run: Run) -> tuple[str, str]:
    (event,) = notes(run).of("task_started")
    return event["action"], event["detail"]


def with_deployment(folder: Path, **parts: Any) -> Run:
    return a_run(folder, replace(PLAN, deployment=Deployment(name="green", **parts)))


# Traffic


class Splits:
    """An endpoint's split, and what it is set to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now: dict[str, int] | None, mirrored: dict[str, int]) -> None:
        self.set: list[Any] = []
        there = None if now is None else SimpleNamespace(
            traffic=now, mirror_traffic=mirrored, provisioning_state="Succeeded"
        )  # fmt: skip
        monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", lambda cloud, name: there)
        monkeypatch.setattr("tui.cloud.endpoints.traffic.begin_set", lambda cloud, name, *given: self.begin(given))

    def begin(self, given: Any) -> Any:
        self.set.append(given)
        return SimpleNamespace(started={}, wait=lambda seconds: True, result=lambda: None, what="", state="")


@pytest.mark.parametrize(
    ("now", "mirrored", "planned", "set_"),
    [
        ({"green": 100}, {}, {}, None),
        ({"green": 100, "blue": 0}, {"blue": 0}, {}, None),
        ({"blue": 100}, {}, {}, ({"green": 100}, {"blue": 100}, {})),
        (None, {}, {}, ({"green": 100}, {}, {})),
        ({"green": 100}, {"red": 10}, {}, None),  # mirrored traffic that the plan does not name is kept
        ({"blue": 100}, {"red": 10}, {}, ({"green": 100}, {"blue": 100}, {"red": 10})),
        ({"blue": 100}, {"green": 10}, {}, ({"green": 100}, {"blue": 100}, {})),  # no deployment can have both
        ({"green": 100}, {}, {"red": 20}, ({"green": 100}, {"green": 100}, {"red": 20})),
        ({"green": 100}, {"red": 20}, {"red": 20}, None),
        ({"green": 100}, {"red": 10}, {"red": 20}, ({"green": 100}, {"green": 100}, {"red": 20})),
    ],
)
def test_the_split_is_set_if_it_differs(
    now: dict[str, int] | None, mirrored: dict[str, int], planned: dict[str, int], set_: Any,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    splits = Splits(monkeypatch, now, mirrored)
    run = a_run(tmp_path, replace(PLAN, mirror_traffic=planned))
    done = traffic.work(a_task(run, "traffic"))
    assert splits.set == ([set_] if set_ else [])
    assert (done.skipped, done.result) == (set_ is None, {"traffic": {"green": 100}})
    assert started(run)[0] == ("change" if set_ else "skip")
    assert ("mirrored: red 20 %" in done.detail) is bool(planned)


def test_a_split_that_an_earlier_engine_set_is_no_skip(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Splits(monkeypatch, {"green": 100}, {})
    ended = SimpleNamespace(started={}, wait=lambda seconds: True, result=lambda: None)
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.follow", lambda cloud, name, begun: ended)
    run.begun["traffic"] = Begun("change", f"{run.cloud.workspace_id}/onlineEndpoints/churn", {"Location": "https://o"})
    assert not traffic.work(a_task(run, "traffic")).skipped


@pytest.mark.parametrize(
    ("shift", "before"),
    [(None, {"blue": 100}), (Shift({"red": 100}, {"blue": 100}), {"red": 100})],
)
def test_the_split_from_before_the_run_is_kept(
    shift: Shift | None, before: dict[str, int], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = Splits(monkeypatch, None, {})
    run.shift = shift
    traffic.change(a_task(run), {"blue": 100}, {"green": 100}, "why", mirrored={}, step=1)
    assert splits.set == [({"green": 100}, before, {})]
    (event,) = notes(run).of("traffic_shift")
    assert (event["before"], event["after"], event["back"], event["step"]) == (before, {"green": 100}, False, 1)
    assert run.shift == Shift(before, {"green": 100}, False, "why", applied=True)


def test_going_back_is_not_stopped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = Splits(monkeypatch, None, {})
    run.stop.set()
    with pytest.raises(Stopped):
        traffic.change(a_task(run), {}, {"blue": 100}, "why", mirrored={})
    traffic.change(a_task(run), {}, {"blue": 100}, "why", mirrored={}, back=True)
    assert len(splits.set) == 1
    assert run.shift is not None and run.shift.back


# Assets


def asset(reused: bool = False, **more: Any) -> Any:
    return SimpleNamespace(id="/c/1", reused=reused, name="env", version="3", **more)


@pytest.mark.parametrize(
    ("there", "registered", "action", "skipped"),
    [(asset(True), None, "skip", True), (None, asset(False), "create", False), (None, asset(True), "create", True)],
)
def test_code_and_environment_are_registered_unless_they_are_there(
    there: Any, registered: Any, action: str, skipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {"code_configuration": CodeConfiguration(tmp_path / "src"), "environment": Environment("env", image="i")}
    made: list[str] = []
    for kind, work in (("code", code.work), ("environments", environment.work)):
        run = with_deployment(tmp_path, **parts)
        made.clear()
        monkeypatch.setattr(f"tui.cloud.assets.{kind}.find", lambda *given: there)
        monkeypatch.setattr(
            f"tui.cloud.assets.{kind}.register", lambda *given, **more: made.append("made") or registered
        )
        done = work(a_task(run, "code"))
        assert (done.skipped, started(run)[0], len(made)) == (skipped, action, there is None)
        assert done.result["id"] == "/c/1"
        assert ("already" in done.detail) is skipped
        assert notes(run).of("task_intent"), "it is recorded before it is registered"


def test_an_mlflow_model_needs_neither_code_nor_environment(tmp_path: Path) -> None:
    run = with_deployment(tmp_path)
    assert code.work(a_task(run, "code")).skipped
    assert environment.work(a_task(run, "environment")).skipped
    assert notes(run).of("task_intent") == []


def test_a_registered_environment_is_named_by_its_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.cloud.assets.environments.find", lambda *given: asset(True))
    run = with_deployment(tmp_path, environment=Environment(registered="azureml:env:3"))
    environment.work(a_task(run, "environment"))
    assert started(run) == ("skip", "azureml:env:3")


def version(reused: bool, tags: dict[str, str] | None = None) -> ModelVersion:
    return ModelVersion("/m/4", "churn", "4", "custom_model", "p", tags or {}, reused)


@pytest.mark.parametrize("reused", [True, False])
def test_a_model_in_a_folder_is_brought(reused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = with_deployment(tmp_path, model=Model("churn", path=tmp_path))

    def bring(cloud: Any, wanted: Any, path: Path, progress: Any, ended: Any, tags: Any, begin: Any) -> ModelVersion:
        if not reused:
            begin()
        return version(reused)

    monkeypatch.setattr("tui.cloud.assets.models.bring", bring)
    done = model.work(a_task(run, "model"))
    assert (done.skipped, done.result["version"]) == (reused, "4")
    assert run.created == ([] if reused else [("model", "churn:4")])
    assert started(run)[0] == ("skip" if reused else "create")


def test_a_large_model_is_read_with_progress_before_it_is_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_deployment(tmp_path, model=Model("churn", path=tmp_path / "folder"))

    def bring(cloud: Any, wanted: Any, path: Path, progress: Any, ended: Any, tags: Any, begin: Any) -> ModelVersion:
        progress(4, 9)
        progress(9, 9)
        begin()
        progress(0, 9)
        return version(False)

    monkeypatch.setattr("tui.cloud.assets.models.bring", bring)
    model.work(a_task(run, "model"))
    told = [
        event.get("action") or event["done"]
        for event in notes(run).events
        if event["event"] in ("task_started", "task_progress")
    ]
    assert told == ["read", 4, 9, "create", 0]
    assert [event["detail"] for event in notes(run).of("task_started")] == ["folder", "churn"]


def test_a_registered_model_is_only_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Model("churn", registered="azureml:churn:4")
    monkeypatch.setattr("tui.cloud.assets.models.resolve", lambda cloud, reference: version(True))
    run = with_deployment(tmp_path, model=wanted)
    done = model.work(a_task(run, "model"))
    assert done.skipped and done.detail.startswith("churn:4")
    assert started(run) == ("read", wanted.registered)


@pytest.mark.parametrize(
    ("begun", "tags", "skipped"),
    [
        (True, {RUN_TAG: "r-1"}, False),  # this run registered it before an interruption
        (True, {RUN_TAG: "r-2"}, True),
        (True, {}, True),
        (False, {RUN_TAG: "r-1"}, True),
    ],
)
def test_a_version_that_this_run_registered_before_an_interruption_is_its_own(
    begun: bool, tags: dict[str, str], skipped: bool, run: Run
) -> None:
    if begun:
        run.begun["model"] = Begun("register", "/m")
    done = model_version.there_already(a_task(run, "model"), version(True, tags), "is there.")
    assert done.skipped is skipped
    assert run.created == ([] if skipped else [("model", "churn:4")])


# A model in another source


class Source:
    """A model's files elsewhere, and what is done with them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, exact: str, in_place: bool, files: int) -> None:
        self.done: list[str] = []
        self.known: ModelVersion | None = None
        found = SimpleNamespace(exact=exact, content="h", in_place=in_place, items=[None] * files)
        monkeypatch.setattr("tui.cloud.sources.staging.listing", lambda cloud, source, ended: found)
        monkeypatch.setattr("tui.cloud.assets.models.find", lambda *given: self.known)
        monkeypatch.setattr("tui.cloud.sources.staging.register_in_place", lambda *given: self.made("in place"))
        monkeypatch.setattr("tui.cloud.sources.staging.staged", self.staged)
        monkeypatch.setattr("tui.cloud.assets.models.register", lambda *given, **more: self.made("uploaded"))

    @contextmanager
    def staged(self, *given: Any) -> Any:
        self.done.append("staged")
        yield Path("/staged")

    def made(self, how: str) -> ModelVersion:
        self.done.append(how)
        return version(False)


@pytest.mark.parametrize(
    ("exact", "in_place", "files", "done", "says"),
    [
        ("runs:/1/m", True, 1, ["in place"], "reads runs:/1/m in place"),
        ("runs:/1/m", False, 1, ["staged", "uploaded"], "Copying 1 file from"),
        ("runs:/1/m", False, 2, ["staged", "uploaded"], "Copying 2 files from"),
        ("models:/a", False, 0, ["staged", "uploaded"], "Copying 0 files from"),
        ("a:/other", True, 1, ["in place"], "runs:/1/m is a:/other."),
        ("z:/other", True, 1, ["in place"], "runs:/1/m is z:/other."),
    ],
)
def test_a_model_elsewhere_is_registered_in_place_or_copied(
    exact: str, in_place: bool, files: int, done: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(monkeypatch, exact, in_place, files)
    run = with_deployment(tmp_path, model=Model("churn", source="runs:/1/m"))
    outcome = model.work(a_task(run, "model"))
    assert source.done == done
    assert says in notes(run).lines
    assert notes(run).lines.startswith("runs:/1/m is ") is (exact != "runs:/1/m")
    assert not outcome.skipped and run.created == [("model", "churn:4")]


def test_the_same_files_are_not_copied_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, "runs:/1/m", False, 3)
    source.known = version(True)
    run = with_deployment(tmp_path, model=Model("churn", source="runs:/1/m"))
    assert model.work(a_task(run, "model")).skipped
    assert source.done == []


# The limit of an upload


def test_an_upload_ends_at_its_limit_or_when_the_run_stops(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("tui.common.deadlines.time", clock)
    plan: Plan = replace(PLAN, limits=Limits(upload=5))
    limited = a_run(run.folder, plan)
    with uploads.upload_limit(a_task(limited, "model")) as ended:
        assert not ended()
        clock.sleep(5)
        assert not ended()
        clock.sleep(1)
        assert ended()
    with uploads.upload_limit(a_task(run, "model")) as ended:
        assert not ended()
        run.stop.set()
        assert ended()


@pytest.mark.parametrize("stopped", [True, False])
def test_an_upload_that_was_ended_says_why(stopped: bool, run: Run) -> None:
    if stopped:
        run.stop.set()
    with pytest.raises(Stopped if stopped else CloudError) as caught, uploads.upload_limit(a_task(run, "model")):
        raise Cancelled
    assert stopped or caught.value.code == "TimeLimit"


# The first tasks


def test_the_identity_is_told_as_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.cloud.auth.sign_in import SignedIn

    fields = {name: None for name in SignedIn.__dataclass_fields__}
    who = SignedIn(**{**fields, "principal": "deployer", "kind": "service principal", "tenant": 7})
    monkeypatch.setattr("tui.cloud.auth.sign_in.sign_in", lambda cloud: who)
    run = a_run(tmp_path, replace(PLAN, credential=Credential("azure_cli")))
    done = sign_in.work(a_task(run, "sign-in"))
    assert (done.result["tenant"], done.result["expires"]) == ("7", None)
    assert "azure_cli" in started(run)[1]


def test_the_workspaces_region_is_remembered(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.cloud.workspace.workspace import WorkspaceInfo

    found = WorkspaceInfo("/w", "ws", "eastus", "legacy", "Disabled", None, None, "https://studio", "Legacy network.")
    monkeypatch.setattr("tui.cloud.workspace.workspace.read", lambda cloud: found)
    regions: list[str] = []
    run.cloud.remember_location = regions.append
    done: Outcome = workspace.work(a_task(run, "workspace"))
    assert (regions, done.result["isolation"], done.skipped) == (["eastus"], "legacy", False)
    assert "Legacy network." in notes(run).lines
