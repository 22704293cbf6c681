"""Rules for single values. Each returns None, or a sentence that says what is wrong and what would be valid.

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


def suggest_name(text: str, longest: int) -> str:
    """The closest valid endpoint or deployment name, or an empty string if none can be derived."""
    name = re.sub(r"-{2,}", "-", re.sub(r"[^a-zA-Z0-9-]+", "-", text))
    name = re.sub(r"^[^a-zA-Z]+", "", name)[:longest].strip("-")
    return name if len(name) >= 3 else ""


def online_name(value: Any) -> str | None:
    """An endpoint's or a deployment's name: 3 to 32 characters, letters, digits, single dashes, a letter first."""
    text = str(value)
    odd = re.search(r"[^a-zA-Z0-9-]", text)
    rules = (
        (3 <= len(text) <= 32, f"A name must have 3 to 32 characters; this one has {len(text)}"),
        (re.match("[a-zA-Z]", text), "A name must start with a letter"),
        ("_" not in text, "An underscore is not allowed in a name"),
        (" " not in text, "A space is not allowed in a name"),
        (not odd, f"The character {odd and odd[0]} is not allowed in a name, only letters, digits and dashes"),
        ("--" not in text and not text.endswith("-"), "A dash must be between letters or digits"),
    )
    wrong = next((said for kept, said in rules if not kept), None)
    if wrong is None:
        return None
    suggestion = suggest_name(text, 32)
    return f"{wrong}; try {suggestion}." if suggestion else f"{wrong}, for example fraud-score."


def asset_name(value: Any) -> str | None:
    """A model's or an environment's name: 1 to 255 characters, letters, digits, `-`, `_` and `.`."""
    text = str(value)
    if re.match(r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}$", text):
        return None
    suggestion = re.sub(r"[^a-zA-Z0-9._-]+", "-", text).strip("-._")[:255] or "churn-model"
    return f"A name can have up to 255 letters, digits, dashes, underscores and dots; try {suggestion}."


def matching(pattern: str, wrong: str, flags: int = 0) -> Rule:
    """A rule for texts that match a pattern; `{value}` in the message `wrong` is replaced by the value."""
    return lambda value: None if re.match(pattern, str(value), flags) else wrong.format(value=value)


# The id of a subscription, tenant or application.
guid = matching(
    rf"^\s*{_GUID}\s*$",
    "An id must have 32 hexadecimal digits in five groups, like 00000000-0000-0000-0000-000000000000.",
)

tenant = matching(
    rf"^({_GUID}|[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+)$",
    "A tenant must be an id (a GUID) or a domain name such as contoso.onmicrosoft.com.",
)

resource_group = matching(
    r"^[\w.()-]{0,89}[\w()-]$",
    "A resource group must have 1 to 90 letters, digits and . _ - ( ), and must not end with a dot.",
)

workspace_name = matching(
    r"^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$",
    "A workspace must have 3 to 33 letters, digits, dashes and underscores, and start with a letter or digit.",
)

# The name of a virtual machine size.
instance_type = matching(
    r"^Standard_[A-Z]+[A-Za-z0-9_-]*$",
    "{value} is not a valid size name; names look like Standard_D4as_v4.",
    re.IGNORECASE,
)

route_path = matching(
    r"^/[^\s?#]*$", "{value} is not a valid route path; it must start with a slash, for example /score."
)

# The folder of the model in the container.
mount_path = matching(
    r"^/[^\s:]+$", "{value} is not a path in the container; it must start with a slash, for example /var/model."
)

# Relative to the build context.
dockerfile = matching(
    rf"^{_INSIDE}.+\Z", "The Dockerfile must be a relative path inside the build context, for example Dockerfile."
)

# Relative to the code folder.
script_name = matching(
    rf"^{_INSIDE}.*[^/\n]\Z", "The scoring script must be a file inside the code folder, for example score.py."
)

# Case-insensitive, as in az ml.
rolling_rate = matching("^(minute|hour|day)$", "{value} is not one of minute, hour, day.", re.IGNORECASE)

registered_asset = matching(
    r"^(azureml:[\w.-]+(:[\w.-]+|@latest)$|azureml://)",
    "A registered asset must be azureml:NAME:VERSION or azureml:NAME@latest.",
)


def number_between(least: int, most: int, unit: str = "") -> Rule:
    """A rule for whole numbers from `least` to `most`."""

    def rule(value: Any) -> str | None:
        unit_text = f" {unit}" if unit else ""
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{value} is not a whole number; it must be from {least} to {most}{unit_text}."
        if not least <= value <= most:
            return f"{value} is out of range; it must be from {least} to {most}{unit_text}."
        return None

    return rule


def one_of(choices: tuple[str, ...]) -> Rule:
    """A rule for one of the choices."""

    def rule(value: Any) -> str | None:
        if value in choices:
            return None
        if isinstance(value, bool):
            return f"YAML reads this word as {str(value).lower()}; use one of {', '.join(choices)}."
        return f"{value} is not one of {', '.join(choices)}."

    return rule


def text(value: Any) -> str | None:
    """Any single-line text."""
    if isinstance(value, (dict, list)):
        return "Expected a text, not a list or a map."
    return "Expected a single line of text." if "\n" in str(value).strip("\n") else None


def true_or_false(value: Any) -> str | None:
    """A boolean."""
    return None if isinstance(value, bool) else f"{value} is neither true nor false."


def share(value: Any) -> str | None:
    """A share from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"{value} is not a number; it must be from 0 to 1, for example 0.1."
    return None if 0 <= value <= 1 else f"{value} is out of range; it must be from 0 to 1, where 1 means all."


