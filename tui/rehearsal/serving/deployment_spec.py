"""What a deployment's containers are to be, whatever runs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

PORT = 31311
"""The port of Azure's own scoring server, by recorded container logs."""


@dataclass(frozen=True)
class Route:
    """Where a container answers."""

    path: str = "/"
    port: int = PORT


@dataclass(frozen=True)
class Egress:
    """What containers may reach. Closed: only `hosts`, on ports 443 and 80."""

    closed: bool = False
    hosts: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Outbound rules for which nothing can be opened on this machine, in words."""


@dataclass(frozen=True)
class ProbeSettings:
    """A liveness or readiness probe. Seconds and counts; the defaults are Azure's (online deployment YAML)."""

    initial_delay: float = 10
    period: float = 10
    timeout: float = 2
    success_threshold: int = 1
    failure_threshold: int = 30


@dataclass(frozen=True)
class DeploymentSpec:
    """The configuration of a deployment's containers. Times are in seconds, paths absolute, on this machine."""

    endpoint: str
    deployment: str
    code_dir: Path
    scoring_script: str
    model_dir: Path | None
    work_dir: Path
    environment_variables: dict[str, str] = field(default_factory=dict)
    instance_count: int = 1
    liveness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    readiness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    request_timeout: float = 5.0
    max_concurrent: int = 1
    liveness: Route = Route()
    readiness: Route = Route()
    scoring: Route = Route("/score")
    egress: Egress = Egress()
