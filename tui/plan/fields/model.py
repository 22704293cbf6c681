"""The model, its scoring script and its environment."""

from __future__ import annotations

from tui.plan.fields.field import LEARN, Field, Help
from tui.plan.rules import value_rules

MODEL_FIELDS: tuple[Field, ...] = (
    Field(
        "deployment.model.path",
        "model",
        "Model",
        Help(
            "A folder or file here (also /Volumes/…, dbfs:/…), an address (abfss://…, https://…blob…, runs:/…, "
            "models:/…), or azureml:NAME:VERSION for what is registered.",
            "What the workspace cannot read itself is uploaded to its storage; the deployment finds it where "
            "AZUREML_MODEL_DIR points.",
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
        rule=value_rules.asset_name,
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
        rule=value_rules.one_of(("custom_model", "mlflow_model")),
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
        rule=value_rules.script_name,
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
        rule=value_rules.asset_name,
        advanced=True,
    ),
    Field(
        "deployment.environment.registered",
        "model",
        "Registered environment",
        Help("An environment of the workspace or a curated one, in place of a conda file.", "", "azureml:churn-env:3"),
        rule=value_rules.registered_asset,
        advanced=True,
    ),
    Field(
        "deployment.model.version",
        "model",
        "Model version",
        Help("A version of your own; by default the next number.", "", "3"),
        rule=value_rules.asset_name,
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
        rule=value_rules.text_map,
        advanced=True,
    ),
    Field(
        "deployment.environment.build.path",
        "model",
        "Build context",
        Help(
            "A folder with a Dockerfile, in place of a base image and a conda file; all of it is uploaded.",
            "Azure builds the image when a deployment first uses it. A rehearsal builds no Docker images.",
            "churn-xgboost/docker",
            LEARN + "how-to-deploy-custom-container",
        ),
        kind="path",
        must_exist="folder",
        advanced=True,
    ),
    Field(
        "deployment.environment.build.dockerfile_path",
        "model",
        "Dockerfile",
        Help("The Dockerfile in the build context.", "Left empty: Dockerfile.", "Dockerfile"),
        rule=value_rules.dockerfile,
        advanced=True,
    ),
    *(
        Field(
            f"deployment.environment.inference_config.{route}_route.{key}",
            "model",
            f"Container: {route} {key}",
            Help(what, why, example, LEARN + "how-to-deploy-custom-container"),
            kind="number" if key == "port" else "text",
            rule=value_rules.number_between(1, 65_535) if key == "port" else value_rules.route_path,
            advanced=True,
        )
        for route, asks, example_path in (
            ("scoring", "Requests go", "/score"),
            ("liveness", "The liveness probe goes", "/health/live"),
            ("readiness", "The readiness probe goes", "/health/ready"),
        )
        for key, what, why, example in (
            ("path", f"{asks} to this path of a container that has its own server.",
             "With a route, the container needs no scoring script; all three routes are given.", example_path),
            ("port", f"{asks} to this port of a container that has its own server.", "", "8080"),
        )
    ),
    Field(
        "deployment.model_mount_path",
        "model",
        "Container: model at",
        Help(
            "Where a container of your own finds the model's files.",
            "Left empty, they are where AZUREML_MODEL_DIR points.",
            "/var/azureml-app/model",
            LEARN + "how-to-deploy-custom-container",
        ),
        rule=value_rules.mount_path,
        advanced=True,
    ),
)  # fmt: skip
