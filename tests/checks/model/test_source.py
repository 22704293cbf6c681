"""A model in another location: what blocks, what is only unknown, and what is said of its files."""

from __future__ import annotations

from typing import Any

import pytest

from tui.checks.finding import Finding
from tui.checks.model import source
from tui.cloud.errors import CloudError
from tui.cloud.sources.source_listing import Item, Listing
from tui.common.deadlines import NoAnswer, Question
from tui.plan import model as m

SOURCE = "abfss://lake@account.dfs.core.windows.net/churn/"


def about(held: Listing | Exception, kind: str = "custom_model", size: str = "Standard_D4as_v4") -> list[Finding]:
    """The findings about a plan whose source gives this answer."""

    def answer() -> Listing:
        if isinstance(held, Exception):
            raise held
        return held

    model = m.Model(name="churn", type=kind, source=SOURCE)
    plan = m.Plan(workspace=m.Workspace("s", "rg", "ws"), deployment=m.Deployment(model=model, instance_type=size))
    return source.findings(plan, Question(answer, 20.0))


def listed(*names: str, size: int = 1000, exact: str = SOURCE, in_place: str | None = None) -> Listing:
    items = tuple(Item(name, size) for name in names)
    return Listing(exact, "churn", items, lambda item, target, progress: None, in_place)


@pytest.mark.parametrize(
    ("status", "code", "severity"),
    [
        *((status, None, "blocker") for status in (400, 401, 403, 404)),
        *((status, None, "unknown") for status in (402, 405, 409, 429, 500, 503, None)),
        *((None, code, "blocker") for code in ("SourceEmpty", "SourceNotUnderstood", "PackageMissing")),
        (None, "Unreachable", "unknown"),
        (503, "MlflowServerUnknown", "blocker"),
    ],
)
def test_only_what_no_retry_can_change_blocks(status: int | None, code: str | None, severity: str) -> None:
    (found,) = about(CloudError("It cannot be read", status=status, code=code))
    assert found.severity == severity
    assert ("is unknown" in found.message) is (severity == "unknown")


def test_no_answer_in_time_is_unknown() -> None:
    (found,) = about(NoAnswer("No answer within 20 seconds."))
    assert (found.severity, found.looked_at) == ("unknown", SOURCE) and "20 seconds" in found.message


def test_a_role_that_is_missing_comes_as_a_command() -> None:
    denied = (
        "The client 'c' with object id 'o' does not have authorization to perform action "
        "'Microsoft.MachineLearningServices/workspaces/read' over scope '/subscriptions/s' or the scope is invalid."
    )
    assert about(CloudError("Denied", raw=denied, status=403))[0].commands
    assert not about(CloudError("Denied", raw=denied, status=401))[0].commands


@pytest.mark.parametrize(
    ("held", "has", "lacks"),
    [
        (listed("a"), "contains 1 file,", "files"),
        (listed("a", "b"), "contains 2 files, 2.0 kB", "in place"),
        (listed("a", in_place="azureml://x"), "in place", "downloaded"),
        (listed("a"), "downloaded", f"({SOURCE})"),
        (listed("a", exact="models:/churn/7"), "(models:/churn/7)", "in place"),
    ],
)
def test_what_is_said_of_files_that_can_be_read(held: Listing, has: str, lacks: str) -> None:
    (found,) = about(held)
    assert found.severity == "ok" and has in found.message and lacks not in found.message


@pytest.mark.parametrize(
    ("kind", "names", "severity", "remedy"),
    [
        ("mlflow_model", ["MLmodel"], "ok", ""),
        ("mlflow_model", ["sub/MLmodel", "MLmodel"], "ok", ""),
        ("mlflow_model", ["a", "sub/inner/MLmodel"], "blocker", f"to {SOURCE}sub/inner."),
        ("mlflow_model", ["notMLmodel", "sub/MLmodel.bak"], "blocker", "custom_model"),
        ("custom_model", ["sub/MLmodel"], "ok", ""),
    ],
)
def test_where_the_mlmodel_must_be(kind: str, names: list[str], severity: str, remedy: str) -> None:
    (found,) = about(listed(*names), kind)
    assert found.severity == severity and remedy in found.remedy


@pytest.mark.parametrize(
    ("kind", "names", "expected"),
    [
        ("custom_model", ["a"], [("model-size", "warning"), ("model-source", "ok")]),
        ("mlflow_model", ["a"], [("model-source", "blocker"), ("model-size", "warning")]),
    ],
)
def test_a_model_that_is_too_large_is_told_too(kind: str, names: list[str], expected: list[Any]) -> None:
    found = about(listed(*names, size=20 * 2**30), kind)  # 32 GiB of disk, 16 of memory
    assert [(one.id, one.severity) for one in found] == expected
