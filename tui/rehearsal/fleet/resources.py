"""One endpoint of a fleet as resources of the store: body, deployments, autoscale setting, activity log."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

from tui.rehearsal.arm.errors import timestamp
from tui.rehearsal.arm.resource_paths import PROVIDER, REGION_NAME
from tui.rehearsal.fleet.kinds import KINDS, Part
from tui.rehearsal.fleet.places import PLACES, Place
from tui.rehearsal.online_endpoints.rules import AUTOSCALE
from tui.rehearsal.scenarios.failures import FAILURES
from tui.rehearsal.seed import CLIENT_OBJECT_ID, TENANT_ID
from tui.rehearsal.store import Resource

RECORDS = "fleetActivity"
"""The kind of the fleet's records in the activity log; their parent is the subscription."""
_SIZES = ("Standard_DS2_v2", "Standard_DS3_v2", "Standard_F4s_v2", "Standard_E4s_v3", "Standard_D4as_v4")
_MODELS = ("churn", "fraud", "demand", "price", "credit", "returns", "routing")
_VERSIONS = 3
_CI = "ci@build-agent"
_PEOPLE = (("Ada Berg", "ada.berg@contoso.com"), ("Imre Costa", "imre.costa@contoso.com"))
_PROBE = {"failureThreshold": 30, "successThreshold": 1, "timeout": "PT2S", "period": "PT10S", "initialDelay": "PT10S"}
_CRASH = FAILURES["container-crash"]
_IMAGES = tuple(f"mcr.microsoft.com/azureml/{name}" for name in ("openmpi4.1.0-ubuntu22.04", "openmpi5.0-ubuntu24.04"))
_CONDA = "dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http, scikit-learn]}]\n"


def place_of(number: int) -> Place:
    """The workspace of an endpoint: one in 23 is in a workspace that does not answer."""
    return PLACES[4 + number // 23 % 2] if number % 23 == 22 else PLACES[number % 4]


def _guid(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, ("fleet", *parts)))))


def _made(created: datetime, by: str, changed: datetime, changed_by: str) -> dict[str, Any]:
    kinds = ["User" if " " in name else "Application" for name in (by, changed_by)]
    return {
        "createdAt": timestamp(created), "createdBy": by, "createdByType": kinds[0],
        "lastModifiedAt": timestamp(changed), "lastModifiedBy": changed_by, "lastModifiedByType": kinds[1],
    }  # fmt: skip


