"""Autoscale settings of Azure Monitor, which change a deployment's number of instances.

The shape is that of Microsoft's description of the API (Autoscale Settings, 2022-10-01).
"""

from __future__ import annotations

from datetime import datetime, timezone

from aiohttp import web

from tui.rehearsal.arm.assets import system_data
from tui.rehearsal.arm.errors import ArmError, bad_content
from tui.rehearsal.arm.front import Call, Fields, Route, page
from tui.rehearsal.arm.resource_paths import REGION
from tui.rehearsal.arm.workspace_routes import require_scope
from tui.rehearsal.monitor.autoscale_engine import ENGINE
from tui.rehearsal.monitor.autoscale_rules import active_profile
from tui.rehearsal.online_endpoints.rules import AUTOSCALE, duration, seconds
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
    """`PUT` of a setting: 201 or 200; it acts at once, as on the engine's next run."""
    properties = call.body.object("properties")
    profiles = properties.raw("profiles")
    if not call.body.text("location") or not isinstance(profiles, list) or not profiles:
        raise bad_content("location and properties.profiles are required")
    if len(profiles) > MOST_PROFILES:
        raise bad_content(f"a setting has at most {MOST_PROFILES} profiles")
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
    setting = Resource(identity, AUTOSCALE, _group(call), body)
    store.put(setting)
    call.request.app[ENGINE].evaluate(setting)
    return web.json_response(body, status=status)


_RULE = {
    "metricTrigger": "metricName metricResourceUri timeGrain statistic timeWindow timeAggregation operator threshold",
    "scaleAction": "direction type cooldown",
}
_WORDS = {
    "statistic": "Average Min Max Sum Count",
    "timeAggregation": "Average Minimum Maximum Total Count Last",
    "operator": "Equals NotEquals GreaterThan GreaterThanOrEqual LessThan LessThanOrEqual",
    "direction": "None Increase Decrease",
    "type": "ChangeCount PercentChangeCount ExactCount ServiceAllowedNextValue",
}
_SECONDS = {"timeGrain": (60, 43_200), "timeWindow": (300, 43_200), "cooldown": (60, 604_800)}
MOST_PROFILES, MOST_RULES = 20, 10


def _require_profile(profile: object) -> None:
    """What is required of a profile, with its words and limits, as described. Raises ArmError."""
    fields = Fields(profile if isinstance(profile, dict) else {}, "properties.profiles.")
    capacity, rules = fields.object("capacity"), fields.raw("rules")
    texts = [capacity.text(name) or "" for name in ("minimum", "default", "maximum")]
    if not fields.text("name") or not isinstance(rules, list) or not all(map(str.isdecimal, texts)):
        raise bad_content("a profile must have name, rules, and capacity with minimum, maximum and default")
    numbers = [int(text) for text in texts]
    if numbers != sorted(numbers) or len(rules) > MOST_RULES:
        raise bad_content(f"minimum, default and maximum must ascend, and a profile has at most {MOST_RULES} rules")
    for rule in rules:
        parts = Fields(rule if isinstance(rule, dict) else {}, "properties.profiles.rules.")
        for part, names in _RULE.items():
            for name in names.split():
                _require(parts.object(part), name)
        if not (parts.object("scaleAction").text("value") or "1").isdecimal():
            raise bad_content("the value of a scaleAction must be the text of a number")
    try:
        active_profile([dict(profile)], datetime.now(timezone.utc))  # type: ignore[call-overload]
    except (LookupError, TypeError, ValueError, AttributeError):
        raise bad_content("a recurrence needs a weekly schedule, and a fixed date a start and an end") from None


def _require(part: Fields, name: str) -> None:
    value = part.raw(name) if name == "threshold" else part.text(name)
    words, (least, most) = _WORDS.get(name), _SECONDS.get(name, (0, 0))
    if words and str(value).lower() not in words.lower().split():
        raise bad_content(f"{name} must be one of {', '.join(words.split())}")
    if name == "threshold" and not isinstance(value, (int, float)):
        raise bad_content("threshold must be a number")
    if (not value and name != "threshold") or (most and not least <= seconds(value, name, 0) <= most):
        raise bad_content(f"{name} must be there" + (f", from {duration(least)} to {duration(most)}" if most else ""))


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
