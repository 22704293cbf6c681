"""What a value must look like. Each rule returns None, or a sentence that says what is wrong and what would be right.

Lengths and characters are those of Microsoft's articles how-to-manage-quotas (endpoints, deployments) and
azure/azure-resource-manager/management/resource-name-rules (resource groups, workspaces).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Callable, Optional

from tui.plan.rules.durations import seconds_of, words

Rule = Callable[[Any], Optional[str]]

_GUID = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_INSIDE = r"(?!/)(?!(.*/)?\.\.(/|$))"  # a relative path that does not leave its folder


def _suggest_name(text: str, longest: int) -> str:
    """The nearest legal endpoint or deployment name, or an empty string where nothing is left."""
    name = re.sub(r"-{2,}", "-", re.sub(r"[^a-zA-Z0-9-]+", "-", text))
    name = re.sub(r"^[^a-zA-Z]+", "", name)[:longest].strip("-")
    return name if len(name) >= 3 else ""


def online_name(value: Any) -> str | None:
    """An endpoint's or a deployment's name: 3 to 32 characters, letters, digits, single dashes, a letter first."""
    text = str(value)
    odd = re.search(r"[^a-zA-Z0-9-]", text)
    rules = (
        (3 <= len(text) <= 32, f"A name has 3 to 32 characters; this one has {len(text)}"),
        (re.match("[a-zA-Z]", text), "A name begins with a letter"),
        ("_" not in text, "An underscore is not allowed in a name"),
        (" " not in text, "A space is not allowed in a name"),
        (not odd, f"The character {odd and odd[0]} is not allowed in a name; letters, digits and dashes are"),
        ("--" not in text and not text.endswith("-"), "Dashes stand alone, between letters or digits"),
    )
    wrong = next((said for kept, said in rules if not kept), None)
    if wrong is None:
        return None
    suggestion = _suggest_name(text, 32)
    return f"{wrong}; try {suggestion}." if suggestion else f"{wrong}, for example fraud-score."


def asset_name(value: Any) -> str | None:
    """A model's or an environment's name: 1 to 255 characters, letters, digits, `-`, `_` and `.`."""
    text = str(value)
    if re.match(r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}$", text):
        return None
    suggestion = re.sub(r"[^a-zA-Z0-9._-]+", "-", text).strip("-._")[:255] or "churn-model"
    return f"A name has letters, digits, dashes, underscores and dots, up to 255; try {suggestion}."


def matching(pattern: str, wrong: str, flags: int = 0) -> Rule:
    """A rule for texts of a pattern; in what it says is wrong, `{value}` is the value."""
    compiled = re.compile(pattern, flags)
    return lambda value: None if compiled.match(str(value)) else wrong.format(value=value)


# An id as Azure writes those of subscriptions, tenants and applications.
guid = matching(
    rf"^\s*{_GUID}\s*$", "An id has 32 hexadecimal digits in five groups, like 00000000-0000-0000-0000-000000000000."
)

tenant = matching(
    rf"^({_GUID}|[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+)$",
    "A tenant is given by its id (a GUID) or a domain name such as contoso.onmicrosoft.com.",
)

resource_group = matching(
    r"^[\w.()-]{0,89}[\w()-]$",
    "A resource group has 1 to 90 letters, digits and . _ - ( ), and does not end in a dot.",
)

workspace_name = matching(
    r"^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$",
    "A workspace has 3 to 33 letters, digits, dashes and underscores, and begins with a letter or digit.",
)

# A virtual machine size by the name that Azure uses.
instance_type = matching(
    r"^Standard_[A-Z]+[A-Za-z0-9_-]*$",
    "{value} is not the name of a size; sizes are written like Standard_DS3_v2.",
    re.IGNORECASE,
)

route_path = matching(r"^/[^\s?#]*$", "{value} is not the path of a route; it begins with a slash, for example /score.")

# Where in the container the model is put.
mount_path = matching(
    r"^/[^\s:]+$", "{value} is not a path in the container; it begins with a slash, for example /var/model."
)

# Relative to the build context.
dockerfile = matching(
    rf"^{_INSIDE}.+\Z",
    "The Dockerfile lies inside the build context and is named relative to it, for example Dockerfile.",
)

# Relative to the code folder.
script_name = matching(
    rf"^{_INSIDE}.*\.py\Z", "The scoring script is a .py file inside the code folder, for example score.py."
)

# In any case, as az ml takes it.
rolling_rate = matching("^(minute|hour|day)$", "{value} is not one of minute, hour, day.", re.IGNORECASE)

registered_asset = matching(
    r"^(azureml:[\w.-]+(:[\w.-]+|@latest)$|azureml://)",
    "A registered asset is written azureml:NAME:VERSION or azureml:NAME@latest.",
)


def number_between(least: int, most: int, unit: str = "") -> Rule:
    """A rule for whole numbers from `least` to `most`."""

    def rule(value: Any) -> str | None:
        unit_text = f" {unit}" if unit else ""
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{value} is not a whole number; {least} to {most}{unit_text} is possible."
        if not least <= value <= most:
            return f"{value} is outside of what is possible, {least} to {most}{unit_text}."
        return None

    return rule


def one_of(choices: tuple[str, ...]) -> Rule:
    """A rule for one of a few words."""

    def rule(value: Any) -> str | None:
        if value in choices:
            return None
        if isinstance(value, bool):
            return f"YAML reads this word as {str(value).lower()}; write one of {', '.join(choices)}."
        return f"{value} is not one of {', '.join(choices)}."

    return rule


def text(value: Any) -> str | None:
    """Any text of one line."""
    if isinstance(value, (dict, list)):
        return "A text is expected here, not a list or a map."
    return "A text of one line is expected." if "\n" in str(value).strip("\n") else None


def true_or_false(value: Any) -> str | None:
    """A truth value."""
    return None if isinstance(value, bool) else f"{value} is neither true nor false."


def share(value: Any) -> str | None:
    """A share from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"{value} is not a number; a share from 0 to 1 is expected, for example 0.1."
    return None if 0 <= value <= 1 else f"{value} is not a share; 0 to 1 is possible, 1 for all."


