"""The plan as dataclasses whose field names are the keys of the `az ml` CLI v2 YAML."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from tui.plan.autoscale import Autoscale
from tui.plan.data_collection import DataCollector
from tui.plan.endpoint_identity import Identity


@dataclass(frozen=True)
class Workspace:
    """An Azure Machine Learning workspace: subscription GUID, resource group and name."""

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
    """How to sign in. `client_secret` is kept in memory only."""

    method: str = "default"
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Endpoint:
    """A managed online endpoint; without `identity` it gets a system-assigned one, or keeps the one it has."""

    name: str = ""
    auth_mode: str = "key"
    public_network_access: str = "disabled"
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    identity: Identity | None = None


@dataclass(frozen=True)
class Model:
    """A model: a local `path` to register, `registered` (`azureml:NAME:VERSION`), or a `source` elsewhere.

    A deployment without any of them has its model in its image.
    """

    name: str = ""
    path: Path | None = None
    type: str = "custom_model"
    version: str | None = None
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    registered: str | None = None
    source: str | None = None

    @property
    def given(self) -> bool:
        """Whether the deployment has a model beside its image."""
        return bool(self.path or self.registered or self.source)


@dataclass(frozen=True)
class CodeConfiguration:
    """The code folder and the scoring script in it."""

    code: Path
    scoring_script: str = "score.py"


@dataclass(frozen=True)
class BuildContext:
    """A folder with a Dockerfile (named relative to it); `url` replaces `path` if Azure fetches the folder itself."""

    path: Path | None = None
    url: str | None = None
    dockerfile_path: str = "Dockerfile"


@dataclass(frozen=True)
class Route:
    """A path and port on which a custom container answers."""

    path: str
    port: int


@dataclass(frozen=True)
class InferenceConfig:
    """The routes of a custom container, which has its own server."""

    liveness_route: Route
    readiness_route: Route
    scoring_route: Route


@dataclass(frozen=True)
class Environment:
    """A conda file on a base image, an image, a Dockerfile's build context, or `azureml:NAME:VERSION` (`registered`).

    `inference_config` has the routes of a container with its own server; without it, Azure's scoring server is used.
    """

    name: str = ""
    conda_file: Path | None = None
    image: str | None = None
    version: str | None = None
    registered: str | None = None
    build: BuildContext | None = None
    inference_config: InferenceConfig | None = None

    @property
    def given(self) -> bool:
        """Whether the plan specifies an environment in any form."""
        return bool(self.conda_file or self.image or self.registered or self.build)


@dataclass(frozen=True)
class RequestSettings:
    """How requests are handled; the defaults are Azure's (reference-yaml-deployment-managed-online)."""

    request_timeout_ms: int = 5000
    max_concurrent_requests_per_instance: int = 1


@dataclass(frozen=True)
class ProbeSettings:
    """A probe's times (seconds) and thresholds (counts); the defaults are Azure's."""

    initial_delay: int = 10
    period: int = 10
    timeout: int = 2
    success_threshold: int = 1
    failure_threshold: int = 30


@dataclass(frozen=True)
class Deployment:
    """A managed online deployment; with `autoscale`, `instance_count` is the count with which it is created."""

    name: str = "blue"
    model: Model = field(default_factory=Model)
    code_configuration: CodeConfiguration | None = None
    environment: Environment = field(default_factory=Environment)
    environment_variables: dict[str, str] = field(default_factory=dict)
    instance_type: str = "Standard_D4as_v4"
    instance_count: int = 1
    egress_public_network_access: str | None = None
    app_insights_enabled: bool = False
    request_settings: RequestSettings = field(default_factory=RequestSettings)
    liveness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    readiness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    data_collector: DataCollector | None = None
    model_mount_path: str | None = None
    autoscale: Autoscale | None = None


@dataclass(frozen=True)
class Test:
    """The request that the run sends once the endpoint is ready, and the golden requests that come before traffic."""

    __test__ = False  # otherwise pytest would collect it as a test class

    request: Path | None = None
    requests: Path | None = None


@dataclass(frozen=True)
class Rollout:
    """How traffic moves to a new deployment: the steps, and what is monitored at each step.

    `deployment` is the one that takes over. `steps` are rising percentages; `pause` is how long each step is monitored
    and `probe_every` how often the deployment is called meanwhile, in seconds. Above `max_error_percent` or
    `max_p95_ms` the previous split is restored; neither is evaluated before `min_requests` responses.
    """

    deployment: str
    steps: tuple[int, ...] = (10, 50, 100)
    pause: float = 300.0
    probe_every: float = 2.0
    min_requests: int = 10
    max_error_percent: int = 5
    max_p95_ms: int | None = None


@dataclass(frozen=True)
class Limits:
    """Time limits of a run, in seconds; None means the engine's default, and for `total` no limit."""

    endpoint: float | None = None
    deployment: float | None = None
    traffic: float | None = None
    upload: float | None = None
    settle: float | None = None
    test: float | None = None
    total: float | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs. Paths are absolute and references resolved; a plan is never written to disk.

    A plan with `deployments:` has all of them in `deployments`; `deployment` is then the one that takes over (the
    last), or the one selected with `of`. In a plan with `deployment:`, `deployments` is empty.
    """

    workspace: Workspace = field(default_factory=Workspace)
    credential: Credential = field(default_factory=Credential)
    endpoint: Endpoint = field(default_factory=Endpoint)
    deployment: Deployment = field(default_factory=Deployment)
    traffic: dict[str, int] = field(default_factory=dict)
    test: Test = field(default_factory=Test)
    description: str = ""
    base: Path = field(default_factory=Path)
    hash: str = ""
    deployments: tuple[Deployment, ...] = ()
    mirror_traffic: dict[str, int] = field(default_factory=dict)
    rollout: Rollout | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def every_deployment(self) -> tuple[Deployment, ...]:
        """All deployments of the plan, in order."""
        return self.deployments or (self.deployment,)

    def of(self, name: str | None) -> Plan:
        """The plan with the named deployment as `deployment`; unchanged if it has none of that name."""
        found = next((one for one in self.deployments if one.name == name), None)
        return self if found is None else replace(self, deployment=found)