class Member:
    """The endpoint with this number, as it would have come about by `now`."""

    def __init__(self, number: int, now: datetime) -> None:
        self.number, self.kind = number, KINDS[number % len(KINDS)]
        self.place = place_of(number)
        self.model = _MODELS[number % len(_MODELS)]
        self.name = f"{self.model}-{number + 1:04d}"
        self.id = f"{self.place.id}/onlineEndpoints/{self.name}"
        self.requests = self.kind.requests * (1 + number % 3)
        self.person = _PEOPLE[number % 2]
        self.ran = now - timedelta(days=7 + number * 3 % 60, minutes=number * 7 % 600)
        self.created = self.ran - timedelta(days=number * 37 % 20 + (200 if self.kind.keys == "old" else 0))
        if self.kind.state == "Creating":
            self.created = self.ran = now - timedelta(minutes=1)
        self.by_hand = now - timedelta(days=1 + number % 5, minutes=number)
        self.renewed = self.created + (now - self.created) / 2
        self.who, self.caller = (CLIENT_OBJECT_ID,) * 2 if self.kind.own else self.person

    def resources(self) -> list[Resource]:
        """Everything of it in the store."""
        parts = [self._deployment(part) for part in self.kind.parts]
        return [self._endpoint(), *parts, *self._autoscale(), *self._records()]

    def failures(self) -> dict[str, dict[str, Any]]:
        """The operations that its records name, by name: they failed."""
        common = {"status": "Failed", "error": {"code": _CRASH.code, "message": _CRASH.text(), "details": []}}
        times = {"startTime": timestamp(self.ran), "endTime": timestamp(self.ran + timedelta(minutes=12))}
        names = [f"odidp:{_guid(self.id, part.name)}" for part in self.kind.parts if part.state == "Failed"]
        return {name: {"name": name, "id": name, "resource": self.id, "verb": "write", **common, **times}
                for name in names}  # fmt: skip

    def _tags(self) -> dict[str, str]:
        if not self.kind.own:
            return {"team": "partners"} if self.number % 2 else {}
        run = f"{self.ran:%Y%m%d-%H%M%S}-{self.number % 65536:04x}"
        plan = hashlib.sha256(self.id.encode()).hexdigest()
        return {"aml-deploy": "1.0.0", "aml-deploy-plan": plan, "aml-deploy-run": run, "aml-deploy-by": _CI}

    def _common(self, kind: str, created: datetime, changed: datetime, changed_by: str) -> dict[str, Any]:
        return {
            "type": f"{PROVIDER}/workspaces/{kind}",
            "systemData": _made(created, self.who, changed, changed_by),
            "tags": self._tags(),
            "location": REGION_NAME,
            "kind": "Kubernetes" if self.kind.kubernetes else "Managed",
        }

    def _endpoint(self) -> Resource:
        kind = self.kind
        changed = (self.by_hand, self.person[0]) if kind.by_hand else (self.ran + timedelta(minutes=15), self.who)
        traffic = dict(kind.traffic) if kind.traffic else {part.name: part.traffic for part in kind.parts}
        compute = f"{self.place.id}/computes/cluster" if kind.kubernetes else None
        properties = {
            "description": f"Scores {self.model} for the shop" if self.number % 3 else None,
            "properties": {"azureml.onlineendpointid": self.id.lower()}, "scoringUri": None, "swaggerUri": None,
            "authMode": kind.auth_mode, "provisioningState": kind.state, "compute": compute,
            "publicNetworkAccess": "Enabled" if self.place.isolation == "public" else "Disabled",
            "traffic": traffic, "mirrorTraffic": {part.name: part.mirror for part in kind.parts if part.mirror},
        }  # fmt: skip
        identity = {"type": "SystemAssigned", "principalId": _guid(self.id), "tenantId": TENANT_ID}
        body = {"id": self.id, "name": self.name, "properties": properties, "identity": identity}
        body.update(self._common("onlineEndpoints", self.created, *changed))
        internal = {"made": kind.state not in ("Creating", "Failed"), "made_at": timestamp(self.created)}
        internal["fleet"] = {"requests": self.requests}
        return Resource(self.id, "onlineEndpoints", self.place.id, body, internal)

    def _deployment(self, part: Part) -> Resource:
        identity = f"{self.id}/deployments/{part.name}"
        size = "defaultinstancetype" if self.kind.kubernetes else self.kind.size or _SIZES[self.number % len(_SIZES)]
        shared = part.traffic + part.mirror
        properties = {
            "description": None, "properties": {}, "environmentVariables": {}, "dataCollector": None,
            "scaleSettings": {"scaleType": "Default"},
            "codeConfiguration": {"codeId": f"{self.place.id}/codes/score/versions/1", "scoringScript": "score.py"},
            "environmentId": f"{self.place.id}/environments/inference/versions/{1 if self.number % 5 == 0 else 2}",
            "model": f"{self.place.id}/models/{self.model}/versions/{1 + (self.number + shared) % _VERSIONS}",
            "requestSettings": {
                "maxQueueWait": "PT0S", "requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1,
            },
            "modelMountPath": None, "appInsightsEnabled": False, "livenessProbe": _PROBE, "readinessProbe": _PROBE,
            "provisioningState": part.state, "instanceType": size,
            "egressPublicNetworkAccess": "Disabled" if self.place.isolation == "legacy" else "Enabled",
            "endpointComputeType": "Kubernetes" if self.kind.kubernetes else "Managed",
        }  # fmt: skip
        count = 1 + self.number % 3 + self.kind.autoscale
        body = {"id": identity, "name": part.name, "properties": properties}
        body.update(self._common("onlineEndpoints/deployments", self.ran, self.ran + timedelta(minutes=10), self.who))
        body["sku"] = {"name": "Default", "tier": "Standard", "capacity": count}
        stated = {"failing": part.failing, "p95_ms": part.p95_ms * (1 + self.number % 5 / 4)}
        return Resource(identity, "deployments", self.id, body, {"fleet": stated})

    def _autoscale(self) -> list[Resource]:
        if not self.kind.autoscale:
            return []
        name, group = f"{self.name}-by-load", self.place.group_id
        identity = f"{group}/providers/microsoft.insights/autoscalesettings/{name}"
        profile = {"name": "by load", "rules": [], "capacity": {"minimum": "2", "maximum": "6", "default": "2"}}
        properties = {"profiles": [profile], "enabled": True, "targetResourceUri": f"{self.id}/deployments/blue"}
        body = {"id": identity, "name": name, "type": "Microsoft.Insights/autoscaleSettings", "location": REGION_NAME,
                "properties": properties}  # fmt: skip
        return [Resource(identity, AUTOSCALE, group, body)]

    def _records(self) -> list[Resource]:
        """What the activity log holds of it; nobody can ask for what is older than 90 days."""
        below = "workspaces/onlineEndpoints"
        happened = [(self.created, f"{below}/write", self.id, self.caller, "")]
        for part in self.kind.parts:
            operation = f"odidp:{_guid(self.id, part.name)}" if part.state == "Failed" else ""
            place = f"{self.id}/deployments/{part.name}"
            happened.append((self.ran, f"{below}/deployments/write", place, self.caller, operation))
        if self.kind.by_hand:
            happened.append((self.by_hand, f"{below}/write", self.id, self.person[1], ""))
        if self.kind.keys == "renewed":
            happened.append((self.renewed, f"{below}/regenerateKeys/action", self.id, self.person[1], ""))
        records: list[Resource] = []
        for moment, action, resource, caller, operation in happened:
            body = {
                "time": timestamp(moment), "action": action, "resource": resource, "group": self.place.group,
                "caller": caller, "correlation": _guid(resource, action, moment == self.by_hand), "status": 200,
                "operation": operation, "error": "",
            }  # fmt: skip
            identity = f"/activity/fleet/{self.number:05d}/{len(records)}"
            records.append(Resource(identity, RECORDS, f"/subscriptions/{self.place.subscription}", body))
        return records