def only_one(value: Any) -> str | None:
    """The number 1, for liveness probes (Microsoft, reference-yaml-deployment-managed-online)."""
    wrong = number_between(1, 86_400)(value)
    if wrong is None and value != 1:
        return f"{value} successes are asked for; Azure takes 1 alone for a liveness probe."
    return wrong


def header_names(value: Any) -> str | None:
    """Names of HTTP headers."""
    names = listed(value)
    if names is None:
        return "A list of names of headers is expected, for example [x-request-id]."
    for name in names:
        if "${" not in name and not re.match(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", name):
            return f"{name} is not the name of a header."
    return None


def listed(value: Any) -> list[str] | None:
    """A list of texts, or a text with commas, as a list; None for anything else."""
    if isinstance(value, str):
        return [part for part in re.split(r"[,\s]+", value) if part]
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        return None
    return list(value)


def text_map(value: Any) -> str | None:
    """A map of texts, such as tags."""
    if not isinstance(value, Mapping):
        return "A map is expected: one `name: value` a line."
    for key, item in value.items():
        if isinstance(item, (dict, list)):
            return f"The value of {key} is a {type(item).__name__}; a text is expected."
    return None


def traffic(value: Any) -> str | None:
    """Percentages by deployment that add up to 100 (an endpoint without traffic answers 404)."""
    if not isinstance(value, Mapping) or not value:
        return "Traffic is a map of deployments to percentages, for example blue: 100."
    for name, share in value.items():
        if isinstance(share, bool) or not isinstance(share, int) or not 0 <= share <= 100:
            return f"The share of {name} is {share}; a whole number from 0 to 100 is expected."
    total = sum(value.values())
    if total != 100:
        return f"The shares add up to {total}; they must add up to 100."
    return None


def mirror_traffic(value: Any) -> str | None:
    """One deployment and the per cent of the requests that are copied to it, at most 50 (Azure's REST API)."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return "Mirrored traffic names one deployment and its share, for example green: 20."
    ((name, share),) = value.items()
    if isinstance(share, bool) or not isinstance(share, int) or not 1 <= share <= 50:
        return f"The share that is copied to {name} is {share}; a whole number from 1 to 50 is possible."
    return None


def duration(least: float, most: float) -> Rule:
    """A rule for times from `least` to `most` seconds."""

    def rule(value: Any) -> str | None:
        seconds = seconds_of(value)
        if seconds is None:
            return f"{value} is not a time; write seconds, or a text such as 90s, 30m or 1h30m."
        if not least <= seconds <= most:
            return f"{value} is outside of what is possible, {words(least)} to {words(most)}."
        return None

    return rule


def steps_of(value: Any) -> tuple[int, ...] | None:
    """The percentages of a rollout, from a list or a text such as `10, 50, 100`; None for what is neither."""
    parts = value if isinstance(value, (list, tuple)) else str(value).strip("[] ").split(",")
    try:
        steps = tuple(int(str(part).strip().rstrip("%")) for part in parts)
    except ValueError:
        return None
    return steps if steps and not any(isinstance(part, bool) for part in parts) else None


def steps(value: Any) -> str | None:
    """Percentages that rise, each from 1 to 100."""
    found = steps_of(value)
    if found is None:
        return f"{value} is not a list of percentages, for example 10, 50, 100."
    if not all(1 <= step <= 100 for step in found):
        return "Each step is a whole number from 1 to 100."
    if any(after <= before for before, after in zip(found, found[1:])):
        return "Each step gives the new deployment more than the one before, for example 10, 50, 100."
    return None
