"""One connection to Azure for one plan: the cloud, the credential, Resource Manager."""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any

from tui.cloud import clouds
from tui.cloud.auth import credentials
from tui.cloud.clouds import CloudMetadata
from tui.cloud.errors import CloudError
from tui.cloud.http import arm, connections, sdk_logging
from tui.plan.model import Plan

if TYPE_CHECKING:
    import requests
    from azure.ai.ml import MLClient

    from tui.cloud.recording.recorder import Recorder


class Cloud:
    """Holds what calls to Azure need. Made by `connect`; safe to use from several threads.

    With a recorder, every client sends through a transport that writes down what goes to and fro.
    """

    def __init__(self, plan: Plan, metadata: CloudMetadata, credential: Any, recorder: Recorder | None = None) -> None:
        self.plan = plan
        self.metadata = metadata
        self.credential = credential
        self.workspace_id = plan.workspace.id
        self.recorder = recorder
        transport = recorder.transport("resource-manager") if recorder else connections.transport()
        self.arm = arm.ResourceManager(metadata, credential, transport)
        self._shared = _Shared()

    def for_plan(self, plan: Plan) -> Cloud:
        """The same connection for another state of the plan, whose workspace and credential must be the same."""
        other = copy.copy(self)
        other.plan = plan
        return other

    @property
    def http(self) -> requests.Session:
        """For calls outside Resource Manager; connections are kept, so that only a first call pays for TLS."""
        with self._shared.http_lock:
            if self._shared.http is None:
                self._shared.http = self.recorder.session("scoring") if self.recorder else connections.session()
            return self._shared.http

    @property
    def ml_client(self) -> MLClient:
        """Azure's own client for the plan's workspace, made at its first use (`tui.cloud.http.sdk_client`)."""
        with self._shared.ml_client_lock:
            if self._shared.ml_client is None:
                from tui.cloud.http import sdk_client

                client = sdk_client.connect(self.plan.workspace, self.metadata, self.credential, self.arm)
                self._shared.ml_client = client
            return self._shared.ml_client

    def read_workspace(self) -> dict[str, Any]:
        """The plan's workspace as Resource Manager tells it. Raises CloudError, also when it is not there."""
        name = self.plan.workspace.name
        body = self.arm.call("GET", self.workspace_id, arm.WORKSPACES, doing=f"reading the workspace {name}").body
        if not isinstance(body, dict) or "properties" not in body:
            raise CloudError(
                title=f"The workspace {name} could not be read",
                cause="The answer of Resource Manager is not a workspace.",
                remedy="Check that nothing between this machine and Azure answers in its place (a proxy's log-in "
                "page).",
                raw=str(body)[:2000],
            )
        self.remember_location(str(body.get("location") or ""))
        return body

    @property
    def location(self) -> str:
        """The workspace's region, which every request that creates something carries. Raises CloudError."""
        if self._shared.location is None:
            return str(self.read_workspace().get("location") or "")
        return self._shared.location

    def remember_location(self, location: str) -> None:
        """Spares the request for the region when it is known already."""
        self._shared.location = location or None


class _Shared:
    """What copies of one connection have in common."""

    def __init__(self) -> None:
        self.http_lock = threading.Lock()
        self.http: requests.Session | None = None
        self.location: str | None = None
        self.ml_client_lock = threading.Lock()
        self.ml_client: MLClient | None = None


def connect(plan: Plan, recorder: Recorder | None = None) -> Cloud:
    """A connection for `plan`; reads the cloud's metadata where it is not built in, signs nobody in.

    With a recorder (`tui.cloud.recording.recorder`), all exchanges are written down, without secrets and names.

    Raises CloudError when the credential is incomplete or the metadata cannot be read.
    """
    sdk_logging.before_import()
    metadata = clouds.current(session=recorder.session("metadata") if recorder else connections.session())
    transport = recorder.transport("identity") if recorder else connections.transport()
    return Cloud(plan, metadata, credentials.build(plan.credential, metadata, transport), recorder)
