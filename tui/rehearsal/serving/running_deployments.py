"""Runs deployments: copies model and code to disk, builds the environment, manages the containers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import shutil
import time
from pathlib import Path, PurePosixPath
from typing import Any

from aiohttp import web

from tui.common import vm_sizes
from tui.rehearsal.arm.asset_properties import is_triton_model, uri_of
from tui.rehearsal.arm.errors import additional_info
from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.entra.tokens import TokenRefused
from tui.rehearsal.images.image_build import ImageBuildFailure, build
from tui.rehearsal.online_endpoints import own_containers, rules
from tui.rehearsal.online_endpoints.endpoints import keys
from tui.rehearsal.scenarios.disturbances import Course, disturb_scoring
from tui.rehearsal.service import SERVICE, Service
from tui.rehearsal.serving import mlflow_serving
from tui.rehearsal.serving.container_log import DeploymentLog
from tui.rehearsal.serving.downloads import APP_ROOT, Place, code_id_of, download
from tui.rehearsal.serving.front_end import ScoringEndpoint, score
from tui.rehearsal.serving.replicas import ContainerCrashed, DeploymentSpec, ProbeSettings, ReplicaSet
from tui.rehearsal.store import Resource

log = logging.getLogger(__name__)

AAD_AUDIENCE = "https://ml.azure.com"
# The service adds these to the variables of a succeeded deployment (recorded).
SERVICE_VARIABLES = ("AZUREML_MODEL_DIR", "AZUREML_ENTRY_SCRIPT", "AML_APP_ROOT")
_SERVICE_PLACES = (APP_ROOT, mlflow_serving.RESOURCES)
BUILD_LOG = "azureml/ImageLogs/{image}/build.log"


def _folder(service: Service, resource_id: str) -> Path:
    digest = hashlib.sha256(resource_id.lower().encode()).hexdigest()[:16]
    return service.home.containers / digest


class RunningDeployments:
    """All running deployments, by resource id in lower case."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._replicas: dict[str, ReplicaSet] = {}
        self._logs: dict[str, DeploymentLog] = {}
        self._builds: dict[str, DeploymentLog] = {}

    # Making a deployment

    async def provision(self, resource_id: str) -> dict[str, str]:
        """Create or change a deployment and wait until its containers are ready; return the service's variables.

        Raises OperationFailed with Azure's code.
        """
        key = resource_id.lower()
        deployment = self.service.store.get(key)
        if deployment is None:
            raise OperationFailed("ResourceNotFound", "The deployment was deleted.")
        workspace = self.service.workspaces.of(deployment.body["id"])
        place = self._place(deployment)
        log_now = self._new_log(self._logs, key, place.folder / "logs")

        size = vm_sizes.find(deployment.properties["instanceType"])
        if size is not None and size.gpus:
            log_now.write(f"The rehearsal serves {size.name} on this machine's CPU.")

        def keep(lines: list[str], image: str) -> None:
            self._keep_build_log(workspace, BUILD_LOG.format(image=image), lines)

        course = Course(self.service, workspace, deployment, log_now, keep)
        async with course.step("submitted"):
            pass
        try:
            async with course.step("image"):
                python = await self._build(deployment, workspace, key)
            async with course.step("download"):
                await download(self.service, deployment, workspace, place, log_now)
            replicas = ReplicaSet(self._spec(deployment, place, python), log_now)
            try:
                async with course.step("start"):
                    await replicas.start()
            except asyncio.CancelledError:
                await replicas.stop()
                raise
        except ContainerCrashed as crash:
            raise OperationFailed(crash.code, crash.message, additional=additional_info(workspace.location)) from crash
        deployment = self.service.store.get(key)
        if deployment is None:
            await replicas.stop()
            raise OperationFailed("ResourceNotFound", "The deployment was deleted.")
        deployment.internal["python"] = str(python)
        self.service.store.put(deployment)
        # The old generation serves until the new one is ready.
        before = self._replicas.get(key)
        self._replicas[key] = replicas
        if before is not None:
            await before.stop()
        self._remove_old_generations(place)
        return self._variables(deployment, place)

    def _place(self, deployment: Resource) -> Place:
        folder = _folder(self.service, deployment.id) / str(deployment.internal.get("generation", 1))
        root = folder / APP_ROOT.lstrip("/")
        model_id, code_id = deployment.properties["model"], code_id_of(deployment)
        model_name = "azureml-models"
        if model_id:
            parts = model_id.split("/")
            model_name = f"azureml-models/{parts[-3]}/{parts[-1]}"
        code_name = "code"
        if code_id:
            # The folder in the container has the name of the last folder in the code's address (recorded).
            code_name = PurePosixPath(uri_of(self.service, code_id, "codeUri").rstrip("/")).name or "code"
        code = root / code_name
        if mlflow_serving.without_code(deployment):
            code = folder / mlflow_serving.RESOURCES.lstrip("/")
        return Place(folder, code, root / model_name, code_name, model_name)

    @staticmethod
    def _new_log(logs: dict[str, DeploymentLog], key: str, folder: Path) -> DeploymentLog:
        old = logs.pop(key, None)
        if old is not None:
            old.close()
        made = DeploymentLog(folder)
        made.step("SystemSetup", "Succeeded")
        logs[key] = made
        return made

    async def _build(self, deployment: Resource, workspace: Workspace, key: str) -> Path:
        """Build the environment, as Azure does when a deployment first uses it."""
        environment = self.service.store.get(deployment.properties["environmentId"] or "")
        conda = (environment.properties.get("condaFile") or "") if environment else ""
        image = environment.properties.get("image") if environment else None
        own_containers.refuse(
            environment,
            may_serve=self.service.scoring_python is not None,
            is_triton=is_triton_model(self.service.store.get(deployment.properties["model"] or "")),
        )
        notes: list[str] = []
        if environment is None and mlflow_serving.without_code(deployment):
            conda = mlflow_serving.conda_of_model(self.service, workspace, deployment, notes.append)
            image = mlflow_serving.IMAGE
        image_id = hashlib.sha256(f"{image}\n{conda}".encode()).hexdigest()[:32]
        folder = _folder(self.service, deployment.id) / "build"
        await asyncio.to_thread(shutil.rmtree, folder, True)  # the log of the build before
        made = self._new_log(self._builds, key, folder)
        made.step("UserContainerImagePull", "Running")
        if deployment.properties.get("dataCollector"):
            notes.append("WARNING: The data collector collects nothing in a rehearsal.")
        lines: list[str] = []

        def say(line: str) -> None:
            lines.append(line)
            made.write(line)

        for note in notes:
            say(note)
        begun = time.monotonic()
        try:
            python = await build(
                conda, image, cache=self.service.home.cache, log=say, scoring_python=self.service.scoring_python
            )
        except ImageBuildFailure as failure:
            made.step("UserContainerImagePull", "Failed")
            path = BUILD_LOG.format(image=image_id)
            self._keep_build_log(workspace, path, lines)
            message = (
                f"{failure.message}\nThe build log is available in the workspace blob store 'rehearsal' under the path "
                f"'/{path}'."
            )
            raise OperationFailed(failure.code, message, additional=additional_info(workspace.location)) from failure
        made.step("UserContainerImagePull", "Succeeded")
        self._keep_build_log(workspace, BUILD_LOG.format(image=image_id), lines)
        self._builds.pop(key).close()
        log.info("Environment ready after %.1f s", time.monotonic() - begun)
        return python

    def _keep_build_log(self, workspace: Workspace, path: str, lines: list[str]) -> None:
        """Store the build log in the workspace's default storage, as Azure does."""
        content = ("\n".join(lines) + "\n").encode("utf-8", "replace")
        part = self.service.blobs.new_file()
        part.write_bytes(content)
        self.service.blobs.take(workspace.blob_container, path, part, "text/plain")

    def _spec(self, deployment: Resource, place: Place, python: Path) -> DeploymentSpec:
        properties = deployment.properties
        settings = properties["requestSettings"]
        endpoint = deployment.body["id"].split("/")[-3]
        variables = {
            name: value
            for name, value in {**self.service.identity_variables, **properties["environmentVariables"]}.items()
            # A client that has read a deployment sends back the variables that the service added.
            if not (name in SERVICE_VARIABLES and value.startswith((*_SERVICE_PLACES, self._script(deployment))))
        }
        if mlflow_serving.without_code(deployment):
            variables.update(mlflow_serving.variables(place.model))
        return DeploymentSpec(
            endpoint=endpoint,
            deployment=deployment.name,
            python=python,
            code_dir=place.code,
            scoring_script=self._script(deployment),
            # Assumed: that Azure sets AZUREML_MODEL_DIR is recorded for deployments with a model only.
            model_dir=place.model if properties["model"] else None,
            work_dir=place.folder,
            environment_variables=variables,
            instance_count=int(deployment.body["sku"]["capacity"]),
            liveness_probe=_probe(properties["livenessProbe"]),
            readiness_probe=_probe(properties["readinessProbe"]),
            request_timeout=rules.seconds(settings["requestTimeout"], "requestTimeout", 5.0),
            max_concurrent=int(settings["maxConcurrentRequestsPerInstance"]),
        )

    @staticmethod
    def _script(deployment: Resource) -> str:
        configuration = deployment.properties.get("codeConfiguration")
        return str(configuration["scoringScript"]) if configuration else mlflow_serving.SCRIPT

    def _variables(self, deployment: Resource, place: Place) -> dict[str, str]:
        variables = {"AZUREML_ENTRY_SCRIPT": self._script(deployment), "AML_APP_ROOT": f"{APP_ROOT}/{place.code_name}"}
        if mlflow_serving.without_code(deployment):
            variables["AML_APP_ROOT"] = mlflow_serving.RESOURCES
        if deployment.properties["model"]:
            variables["AZUREML_MODEL_DIR"] = f"{APP_ROOT}/{place.model_name}"
        return variables

    @staticmethod
    def _remove_old_generations(place: Place) -> None:
        for folder in place.folder.parent.iterdir():
            if folder.name.isdecimal() and folder != place.folder:
                shutil.rmtree(folder, ignore_errors=True)

    # While it runs

    def _running(self, deployment: Resource) -> ReplicaSet | None:
        """The deployment's containers; after a restart of the rehearsal, they start at the first call."""
        key = deployment.id.lower()
        if key in self._replicas:
            return self._replicas[key]
        python = deployment.internal.get("python")
        place = self._place(deployment)
        if python is None or not place.code.is_dir() or not Path(python).exists():
            return None
        log_now = self._new_log(self._logs, key, place.folder / "logs")
        self._replicas[key] = ReplicaSet(self._spec(deployment, place, Path(python)), log_now)
        return self._replicas[key]

    def log_text(self, deployment: Resource, container: str, tail: int) -> str:
        """The `content` of getLogs; the build log during and after a failed build."""
        key = deployment.id.lower()
        if key in self._builds and container != "StorageInitializer":
            return self._builds[key].text(container, tail)
        if key not in self._logs:
            folder = self._place(deployment).folder / "logs"
            if not folder.is_dir():
                return ""
            self._logs[key] = DeploymentLog(folder)
        return self._logs[key].text(container, tail)

    def scoring_endpoint(self, endpoint: Resource) -> ScoringEndpoint:
        """The front end's view of an endpoint."""
        replicas: dict[str, ReplicaSet] = {}
        for deployment in self.service.store.children(endpoint.id, "deployments"):
            # After a failed update, the previous generation continues.
            served = deployment.id.lower() in self._replicas
            if served or deployment.properties["provisioningState"] in ("Succeeded", "Updating"):
                running = self._running(deployment)
                if running is not None:
                    replicas[deployment.name] = running
        mode = endpoint.properties["authMode"]
        return ScoringEndpoint(
            name=endpoint.name,
            auth_mode=mode,
            keys=keys(self.service, endpoint),
            verify_token=lambda token: self._may_score(token, endpoint, mode),
            traffic=dict(endpoint.properties["traffic"]),
            mirror_traffic=dict(endpoint.properties["mirrorTraffic"]),
            replicas=replicas,
        )

    def _may_score(self, token: str, endpoint: Resource, mode: str) -> bool:
        try:
            claims = self.service.signer.verify(token)
        except TokenRefused:
            return False
        if mode == "AADToken":
            return str(claims.get("aud", "")).rstrip("/") == AAD_AUDIENCE
        return (
            claims.get("iss") == "azureml"
            and claims.get("endpointName") == endpoint.name
            and claims.get("workspaceId") == endpoint.internal.get("workspace")
        )

    # Ending

    async def remove(self, resource_id: str) -> None:
        """End a deployment's containers and remove its files."""
        key = resource_id.lower()
        replicas = self._replicas.pop(key, None)
        if replicas is not None:
            await replicas.stop()
        for logs in (self._logs, self._builds):
            made = logs.pop(key, None)
            if made is not None:
                made.close()
        await asyncio.to_thread(shutil.rmtree, _folder(self.service, key), True)

    async def remove_below(self, endpoint_id: str) -> None:
        """Do the same for all deployments of an endpoint."""
        for deployment in self.service.store.children(endpoint_id, "deployments"):
            await self.remove(deployment.id)

    async def stop(self) -> None:
        """End all containers."""
        results = await asyncio.gather(
            *(replicas.stop() for replicas in self._replicas.values()), return_exceptions=True
        )
        for result in results:
            if isinstance(result, Exception):
                log.error("A deployment did not stop: %s", result)
        self._replicas.clear()
        for made in [*self._logs.values(), *self._builds.values()]:
            with contextlib.suppress(OSError):
                made.close()


def _probe(settings: dict[str, Any]) -> ProbeSettings:
    return ProbeSettings(
        initial_delay=rules.seconds(settings["initialDelay"], "initialDelay", 10.0),
        period=rules.seconds(settings["period"], "period", 10.0),
        timeout=rules.seconds(settings["timeout"], "timeout", 2.0),
        success_threshold=int(settings["successThreshold"]),
        failure_threshold=int(settings["failureThreshold"]),
    )


async def handle_scoring(request: web.Request) -> web.StreamResponse:
    """Handle everything below `/endpoints/{name}/`, which represents `https://{name}.{region}.inference.ml.azure.com/`."""
    service = request.app[SERVICE]
    name = request.match_info["endpoint"].lower()
    for endpoint in service.store.of_kind("onlineEndpoints"):
        if endpoint.name.lower() == name and endpoint.internal.get("made"):
            path = "/" + request.match_info["path"]
            if request.query_string:
                path += f"?{request.query_string}"
            disturbed = disturb_scoring(service, request, endpoint)
            if disturbed is not None:
                return disturbed
            return await score(request, service.running_deployments.scoring_endpoint(endpoint), path)
    return web.Response(status=404, text=f"There is no endpoint {request.match_info['endpoint'][:80]}.")
