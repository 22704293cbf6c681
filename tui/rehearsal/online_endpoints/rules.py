"""Rules of managed online endpoints that Azure enforces for changes.

From Microsoft's how-to-manage-quotas, concept-secure-online-endpoint and how-to-troubleshoot-online-endpoints; the
wording of errors is assumed where it is not documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tui.rehearsal.arm.errors import ArmError, bad_request, user_error
from tui.rehearsal.arm.resource_paths import REGION_NAME

MAX_ENDPOINTS = 100
MAX_DEPLOYMENTS = 20
MAX_DEPLOYMENTS_IN_SUBSCRIPTION = 500
MAX_INSTANCES = 50
MAX_REQUEST_SECONDS = 180
MAX_MIRROR_PERCENT = 50
IN_MOTION = frozenset({"Creating", "Updating", "Deleting", "Scaling"})

_NAME = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*$")
_DURATION = re.compile(
    r"P(?:(?P<days>\d{1,6})D)?(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,9})?)S)?)?$"
)


def check_name(name: str, what: str) -> None:
    """Endpoint and deployment names: 3 to 32 letters, digits and single dashes, a letter first. Raises ArmError."""
    if 3 <= len(name) <= 32 and _NAME.fullmatch(name):
        return
    raise bad_request(
        "InvalidName",
        f"The {what} name '{name[:80]}' is not valid. It must have 3 to 32 characters, begin with a letter, end with a "
        "letter or digit, and hold only letters, digits and single dashes.",
        REGION_NAME,
    )


def choice(value: str | None, allowed: dict[str, str], name: str, default: str) -> str:
    """One of a few values, case-insensitive. Raises ArmError."""
    if value is None:
        return default
    if value.lower() not in allowed:
        raise bad_request(
            "InvalidValue", f"{name} is '{value[:80]}'; it must be one of {', '.join(allowed.values())}.", REGION_NAME
        )
    return allowed[value.lower()]


def check_traffic(
    traffic: Mapping[str, int], mirror: Mapping[str, int], deployments: Iterable[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Traffic and mirror traffic with the deployments' own spelling. Raises ArmError if a rule is violated."""
    known = {name.lower(): name for name in deployments}

    def resolved(shares: Mapping[str, int], what: str) -> dict[str, int]:
        result: dict[str, int] = {}
        for name, share in shares.items():
            if name.lower() not in known:
                raise bad_request(
                    "InvalidTraffic",
                    f"{what} names the deployment '{name[:80]}', which the endpoint does not have.",
                    REGION_NAME,
                )
            if not 0 <= share <= 100:
                raise bad_request("InvalidTraffic", f"{what} of {name} must be between 0 and 100.", REGION_NAME)
            result[known[name.lower()]] = share
        return result

    live, copies = resolved(traffic, "Traffic"), resolved(mirror, "Mirror traffic")
    if sum(live.values()) not in (0, 100):
        raise bad_request(
            "InvalidTraffic",
            f"The traffic of all deployments must add up to 0 or 100; it adds up to {sum(live.values())}.",
            REGION_NAME,
        )
    mirrored = [name for name, share in copies.items() if share]
    if len(mirrored) > 1 or sum(copies.values()) > MAX_MIRROR_PERCENT:
        raise bad_request(
            "InvalidMirrorTraffic",
            f"Traffic can be mirrored to one deployment, and at most {MAX_MIRROR_PERCENT} percent of it.",
            REGION_NAME,
        )
    if mirrored and live.get(mirrored[0]):
        raise bad_request(
            "InvalidMirrorTraffic",
            f"The deployment '{mirrored[0]}' can receive live traffic or mirrored traffic, not both.",
            REGION_NAME,
        )
    return live, copies


def require_settled(what: str, name: str, state: str) -> None:
    """Refuse a change of a resource that is being changed. Raises ArmError 409."""
    if state in IN_MOTION:
        raise user_error(
            f"The {what} '{name}' is in the provisioning state {state}; another operation on it is in progress. "
            "Wait until it has ended and try again.",
            REGION_NAME,
            status=409,
            code="Conflict",
        )


AUTOSCALE = "autoscaleSettings"


def check_network(
    *, managed_network: bool, public: bool, egress: str, mlflow_without_code: bool, before: str | None
) -> None:
    """Check a deployment's egress flag against the workspace's isolation. Raises ArmError.

    Under a managed virtual network the flag does not apply. Without one: it cannot change; a deployment
    with egress enabled must reach the workspace over the public network, which a closed workspace does not allow;
    MLflow models without code cannot download what they need if egress is disabled.
    """
    if managed_network:
        return
    if before is not None and before.lower() != egress.lower():
        raise bad_request(
            "BadArgument",
            "The property egressPublicNetworkAccess of a deployment cannot be changed; create a new deployment.",
            REGION_NAME,
        )
    if egress.lower() == "disabled" and mlflow_without_code:
        raise user_error(
            "MLflow model format with private network is unsupported. Deploying an MLflow model without code needs a "
            "workspace managed virtual network when egressPublicNetworkAccess is Disabled.",
            REGION_NAME,
            code="BadArgument",
        )
    if egress.lower() == "enabled" and not public:
        raise user_error(
            "The deployment's egressPublicNetworkAccess is Enabled, but the workspace's publicNetworkAccess is "
            "Disabled and it has no managed virtual network: the deployment could not reach the workspace. Set "
            "egressPublicNetworkAccess to Disabled.",
            REGION_NAME,
            code="BadArgument",
        )


def seconds(text: Any, name: str, default: float) -> float:
    """The seconds of an ISO 8601 duration such as `PT1M30S`. Raises ArmError for anything else."""
    if text is None:
        return default
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None or text in ("P", "PT"):
        raise bad_request("InvalidDuration", f"{name} must be a duration such as PT10S.", REGION_NAME)
    parts = {unit: float(value or 0) for unit, value in match.groupdict().items()}
    return parts["days"] * 86400 + parts["hours"] * 3600 + parts["minutes"] * 60 + parts["seconds"]


def duration(value: float) -> str:
    """Seconds in the service's format."""
    whole = int(value * 1000)
    if whole % 1000:
        return f"PT{whole / 1000:g}S"
    minutes, rest = divmod(whole // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    text = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + (f"{rest}S" if rest else "")
    return f"PT{text or '0S'}"


def limit_reached(what: str, limit: int) -> ArmError:
    """The error for too many endpoints or deployments."""
    return user_error(
        f"The limit of {limit} {what} is reached. Delete some that are not used, or request an increase.",
        REGION_NAME,
        code="OutOfQuota",
    )
