"""The connection to Azure for a plan: cloud, credential, and Resource Manager."""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any

from tui.cloud import clouds
from tui.cloud.auth import credentials
from tui.cloud.auth.shared_token import SharedToken
from tui.cloud.clouds import CloudMetadata
from tui.cloud.errors import CloudError
from tui.cloud.http import arm, connections, sdk_logging
from tui.plan.model import Plan

if TYPE_CHECKING:
    import requests
    from azure.ai.ml import MLClient

    from tui.cloud.recording.recorder import Recorder


class Cloud:
    """The connection that all calls to Azure use. Created by `connect`; safe to use from several threads.

    With a recorder, every client's exchanges are recorded.
    """

    def __init__(
        self, plan: Plan, metadata: CloudMetadata, credential: SharedToken, recorder: Recorder | None = None
    ) -> None:
        self.plan = plan
        self.metadata = metadata
        self.credential = credential
        self.workspace_id = plan.workspace.id
        self.recorder = recorder
        transport = recorder.transport("resource-manager") if recorder else connections.transport()
        self.arm = arm.ResourceManager(metadata, credential, transport)
        self._shared = _Shared()

    def for_plan(self, plan: Plan) -> Cloud:
        """The same connection for a changed plan with the same workspace and credential."""
        other = copy.copy(self)
        other.plan = plan
        return other

    @property
    def http(self) -> requests.Session:
        """The session for calls outside Resource Manager; it keeps connections, so only the first call needs TLS."""
        with self._shared.http_lock:
            if self._shared.http is None:
                self._shared.http = self.recorder.session("scoring") if self.recorder else connections.session()
            return self._shared.http

    @property
    def ml_client(self) -> MLClient:
        """Azure's own client for the plan's workspace, created on first use (`tui.cloud.http.sdk_client`)."""
        with self._shared.ml_client_lock:
            if self._shared.ml_client is None:
                from tui.cloud.http import sdk_client

                client = sdk_client.connect(self.plan.workspace, self.metadata, self.credential, self.arm)
                self._shared.ml_client = client
            return self._shared.ml_client

    def read_workspace(self) -> dict[str, Any]:
        """The plan's workspace as returned by Resource Manager. Raises CloudError, also if it is not found."""
        name = self.plan.workspace.name
        body = self.arm.call("GET", self.workspace_id, arm.WORKSPACES, doing=f"reading the workspace {name}").body
        if not isinstance(body, dict) or not isinstance(body.get("properties"), dict):
            raise CloudError(
                title=f"The workspace {name} could not be read",
                cause="Resource Manager's response is not a workspace.",
                remedy="Check that nothing between this machine and Azure answers instead, such as a proxy's sign-in "
                "page.",
                raw=str(body)[:2000],
            )
        self.remember_location(str(body.get("location") or ""))
        return body

    @property
    def location(self) -> str:
        """The workspace's region, which every creating request contains. Raises CloudError."""
        if self._shared.location is None:
            return str(self.read_workspace().get("location") or "")
        return self._shared.location

    def remember_location(self, location: str) -> None:
        """Set the region if it is already known, which saves the request for it."""
        self._shared.location = location or None


class _Shared:
    """The state shared by all copies of one connection."""

    def __init__(self) -> None:
        self.http_lock = threading.Lock()
        self.http: requests.Session | None = None
        self.location: str | None = None
        self.ml_client_lock = threading.Lock()
        self.ml_client: MLClient | None = None


def connect(plan: Plan, recorder: Recorder | None = None, credential: SharedToken | None = None) -> Cloud:
    """Connect to Azure for `plan`; reads the metadata of a cloud that is not built in, but does not sign in.

    `credential` is that of another connection with the same identity, whose tokens are shared. With a recorder
    (`tui.cloud.recording.recorder`), all exchanges are recorded, without secrets and names.

    Raises CloudError if the credential is incomplete or the metadata cannot be read.
    """
    sdk_logging.before_import()
    metadata = clouds.current(session=recorder.session("metadata") if recorder else connections.session())
    if credential is None:
        transport = recorder.transport("identity") if recorder else connections.transport()
        credential = SharedToken(credentials.build(plan.credential, metadata, transport))
    return Cloud(plan, metadata, credential, recorder)
