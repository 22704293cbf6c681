"""A deployment of the store as a specification: its folders, its variables, its routes, and what runs its servers."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from tui.common import vm_sizes
from tui.rehearsal.arm.asset_properties import uri_of
from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.arm.workspace_routes import APPROVED_OUTBOUND, managed_network
from tui.rehearsal.container_engine.images import ENVIRONMENT_VARIABLE
from tui.rehearsal.images.image_build import ImageBuildFailure
from tui.rehearsal.online_endpoints import own_containers, rules
from tui.rehearsal.service import Service
from tui.rehearsal.serving import mlflow_serving
from tui.rehearsal.serving.bare_process import ENTRY, BareProcesses
from tui.rehearsal.serving.container import Runner
from tui.rehearsal.serving.deployment_spec import DeploymentSpec, Egress, ProbeSettings, Route
from tui.rehearsal.serving.downloads import APP_ROOT, Place, code_id_of
from tui.rehearsal.serving.engine_containers import ContainerSettings, EngineContainers
from tui.rehearsal.serving.foundation import Foundation, make
from tui.rehearsal.store import Resource

# The service adds these to the variables of a succeeded deployment (recorded).
SERVICE_VARIABLES = ("AZUREML_MODEL_DIR", "AZUREML_ENTRY_SCRIPT", "AML_APP_ROOT")
Say = Callable[[str], None]
_SERVICE_PLACES = (APP_ROOT, mlflow_serving.RESOURCES)


def folder_of(service: Service, resource_id: str) -> Path:
    digest = hashlib.sha256(resource_id.lower().encode()).hexdigest()[:16]
    return service.home.containers / digest


def place_of(service: Service, deployment: Resource) -> Place:
    folder = folder_of(service, deployment.id) / str(deployment.internal.get("generation", 1))
    root = folder / APP_ROOT.lstrip("/")
    model_id, code_id = deployment.properties["model"], code_id_of(deployment)
    model_name = "azureml-models"
    if model_id:
        parts = model_id.split("/")
        model_name = f"azureml-models/{parts[-3]}/{parts[-1]}"
    code_name = "code"
    if code_id:
        # The folder in the container has the name of the last folder in the code's address (recorded).
        code_name = PurePosixPath(uri_of(service, code_id, "codeUri").rstrip("/")).name or "code"
    code = root / code_name
    if mlflow_serving.scores(service, deployment):
        code = folder / mlflow_serving.RESOURCES.lstrip("/")
    return Place(folder, code, root / model_name, code_name, model_name)


def spec_of(service: Service, deployment: Resource, place: Place) -> DeploymentSpec:
    properties = deployment.properties
    settings = properties["requestSettings"]
    places = (*_SERVICE_PLACES, *filter(None, [properties["modelMountPath"]]), _script(deployment))
    endpoint = deployment.body["id"].split("/")[-3]
    variables = {
        name: value
        for name, value in properties["environmentVariables"].items()
        # A client that has read a deployment sends back the variables that the service added.
        if not (name in SERVICE_VARIABLES and value.startswith(places))
    }
    if mlflow_serving.scores(service, deployment):
        variables.update(mlflow_serving.variables(place.model))
    return DeploymentSpec(
        endpoint=endpoint,
        deployment=deployment.name,
        code_dir=place.code,
        scoring_script=_script(deployment),
        # Assumed: that Azure sets AZUREML_MODEL_DIR is recorded for deployments with a model only.
        model_dir=place.model if properties["model"] else None,
        work_dir=place.folder,
        environment_variables=variables,
        instance_count=int(deployment.body["sku"]["capacity"]),
        liveness_probe=_probe(properties["livenessProbe"]),
        readiness_probe=_probe(properties["readinessProbe"]),
        request_timeout=rules.seconds(settings["requestTimeout"], "requestTimeout", 5.0),
        max_concurrent=int(settings["maxConcurrentRequestsPerInstance"]),
        egress=egress_of(service, deployment),
        **_routes(service, deployment),
    )


def _routes(service: Service, deployment: Resource) -> dict[str, Route]:
    """The routes that the environment declares for its own server; none: those of Azure's."""
    config = own_containers.declared_routes(service, deployment)
    return {
        name: Route(config[f"{name}Route"]["path"], int(config[f"{name}Route"]["port"]))
        for name in ("liveness", "readiness", "scoring")
        if config.get(f"{name}Route")
    }


