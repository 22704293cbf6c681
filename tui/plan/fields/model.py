"""Fields for the model, its scoring script and its environment."""

from __future__ import annotations

from tui.plan.fields.field import LEARN, Field, Help, of_step
from tui.plan.rules import value_rules

_MODEL = of_step(
    "model",
    Field(
        "deployment.model.path",
        "Model",
        Help(
            "A local folder or file (also /Volumes/…, dbfs:/…), a URI (abfss://…, https://…blob…, runs:/…, "
            "models:/…), or azureml:NAME:VERSION for a registered model.",
            "Files that the workspace cannot read itself are uploaded to its storage; in the container they are in "
            "the folder AZUREML_MODEL_DIR. Empty if the image or the scoring script has the model.",
            "churn-xgboost/model",
            LEARN + "how-to-deploy-online-endpoints",
        ),
        kind="path",
        must_exist="any",
    ),
    Field(
        "deployment.model.name",
        "Register as",
        Help(
            "The model's name in the workspace; changed content gets the next version number.",
            "",
            "churn-model-adb",
        ),
        rule=value_rules.asset_name,
    ),
    Field(
        "deployment.model.type",
        "Model type",
        Help(
            "custom_model needs a scoring script. mlflow_model and triton_model can be served without one.",
            "Under legacy isolation, Azure rejects MLflow models without a scoring script.",
            "custom_model",
        ),
        kind="choice",
        choices=("custom_model", "mlflow_model", "triton_model"),
        rule=value_rules.one_of(("custom_model", "mlflow_model", "triton_model")),
        default="custom_model",
    ),
    Field(
        "deployment.code_configuration.code",
        "Code folder",
        Help("The folder with the scoring script; the whole folder is uploaded.", "", "churn-xgboost/onlinescoring"),
        kind="path",
        must_exist="folder",
    ),
    Field(
        "deployment.code_configuration.scoring_script",
        "Scoring script",
        Help(
            "The file with init(), which is called once, and run(), which is called for each request.",
            "An exception in run() gives the caller status 424; a returned error text would look like success.",
            "score.py",
            LEARN + "how-to-deploy-advanced-entry-script",
        ),
        rule=value_rules.script_name,
        default="score.py",
    ),
    Field(
        "deployment.environment.conda_file",
        "Conda file",
        Help(
            "The packages to install on the base image. It must list azureml-inference-server-http.",
            "Azure builds the image when a deployment first uses it.",
            "churn-xgboost/conda.yml",
            LEARN + "how-to-manage-environments-v2",
        ),
        kind="path",
        must_exist="file",
    ),
    Field(
        "deployment.environment.image",
        "Base image",
        Help(
            "The container image on which the conda packages are installed.",
            "Images on Ubuntu 20.04 are no longer supported; pin a dated tag.",
            "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
        ),
    ),
    Field(
        "test.request",
        "Sample request",
        Help(
            "The file that the run sends once the endpoint is ready, and that fills in the Test step.",
            "JSON, or a file of another kind, such as an image, which is sent with its content type.",
            "churn-xgboost/sample-request.json",
        ),
        kind="path",
        must_exist="file",
    ),
)
_MODEL_ADVANCED = of_step(
    "model",
    Field(
        "test.requests",
        "Golden requests",
        Help(
            "A file of requests with expected answers and tolerances, which a new deployment must give before traffic.",
            "If one of them fails, callers keep getting the answers of the deployment that serves now.",
            "churn-xgboost/golden.jsonl",
        ),
        kind="path",
        must_exist="file",
    ),
    Field(
        "deployment.environment.name",
        "Environment name",
        Help("The environment's name in the workspace; by default the model's name with -env.", "", "churn-env"),
        rule=value_rules.asset_name,
    ),
    Field(
        "deployment.environment.registered",
        "Registered environment",
        Help("A registered or curated environment to use instead of a conda file.", "", "azureml:churn-env:3"),
        rule=value_rules.registered_asset,
    ),
    Field(
        "deployment.model.version",
        "Model version",
        Help("The version to register; by default the next number.", "", "3"),
        rule=value_rules.asset_name,
    ),
    Field(
        "deployment.model.description",
        "Model description",
        Help("A short description of the model."),
    ),
    Field(
        "deployment.model.tags",
        "Model tags",
        Help("Names and values by which to find the model."),
        kind="map",
        rule=value_rules.text_map,
    ),
    Field(
        "deployment.environment.build.path",
        "Build context",
        Help(
            "A folder with a Dockerfile, instead of a base image and a conda file; the whole folder is uploaded.",
            "Azure builds the image when a deployment first uses it; a rehearsal does with docker or podman.",
            "churn-xgboost/docker",
            LEARN + "how-to-deploy-custom-container",
        ),
        kind="path",
        must_exist="folder",
    ),
    Field(
        "deployment.environment.build.dockerfile_path",
        "Dockerfile",
        Help("The Dockerfile in the build context.", "If empty: Dockerfile.", "Dockerfile"),
        rule=value_rules.dockerfile,
    ),
    *(
        Field(
            f"deployment.environment.inference_config.{route}_route.{key}",
            f"Container: {route} {key}",
            Help(what, why, example, LEARN + "how-to-deploy-custom-container"),
            kind="number" if key == "port" else "text",
            rule=value_rules.number_between(1, 65_535) if key == "port" else value_rules.route_path,
        )
        for route, asks, example_path in (
            ("scoring", "Requests go", "/score"),
            ("liveness", "The liveness probe goes", "/health/live"),
            ("readiness", "The readiness probe goes", "/health/ready"),
        )
        for key, what, why, example in (
            (
                "path",
                f"{asks} to this path of a container with its own server.",
                "Such a container needs no scoring script; set all three routes.",
                example_path,
            ),
            ("port", f"{asks} to this port of a container with its own server.", "", "8080"),
        )
    ),
    Field(
        "deployment.model_mount_path",
        "Model mount path",
        Help(
            "The folder of the model's files in a custom container.",
            "If empty, they are in the folder AZUREML_MODEL_DIR.",
            "/var/azureml-app/model",
            LEARN + "how-to-deploy-custom-container",
        ),
        rule=value_rules.mount_path,
    ),
    advanced=True,
)
MODEL_FIELDS = (*_MODEL, *_MODEL_ADVANCED)
