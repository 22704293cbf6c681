"""Runs deployments: copies model and code to disk, builds the environment, manages the containers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from tui.common import vm_sizes
from tui.rehearsal.arm.errors import additional_info
from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.entra.tokens import TokenRefused
from tui.rehearsal.fleet import seeded
from tui.rehearsal.images.image_build import ImageBuildFailure
from tui.rehearsal.online_endpoints.endpoints import find_by_name, keys
from tui.rehearsal.online_endpoints.own_containers import declared_routes
from tui.rehearsal.scenarios.disturbances import Course, disturb_scoring
from tui.rehearsal.service import SERVICE, Service
from tui.rehearsal.serving.container_log import DeploymentLog
from tui.rehearsal.serving.deployment_layout import folder_of, place_of, runner_of, spec_of, variables_of
from tui.rehearsal.serving.downloads import Place, download
from tui.rehearsal.serving.foundation import Foundation
from tui.rehearsal.serving.foundation import make as make_foundation
from tui.rehearsal.serving.front_end import ScoringEndpoint, score
from tui.rehearsal.serving.replicas import ContainerCrashed, ReplicaSet
from tui.rehearsal.store import Resource

log = logging.getLogger(__name__)

AAD_AUDIENCE = "https://ml.azure.com"
BUILD_LOG = "azureml/ImageLogs/{image}/build.log"


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
        if "fleet" in deployment.internal:
            return await seeded.provision(self.service, deployment)
        workspace = self.service.workspaces.of(deployment.body["id"])
        place = place_of(self.service, deployment)
        log_now = self._new_log(self._logs, key, place.folder / "logs")
        self._close_log(self._builds, key)  # that of a build which failed before

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
                on = await self._build(deployment, workspace, key)
            if on.name:
                log_now.write(f"Image: {on.name}")
            async with course.step("download"):
                serves = on.image and (not on.conda or declared_routes(self.service, deployment))
                await download(self.service, deployment, workspace, place, log_now, serves_itself=bool(serves))
            replicas = self._replica_set(deployment, place, on, log_now)
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
        deployment.internal["foundation"] = asdict(on)
        deployment.internal["isolation"] = replicas.isolation
        self.service.store.put(deployment)
        # The old generation serves until the new one is ready.
        before = self._replicas.get(key)
        self._replicas[key] = replicas
        if before is not None:
            await before.stop()
        self._remove_old_generations(place)
        return variables_of(self.service, deployment, place)

    async def scale(self, resource_id: str) -> None:
        """Give a deployment as many instances as it should have, while the others serve. Raises OperationFailed."""
        deployment = self.service.store.get(resource_id)
        if deployment is None:
            raise OperationFailed("ResourceNotFound", "The deployment was deleted.")
        running = None if "fleet" in deployment.internal else self._running(deployment)
        if running is not None:
            try:
                await running.resize(int(deployment.body["sku"]["capacity"]))
            except ContainerCrashed as crash:
                deployment.body["sku"]["capacity"] = running.spec.instance_count
                self.service.store.put(deployment)
                place = self.service.workspaces.of(deployment.body["id"]).location
                raise OperationFailed(crash.code, crash.message, additional=additional_info(place)) from crash

    def instances(self, resource_id: str) -> ReplicaSet | None:
        """The instances of a deployment, if they were started."""
        return self._replicas.get(resource_id.lower())

    def _replica_set(self, deployment: Resource, place: Place, on: Foundation, log_now: DeploymentLog) -> ReplicaSet:
        spec = spec_of(self.service, deployment, place)
        return ReplicaSet(spec, log_now, runner_of(self.service, deployment, place, spec, on, log_now.write))

    @staticmethod
    def _close_log(logs: dict[str, DeploymentLog], key: str) -> None:
        if key in logs:
            logs.pop(key).close()

    def _new_log(self, logs: dict[str, DeploymentLog], key: str, folder: Path) -> DeploymentLog:
        self._close_log(logs, key)
        made = DeploymentLog(folder)
        made.step("SystemSetup", "Succeeded")
        logs[key] = made
        return made

    async def _build(self, deployment: Resource, workspace: Workspace, key: str) -> Foundation:
        """Build the environment, as Azure does when a deployment first uses it."""
        environment = self.service.store.get(deployment.properties["environmentId"] or "")
        properties = environment.properties if environment else {}
        described = "\n".join(str(properties.get(name)) for name in ("image", "condaFile", "build"))
        image_id = hashlib.sha256(described.encode()).hexdigest()[:32]
        folder = folder_of(self.service, deployment.id) / "build"
        await asyncio.to_thread(shutil.rmtree, folder, True)  # the log of the build before
        made = self._new_log(self._builds, key, folder)
        made.step("UserContainerImagePull", "Running")
        lines: list[str] = []

        def say(line: str) -> None:
            lines.append(line)
            made.write(line)

        if deployment.properties.get("dataCollector"):
            say("WARNING: The data collector collects nothing in a rehearsal.")
        begun = time.monotonic()
        try:
            made_on = await make_foundation(self.service, deployment, workspace, say)
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
        self._close_log(self._builds, key)
        log.info("Environment ready after %.1f s", time.monotonic() - begun)
        return made_on

    def _keep_build_log(self, workspace: Workspace, path: str, lines: list[str]) -> None:
        """Store the build log in the workspace's default storage, as Azure does."""
        content = ("\n".join(lines) + "\n").encode("utf-8", "replace")
        part = self.service.blobs.new_file()
        part.write_bytes(content)
        self.service.blobs.take(workspace.blob_container, path, part, "text/plain")

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
        known = deployment.internal.get("foundation")
        place = place_of(self.service, deployment)
        if known is None or not place.folder.is_dir() or (known["python"] and not Path(known["python"]).exists()):
            return None
        log_now = self._new_log(self._logs, key, place.folder / "logs")
        self._replicas[key] = self._replica_set(deployment, place, Foundation(**known), log_now)
        return self._replicas[key]

    def log_text(self, deployment: Resource, container: str, tail: int) -> str:
        """The `content` of getLogs; the build log during and after a failed build."""
        if "fleet" in deployment.internal:
            return seeded.log_text(self.service.store, deployment, container, tail)
        key = deployment.id.lower()
        if key in self._builds and container != "StorageInitializer":
            return self._builds[key].text(container, tail)
        if key not in self._logs:
            folder = place_of(self.service, deployment).folder / "logs"
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
                running = seeded.NoServers() if "fleet" in deployment.internal else self._running(deployment)
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
            self._close_log(logs, key)
        await asyncio.to_thread(shutil.rmtree, folder_of(self.service, key), True)

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


async def handle_scoring(request: web.Request) -> web.StreamResponse:
    """Handle everything below `/endpoints/{name}/`, which represents `https://{name}.{region}.inference.ml.azure.com/`."""
    service = request.app[SERVICE]
    endpoint = find_by_name(service, request.match_info["endpoint"])
    if endpoint is not None and endpoint.internal.get("made"):
        path = "/" + request.match_info["path"]
        if request.query_string:
            path += f"?{request.query_string}"
        disturbed = disturb_scoring(service, request, endpoint)
        if disturbed is not None:
            return disturbed
        return await score(request, service.running_deployments.scoring_endpoint(endpoint), path)
    return web.Response(status=404, text=f"There is no endpoint {request.match_info['endpoint'][:80]}.")
