"""Every text with commands that the product prints or writes, as rendered with realistic values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from tui.app.endpoint_operations.keys_dialog import store_in_vault
from tui.app.state.store import Store
from tui.app.steps.as_cli import as_code
from tui.app.steps.step_texts import ORDER
from tui.app.steps.test.call_as_code import Target, as_curl
from tui.checks.finding import BLOCKER, Finding
from tui.checks.identity import endpoint_identity, required_permissions
from tui.checks.network import connectivity_remedies, network_flags, outbound_rules, private_endpoints
from tui.checks.requests import administrator_requests
from tui.checks.troubleshoot import deployments, diagnose, surroundings
from tui.checks.troubleshoot.snapshot import Snapshot
from tui.checks.workspace import endpoint_names, workspace, workspace_diagnose
from tui.cli.commands import COMMANDS
from tui.cloud.auth.roles import refused
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CloudError
from tui.cloud.http import connectivity, logged_call
from tui.cloud.http.connectivity import Probe
from tui.cloud.http.dns_zones import PrivateName
from tui.cloud.http.hosts import Dependency, Host
from tui.cloud.monitor.log_analytics import Diagnostics
from tui.cloud.workspace.diagnose import Diagnosis
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.deadlines import Question
from tui.export.targets import TARGETS, export
from tui.plain.commands import explain
from tui.plan import model as m
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.presets import presets
from tui.remedies.catalogue import load as load_catalogue
from tui.remedies.matcher import match

ROOT = Path(__file__).parents[2]
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
GROUP = "rg ml (eu)"  # allowed by Azure, and two shells' trouble
PROVIDERS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers"
WORKSPACE = f"{PROVIDERS}/Microsoft.MachineLearningServices/workspaces/ws-churn"
REGISTRY = f"{PROVIDERS}/Microsoft.ContainerRegistry/registries/acrchurn"
VAULT = f"{PROVIDERS}/Microsoft.KeyVault/vaults/kv-churn"
STORAGE = f"{PROVIDERS}/Microsoft.Storage/storageAccounts/stchurn"
IDENTITY = f"{PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities/uai-churn"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/churn"
OBJECT = "99999999-8888-7777-6666-555555555555"
WHO = SignedIn("trainer", "service principal", "t", "c", None, "default", "Env", OBJECT)
VARIABLES = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "AZURE_RESOURCE_GROUP": GROUP, "AZURE_ML_WORKSPACE": "ws-churn"}
INFO = WorkspaceInfo(
    WORKSPACE, "ws-churn", "westeurope", "legacy", "Disabled", None, None, "", "", v1_legacy_mode=True,
    container_registry=REGISTRY, storage_account=STORAGE, provisioning_state="Succeeded", key_vault=VAULT,
    private_endpoints_told=True,
)  # fmt: skip
MANAGED = WorkspaceInfo(
    WORKSPACE, "ws-churn", "westeurope", "managed_network", "Disabled",
    {"isolation_mode": "AllowOnlyApprovedOutbound", "status": "Inactive"}, None, "", "",
    outbound_rules={"gone": {"type": "FQDN", "destination": "a.org", "status": "Inactive"}},
)  # fmt: skip
FENCE = re.compile(r"```(?:sh|bash|shell|console)\n(.*?)```", re.DOTALL)
REFUSED = (
    f"The client 'x' with object id '{OBJECT}' does not have authorization to perform action "
    f"'Microsoft.MachineLearningServices/workspaces/read' over scope '{WORKSPACE}'"
)
Rendered = Iterator[tuple[str, str]]


def plan(**credential: Any) -> m.Plan:
    """A plan as it is after loading."""
    return m.Plan(
        workspace=m.Workspace(SUBSCRIPTION, GROUP, "ws-churn"),
        endpoint=m.Endpoint(name="churn", public_network_access="disabled"),
        credential=m.Credential(**credential),
        deployment=m.Deployment(
            name="blue", model=m.Model(name="churn", path="model", type="custom_model"),
            environment=m.Environment(image="docker.io/org/image:1"),
        ),
    )  # fmt: skip


def everything(folder: Path) -> Rendered:
    """All of them: a name for where a text is from, and the text, which is a piece of shell."""
    yield from findings()
    yield from requests()
    yield from cards()
    yield from exports(folder)
    yield from wizard()
    yield from calls()
    yield from pages()


def of_checks() -> Iterator[Finding]:
    """Findings of the checks that come with commands."""
    pending = {"pe-1": "Pending"}
    waits = Dependency(REGISTRY, "acrchurn.azurecr.io", "disabled", pending, "Basic", False)
    yield from private_endpoints.approvals(plan(), INFO)
    yield from private_endpoints.approvals(plan(), _with(INFO, private_endpoints=pending))
    for found in (waits, None):
        yield from private_endpoints.registry(INFO, found, True)
    yield from private_endpoints.vault(plan(), INFO, Dependency(VAULT, access="disabled", azure_services=False))
    yield from private_endpoints.storage(INFO, Dependency(STORAGE, endpoints=pending))
    yield from network_flags.provisioned(MANAGED)
    yield from outbound_rules.check(plan(), MANAGED)
    yield from workspace.version_two(INFO)
    yield from workspace_diagnose.noticed(Question(lambda: [Diagnosis("Rule", "Error", "No.", "DNS")], 30), INFO)
    yield from workspace_diagnose.noticed(Question(_late, 30), INFO)
    yield from endpoint_names.check(plan(), _endpoint("Failed"), INFO)
    yield required_permissions.provider(required_permissions.PROVIDERS[0], "NotRegistered") or Finding("", "")
    yield required_permissions.provider(required_permissions.MONITOR, "NotRegistered") or Finding("", "")
    yield required_permissions.autoscale_role(PROVIDERS.rpartition("/")[0], [], WHO)
    yield endpoint_identity._missing(Finding("", ""), IDENTITY, Question(_no_identity, 30))
    for host in ("storage", "scoring", "vault", "registry", "other"):
        for private in (PrivateName("privatelink.blob.core.windows.net", "stchurn"), None):
            yield from _of_host(Host(host, f"{host}.org", "x", True, private=private, resource=STORAGE))
    roles = refused(REFUSED)
    assert roles is not None
    yield Finding("roles", BLOCKER, remedy=f"{roles.sentence} {roles.command}", commands=(roles.command, roles.verify))
    unseen = Snapshot("churn", endpoint=_endpoint("Succeeded"), diagnostics=Diagnostics((), (), ()))
    yield from surroundings.logs_kept(unseen)
    yield diagnose._not_there(plan(), Snapshot("churn"))
    facts = {"resource_group": GROUP, "workspace": "ws-churn", "endpoint": "churn"}
    failed = unseen.there.deployments[0]
    yield deployments._failed(unseen, failed, facts, lambda *_: None)


def findings() -> Rendered:
    """The commands of findings, as `check` prints them."""
    for number, finding in enumerate(of_checks()):
        for command in finding.commands:
            yield f"finding {finding.id or number}", command


def requests() -> Rendered:
    """The pages for administrators: each request, also of plans with other credentials."""
    entries = yaml.safe_load((ROOT / "tui/checks/requests/requests.yml").read_text(encoding="utf-8"))
    (legacy,) = workspace.version_two(INFO)
    for entry in entries:
        when, id = str(entry.get("when") or ""), str(entry["id"]).replace("*", "-1")
        message = "Ask: az role assignment create" if when == "AuthorizationFailed" else f"It {when}."
        subject = "Microsoft.Network" if id.startswith("provider") else WORKSPACE
        of = Finding(id, BLOCKER, message=message, remedy="Do it.", looked_at=subject, commands=legacy.commands)
        for method in ("default", "service_principal", "managed_identity"):
            for page in administrator_requests.pages(plan(method=method), [of], INFO, WHO, "my plan.yml"):
                for request in page.requests:
                    yield f"request {id} ({method})", request.command
                    yield f"verifying {id} ({method})", request.verify
                for block in FENCE.findall(page.markdown):
                    yield f"page of {id}", block


def cards() -> Rendered:
    """The commands of every card of the catalogue: with all facts, and with none."""
    catalogue = load_catalogue(ROOT / "nobody.yml")
    files = sorted((ROOT / "tests/remedies/texts").glob("*.yml"))
    texts = [case for file in files for case in yaml.safe_load(file.read_text(encoding="utf-8"))]
    facts = {
        "endpoint": "churn", "deployment": "blue", "workspace": "ws-churn", "resource_group": "rg-ml",
        "subscription": SUBSCRIPTION, "location": "westeurope",
    }  # fmt: skip
    seen = set()
    for case in texts:
        for known in (facts, None):
            for card in match(str(case["text"]), code=case.get("code"), facts=known, catalogue=catalogue):
                seen.add(card.id)
                for command in card.commands:
                    yield f"card {card.id}", command
    for line in explain.nothing_found("something else"):
        if line.strip().startswith("$ "):
            yield "explain", line.strip()[2:]
    left = [entry.id for entry in catalogue.entries.values() if entry.commands and entry.id not in seen]
    assert not left, f"no text of tests/remedies/texts shows the commands of {left}"


def exports(folder: Path) -> Rendered:
    """The scripts, runbooks and pipelines of each target, of each preset and of plans for each kind of sign-in."""
    for document in _documents():
        for target in TARGETS:
            made = export(document, target.name, folder)
            for note in made.notes:
                yield from ((f"note of {target.name}", one) for one in re.findall(r"\baz [a-z].* -.*[^.]", note))
            for file in made.files:
                for script in _scripts(file.path, file.text):
                    yield f"{target.name}: {file.path} of {document.get('endpoint.name')}", script


def wizard() -> Rendered:
    """Each step as commands, the call of an endpoint, and the key that is stored."""
    for document in _documents():
        for given in ({}, {"workspace": {"location": "westeurope", "isolation": "managed_network"}}):
            store = Store(document, environ=VARIABLES)
            store.facts.update(given)
            for step in ORDER:
                shown = as_code(step, store).partition("\n# In the plan:")[0]
                yield f"step {step}", re.sub(r"\n# \S+\.yml.*?:\n(?:(?!az |#).*\n?)*", "\n", shown)
    for mode in ("key", "aml_token", "aad_token"):
        target = Target("https://churn.westeurope.inference.ml.azure.com/score", "blue", "churn", "ws-churn", GROUP,
                        SUBSCRIPTION, mode)  # fmt: skip
        yield f"call with {mode}", as_curl(target, '{"input_data": []}')
    yield "key", store_in_vault("churn", "/home/me/my keys/churn.key")


def calls() -> Rendered:
    """Requests in the log of calls, as the commands that ask the same."""
    arm = "https://management.azure.com"
    for method, _, path in (request.partition(" ") for request in logged_call._COMMANDS):
        url = f"{arm}{PROVIDERS}/{path}?api-version=2024-04-01"
        yield f"call {method} {path}", logged_call.command(method, quote(re.sub(r"{(\w+)}", r"a-\1", url), safe=":/?="))
    yield "call with a body", logged_call.command("PUT", f"{arm}{ENDPOINT}?api-version=1", '{"authMode": "it\'s"}')
    yield "call for a token", logged_call.command("POST", "https://login.x/oauth2/v2.0/token", "scope=https://a.b/c")
    yield "call with a SAS", logged_call.command("PUT", "https://a.b/c?comp=block&sig=x", b"x")


def pages() -> Rendered:
    """The examples of the command line's help, and of the pages of this repository."""
    for name, command in COMMANDS.items():
        yield f"help of {name}", command.examples.replace("\n  ", "\n")
    for path in [ROOT / "README.md", *sorted((ROOT / "tui").rglob("*.md"))]:
        for block in FENCE.findall(path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT).as_posix(), block