def only_one(value: Any) -> str | None:
    """The number 1, for liveness probes (Microsoft, reference-yaml-deployment-managed-online)."""
    wrong = number_between(1, 86_400)(value)
    if wrong is None and value != 1:
        return f"{value} is not allowed; for a liveness probe, Azure accepts only 1."
    return wrong


def header_names(value: Any) -> str | None:
    """Names of HTTP headers."""
    names = listed(value)
    if names is None:
        return "Expected a list of header names, for example [x-request-id]."
    for name in names:
        if "${" not in name and not re.match(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", name):
            return f"{name} is not a valid header name."
    return None


def listed(value: Any) -> list[str] | None:
    """A list of texts, or a comma-separated text, as a list; None for anything else."""
    if isinstance(value, str):
        return [part for part in re.split(r"[,\s]+", value) if part]
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        return None
    return list(value)


def text_map(value: Any) -> str | None:
    """A map of texts, such as tags."""
    if not isinstance(value, Mapping):
        return "Expected a map: one `name: value` per line."
    for key, item in value.items():
        if isinstance(item, (dict, list)):
            return f"The value of {key} is a {type(item).__name__}; it must be a text."
    return None


def traffic(value: Any) -> str | None:
    """Percentages by deployment that add up to 100 (an endpoint without traffic returns 404)."""
    if not isinstance(value, Mapping) or not value:
        return "Traffic must be a map of deployments to percentages, for example blue: 100."
    for name, share in value.items():
        if isinstance(share, bool) or not isinstance(share, int) or not 0 <= share <= 100:
            return f"The share of {name} is {share}; it must be a whole number from 0 to 100."
    total = sum(value.values())
    if total != 100:
        return f"The shares add up to {total}; they must add up to 100."
    return None


def mirror_traffic(value: Any) -> str | None:
    """One deployment and the percentage of requests mirrored to it, at most 50 (Azure's REST API)."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return "Mirrored traffic must be one deployment with its share, for example green: 20."
    ((name, share),) = value.items()
    if isinstance(share, bool) or not isinstance(share, int) or not 1 <= share <= 50:
        return f"The share mirrored to {name} is {share}; it must be a whole number from 1 to 50."
    return None


def duration(least: float, most: float) -> Rule:
    """A rule for durations from `least` to `most` seconds."""

    def rule(value: Any) -> str | None:
        seconds = seconds_of(value)
        if seconds is None:
            return f"{value} is not a duration; use seconds, or a text such as 90s, 30m or 1h30m."
        if not least <= seconds <= most:
            return f"{value} is out of range; it must be from {words(least)} to {words(most)}."
        return None

    return rule


def steps_of(value: Any) -> tuple[int, ...] | None:
    """The percentages of a rollout, from a list or a text such as `10, 50, 100`; None for anything else."""
    parts = value if isinstance(value, (list, tuple)) else str(value).strip("[] ").split(",")
    try:
        steps = tuple(int(str(part).strip().rstrip("%")) for part in parts)
    except ValueError:
        return None
    return steps if steps and not any(isinstance(part, bool) for part in parts) else None


def steps(value: Any) -> str | None:
    """Rising percentages, each from 1 to 100."""
    found = steps_of(value)
    if found is None:
        return f"{value} is not a list of percentages, for example 10, 50, 100."
    if not all(1 <= step <= 100 for step in found):
        return "Each step must be a whole number from 1 to 100."
    if any(after <= before for before, after in zip(found, found[1:])):
        return "Each step must be larger than the previous one, for example 10, 50, 100."
    return None


def unfit(value: Any) -> str | None:
    """Why no field can hold a value, whatever its rules: a sentence about it or a part of it, or None."""
    if isinstance(value, dict):
        return next(filter(None, map(unfit, (*value, *value.values()))), None)
    if isinstance(value, (list, tuple, set)):
        return next(filter(None, map(unfit, value)), None)
    if isinstance(value, int) and abs(value) >= 2**63:
        return "This number is too large."
    if isinstance(value, str) and _UNFIT.search(value):
        return "This text contains a character that cannot be stored: NUL, or half of a surrogate pair."
    return None


_UNFIT = re.compile("[\0\ud800-\udfff]")
