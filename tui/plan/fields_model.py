"""The model, its scoring script and its environment."""

from __future__ import annotations

from tui.plan import rules
from tui.plan.field import LEARN, Field, Help

MODEL_FIELDS: tuple[Field, ...] = (
    Field(
        "deployment.model.path",
        "model",
        "Model",
        Help(
            "The folder or file to register, or azureml:NAME:VERSION for a model that is registered.",
            "The folder is uploaded to the workspace's storage and mounted where AZUREML_MODEL_DIR points.",
            "churn-xgboost/model",
            LEARN + "how-to-deploy-online-endpoints",
        ),
        kind="path",
        required=True,
        must_exist="any",
    ),
    Field(
        "deployment.model.name",
        "model",
        "Register as",
        Help(
            "The model's name in the workspace; the version is counted up when the content changes.",
            "",
            "churn-model-adb",
        ),
        rule=rules.asset_name,
    ),
    Field(
        "deployment.model.type",
        "model",
        "Model type",
        Help(
            "custom_model goes with a scoring script. mlflow_model can be served without one.",
            "MLflow without a scoring script is refused under legacy isolation.",
            "custom_model",
        ),
        kind="choice",
        choices=("custom_model", "mlflow_model"),
        rule=rules.one_of(("custom_model", "mlflow_model")),
        default="custom_model",
    ),
    Field(
        "deployment.code_configuration.code",
        "model",
        "Code folder",
        Help("The folder with the scoring script; all of it is uploaded.", "", "churn-xgboost/onlinescoring"),
        kind="path",
        must_exist="folder",
    ),
    Field(
        "deployment.code_configuration.scoring_script",
        "model",
        "Scoring script",
        Help(
            "The file with init(), called once, and run(), called for each request.",
            "An exception in run() reaches the caller as status 424; a returned error text would look like success.",
            "score.py",
            LEARN + "how-to-deploy-advanced-entry-script",
        ),
        rule=rules.script_name,
        default="score.py",
    ),
    Field(
        "deployment.environment.conda_file",
        "model",
        "Conda file",
        Help(
            "What to install beside the image. It must list azureml-inference-server-http.",
            "Built into an image when a deployment first uses it.",
            "churn-xgboost/conda.yml",
            LEARN + "how-to-manage-environments-v2",
        ),
        kind="path",
        must_exist="file",
    ),
    Field(
        "deployment.environment.image",
        "model",
        "Base image",
        Help(
            "The container image that the conda file is installed on.",
            "Images on Ubuntu 20.04 have lost support; pin a dated tag.",
            "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
        ),
    ),
    Field(
        "test.request",
        "model",
        "Sample request",
        Help(
            "A JSON file that the run sends when the endpoint is up, and the test panel starts from.",
            "",
            "churn-xgboost/sample-request.json",
        ),
        kind="path",
        must_exist="file",
    ),
    Field(
        "deployment.environment.name",
        "model",
        "Environment name",
        Help("The environment's name in the workspace; by default the model's name and -env.", "", "churn-env"),
        rule=rules.asset_name,
        advanced=True,
    ),
    Field(
        "deployment.environment.registered",
        "model",
        "Registered environment",
        Help("An environment of the workspace or a curated one, in place of a conda file.", "", "azureml:churn-env:3"),
        rule=rules.registered_asset,
        advanced=True,
    ),
    Field(
        "deployment.model.version",
        "model",
        "Model version",
        Help("A version of your own; by default the next number.", "", "3"),
        rule=rules.asset_name,
        advanced=True,
    ),
    Field(
        "deployment.model.description",
        "model",
        "Model description",
        Help("A sentence about the model."),
        advanced=True,
    ),
    Field(
        "deployment.model.tags",
        "model",
        "Model tags",
        Help("Names and values to find the model by."),
        kind="map",
        rule=rules.text_map,
        advanced=True,
    ),
)