def _documents() -> Iterator[Document]:
    for preset in presets():
        yield load(preset.name)
    base = load("churn-xgboost")
    for key, value in (
        ("endpoint.auth_mode", "aml_token"), ("endpoint.auth_mode", "aad_token"),
        ("credential.method", "service_principal"), ("credential.method", "managed_identity"),
        ("credential", {"method": "managed_identity", "client_id": SUBSCRIPTION}),
        ("deployment.model.path", "azureml:churn:7"), ("endpoint.public_network_access", "enabled"),
        ("rollout.steps", [10, 50, 100]), ("deployment.autoscale", {"minimum": 1, "maximum": 3}),
        ("test.request", str(ROOT / "presets/own-score/make_model.py")), ("endpoint.identity.type", "system_assigned"),
    ):  # fmt: skip
        changed = load("churn-xgboost")
        changed.set(key, value, "test")
        yield changed
    base.set("deployment.environment.registered", "azureml:scoring:3", "test")
    base.set("mirror_traffic", {"green": 10}, "test")
    yield base


def _scripts(path: str, text: str) -> Iterator[str]:
    if path.endswith(".sh"):
        yield from (text.replace('"$verb"', verb) for verb in ("create", "update"))
    elif path.endswith(".md"):
        yield "\n".join(FENCE.findall(text))
    elif path.endswith((".yml", ".yaml")):
        yield from _in_pipeline(yaml.safe_load(text))
    elif path.endswith((".bicep", ".bicepparam")):
        yield from re.findall(r"^//.*?(az [a-z].*)", text, re.MULTILINE)


