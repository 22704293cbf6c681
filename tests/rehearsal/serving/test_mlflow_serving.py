"""MLflow models without code that the rehearsal does not serve are refused by name; what it adds is in the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from arm_client import Arm

from tui.common.conda_requirements import parse
from tui.rehearsal.serving.mlflow_serving import completed

FUNCTION = "flavors: {python_function: {loader_module: mlflow.sklearn, env: {conda: conda.yaml}}, sklearn: {}}\n"


class Model:
    """Registers MLflow models and deploys them without code, by plain requests."""

    def __init__(self, arm: Arm, name: str, settled: Any) -> None:
        self.arm, self.name, self.settled = arm, name, settled
        self.path = f"onlineEndpoints/{name}/deployments/blue"
        arm.call("PUT", f"onlineEndpoints/{name}", {"location": "eastus", "properties": {"authMode": "Key"}})
        settled(f"onlineEndpoints/{name}")

    def register(self, files: dict[str, str]) -> str:
        """The id of a model whose folder has these files."""
        store = self.arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
        secrets = self.arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True})
        for file, text in files.items():
            answer = self.arm.session.put(
                f"{self.arm.origin}/rehearsal.blob.core.windows.net/{store['containerName']}/{self.name}/model/{file}"
                f"?{secrets.json()['sasToken']}",
                data=text.encode(),
                headers={"x-ms-blob-type": "BlockBlob", "Authorization": ""},
                timeout=30,
            )
            assert answer.status_code == 201, answer.text
        uri = f"azureml://datastores/workspaceblobstore/paths/{self.name}/model"
        body = {"properties": {"modelUri": uri, "modelType": "mlflow_model"}}
        return str(self.arm.call("PUT", f"models/{self.name}/versions/1", body).json()["id"])

    def deploy(self, files: dict[str, str]) -> dict[str, Any]:
        """The error of a deployment of such a model, and the last lines of its log as `log`."""
        properties = {"model": self.register(files), "instanceType": "Standard_DS3_v2"}
        body = {"location": "eastus", "sku": {"name": "Default", "capacity": 1}, "properties": properties}
        answer = self.arm.call("PUT", self.path, body)
        assert answer.status_code == 201, answer.text
        assert self.settled(self.path)["properties"]["provisioningState"] == "Failed"
        error = self.arm.call("GET", answer.headers["Azure-AsyncOperation"]).json()["error"]
        log = self.arm.call("POST", f"{self.path}/getLogs", {"tail": 100}).json()["content"]
        return {**error, "log": log}


@pytest.fixture
def model(arm: Arm, name: str, settled: Any) -> Iterator[Model]:
    yield Model(arm, name, settled)
    # Failed deployments count against the quota as well.
    arm.call("DELETE", f"onlineEndpoints/{name}")
    assert "error" in settled(f"onlineEndpoints/{name}")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"model.pkl": "x"}, ("no file MLmodel",)),
        ({"MLmodel": "flavors: {crate: {version: 1}}\n"}, ("python_function", "crate", "custom_model")),
        ({"MLmodel": FUNCTION}, ("sklearn", "neither conda.yaml nor requirements.txt")),
        (
            {"MLmodel": FUNCTION.replace("sklearn: {}", "transformers: {}"), "conda.yaml": "dependencies: [python]\n"},
            ("transformers",),
        ),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(model: Model, files: dict[str, str], words: tuple[str, ...]) -> None:
    error = model.deploy(files)
    assert error["code"] == "BadArgument"
    assert [word for word in words if word not in error["message"]] == []


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "conda.yaml",
            "dependencies: ['python=3.11', {pip: ['no-such-package-of-anybody==1']}]\n",
            (
                "from its conda.yaml",
                "added, to load and serve the model: azureml-inference-server-http>=1, mlflow-skinny.",
            ),
        ),
        (
            "conda.yaml",
            "dependencies: ['python=3.11', {pip: ['mlflow==2', 'azureml-ai-monitoring', 'no-such-package==1']}]\n",
            ("added, to load and serve the model: azureml-inference-server-http>=1.",),
        ),
        (
            "requirements.txt",
            "mlflow-skinny\nno-such-package-of-anybody==1\n",
            ("WARNING: The model has no conda.yaml", "WARNING: The model's environment lacks azureml-ai-monitoring"),
        ),
    ],
)
def test_the_environment_is_the_model_s_and_what_is_added_is_said(
    model: Model, file: str, text: str, said: tuple[str, ...]
) -> None:
    error = model.deploy({"MLmodel": FUNCTION, file: text})
    assert error["code"] == "ImageBuildFailure" and "no-such-package" in error["message"]
    assert [words for words in said if words not in error["log"]] == []


def test_what_is_added_joins_the_models_own_packages_since_conda_takes_the_last_list_only() -> None:
    made = parse(completed("dependencies: ['python=3.11', pip, {pip: [scikit-learn]}, {pip: [pandas]}]", print))
    added = ["azureml-inference-server-http>=1", "mlflow-skinny"]
    assert made["dependencies"] == ["python=3.11", "pip", {"pip": ["scikit-learn", "pandas", *added]}]
