"""An MLflow model that Azure refuses without a scoring script: one is created and added to the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.steps.model.test_model import COUNTED, INSPECTED
from tests.app.steps.network.test_network import LEGACY
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

MLFLOW = ("deployment.model.type=mlflow_model", "deployment.code_configuration.code=",
          "deployment.code_configuration.scoring_script=")  # fmt: skip


def made(folder: Path) -> dict[str, object]:
    """The helper's answer, and the files that it would have written."""
    (folder / "onlinescoring").mkdir(parents=True)
    for name in ("conda.yml", "onlinescoring/score.py"):
        (folder / name).write_text("", encoding="utf-8")
    return {
        "files": [str(folder / "onlinescoring" / "score.py"), str(folder / "conda.yml")],
        "added": ["azureml-inference-server-http"],
        "notes": ["Look at the request: its values are made up."],
        "set": {
            "deployment.model.type": "custom_model",
            "deployment.code_configuration.code": str(folder / "onlinescoring"),
            "deployment.code_configuration.scoring_script": "score.py",
            "deployment.environment.conda_file": str(folder / "conda.yml"),
        },
    }


async def at_model(walk: Walk) -> None:
    """The step, once the workspace is known."""
    await walk.store.ask("workspace")
    await walk.to("model")
    await walk.sees("Model type")


async def test_where_it_is_refused_a_button_makes_one(home: Path) -> None:
    folder = home / "plans" / "churn-model-adb-scoring"
    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED, workspace=LEGACY)
    async with wizard(answers, sets=MLFLOW) as walk:
        await at_model(walk)
        answers.answers["make_scoring"] = made(folder)
        (folder / "conda.yml").parent.rename(folder.with_name("elsewhere"))  # it must not be there before
        await walk.sees("Create a scoring script", "✖ MLflow")
        await walk.tab_to("make-script")
        await walk.press("enter")
        await walk.sees("onlinescoring/score.py", "azureml-inference-server-http", "its values are made up")
        assert dict(answers.asked)["make_scoring"]["folder"] == str(folder)
        await walk.press("escape")
        assert walk.store.value("deployment.model.type") == "custom_model"
        assert walk.store.provenance("deployment.code_configuration.code") == "created from the MLflow model"
        await walk.until(lambda: "Create a scoring script" not in walk.text(), "it is not offered any more")


async def test_a_refusal_is_told_and_changes_nothing() -> None:
    refused = HelperError(
        "There is no MLflow model to make a scoring script for", "It has no MLmodel file", "Name one."
    )
    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED, workspace=LEGACY, make_scoring=refused)
    async with wizard(answers, sets=MLFLOW) as walk:
        await at_model(walk)
        await walk.tab_to("make-script")
        await walk.press("enter")
        await walk.sees("No scoring script was created", "has no MLmodel file")
        assert walk.store.value("deployment.model.type") == "mlflow_model"


async def test_it_is_not_offered_where_azure_takes_the_model_as_it_is() -> None:
    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED)
    async with wizard(answers, sets=MLFLOW) as walk:
        await at_model(walk)
        await walk.sees("Sample request")
        assert "Create a scoring script" not in walk.text()
