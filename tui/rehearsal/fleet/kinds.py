"""The kinds of endpoints in a fleet: states, traffic, and what is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A deployment: its percentages, the share of requests that fail, and the slowest twentieth in milliseconds."""

    name: str = "blue"
    traffic: int = 100
    mirror: int = 0
    state: str = "Succeeded"
    failing: float = 0.0
    p95_ms: float = 45.0


@dataclass(frozen=True)
class Kind:
    """A kind of endpoint; `requests` a minute. `keys`: "old" (beyond the activity log) or "renewed"."""

    name: str
    parts: tuple[Part, ...] = (Part(),)
    state: str = "Succeeded"
    requests: float = 30.0
    traffic: tuple[tuple[str, int], ...] | None = None
    size: str = ""
    auth_mode: str = "Key"
    keys: str = ""
    own: bool = True
    by_hand: bool = False
    autoscale: bool = False
    kubernetes: bool = False


# An odd number of them: so each kind comes into each of the four workspaces that answer.
KINDS = (
    Kind("healthy"),
    Kind("degraded by errors", (Part(failing=0.04),)),
    Kind("failing by errors", (Part(failing=0.7),)),
    Kind("idle", requests=0.0),
    Kind("autoscaled", autoscale=True, requests=120.0),
    Kind("changed by hand", by_hand=True),
    Kind("failed deployment", (Part(state="Failed"),), requests=0.0),
    Kind("foreign", own=False),
    Kind("two deployments", (Part(traffic=90), Part("green", 10, p95_ms=60.0))),
    Kind("traffic to nothing", (Part(traffic=0),), traffic=(("red", 100),), requests=0.0),
    Kind("mirrored", (Part(), Part("green", 0, mirror=10))),
    Kind("half-made", (), requests=0.0),
    Kind("slow", (Part(p95_ms=7500.0),)),
    Kind("failed green", (Part(), Part("green", 0, state="Failed"))),
    Kind("Kubernetes", kubernetes=True, own=False),
    Kind("creating", (), "Creating", requests=0.0),
    Kind("retiring size", size="Standard_NC6s_v3"),
    Kind("deleting", (Part(state="Deleting"),), "Deleting", requests=0.0),
    Kind("old keys", keys="old"),
    Kind("Entra tokens", auth_mode="AADToken"),
    Kind("mirror failed", (Part(), Part("green", 0, mirror=10, state="Failed"))),
    Kind("renewed keys", keys="renewed"),
    Kind("failed endpoint", (), "Failed", requests=0.0),
    Kind("three deployments", (Part(traffic=50), Part("green", 50), Part("red", 0)), by_hand=True),
    Kind("being changed", (Part(), Part("green", 0, state="Updating"))),
)
