"""Rules across fields: combinations of values that are individually valid but do not fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.common.typed_path import is_file, is_folder
from tui.plan.fields.sources import is_registered

if TYPE_CHECKING:
    from tui.plan.load_save.document import Document
    from tui.plan.problems import Problem

ROUTES = ("liveness", "readiness", "scoring")
_ENVIRONMENT = "deployment.environment"
_IDENTITIES = "endpoint.identity.user_assigned_identities"
_COLLECTOR = "deployment.data_collector"
_AUTOSCALE = "deployment.autoscale"


def problems(document: Document, values: Mapping[str, Any]) -> list[Problem]:
    """All problems between the values of one deployment and its endpoint."""
    return [
        *_assets(document, values),
        *_environment(document, values),
        *_routes(document, values),
        *_collector(document, values),
        *_autoscale(document, values),
        *_identity(document, values),
    ]


def _assets(document: Document, values: Mapping[str, Any]) -> Iterator[Problem]:
    """The model, its scoring script and its environment."""
    model = values.get("deployment.model.path")
    brought = model is not None and not is_registered(model)
    if brought and not values.get("deployment.model.name"):
        yield document.problem(
            "deployment.model.name", "The model will be registered, so it needs a name.", "For example churn-model-adb."
        )
    code = values.get("deployment.code_configuration.code")
    script = values.get("deployment.code_configuration.scoring_script")
    if document.get("deployment.model.path") is None and not code and not _may_hold_a_model(values):
        yield document.problem(
            "deployment.model.path",
            "Model is required.",
            "Only a scoring script or an image of your own can do without: it must have or fetch the model.",
        )
    if isinstance(code, Path) and is_folder(code) and script and not is_file(code / script):
        yield document.problem(
            "deployment.code_configuration.scoring_script",
            f"{script} is not in {code}.",
            "The scoring script must be a path relative to the code folder.",
        )
    elif code and script and not str(script).endswith(".py") and not _own_server(values):
        yield document.problem(
            "deployment.code_configuration.scoring_script",
            f"{script} is no .py file, which Azure's scoring server needs.",
            "Only a container with its own server (deployment.environment.inference_config) runs other scripts.",
        )
    kinds = ("conda_file", "image", "registered", "build.path")
    if code and not any(values.get(f"{_ENVIRONMENT}.{key}") for key in kinds):
        yield document.problem(
            "deployment.environment.conda_file",
            "A scoring script needs an environment.",
            "Specify a conda file, an image, a build context or a registered environment.",
        )
    custom = values.get("deployment.model.type") in (None, "custom_model")
    if not code and custom and brought and not _own_server(values):
        yield document.problem(
            "deployment.code_configuration.code",
            "A custom model needs a scoring script.",
            "Specify its folder, set deployment.model.type to mlflow_model, or set the routes of a container with its "
            "own server (deployment.environment.inference_config).",
        )


def _own_server(values: Mapping[str, Any]) -> bool:
    """Whether the environment has, or (if registered) might have, a container with its own server."""
    routes = any(key.startswith(f"{_ENVIRONMENT}.inference_config.") for key in values)
    return routes or bool(values.get(f"{_ENVIRONMENT}.registered"))


def _may_hold_a_model(values: Mapping[str, Any]) -> bool:
    """Whether the environment can have the model in its image: one of one's own, not a base image with packages."""
    named = _own_server(values) or any(values.get(f"{_ENVIRONMENT}.{key}") for key in ("image", "build.path"))
    return named and not values.get(f"{_ENVIRONMENT}.conda_file")


def _environment(document: Document, values: Mapping[str, Any]) -> Iterator[Problem]:
    """A build context excludes image and conda file (azure-ai-ml 1.35: image or build; a conda file needs an image)."""
    build = values.get(f"{_ENVIRONMENT}.build.path")
    dockerfile = values.get(f"{_ENVIRONMENT}.build.dockerfile_path")
    for key in ("image", "conda_file", "registered") if build else ():
        if values.get(f"{_ENVIRONMENT}.{key}"):
            yield document.problem(
                f"{_ENVIRONMENT}.{key}",
                "The environment has a build context, whose Dockerfile defines the whole image.",
                "Remove this or the build context.",
            )
    if dockerfile and not build:
        text = "A Dockerfile is set, but no build context that contains it."
        yield document.problem(f"{_ENVIRONMENT}.build.path", text, "Specify the folder.")
    if isinstance(build, Path) and is_folder(build) and not is_file(build / (dockerfile or "Dockerfile")):
        key = f"{_ENVIRONMENT}.build.dockerfile_path"
        yield document.problem(
            key if dockerfile else f"{_ENVIRONMENT}.build.path",
            f"There is no {dockerfile or 'Dockerfile'} in {build}.",
            f"{key} must be a path relative to the build context.",
        )


def _routes(document: Document, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Either all three routes are set or none (azure-ai-ml 1.35, InferenceConfigSchema)."""
    keys = [f"{_ENVIRONMENT}.inference_config.{name}_route.{part}" for name in ROUTES for part in ("path", "port")]
    given = [key for key in keys if values.get(key) is not None]
    if given and values.get(f"{_ENVIRONMENT}.registered"):
        text = "A registered environment has its own routes."
        yield document.problem(given[0], text, "Remove the routes; az ml environment show displays them.")
    elif given:
        text = "A container with its own server needs all three routes, each with path and port."
        for key in keys:
            if document.get(key) is None:
                yield document.problem(key, text, f"Set {key.partition('inference_config.')[2]}.")


def _collector(document: Document, values: Mapping[str, Any]) -> Iterator[Problem]:
    collections = f"{_COLLECTOR}.collections"
    given = any(key.startswith(f"{_COLLECTOR}.") for key in values)
    if given and not values.get(collections) and not document.get(collections):
        text = "The data collector has no collection, so nothing would be collected."
        remedy = "Add one, for example collections: {model_inputs: {enabled: 'True'}}, or remove data_collector."
        yield document.problem(collections, text, remedy)


def _autoscale(document: Document, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Both limits are needed, in their order, and the count with which a deployment is created is between them."""
    limits = [f"{_AUTOSCALE}.minimum", f"{_AUTOSCALE}.maximum"]
    if not any(key.startswith(f"{_AUTOSCALE}.") for key in values):
        return
    for key in limits:
        if document.get(key) is None:
            text = "Autoscale needs both minimum and maximum."
            yield document.problem(key, text, f"Set {key.rpartition('.')[2]}, for example 1 and 4.")
    least, most = (values.get(key) for key in limits)
    if least is None or most is None:
        return
    count = values.get("deployment.instance_count")
    if least > most:
        yield document.problem(limits[0], f"The minimum {least} is above the maximum {most}.", "Exchange the two.")
    elif count is not None and not least <= count <= most:
        text = f"{count} instances are not from {least} to {most}, the limits of autoscale."
        yield document.problem("deployment.instance_count", text, f"Set {least if count < least else most}.")


def _identity(document: Document, values: Mapping[str, Any]) -> Iterator[Problem]:
    if document.get(_IDENTITIES) is not None and values.get("endpoint.identity.type") != "user_assigned":
        text = "A user-assigned identity is set, but the type of the endpoint's identity is not user_assigned."
        yield document.problem("endpoint.identity.type", text, "Set type: user_assigned, or remove the identity.")
