"""Less usual parts of a plan as Python: the endpoint's identity, what is collected, containers of one's own."""

from __future__ import annotations

import json
from typing import Any

from tui.export.plan_source import Source
from tui.export.python_literals import call, path, value
from tui.plan import data_collection
from tui.plan.endpoint_identity import listed
from tui.plan.load_save.references import has_reference


def identity(source: Source, setting: str) -> str:
    """The argument `identity` of an endpoint."""
    kind = source.value("endpoint.identity.type")
    given = listed(source.value("endpoint.identity.user_assigned_identities") or ()) if kind == "user_assigned" else ()
    users = ", ".join(f"ManagedIdentityConfiguration(resource_id={value(one, setting)})" for one in given or ())
    more = f", user_assigned_identities=[{users}]" if users else ""
    return f"IdentityConfiguration(type={value(kind, setting)}{more})"


def build(source: Source, setting: str) -> str:
    """The argument `build` of an environment."""
    key = "deployment.environment.build"
    given = str(source.value(f"{key}.path"))
    where = value(given, setting) if given.startswith("https://") else f"str({path(source, f'{key}.path')})"
    dockerfile = source.value(f"{key}.dockerfile_path")
    return f"BuildContext(path={where}{f', dockerfile_path={value(dockerfile, setting)}' if dockerfile else ''})"


def routes(source: Source, setting: str) -> str:
    """The argument `inference_config` of an environment; a map, which the SDK takes."""
    given = source.document.get("deployment.environment.inference_config")
    inside = "".join(f"            {json.dumps(name)}: {value(route, setting)},\n" for name, route in given.items())
    return f"{{\n{inside}        }}"


def collector(source: Source, setting: str) -> str:
    """The argument `data_collector` of a deployment."""
    prefix = "deployment.data_collector"
    inside = ""
    for name, item in data_collection.as_az(source.value(f"{prefix}.collections")).items():
        arguments: dict[str, Any] = {"enabled": value(item["enabled"].lower(), setting)}
        if item.get("data"):
            parts = ", ".join(f"{key}={value(str(part), setting)}" for key, part in item["data"].items())
            arguments["data"] = f"DataAsset({parts})"
        words = ", ".join(f"{key}={text}" for key, text in arguments.items())
        inside += f"            {json.dumps(name)}: DeploymentCollection({words}),\n"
    found = {"collections": f"{{\n{inside}        }}"}
    share, rate = source.written(f"{prefix}.sampling_rate"), source.written(f"{prefix}.rolling_rate")
    found["sampling_rate"] = value(share if share is not None else 1.0, setting)
    found["rolling_rate"] = value(rate if has_reference(rate) else str(rate or "hour").lower(), setting)
    headers = source.written(f"{prefix}.request_logging.capture_headers")
    if headers:
        found["request_logging"] = f"RequestLogging(capture_headers={value(list(headers), setting)})"
    return call("DataCollector", found, "    ")
