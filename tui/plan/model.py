"""The plan as dataclasses whose field names are the keys of the `az ml` CLI v2 YAML."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Workspace:
    """Which Azure Machine Learning workspace: subscription GUID, resource group and name."""

    subscription_id: str = ""
    resource_group: str = ""
    name: str = ""

    @property
    def id(self) -> str:
        """The Azure Resource Manager id of the workspace."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )


@dataclass(frozen=True)
class Credential:
    """How to sign in. `client_secret` is only ever held here, in memory."""

    method: str = "default"
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Endpoint:
    """A managed online endpoint."""

    name: str = ""
    auth_mode: str = "key"
    public_network_access: str = "disabled"
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """A model: a local path to register, or `azureml:NAME:VERSION` in `registered`."""

    name: str = ""
    path: Path | None = None
    type: str = "custom_model"
    version: str | None = None
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    registered: str | None = None


@dataclass(frozen=True)
class CodeConfiguration:
    """The folder of the scoring script, and the script in it."""

    code: Path
    scoring_script: str = "score.py"


@dataclass(frozen=True)
class Environment:
    """A conda file on a base image, or `azureml:NAME:VERSION` in `registered`."""

    name: str = ""
    conda_file: Path | None = None
    image: str | None = None
    version: str | None = None
    registered: str | None = None


@dataclass(frozen=True)
class RequestSettings:
    """How requests are treated; the defaults are Azure's (reference-yaml-deployment-managed-online)."""

    request_timeout_ms: int = 5000
    max_concurrent_requests_per_instance: int = 1


@dataclass(frozen=True)
class ProbeSettings:
    """A probe's times in seconds and counts; the defaults are Azure's."""

    initial_delay: int = 10
    period: int = 10
    timeout: int = 2
    success_threshold: int = 1
    failure_threshold: int = 30


@dataclass(frozen=True)
class Deployment:
    """A managed online deployment."""

    name: str = "blue"
    model: Model = field(default_factory=Model)
    code_configuration: CodeConfiguration | None = None
    environment: Environment = field(default_factory=Environment)
    environment_variables: dict[str, str] = field(default_factory=dict)
    instance_type: str = "Standard_DS3_v2"
    instance_count: int = 1
    egress_public_network_access: str | None = None
    app_insights_enabled: bool = False
    request_settings: RequestSettings = field(default_factory=RequestSettings)
    liveness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    readiness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Test:
    """The request that the run sends when the endpoint is up."""

    __test__ = False  # pytest would take the name for a test class

    request: Path | None = None


@dataclass(frozen=True)
class Plan:
    """Everything a run needs. Paths are absolute, references are resolved; it is never written to disk."""

    workspace: Workspace = field(default_factory=Workspace)
    credential: Credential = field(default_factory=Credential)
    endpoint: Endpoint = field(default_factory=Endpoint)
    deployment: Deployment = field(default_factory=Deployment)
    traffic: dict[str, int] = field(default_factory=dict)
    test: Test = field(default_factory=Test)
    description: str = ""
    base: Path = field(default_factory=Path)
    hash: str = ""
