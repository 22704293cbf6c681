"""Check what Azure must download for the plan against the outbound rules of the managed virtual network.

The hosts of packages are from Microsoft's how-to-managed-network (scenario: public machine learning packages);
Microsoft's registries are covered by a rule that Azure adds automatically.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tui.checks.environment import conda_file
from tui.checks.finding import OK, UNKNOWN, WARNING, Finding
from tui.checks.workspace.workspace import group_of
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.az_command import az_ml
from tui.plan.model import Plan

FIELD = "deployment.environment.conda_file"
_DOCS = "https://learn.microsoft.com/azure/machine-learning/how-to-managed-network"
_PYPI = ("pypi.org", "files.pythonhosted.org")
_CHANNELS = {"defaults": "repo.anaconda.com", "anaconda": "conda.anaconda.org", "conda-forge": "conda.anaconda.org"}
_PLACES = ("--index-url", "--extra-index-url", "--find-links")


def fetched(plan: Plan) -> dict[str, str]:
    """The hosts that must be reachable, and for what: during the image build, or when the container starts."""
    environment = plan.deployment.environment
    found: dict[str, str] = {}
    if environment.conda_file is not None:
        found.update(_of_conda(environment.conda_file))
    model = plan.deployment.model
    if plan.deployment.code_configuration is None and model.type == "mlflow_model" and model.path is not None:
        # MLflow models without code install what the model lists (reported, and in how-to-deploy-mlflow-models).
        found.update({host: "packages of the MLflow model" for host in _of_conda(Path(model.path) / "conda.yaml")})
    image = environment.image or ""
    host = image.partition("/")[0]
    if "." in host and host != "mcr.microsoft.com":
        found[host.partition(":")[0]] = "the base image"
    return found


def _of_conda(file: Path) -> dict[str, str]:
    conda = conda_file.read(file)
    lines = conda.lines
    found: dict[str, str] = {}
    if lines.conda:
        channels = conda.content.get("channels") or ["defaults"]
        found.update({_channel(str(channel)): "conda packages" for channel in channels})
    if lines.pip or lines.options:
        indexes = [urlsplit(option.value).hostname for option in lines.options if option.name in _PLACES]
        replaced = any(option.name == "--index-url" for option in lines.options)
        hosts = [*(() if replaced else _PYPI), *filter(None, indexes)]
        found.update({host: "Python packages" for host in hosts})
    return found


def _channel(name: str) -> str:
    if "://" in name:
        return urlsplit(name).hostname or name
    return _CHANNELS.get(name, "conda.anaconda.org")


def check(plan: Plan, info: WorkspaceInfo) -> list[Finding]:
    """Check that the managed virtual network allows the downloads that the plan needs."""
    network = info.managed_network or {}
    if info.isolation != "managed_network":
        return []
    if str(network.get("isolation_mode")).lower() != "allowonlyapprovedoutbound":
        return [*_broken(info)]
    if info.outbound_rules is None:
        message = "The outbound rules of the managed virtual network could not be read."
        return [Finding("outbound", UNKNOWN, FIELD, message, docs=_DOCS, looked_at=info.id)]
    allowed = destinations(info.outbound_rules)
    lacking = {host: why for host, why in fetched(plan).items() if not covered(host, allowed)}
    if not lacking:
        message = (
            f"The {len(allowed)} outbound rules for host names cover everything that Azure must download for the plan."
        )
        return [*_broken(info), Finding("outbound", OK, FIELD, message, docs=_DOCS, looked_at=info.id)]
    listed = ", ".join(f"{host} ({why})" for host, why in lacking.items())
    return [
        *_broken(info),
        Finding(
            "outbound",
            WARNING,
            FIELD,
            f"{info.name} allows only approved outbound traffic, and no rule covers {listed}: building the "
            "environment fails there, unless the packages come from elsewhere.",
            "Add a rule for each host, or use an image that contains the packages.",
            _DOCS,
            info.id,
            tuple(_rule(info, host) for host in lacking),
        ),
    ]


def destinations(rules: dict[str, dict[str, Any]]) -> list[str]:
    """The host names that rules of type FQDN allow."""
    return [
        str(rule.get("destination"))
        for rule in rules.values()
        if str(rule.get("type")).lower() == "fqdn" and rule.get("destination")
    ]


def covered(host: str, allowed: Iterable[str]) -> bool:
    """Whether a rule covers a host: the name itself, or a wildcard for all subdomains of a domain."""
    for pattern in allowed:
        if pattern == "*" or pattern.lower() == host.lower():
            return True
        if pattern.startswith("*.") and host.lower().endswith(pattern[1:].lower()):
            return True
    return False


def _rule(info: WorkspaceInfo, host: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")
    return az_ml("workspace outbound-rule set", group_of(info.id), info.name, rule=name, type="fqdn", destination=host)


def _broken(info: WorkspaceInfo) -> Iterator[Finding]:
    """Rules that are not active according to Azure, such as a private endpoint that is not approved."""
    dead = [
        name
        for name, rule in (info.outbound_rules or {}).items()
        if str(rule.get("status") or "Active").lower() in ("inactive", "failed")
    ]
    if dead:
        yield Finding(
            "outbound-rules",
            WARNING,
            "workspace.name",
            f"Outbound rules of {info.name} are not active: {', '.join(dead)}. A common reason is a private "
            "endpoint that is not approved.",
            "Ask the owner of the target to approve its private endpoint connection.",
            _DOCS,
            info.id,
            (az_ml("workspace outbound-rule list", group_of(info.id), info.name),),
        )
