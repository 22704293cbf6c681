"""One connection to Azure for one plan: the cloud, the credential, Resource Manager, and MLClient when needed."""

from __future__ import annotations

import copy
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from tui.cloud import clouds, credentials, quiet
from tui.cloud.arm import ResourceManager
from tui.cloud.clouds import CloudMetadata
from tui.cloud.errors import explain
from tui.plan.model import Plan

if TYPE_CHECKING:
    import requests

    from tui.cloud.recorder import Recorder


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
        self.arm = ResourceManager(metadata, credential, recorder.transport("resource-manager") if recorder else None)
        self._shared = _Shared()

    def for_plan(self, plan: Plan) -> Cloud:
        """The same connection for another state of the plan, whose workspace and credential must be the same."""
        other = copy.copy(self)
        other.plan = plan
        return other

    def preload(self) -> threading.Thread:
        """Imports azure.ai.ml (1.3 to 2.4 s) in the background while requests wait for their answers."""
        thread = threading.Thread(target=import_sdk, name="preload", daemon=True)
        thread.start()
        return thread

    @property
    def ml(self) -> Any:
        """The MLClient of the workspace, made at first use; it makes no request by itself. Raises CloudError."""
        with self._shared.lock:
            if self._shared.ml is None:
                try:
                    self._shared.ml = self._make_client()
                except Exception as error:
                    raise explain(error, doing="preparing the client of Azure Machine Learning") from None
            return self._shared.ml

    def _make_client(self) -> Any:
        import_sdk()
        from azure.ai.ml import MLClient

        from tui.cloud.retry import NotifyingRetryPolicy

        workspace = self.plan.workspace
        options: dict[str, Any] = {"cloud": self.metadata.name}
        if not self.metadata.built_in:
            options["cloud_metadata"] = self.metadata.for_sdk()
        if self.recorder is not None:
            options["transport"] = self.recorder.transport("resource-manager")
        return MLClient(
            self.credential,
            workspace.subscription_id,
            workspace.resource_group,
            workspace.name,
            # With progress switched off the SDK waits for ever when one file of a folder fails to upload.
            show_progress=True,
            enable_telemetry=False,
            retry_policy=NotifyingRetryPolicy(),
            **options,
        )

    @property
    def http(self) -> requests.Session:
        """For calls outside Resource Manager; connections are kept, so that only a first call pays for TLS."""
        with self._shared.http_lock:
            if self._shared.http is None:
                import requests

                self._shared.http = self.recorder.session("scoring") if self.recorder else requests.Session()
            return self._shared.http

    @property
    def location(self) -> str:
        """The workspace's region, which every request that creates something carries. Raises CloudError."""
        if self._shared.location is None:
            from tui.cloud import workspace

            self._shared.location = workspace.read(self).location
        return self._shared.location

    def remember_location(self, location: str) -> None:
        """Spares the request for the region when it is known already."""
        self._shared.location = location or None


class _Shared:
    """What copies of one connection have in common."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.ml: Any = None
        self.http_lock = threading.Lock()  # its own: a call must not wait while the SDK is imported
        self.http: requests.Session | None = None
        self.location: str | None = None


_import_lock = threading.Lock()


def import_sdk() -> None:
    """Imports azure.ai.ml without a word on stdout or stderr; takes 1.3 to 2.4 s the first time."""
    with _import_lock:
        quiet.before_import()
        import azure.ai.ml  # noqa: F401

        quiet.after_import()


def connect(plan: Plan, recorder: Recorder | None = None) -> Cloud:
    """A connection for `plan`; reads the cloud's metadata where it is not built in, signs nobody in.

    With a recorder (`tui.cloud.recorder`), all exchanges are written down, without secrets and names.

    Raises CloudError when the credential is incomplete or the metadata cannot be read.
    """
    quiet.before_import()
    metadata = clouds.current(session=recorder.session("metadata") if recorder else None)
    # The SDK puts the name back itself, once it knows that cloud; before that it fails on a name it does not know.
    if "azure.ai.ml" not in sys.modules or os.environ.get("AZUREML_CURRENT_CLOUD") != metadata.name:
        os.environ.pop("AZUREML_CURRENT_CLOUD", None)
    if metadata.built_in and metadata.name != "AzureCloud":
        os.environ["AZUREML_CURRENT_CLOUD"] = metadata.name
    transport = recorder.transport("identity") if recorder else None
    return Cloud(plan, metadata, credentials.build(plan.credential, metadata, transport), recorder)
