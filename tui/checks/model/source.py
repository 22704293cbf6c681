"""Check a model in another location: whether it exists, can be read, and matches its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.checks.ask_azure import in_words
from tui.checks.capacity import model_size
from tui.checks.finding import BLOCKER, OK, UNKNOWN, Finding
from tui.cloud.error_explanations import explain
from tui.cloud.session import Cloud
from tui.common.deadlines import NoAnswer, Question
from tui.plan.model import Plan

if TYPE_CHECKING:
    from tui.cloud.sources.source_listing import Listing

FIELD = "deployment.model.path"
_DOCS = "https://learn.microsoft.com/azure/machine-learning/how-to-manage-models"
_MLFLOW = "https://mlflow.org/docs/latest/ml/model/"
# Errors for which retrying is pointless.
_FINAL = (400, 401, 403, 404)
_FINAL_CODES = ("SourceEmpty", "SourceNotUnderstood", "PackageMissing", "MlflowServerUnknown")


def held(plan: Plan, cloud: Cloud) -> Listing:
    """The files at the plan's source. Raises CloudError."""
    from tui.cloud.sources.staging import listing

    return listing(cloud, str(plan.deployment.model.source))


def findings(plan: Plan, question: Question[Any]) -> list[Finding]:
    """A blocker if nothing is there or it cannot be read, unknown if there is no answer."""
    source = str(plan.deployment.model.source)
    try:
        found: Listing = question.answer()
    except NoAnswer as late:
        message = f"The content of {source} is unknown. {late}"
        return [Finding("model-source", UNKNOWN, FIELD, message, looked_at=source)]
    except Exception as error:
        failure = explain(error)
        remedy, commands = in_words(failure)
        final = failure.status in _FINAL or failure.code in _FINAL_CODES
        severity = BLOCKER if final else UNKNOWN
        message = str(failure) if final else f"The content of {source} is unknown. {failure}"
        return [Finding("model-source", severity, FIELD, message, remedy, _DOCS, source, commands)]
    said = [*_mlmodel(plan, found, source), *model_size.findings(plan, found.total, _DOCS, source)]
    if any(finding.severity == BLOCKER for finding in said):
        return said
    number = len(found.items)
    way = "the workspace reads it in place" if found.in_place else "it is downloaded to this machine and uploaded"
    named = f" ({found.exact})" if found.exact != source else ""
    message = (
        f"{source}{named} contains {number} file{'' if number == 1 else 's'}, {model_size.shown(found.total)}; {way}."
    )
    return [*said, Finding("model-source", OK, FIELD, message, looked_at=source)]


def _mlmodel(plan: Plan, found: Listing, source: str) -> list[Finding]:
    """Check for the MLmodel file, which an MLflow model must have in the folder itself."""
    if plan.deployment.model.type != "mlflow_model":
        return []
    names = [item.name for item in found.items]
    if "MLmodel" in names:
        return []
    deeper = next((name for name in names if name.endswith("/MLmodel")), None)
    message = f"The model's type is mlflow_model, but {source} has no MLmodel file."
    remedy = "Specify the folder that MLflow saved, or set deployment.model.type to custom_model."
    if deeper:
        folder = deeper.rpartition("/")[0]
        message = f"MLmodel in {source} is in the subfolder {folder}; Azure expects it in the folder itself."
        remedy = f"Set deployment.model.path to {source.rstrip('/')}/{folder}."
    return [Finding("model-source", BLOCKER, FIELD, message, remedy, _MLFLOW, source)]
