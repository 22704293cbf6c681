"""What the rehearsal cannot do, told by the preflight before a run, so that nobody takes it for a fault of the plan.

The only place for this: each is one sentence that begins with "The rehearsal", and all have the same id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import PurePath
from typing import Any, Callable

from tui.checks.finding import BLOCKER, OK, WARNING, Finding
from tui.cloud.assets.asset_reference import AssetReference, parse
from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.common.deadlines import Question
from tui.plan import sizes
from tui.plan.model import CodeConfiguration, Plan

ID = "rehearsal-limit"
_CLOUD = "AzureRehearsal"
"""Its name in the cloud metadata that it serves (tui.rehearsal.entra)."""
_REGISTERED = "deployment.environment.registered"
_FIELDS = {"models": "deployment.model.path", "environments": _REGISTERED}
_TRITON = "the Triton server of a triton_model"
_FILES, _LONGEST = 200, 1_000_000  # Python files of a code folder that are read, and bytes of each
# The packages that sign in with the endpoint's identity, and the variables and the address that give its token
# (Microsoft, how-to-access-resources-from-endpoints-managed-identities).
_IDENTITY = re.compile(
    rb"^\s*(?:from|import)\s+azure\.(?:identity|keyvault)\b|\b(?:MSI|IDENTITY)_ENDPOINT\b|169\.254\.169\.254",
    re.MULTILINE,
)
_IMPORTED = re.compile(rb"^\s*(?:from|import)\s([\w., \t]+(?:\([\w,\s]*)?)", re.MULTILINE)


def applies(cloud: Cloud) -> bool:
    """Whether this cloud is the rehearsal."""
    return cloud.metadata.name == _CLOUD


def _limit(field: str, sentence: str, remedy: str, severity: str = WARNING, command: str = "") -> Finding:
    commands = (command,) if command else ()
    return Finding(ID, severity, field, f"The rehearsal {sentence}.", f"{remedy} {command}".strip(), commands=commands)


def of_plan(plan: Plan, assets: Mapping[str, Question[Any]], cloud: Cloud) -> list[Finding]:
    """The limits that one deployment meets; `assets` are the queries of `registered`. Reads the code folder."""
    return list(_of_plan(plan, assets, cloud))


def _of_plan(plan: Plan, assets: Mapping[str, Question[Any]], cloud: Cloud) -> Iterator[Finding]:
    deployment, size = plan.deployment, sizes.find(plan.deployment.instance_type)
    if size is not None and size.gpus:
        yield _limit(
            "deployment.instance_type",
            f"serves {size.name} on this machine's CPU, so a script that requires a GPU fails in it",
            "Let the script use the GPU only where there is one; how fast it is shows on Azure only.",
        )
    contained = _in_a_container(plan, assets)
    why = "it has no image of Azure's" if contained == _TRITON else why_no_containers(cloud) if contained else ""
    if why:
        yield _limit(
            _REGISTERED if deployment.environment.registered else "deployment.environment.image",
            f"registers everything and then refuses to run {contained}, since {why}",
            "Use an environment whose image has the server, with its routes in inference_config."
            if contained == _TRITON
            else "Let docker or podman run. To rehearse the rest, use an environment with an image and a conda file.",
        )
    where = _where_identity_is_used(deployment.code_configuration) if deployment.code_configuration else ""
    if where:
        yield _limit(
            "deployment.code_configuration.scoring_script",
            f"gives deployments no managed identity and no Key Vault, which {where} uses",
            "Azure gives the endpoint's identity both, with its roles. To rehearse the rest, let the script take the "
            "value from an environment variable where one is set.",
        )
    if deployment.data_collector is not None:
        yield _limit("deployment.data_collector", "accepts the data collector and collects nothing", "Azure collects.")


def why_no_containers(cloud: Cloud) -> str:
    """What the rehearsal says to that, as a clause; empty if it runs containers. It tries an engine the first time."""
    with suppress(CloudError):  # a rehearsal that does not answer has its own finding
        path = f"{cloud.workspace_id}/rehearsalContainers"
        return str((cloud.arm.find(path, arm.MODELS, doing="asking what runs containers") or {}).get("whyNone", ""))
    return ""


def _in_a_container(plan: Plan, assets: Mapping[str, Question[Any]]) -> str:
    """What runs only in a container of an engine, or an empty text."""
    own, model = plan.deployment.environment, plan.deployment.model
    image, conda, build, routes, kind = own.image, own.conda_file, own.build, own.inference_config, model.type
    with suppress(Exception):  # what cannot be read has its own finding
        if _REGISTERED in assets:
            held = assets[_REGISTERED].answer()
            image, conda, build, routes = (
                getattr(held, name, None) for name in ("image", "conda", "context", "routes")
            )
        if _FIELDS["models"] in assets:
            kind = getattr(assets[_FIELDS["models"]].answer(), "type", "")
    if build or routes:
        return "a build of the Dockerfile" if build else "a container with its own routes"
    if kind == "triton_model" and not (image or own.registered):
        return _TRITON
    return f"the image {image}, which has no conda file" if image and not conda else ""


def _where_identity_is_used(code: CodeConfiguration) -> str:
    """The first Python file that needs an identity or Key Vault, with the line: the script, or what it imports."""
    files = set(islice(sorted(code.code.rglob("*.py")), _FILES))
    wanted, before = {PurePath(code.scoring_script).stem}, -1
    while len(wanted) > before:
        before = len(wanted)
        for file in sorted(file for file in files if wanted & {file.stem, file.parent.name}):
            files.remove(file)
            try:
                with file.open("rb") as source:
                    text = source.read(_LONGEST)
            except OSError:
                continue
            if found := _IDENTITY.search(text):
                line = text.count(b"\n", 0, found.end()) + 1
                return f"{file.relative_to(code.code)} (line {line})"
            wanted.update(*(re.findall(r"\w+", names.decode()) for names in _IMPORTED.findall(text)))
    return ""


def unless_held(cloud: Cloud, reference: str, kind: str, resolve: Callable[[Cloud, str], Any]) -> Any:
    """What `resolve` returns; in the rehearsal, the finding that it does not hold the asset. Raises CloudError."""
    try:
        return resolve(cloud, reference)
    except CloudError as error:
        if error.status != 404 or not applies(cloud):
            raise
        return _not_held(reference, kind)


def of_registry(cloud: Cloud, reference: str, wanted: AssetReference, kind: str) -> Finding:
    """Whether the rehearsal's registry holds an asset. Raises CloudError."""
    path = f"{cloud.workspace_id.rpartition('/workspaces/')[0]}/registries/{wanted.registry}/{kind}/{wanted.name}"
    path += f"/versions/{wanted.version}" if wanted.version else ""
    if cloud.arm.find(path, arm.MODELS, doing=f"asking the registry {wanted.registry}") is None:
        return _not_held(reference, kind)
    message = f"The rehearsal's registry {wanted.registry} holds {reference}."
    return Finding("registered", OK, _FIELDS[kind], message, looked_at=reference)


def _not_held(reference: str, kind: str) -> Finding:
    wanted, remedy = parse(reference, kind), "Add a copy of its files:"
    named = f"{wanted.name}:{wanted.version}" if wanted.version else wanted.name
    if wanted.workspace:
        remedy = f"Rehearse with azureml:{wanted.name}:VERSION, since it has no other workspace of yours. {remedy}"
    registry = f" --registry {wanted.registry}" if wanted.registry else ""
    return _limit(
        _FIELDS[kind],
        f"does not know your workspaces and registries, so it holds {reference} only after you have added it",
        remedy,
        BLOCKER,
        f"aml-deploy rehearsal add {kind[:-1]} {named} PATH{registry}",
    )
