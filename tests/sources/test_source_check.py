"""The preflight lists what a model's source holds, and stops a plan whose source is not there or may not be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.sources.test_paths import FILES, addresses, cloud, put, resolved
from tui.checks import preflight
from tui.checks.finding import Finding
from tui.checks.model import source
from tui.checks.requests import administrator_requests
from tui.cloud.errors import CloudError
from tui.cloud.http import hosts
from tui.cloud.sources.source_listing import Item, Listing
from tui.common.deadlines import Question
from tui.plan.model import Plan

__all__ = ["cloud"]
SOURCE = "abfss://lake@account.dfs.core.windows.net/gold/churn"


def about(plan: Plan, held: Listing | CloudError) -> list[Finding]:
    """What is said when the source answers so."""

    def answer() -> Listing:
        if isinstance(held, CloudError):
            raise held
        return held

    return source.findings(plan, Question(answer, 20.0))


def listed(*names: str, size: int = 1000) -> Listing:
    items = tuple(Item(name, size) for name in names)
    return Listing(SOURCE, "churn", items, lambda item, target, progress: None)


def typed(kind: str) -> Plan:
    plan = resolved(SOURCE)
    deployment = plan.deployment
    return replace(plan, deployment=replace(deployment, model=replace(deployment.model, type=kind)))


def test_what_is_there_is_counted() -> None:
    (finding,) = about(typed("mlflow_model"), listed("MLmodel", "model.ubj"))
    assert (finding.id, finding.severity) == ("model-source", "ok")
    assert "contains 2 files, 2.0 kB; it is downloaded to this machine and uploaded" in finding.message
    assert finding.looked_at == SOURCE


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("model.ubj",), "has no MLmodel file"),
        (("run/model/MLmodel", "run/model/model.ubj"), "is in the subfolder"),
    ],
)
def test_an_mlflow_model_needs_its_mlmodel(names: tuple[str, ...], words: str) -> None:
    (finding,) = about(typed("mlflow_model"), listed(*names))
    assert finding.severity == "blocker" and words in finding.message
    assert about(typed("custom_model"), listed(*names))[0].severity == "ok"


def test_a_model_larger_than_the_machine_is_a_warning() -> None:
    found = about(typed("custom_model"), listed("model.bin", size=40 * 2**30))
    assert ("model-size", "warning") in [(finding.id, finding.severity) for finding in found]


@pytest.mark.parametrize(
    ("status", "code", "severity"),
    [(403, "AuthorizationPermissionMismatch", "blocker"), (404, "ContainerNotFound", "blocker"),
     (None, "PackageMissing", "blocker"), (None, "MlflowServerUnknown", "blocker"), (None, "Unreachable", "unknown"),
     (503, "ServerBusy", "unknown")],
)  # fmt: skip
def test_a_refusal_blocks_and_no_answer_does_not(status: int | None, code: str, severity: str) -> None:
    error = CloudError(title="It cannot be read", cause="Because.", remedy="Ask for it.", code=code, status=status)
    (finding,) = about(typed("custom_model"), error)
    assert (finding.severity, finding.remedy) == (severity, "Ask for it.")
    assert "Because." in finding.message


@pytest.mark.parametrize(
    ("given", "environ", "host"),
    [
        (SOURCE, {}, "account.blob.core.windows.net"),
        ("runs:/1/model", {"MLFLOW_TRACKING_URI": "http://mlflow.intra:5000"}, "mlflow.intra:5000"),
        ("models:/a/1", {"MLFLOW_TRACKING_URI": "databricks", "DATABRICKS_HOST": "https://adb-1.2.azuredatabricks.net"},
         "adb-1.2.azuredatabricks.net"),
        ("models:/a/1", {}, None),
    ],
)  # fmt: skip
def test_the_way_to_the_source_is_looked_at_too(given: str, environ: dict[str, str], host: str | None) -> None:
    found = hosts.of_source(given, environ)
    assert (found.shown if found else None) == host
    assert found is None or (found.needed and found.expected is None)


def test_in_the_rehearsal_it_is_seen_before_the_button(cloud: Any) -> None:
    account = put(cloud, "lake", FILES)
    (_, there) = addresses(account, "lake", "models/churn")
    (_, gone) = addresses(account, "lake", "no/such/folder")
    for address, severity, words in ((there, "ok", "contains 2 files"), (gone, "blocker", "No files were found at")):
        plan = resolved(address)
        plan = replace(plan, workspace=cloud.plan.workspace)
        found = {one.id: one for one in preflight.of_step(plan, cloud.for_plan(plan), "model", limit=60.0)}
        assert found["model-source"].severity == severity
        assert words in found["model-source"].message
        assert found["reach-source"].severity == "ok", found["reach-source"]


@pytest.mark.parametrize(
    ("remedy", "who", "command"),
    [
        ("Give it the role Storage Blob Data Reader.", "identity", '--role "Storage Blob Data Reader"'),
        ("Ask for EXECUTE on it, USE SCHEMA and USE CATALOG.", "databricks", "GRANT EXECUTE ON MODEL"),
    ],
)
def test_who_can_open_the_source_gets_a_page(remedy: str, who: str, command: str) -> None:
    plan = typed("custom_model")
    found = about(plan, CloudError(title="Refused", cause="No right.", remedy=remedy, status=403, code="Forbidden"))
    (page,) = administrator_requests.pages(plan, found, None, None)
    assert page.who == who and command in page.markdown and SOURCE in page.markdown
