"""What the tests of the operations share."""

from __future__ import annotations

from typing import Any

GROUP = "rehearsal"
# Workspaces that tests register go here: what other tests list stays as it is.
OTHER_GROUP = "operations"
WORKSPACE = "closed-managed-network"


def empty(model: Any, path: str = "") -> set[str]:
    """The attributes of a management client's model, and of all models in it, that came back as None."""
    found: set[str] = set()
    for name in model._attribute_map:
        value = getattr(model, name)
        where = f"{path}{name}"
        if value is None:
            found.add(where)
        elif hasattr(value, "_attribute_map"):
            found |= empty(value, f"{where}.")
        elif isinstance(value, list):
            for item in value:
                if hasattr(item, "_attribute_map"):
                    found |= empty(item, f"{where}.")
    return found
