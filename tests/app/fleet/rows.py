"""Rows and parts in the format of the question `fleet`, and the screen that shows them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.app.panes import Walk
from tests.app.recorded import Answers
from tui.app.app import WizardApp
from tui.app.fleet.screen import FleetScreen
from tui.plan.load_save.document import Document

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"


def row(name: str = "churn", workspace: str = "ws-churn", **more: Any) -> dict[str, Any]:
    """A healthy endpoint."""
    place = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces"
    traffic = more.get("traffic", {"blue": 100})
    deployments = [
        {"name": one, "state": "Succeeded", "model": "churn:3", "environment": "env:2",
         "instance_type": "Standard_D4as_v4", "instances": 2, "autoscale": None, "price_per_hour": 0.23,
         "traffic": share, "mirror_traffic": 0, "requests": 1000, "errors": 0, "p95_ms": 41.0,
         "changed_at": "2026-11-20T09:00:00Z", "changed_by": "ann@contoso.com"}
        for one, share in traffic.items()
    ]  # fmt: skip
    return {
        "kind": "endpoint", "id": f"{place}/{workspace}/onlineEndpoints/{name}", "endpoint": name,
        "workspace": workspace, "resource_group": "rg-ml", "subscription": SUBSCRIPTION,
        "subscription_name": "Contoso ML", "location": "westeurope", "workspace_id": f"{place}/{workspace}",
        "state": "Succeeded", "health": "healthy", "reason": "1,000 requests in the last hour, none failed.",
        "deployments": deployments, "traffic": traffic, "mirror_traffic": {}, "instances": 2, "requests": 1000,
        "errors": 0, "p95_ms": 41.0, "cost_per_hour": 0.46, "currency": "USD", "price_date": "2026-05-01",
        "key_age_days": 12, "changed_at": "2026-11-20T09:00:00Z", "changed_by": "ann@contoso.com",
        "made_by": "aml-deploy 1.2.3", "plan": "0123456789ab", "run": "20261120-090000-ab12", "drift": "none",
        "drift_reason": "", "ends": [], "auth_mode": "key", "public_network_access": "disabled",
        "scoring_uri": f"https://{name}.westeurope.inference.ml.azure.com/score",
        "portal_url": f"https://ml.azure.com/endpoints/realtime/{name}/detail", "findings": [], "why": {},
        "pending": [], "read_at": "2026-11-22T22:05:13Z", "changed": [], **more,
    }  # fmt: skip


FAILING = row(
    "fraud-scoring-westeurope", "ws-fraud", health="failing", state="Failed",
    reason="All traffic goes to green, which failed: ImageBuildFailure.", traffic={"green": 100}, requests=240,
    errors=240, p95_ms=None, why={"p95_ms": "no request was answered"}, drift="changed",
    drift_reason="bob@contoso.com changed the traffic after the run.",
)  # fmt: skip
DEGRADED = row(
    "pricing", "ws-pricing", health="degraded", reason="12 of 400 requests failed in the last hour.",
    traffic={"blue": 90, "green": 10}, requests=400, errors=12, p95_ms=1840.0,
    ends=[{"what": "Standard_NC6s_v3 retires", "date": "2026-09-30", "source": "https://learn.microsoft.com/sizes"}],
)  # fmt: skip
UNKNOWN = row(
    "legacy", "ws-old", health="unknown", reason="The role does not allow reading metrics.", requests=None,
    errors=None, p95_ms=None, cost_per_hour=None, key_age_days=None, drift="no plan", made_by="", plan="", run="",
    why={"requests": "the role does not allow reading metrics", "errors": "the role does not allow reading metrics",
         "p95_ms": "the role does not allow reading metrics", "cost_per_hour": "the size has no price here",
         "key_age_days": "older than the activity log, which reaches 90 days back"},
)  # fmt: skip
IDLE = row("nightly", "ws-churn", health="idle", reason="No requests in the last hour.", requests=0, errors=0,
           p95_ms=None)  # fmt: skip
SOME = [row(), FAILING, DEGRADED, UNKNOWN, IDLE]


def workspace(name: str, state: str = "read", reason: str = "", endpoints: int = 1) -> dict[str, Any]:
    """A workspace's part."""
    return {"kind": "workspace", "id": f"/{name}", "name": name, "resource_group": "rg-ml",
            "subscription": SUBSCRIPTION, "subscription_name": "Contoso ML", "location": "westeurope", "state": state,
            "reason": reason, "endpoints": endpoints}  # fmt: skip


SILENT = workspace("ws-far", "silent", "It did not answer within 15 s.")
REFUSED = workspace("ws-closed", "refused", "The identity may not read this workspace (403): ask for the role Reader.")
WORKSPACES = [workspace("ws-churn", endpoints=2), workspace("ws-fraud"), workspace("ws-pricing"), workspace("ws-old"),
              SILENT, REFUSED]  # fmt: skip


def many(count: int) -> list[dict[str, Any]]:
    """So many endpoints in six workspaces."""
    kinds = ("healthy", "healthy", "healthy", "idle", "degraded", "failing", "unknown")
    return [
        row(f"endpoint-{number:04}", f"ws-{number % 6}", health=kinds[number % 7], requests=number * 3,
            errors=number % 5, reason=f"It is number {number}.")
        for number in range(count)
    ]  # fmt: skip


class Fleet(Answers):
    """Answers the question `fleet` with the parts in `sends`, and others as recorded."""

    def __init__(self, sends: Sequence[dict[str, Any]] = (), **answers: Any) -> None:
        super().__init__(fleet=self._fleet, **answers)
        self.sends = list(sends)

    def _fleet(self, with_: dict[str, Any]) -> dict[str, Any]:
        wanted = with_.get("endpoints")
        for part in self.sends:
            if not wanted or part.get("id") in wanted:
                with_["part"](part)
        return {"endpoints": 0, "workspaces": 0, "subscriptions": 1, "unseen": [], "requests": 0, "seconds": 0.1}


@asynccontextmanager
async def fleet(
    answers: Answers,
    *,
    size: tuple[int, int] = (80, 24),
    readonly: bool = False,
    document: Document | None = None,
) -> AsyncIterator[tuple[Walk, FleetScreen]]:
    """The screen, with recorded answers instead of the helper."""
    screens: list[FleetScreen] = []
    app = WizardApp(
        environ=dict(os.environ),
        helper=answers,
        begin=lambda app: screens.append(app.fleet(document)),
    )
    app.readonly = readonly
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: screens and screens[0].is_mounted, "the screen")
        yield walk, screens[0]