def _in_pipeline(tree: Any) -> Iterator[str]:
    """What a pipeline runs: `run`, `script`, `inlineScript`; expressions of the service count as one word."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        if key in ("run", "script", "inlineScript") and isinstance(value, str):
            yield re.sub(r"\$\{\{.*?\}\}|\$\([A-Za-z_.]+\)", "word", value)
        else:
            yield from _in_pipeline(value)


def _with(info: WorkspaceInfo, **changes: Any) -> WorkspaceInfo:
    return WorkspaceInfo(**{**vars(info), **changes})


def _late() -> Any:
    raise TimeoutError


def _no_identity() -> Any:
    raise CloudError("x", code=endpoint_identity.endpoint_identity.MISSING)


def _endpoint(state: str) -> EndpointInfo:
    failed = DeploymentInfo(
        "blue", f"{ENDPOINT}/deployments/blue", "Failed", "Standard_DS3_v2", 1, "m", "e", "c", "score.py", {}, None,
        False, "", {},
    )  # fmt: skip
    return EndpointInfo(
        "churn", ENDPOINT, state, "https://churn.westeurope.inference.ml.azure.com/score", "key", "disabled", "", {},
        {"blue": 100}, "westeurope", deployments=[failed],
    )  # fmt: skip


def _of_host(host: Host) -> Iterator[Finding]:
    states = (connectivity.UNRESOLVED, connectivity.UNREACHABLE, connectivity.TLS, "wrong_address")
    for state in states:
        for probed in ({}, {"addresses": ("10.0.0.4",)}, {"reason": "proxy"}, {"system_trusts": True}):
            advice = connectivity_remedies.advice(host, partial(Probe, state)(**probed), state)
            if advice.command:
                yield Finding(f"reach-{host.name}", BLOCKER, remedy=advice.remedy, commands=(advice.command,))
