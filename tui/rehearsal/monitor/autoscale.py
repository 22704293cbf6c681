"""Autoscale settings of Azure Monitor, which change a deployment's number of instances.

The shape is that of Microsoft's description of the API (Autoscale Settings, 2022-10-01). There are no metrics of
machines here, so rules are kept but never fire; as described for missing metrics, a count below the first profile's
default is raised to it, and a count outside minimum and maximum is brought inside.
"""

from __future__ import annotations

from aiohttp import web

from tui.rehearsal.arm import operations
from tui.rehearsal.arm.assets import system_data
from tui.rehearsal.arm.errors import ArmError, bad_content
from tui.rehearsal.arm.front import Call, Fields, Route, page
from tui.rehearsal.arm.resource_paths import REGION
from tui.rehearsal.arm.workspace_routes import require_scope
from tui.rehearsal.online_endpoints.deployments import work
from tui.rehearsal.online_endpoints.online_resources import begin
from tui.rehearsal.online_endpoints.rules import AUTOSCALE, autoscaled
from tui.rehearsal.store import Resource

_SETTINGS = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Insights/autoscaleSettings"
_SETTING = f"{_SETTINGS}/{{setting}}"


def _group(call: Call) -> str:
    return f"/subscriptions/{call['subscription']}/resourceGroups/{call['group']}"


def _id(call: Call) -> str:
    return f"{_group(call)}/providers/microsoft.insights/autoscalesettings/{call['setting']}"


async def list_settings(call: Call) -> web.Response:
    """`GET` of the settings of a resource group or a subscription."""
    above = _group(call) if "group" in call.parameters else f"/subscriptions/{call['subscription']}"
    require_scope(call)
    found = call.service.store.of_kind(AUTOSCALE)
    return page(call, [item.body for item in found if item.id.startswith(f"{above}/".lower())])


async def read_setting(call: Call) -> web.Response:
    """`GET` of a setting."""
    found = call.service.store.get(_id(call))
    if found is None:
        raise ArmError(404, "ResourceNotFound", f"The Resource '{_id(call)}' was not found.")
    return web.json_response(found.body)


async def put_setting(call: Call) -> web.Response:
    """`PUT` of a setting: 201 or 200; a target that it finds outside its limits is scaled at once."""
    properties = call.body.object("properties")
    profiles = properties.raw("profiles")
    if not call.body.text("location") or not isinstance(profiles, list) or not profiles:
        raise bad_content("location and properties.profiles are required")
    for profile in profiles:
        _require_profile(profile)
    identity = _id(call)
    before = call.service.store.get(identity)
    body = {
        "id": identity,
        "name": call["setting"],
        "type": "Microsoft.Insights/autoscaleSettings",
        "location": call.body.text("location", REGION),
        "tags": call.body.texts("tags"),
        "systemData": system_data(call, before.body.get("systemData") if before else None),
        "properties": {
            "profiles": profiles,
            "notifications": properties.raw("notifications") or [],
            "enabled": properties.boolean("enabled", True),
            "name": call["setting"],
            "targetResourceUri": properties.text("targetResourceUri"),
        },
    }
    store = call.service.store
    status = 201 if store.get(identity) is None else 200
    store.put(Resource(identity, AUTOSCALE, _group(call), body))
    target = store.get(str(body["properties"]["targetResourceUri"]))  # type: ignore[index]
    if target is not None and target.properties.get("provisioningState") == "Succeeded":
        count = autoscaled(store, target)
        if count != target.body["sku"]["capacity"]:
            target.body["sku"]["capacity"] = count
            target.properties["provisioningState"] = "Scaling"
            target.internal["generation"] = int(target.internal.get("generation", 0)) + 1
            begin(call, call.service.workspaces.of(target.body["id"]), target, operations.DEPLOYMENT, "write", work)
    return web.json_response(body, status=status)


def _require_profile(profile: object) -> None:
    """Name, capacity and rules are required, and the three numbers of the capacity are texts. Raises ArmError."""
    fields = Fields(profile if isinstance(profile, dict) else {}, "properties.profiles.")
    capacity = fields.object("capacity")
    texts = [capacity.text(name) or "" for name in ("minimum", "maximum", "default")]
    if not fields.text("name") or not isinstance(fields.raw("rules"), list) or not all(map(str.isdecimal, texts)):
        raise bad_content("a profile must have name, rules, and capacity with minimum, maximum and default")


async def delete_setting(call: Call) -> web.Response:
    """`DELETE` of a setting: 200, or 204 if there is none."""
    there = call.service.store.get(_id(call)) is not None
    call.service.store.delete(_id(call))
    return web.Response(status=200 if there else 204)


ROUTES: list[Route] = [
    ("GET", _SETTINGS, list_settings),
    ("GET", "/subscriptions/{subscription}/providers/Microsoft.Insights/autoscaleSettings", list_settings),
    ("GET", _SETTING, read_setting),
    ("PUT", _SETTING, put_setting),
    ("DELETE", _SETTING, delete_setting),
]