def runner_of(
    service: Service, deployment: Resource, place: Place, spec: DeploymentSpec, on: Foundation, say: Say
) -> Runner:
    """What runs the deployment's servers: an engine's containers on an image, else processes of this machine."""

    async def make_again() -> str:
        say(f"The image {on.name} was removed: it is made again.")
        try:
            made = await make(service, deployment, service.workspaces.of(deployment.body["id"]), say)
        except (ImageBuildFailure, OperationFailed) as failure:
            raise OSError(f"its image was removed, and cannot be made again: {failure.message}") from None
        if not made.image:
            raise OSError("its image was removed, and its base image cannot be pulled")
        return made.image

    if not on.image:
        return BareProcesses(spec, Path(on.python), service.identity_variables, on.why)
    places = variables_of(service, deployment, place)
    variables = {**places, **spec.environment_variables}
    files: dict[str, Path | bytes] = {}
    command: tuple[str, ...] = ()
    if spec.model_dir is not None:
        files[places["AZUREML_MODEL_DIR"]] = spec.model_dir
    if "AML_APP_ROOT" in places:
        files[places["AML_APP_ROOT"]] = spec.code_dir
        if not own_containers.declared_routes(service, deployment):
            files[_ENTRY] = ENTRY
            command = _server(spec, variables)
    return EngineContainers(
        service.engine,
        f"{place.folder.parent.name}-{place.folder.name}",
        spec,
        ContainerSettings(
            image=on.image,
            command=command,
            files=files,
            environment=variables,
            directory=variables["AML_APP_ROOT"] if command else "",
            size=vm_sizes.find(deployment.properties["instanceType"]),
        ),
        make_again,
    )


_ENTRY = "/azureml-server/container_entry.py"


def _server(spec: DeploymentSpec, variables: dict[str, str]) -> tuple[str, ...]:
    """The command that serves the script, as the base images' own does: with the environment that the image names."""
    python = f'"${{{ENVIRONMENT_VARIABLE}:+${ENVIRONMENT_VARIABLE}/bin/}}python3"'
    script = f"{variables['AML_APP_ROOT']}/{spec.scoring_script}"
    arguments = [_ENTRY, f"0.0.0.0:{spec.scoring.port}", "--entry_script", script, "--port", str(spec.scoring.port)]
    if "AZUREML_MODEL_DIR" in variables:
        arguments += ["--model_dir", variables["AZUREML_MODEL_DIR"]]
    return ("sh", "-c", f"exec {python} {' '.join(map(shlex.quote, arguments))}")


def egress_of(service: Service, deployment: Resource) -> Egress:
    """What the deployment's containers may reach: by its flag, or by the managed virtual network, which ignores it."""
    workspace = service.workspaces.of(deployment.body["id"])
    network = managed_network(service, workspace)
    if not workspace.has_managed_network:
        return Egress(str(deployment.properties["egressPublicNetworkAccess"]).lower() == "disabled")
    if network["isolationMode"] != APPROVED_OUTBOUND:
        return Egress()
    rules = network["outboundRules"].items()
    hosts = {rule["destination"]: name for name, rule in rules if rule["type"] == "FQDN"}
    others = [f"{name} ({rule['type']})" for name, rule in rules if rule["type"] != "FQDN"]
    others += [f"{name} ({host})" for host, name in hosts.items() if host.startswith("*")]
    return Egress(True, tuple(host for host in hosts if not host.startswith("*")), tuple(others))


def _script(deployment: Resource) -> str:
    configuration = deployment.properties.get("codeConfiguration")
    return str(configuration["scoringScript"]) if configuration else mlflow_serving.SCRIPT


def variables_of(service: Service, deployment: Resource, place: Place) -> dict[str, str]:
    """The variables that the service sets: paths in the container, of what there is."""
    variables = {}
    if code_id_of(deployment) or mlflow_serving.scores(service, deployment):
        root = f"{APP_ROOT}/{place.code_name}" if code_id_of(deployment) else mlflow_serving.RESOURCES
        variables = {"AZUREML_ENTRY_SCRIPT": _script(deployment), "AML_APP_ROOT": root}
    if deployment.properties["model"]:
        # The mount path takes the place of the whole path (see SOURCES.md); that the variable says so is assumed.
        variables["AZUREML_MODEL_DIR"] = deployment.properties["modelMountPath"] or f"{APP_ROOT}/{place.model_name}"
    return variables


def _probe(settings: dict[str, Any]) -> ProbeSettings:
    return ProbeSettings(
        initial_delay=rules.seconds(settings["initialDelay"], "initialDelay", 10.0),
        period=rules.seconds(settings["period"], "period", 10.0),
        timeout=rules.seconds(settings["timeout"], "timeout", 2.0),
        success_threshold=int(settings["successThreshold"]),
        failure_threshold=int(settings["failureThreshold"]),
    )
