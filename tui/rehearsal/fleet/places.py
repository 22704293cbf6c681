"""The fleet's subscriptions and workspaces. They are beside the built-in ones, so that plans have their own quota."""

from __future__ import annotations

from typing import NamedTuple

from tui.rehearsal.arm.resource_paths import PROVIDER

SUBSCRIPTIONS = {
    "5eed0000-0000-4000-8000-00000000a101": "Contoso Production",
    "5eed0000-0000-4000-8000-00000000a102": "Contoso Test",
    "5eed0000-0000-4000-8000-00000000a103": "Fabrikam Analytics",
}
"""Display names by id."""
SILENT, REFUSING = "silent", "refusing"


class Place(NamedTuple):
    """A workspace: its isolation as in `Workspace`, and how it does not answer, if it does not."""

    subscription: str
    group: str
    name: str
    isolation: str
    obstacle: str = ""

    @property
    def group_id(self) -> str:
        """The resource id of its group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def id(self) -> str:
        """The workspace's resource id."""
        return f"{self.group_id}/providers/{PROVIDER}/workspaces/{self.name}"


_PRODUCTION, _TEST, _ANALYTICS = SUBSCRIPTIONS
PLACES = (
    Place(_PRODUCTION, "rg-scoring", "shop-prod", "managed"),
    Place(_PRODUCTION, "rg-scoring", "risk-prod", "legacy"),
    Place(_TEST, "rg-scoring-test", "shop-test", "public"),
    Place(_ANALYTICS, "rg-forecast", "forecast", "managed"),
    Place(_TEST, "rg-old", "risk-archive", "legacy", SILENT),
    Place(_ANALYTICS, "rg-partners", "partners", "public", REFUSING),
)
"""Two workspaces in each subscription; the last two do not answer."""
OBSTACLES = {place.id.lower(): place.obstacle for place in PLACES if place.obstacle}
"""How workspaces do not answer, by id in lower case."""