def assets(place: Place, now: datetime) -> list[Resource]:
    """The models, environments and code that the deployments of a workspace name; their files do not exist."""
    made = _made(now, CLIENT_OBJECT_ID, now, CLIENT_OBJECT_ID)
    common: dict[str, Any] = {"tags": {}, "properties": {}, "isArchived": False, "provisioningState": "Succeeded"}
    files = "azureml://datastores/workspaceblobstore/paths/fleet"
    stage = {**common, "isAnonymous": False, "stage": "Development"}
    environment = {**stage, "environmentType": "UserCreated", "condaFile": _CONDA, "osType": "Linux"}
    model = {**stage, "flavors": {}, "modelType": "custom_model"}
    code = {**common, "isAnonymous": True, "codeUri": f"{files}/score"}
    kinds = [("codes", "score", 1, code), ("environments", "inference", len(_IMAGES), environment)]
    kinds += [("models", name, _VERSIONS, {**model, "modelUri": f"{files}/{name}"}) for name in _MODELS]
    found = []
    for kind, name, versions, properties in kinds:
        above, whole = f"{place.id}/{kind}/{name}", f"{PROVIDER}/workspaces/{kind}"
        body = {"id": above, "name": name, "type": whole, "properties": common, "systemData": made}
        found.append(Resource(above, f"{kind}-container", place.id, body, {"order": versions}))
        for version in range(1, versions + 1):
            identity = f"{above}/versions/{version}"
            own = {"id": identity, "name": str(version), "type": f"{whole}/versions", "systemData": made}
            image = {"image": _IMAGES[version - 1]} if kind == "environments" else {}
            body = {**own, "properties": {**properties, **image}}
            found.append(Resource(identity, kind, above, body, {"order": version}))
    return found
