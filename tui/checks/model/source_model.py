"""Inspect a model in another location: download and read its small files, only count the others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from tui.checks.environment.mlflow_environment import read as read_environment
from tui.checks.model import file_count, model_folder
from tui.checks.model.artifacts import Artifacts, described, read
from tui.cloud.error_explanations import explain
from tui.common.deadlines import NoAnswer, Question
from tui.plan.model import Plan

if TYPE_CHECKING:
    from tui.cloud.session import Cloud
    from tui.cloud.sources.source_listing import Listing

ENVIRONMENT = ("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt")
"""What MLflow writes next to a model (MLflow, "MLflow Models", storage format)."""
MOST = 1_000_000  # maximum bytes of a file to download and read
LIMIT = 60.0


def inspect(plan: Plan, connect: Callable[[], Cloud]) -> dict[str, Any]:
    """The result of `artifacts.inspect_model` for a model at `deployment.model.source`; never raises.

    `source` in the result has `exact` (without aliases), `in_place` (whether the workspace reads it in place) and
    `problem` (why it could not be read, or ""). `connect` is called only if Azure is needed.
    """
    name = str(plan.deployment.model.source)
    asked = Question(lambda: _listed(name, connect), LIMIT)
    found = read(plan, LIMIT)
    try:
        listing = asked.answer()
        with _small_files(listing) as (folder, ended):
            return {
                **_replaced(_described(plan, found, listing, folder), str(folder), listing.exact),
                "source": {"exact": listing.exact, "in_place": listing.in_place is not None, "problem": ended},
            }
    except NoAnswer as late:
        problem, remedy = f"{name} was not read. {late}", ""
    except Exception as error:
        failure = explain(error)
        problem, remedy = failure.title, failure.remedy
    answer = described(plan, found, LIMIT)
    return {**answer, "source": {"exact": name, "in_place": False, "problem": problem, "remedy": remedy}}


def _listed(source: str, connect: Callable[[], Cloud]) -> Listing:
    from tui.cloud.sources.staging import listing

    return listing(None if source.startswith(("runs:/", "models:/")) else connect(), source)


@contextmanager
def _small_files(listing: Listing) -> Iterator[tuple[Path, str]]:
    """A folder with the files that describe the model, and why some of them could not be read."""
    from tui.cloud.sources.staging import only

    small = {item.name for item in listing.items if item.name and item.size <= MOST}
    ended = ""
    with tempfile.TemporaryDirectory(prefix="aml-deploy-look-") as made:
        folder = Path(made)
        try:
            only(listing, tuple(name for name in ENVIRONMENT if name in small), folder)
            example = _example_name(folder)
            if example in small and "/" not in example:
                only(listing, (example,), folder)
        except Exception as error:
            ended = explain(error).title
        yield folder, ended


def _example_name(folder: Path) -> str:
    """The input example that MLmodel names."""
    info = (model_folder.read(folder, 1.0).mlmodel or {}).get("saved_input_example_info")
    name = info.get("artifact_path") if isinstance(info, dict) else None
    return name if isinstance(name, str) else ""


def _described(plan: Plan, found: Artifacts, listing: Listing, folder: Path) -> dict[str, Any]:
    model = model_folder.read(folder, 1.0)
    model.exists, model.complete, model.unreadable = True, True, []
    model.files, model.bytes = len(listing.items), listing.total
    model.figures = file_count.Figures(model.files, model.bytes, complete=True)
    found.model, found.model_conda = model, read_environment(plan, model)
    return described(plan, found, LIMIT)


def _replaced(answer: Any, before: str, after: str) -> Any:
    """The result with the source's name in place of the private folder's."""
    if isinstance(answer, dict):
        return {key: _replaced(item, before, after) for key, item in answer.items()}
    if isinstance(answer, list):
        return [_replaced(item, before, after) for item in answer]
    return answer.replace(before, after) if isinstance(answer, str) else answer
