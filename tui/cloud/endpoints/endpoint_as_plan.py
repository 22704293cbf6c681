"""Reads an endpoint with its deployments as a plan, whoever made it; names what a plan cannot hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.cloud.assets import asset_reference
from tui.cloud.endpoints import data_collection, endpoints, scaling
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.cloud.sources import code_source
from tui.common.redact import looks_secret
from tui.plan import autoscale, autoscale_settings
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.az_yaml_import import ImportedDocument
from tui.plan.load_save.document import DEPLOYMENTS
from tui.plan.load_save.references import has_reference
from tui.plan.model import ProbeSettings, RequestSettings
from tui.plan.problems import Problem
from tui.plan.traffic import serving

OURS = "aml-deploy"
"""How the tags begin with which this program marks what it made; a run sets them itself."""
OF_THE_SERVICE = re.compile(
    "AZUREML_MODEL_DIR=/var/azureml-app|(AZUREML_ENTRY_SCRIPT|AML_APP_ROOT|MLFLOW_MODEL_FOLDER)="
)
"""Variables that Azure adds to a deployment (recorded). A user can set the model's folder where there is no model."""
VARIABLES = "environment_variables."
_PROBE = ProbeSettings()
_DEFAULTS = {"request_settings": RequestSettings(), "liveness_probe": _PROBE, "readiness_probe": _PROBE}


def read(cloud: Cloud, name: str, folder: Path) -> ImportedDocument:
    """The plan of an endpoint, without workspace and credential; registered code is copied to `folder`, the plan's.

    Raises CloudError if the endpoint does not exist, is none of a plan's kind, or cannot be read.
    """
    found = endpoints.existing(cloud, name)
    if found.compute:
        raise CloudError(f"{name} is a Kubernetes online endpoint", "Plans support managed online endpoints only.")
    if not found.deployments:
        cause = "A plan has the endpoint and at least one deployment."
        raise CloudError(f"The endpoint {name} has no deployment", cause, "Start a plan with its name instead.")
    return _Reading(cloud, found, folder.resolve()).document()


def _given(**values: Any) -> dict[str, Any]:
    """The values that are set to something."""
    return {key: value for key, value in values.items() if value}


