"""Turn findings into requests: what others must do before a plan can work, one page per administrator.

`requests.yml` has the request for each finding, `request_page.md` is the template of the page; both are in this folder.
"""

from __future__ import annotations

import functools
import re
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import Any

from tui.checks.finding import BLOCKER, UNKNOWN, WARNING, Finding
from tui.cloud.auth.roles import refused
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.az_command import az
from tui.plan.model import Plan

HERE = Path(__file__).parent
WHO = {
    "network": "Network administrator",
    "identity": "Identity administrator",
    "databricks": "Databricks administrator",
    "ml": "Machine learning administrator",
}
_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
# Filled in as they are; other values are quoted in a command.
_COMMANDS = ("command", "credential_command")
# An unknown finding becomes a request only if its own text says that something is wrong.
_ASKED_WHEN_UNKNOWN = ("reach-", "image-build-compute")


@dataclass(frozen=True)
class Request:
    """One task for somebody else."""

    finding: str
    severity: str
    what: str
    why: str
    how: str
    command: str
    verify: str
    docs: str


@dataclass(frozen=True)
class Page:
    """The requests to one administrator, also as Markdown."""

    who: str
    title: str
    requests: tuple[Request, ...]
    markdown: str

    def as_dict(self) -> dict[str, Any]:
        """The page as JSON data."""
        return asdict(self)


def pages(
    plan: Plan, findings: list[Finding], info: WorkspaceInfo | None, who: SignedIn | None, named: str = "PLAN"
) -> list[Page]:
    """A page for each administrator with something to do; OK findings are omitted. `named` is the plan's name."""
    facts = _facts(plan, info, who, named)
    asked: dict[str, list[Request]] = {name: [] for name in WHO}
    for finding in findings:
        if not _concerns_others(finding):
            continue
        for entry in _entries():
            if _matches(entry, finding):
                asked[str(entry["who"])].append(_request(entry, finding, facts))
    return [
        Page(name, WHO[name], tuple(requests), _markdown(name, requests, facts))
        for name, requests in asked.items()
        if requests
    ]


def _concerns_others(finding: Finding) -> bool:
    if finding.severity in (BLOCKER, WARNING):
        return True
    return finding.severity == UNKNOWN and bool(finding.remedy) and finding.id.startswith(_ASKED_WHEN_UNKNOWN)


@functools.lru_cache(maxsize=1)
def _entries() -> list[dict[str, Any]]:
    import yaml

    loaded = yaml.safe_load((HERE / "requests.yml").read_text(encoding="utf-8"))
    return [dict(entry) for entry in loaded]


def _matches(entry: dict[str, Any], finding: Finding) -> bool:
    pattern = str(entry["id"])
    same = finding.id.startswith(pattern[:-1]) if pattern.endswith("*") else finding.id == pattern
    when = str(entry.get("when") or "")
    if not same:
        return False
    text = f"{finding.message} {finding.remedy}"
    if when == "AuthorizationFailed":
        return "az role assignment" in text
    if finding.id == "workspace" and not when:
        return "az role assignment" not in text
    return when.lower() in text.lower()


def _request(entry: dict[str, Any], finding: Finding, facts: dict[str, str]) -> Request:
    own = {
        "message": finding.message,
        "remedy": finding.remedy,
        "command": "; ".join(finding.commands),
        "looked_at": finding.looked_at or facts["workspace"],
        "host_name": finding.looked_at.partition(":")[0] or "HOST",
    }
    role = refused(finding.message)
    if role is not None:
        own["command"] = role.command
    known = {**facts, **own}

    def filled(name: str, quoted: bool = False) -> str:
        def value(found: re.Match[str]) -> str:
            given = known.get(found.group(1)) or found.group(1).upper()
            return shlex.quote(given) if quoted and found.group(1) not in _COMMANDS else given

        return _PLACEHOLDER.sub(value, str(entry.get(name) or "")).strip()

    command = filled("command", quoted=True)
    return Request(
        finding=finding.id,
        severity=finding.severity,
        what=filled("what"),
        why=filled("why"),
        how=filled("how"),
        command="" if command == "COMMAND" else command,
        verify=filled("verify", quoted=True),
        docs=finding.docs,
    )


def _facts(plan: Plan, info: WorkspaceInfo | None, who: SignedIn | None, named: str) -> dict[str, str]:
    storage = (info.storage_account if info else None) or ""
    client = plan.credential.client_id or (who.client_id if who else None) or ""
    return {
        "plan": named,
        "workspace": plan.workspace.name,
        "group": plan.workspace.resource_group,
        "subscription": plan.workspace.subscription_id,
        "region": info.location if info else "the region",
        "endpoint": plan.endpoint.name,
        "type": plan.deployment.instance_type,
        "principal": who.principal if who else client or "the identity of this plan",
        "object_id": (who.object_id if who else None) or "OBJECT_ID",
        "storage": storage or "STORAGE_ACCOUNT_ID",
        "storage_name": storage.rpartition("/")[2] or "STORAGE_ACCOUNT",
        **_credential(plan, client),
    }


def _credential(plan: Plan, client: str) -> dict[str, str]:
    """The command that gives the plan an identity, and a sentence about it."""
    if plan.credential.method == "service_principal":
        how = "Send the new secret to the person who runs the plan."
        command = az("ad app credential reset", id=client or "CLIENT_ID", years="1") + " --append"
    elif plan.credential.method == "managed_identity":
        how = "The identity is that of the virtual machine, or of the cluster's machines."
        command = az("vm identity assign", name="VM", resource_group="GROUP")
    else:
        how = "Send its tenant, client id and secret to the person who runs the plan."
        command = az("ad sp create-for-rbac", name="aml-deploy")
    return {"credential_how": how, "credential_command": command}


def _markdown(name: str, requests: list[Request], facts: dict[str, str]) -> str:
    page = Template((HERE / "request_page.md").read_text(encoding="utf-8"))
    item = Template((HERE / "request_item.md").read_text(encoding="utf-8"))
    items = []
    for number, request in enumerate(requests, start=1):
        written = item.substitute(
            number=number,
            what=request.what,
            urgency=_URGENCY.get(request.severity, ""),
            why=request.why,
            how=f"\n**How.** {request.how}\n" if request.how else "",
            command=f"\n```sh\n{request.command}\n```\n" if request.command else "",
            verify=request.verify,
            docs=f"\nMore: {request.docs}\n" if request.docs else "",
        )
        items.append(written.strip())
    count = "one task" if len(requests) == 1 else f"{len(requests)} tasks"
    return page.substitute(facts, title=WHO[name], count=count, items="\n\n".join(items)).strip() + "\n"


_URGENCY = {
    BLOCKER: "Without this the deployment cannot work.",
    WARNING: "Without this the deployment might fail.",
    UNKNOWN: "This could not be verified from here.",
}
