"""Tells how old an endpoint's keys are, as far as the activity log reaches back: Azure does not say it.

The action is that of Microsoft's list of operations of Microsoft.MachineLearningServices; its record does not say which
of the two keys was regenerated.
"""

from __future__ import annotations

from datetime import datetime, timezone

from tui.cloud.monitor.activity_log import SubscriptionLog

REGENERATED = "microsoft.machinelearningservices/workspaces/onlineendpoints/regeneratekeys/action"


def key_age(endpoint_id: str, created_at: str, log: SubscriptionLog) -> tuple[int | None, str]:
    """The whole days since a key was last regenerated, else since the endpoint was created; or None, and why not.

    `created_at` is from the endpoint's systemData (ISO 8601). The other key may be older than the one regenerated.
    """
    made = [
        change.time
        for change in log.changes
        if (change.action.lower(), change.status) == (REGENERATED, "Succeeded")
        and change.resource.lower() == endpoint_id.lower()
    ]
    made += [created_at] if created_at and created_at[:19] >= log.since[:19] else []
    moments = [one for one in map(moment, made) if one is not None]
    if moments:
        return max(0, (datetime.now(timezone.utc) - max(moments)).days), ""
    if not created_at:
        return None, "Azure does not tell when the endpoint was created"
    if log.whole:
        return None, "older than the activity log, which reaches 90 days back"
    return None, f"older than what was read of the activity log, which begins on {log.since[:10]}"


def moment(text: str) -> datetime | None:
    """A time in UTC (ISO 8601), None for another text, in seconds: not every Python reads Azure's seven digits more."""
    try:
        return datetime.fromisoformat(f"{text[:19]}+00:00")
    except ValueError:
        return None