@dataclass
class _Reading:
    cloud: Cloud
    found: EndpointInfo
    folder: Path
    notes: list[Problem] = field(default_factory=list)
    codes: dict[str, Path | CloudError] = field(default_factory=dict)  # the copies by the code's id
    scaled: dict[str, dict[str, Any]] = field(default_factory=dict)

    def document(self) -> ImportedDocument:
        found, traffic = self.found, serving(self.found.traffic)
        tree: dict[str, Any] = {"endpoint": self._endpoint()}
        self.scaled = self._autoscale()
        made = [self._deployment(one) for one in found.deployments]
        tree.update({"deployment": made[0]} if len(made) == 1 else {DEPLOYMENTS: made})
        tree.update(_given(traffic=traffic, mirror_traffic=serving(found.mirror_traffic)))
        if not traffic:
            self._note("", "traffic", "No deployment gets traffic; the plan gives its last deployment 100 %.")
        self._note("", "test.request", "Azure keeps no sample request.", "Name a file with test.request to test runs.")
        document = ImportedDocument(tree, self.folder, origin=f"the endpoint {found.name}", left_out=self.notes)
        document.note_sources(with_lines=False)
        return document

    def _note(self, deployment: str, key: str, message: str, remedy: str = "") -> None:
        self.notes.append(Problem(key, message, remedy, f"{self.found.name}/{deployment}".rstrip("/")))

    def _endpoint(self) -> dict[str, Any]:
        found, identity = self.found, self.found.identity or {}
        kinds, named = str(identity.get("type") or "").lower(), list(identity.get("userAssignedIdentities") or ())
        if "," in kinds:
            self._note("", "identity", "The endpoint has both kinds of identity; the plan only has the user-assigned.")
        own = "user_assigned" if "userassigned" in kinds else "system_assigned"
        return _given(
            name=found.name,
            auth_mode=found.auth_mode,
            public_network_access=found.public_network_access,
            **self._texts("", "", {"description": found.description}),
            tags=self._texts("", "tags.", found.tags),
            identity=kinds and _given(type=own, user_assigned_identities=named),
        )

    def _deployment(self, one: DeploymentInfo) -> dict[str, Any]:
        scaled, count = self.scaled.get(one.name.lower()), one.instance_count
        settings = {
            group: {
                key: getattr(one, group)[key]
                for key, usual in vars(defaults).items()
                if getattr(one, group).get(key) not in (None, usual)
            }
            for group, defaults in _DEFAULTS.items()
        }
        if one.provisioning_state.lower() in ("failed", "canceled"):
            self._note(one.name, "", f"The deployment is {one.provisioning_state}; applying the plan recreates it.")
        return _given(
            name=one.name,
            model=_given(path=self._reference(one, "model", "models")),
            environment=_given(registered=self._reference(one, "environment", "environments")),
            code_configuration=one.code and {"code": self._code(one), "scoring_script": one.scoring_script},
            instance_type=one.instance_type,
            instance_count=min(max(count, scaled["minimum"]), scaled["maximum"]) if scaled else count,
            autoscale=scaled,
            # Enabled is the default, and what Azure tells where a managed virtual network makes the flag ineffective.
            egress_public_network_access="disabled" if one.egress_public_network_access == "disabled" else None,
            app_insights_enabled=one.app_insights_enabled,
            model_mount_path=one.model_mount_path,
            **settings,
            environment_variables=self._texts(one.name, VARIABLES, one.environment_variables),
            data_collector=one.data_collector and self._collector(one),
            **self._texts(one.name, "", {"description": one.description}),
            tags=self._texts(one.name, "tags.", one.tags),
        )

    def _reference(self, one: DeploymentInfo, key: str, kind: str) -> str:
        """The short form of an asset of this workspace, a long one of others; "" for none, or one not understood."""
        identifier = str(getattr(one, key) or "")
        try:
            return asset_reference.in_plan(identifier, kind, self.cloud.workspace_id) if identifier else ""
        except CloudError:
            self._note(one.name, key, f"{identifier} is not a registered asset, and cannot be read back.")
            return ""

    def _code(self, one: DeploymentInfo) -> str:
        """The folder, next to the plan, with a copy of the code: a plan has its code in a folder."""
        identifier, name, key = str(one.code), f"{self.found.name}-{one.name}-code", "code_configuration.code"
        if identifier not in self.codes:
            try:
                self.codes[identifier] = code_source.download(self.cloud, identifier, self.folder, name)
            except CloudError as error:
                self.codes[identifier] = error
        copy = self.codes[identifier]
        if isinstance(copy, CloudError):
            remedy = f"{copy.remedy} Or put the folder with {one.scoring_script} there yourself.".strip()
            self._note(one.name, key, f"The code could not be copied to {self.folder / name}: {copy}", remedy)
            return name
        self._note(one.name, key, f"A plan has its code in a folder; the registered code was copied to {copy.name}.")
        return copy.name

    def _texts(self, deployment: str, prefix: str, texts: Mapping[str, str]) -> dict[str, str]:
        """Texts by name, without marks of this program and Azure, and without what looks like a secret.

        A variable of the container refers to one of the same name instead.
        """
        kept = {}
        for name, value in texts.items():
            variable = prefix == VARIABLES
            if name.startswith(OURS) or (variable and OF_THE_SERVICE.match(f"{name}={value}")):
                continue
            if has_reference(value) or (name == "description" and "\n" in value):
                text = (
                    "It has several lines, or a reference of Azure's own, which a plan does not support; it is omitted."
                )
                self._note(deployment, f"{prefix}{name}", text)
            elif not looks_secret(name, value):
                kept[name] = value
            else:
                own = re.sub(r"\W", "_", name, flags=re.ASCII)  # a shell sets no variable such as API-KEY
                remedy = f"Set the variable {own} before you check or apply the plan." if variable else ""
                text = "The value looks like a secret, and is not written to the plan."
                self._note(deployment, f"{prefix}{name}", text, remedy)
                kept.update({name: f"${{env:{own}}}"} if variable else {})
        return kept

    def _collector(self, one: DeploymentInfo) -> dict[str, Any]:
        try:
            told = data_collection.in_words_of_a_plan(one.data_collector)
        except CloudError as error:
            self._note(one.name, "data_collector", f"It cannot be read back: {error}")
            return {}
        told["collections"] = {name: _given(**item) for name, item in told["collections"].items()}
        told["request_logging"] = _given(**told["request_logging"])
        if len({item["sampling_rate"] for item in one.data_collector["collections"].values()}) > 1:
            text = "The collections have different sampling rates; the plan has that of the first."
            self._note(one.name, "data_collector.sampling_rate", text)
        return {key: value for key, value in told.items() if value not in (None, {})}

    def _autoscale(self) -> dict[str, dict[str, Any]]:
        """The autoscale settings that a plan can hold, as its trees by deployment: a run leaves them unchanged."""
        try:
            rules = scaling.autoscale(self.cloud, self.found.id)
        except CloudError as error:
            self._note("", "autoscale", f"Whether there are autoscale rules could not be read: {error}")
            return {}
        found = {}
        for rule in rules:
            wanted, notes = autoscale_settings.read(rule.setting)
            made = autoscale.tree(wanted)
            checks = (BY_KEY[f"deployment.autoscale.{key}"].check(part) for key, part in made.items())
            reasons = [*autoscale_settings.lost(notes), *filter(None, checks)]
            if not reasons:
                found[rule.deployment.lower()] = made
            if notes or reasons:
                what = "is in no plan" if reasons else "is in the plan without"
                text = f"The autoscale setting {rule.name} {what}: {'; '.join(reasons or notes)}."
                ours = reasons and OURS in rule.tags
                remedy = "An earlier run made it, so applying the plan removes it." if ours else "It stays as it is."
                self._note(rule.deployment, "autoscale", text.replace("..", "."), remedy)
        return found
