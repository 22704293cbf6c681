"""Time limits of a run: how long it waits for Azure, whose operations continue after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.plan.model import Plan

MINUTE = 60.0

# One operation of each task. Azure allows 30 minutes for an endpoint (x-ms-async-operation-timeout: PT30M, recorded);
# a deployment takes 8 to 15 minutes, and up to an hour if its image is large.
OPERATION_SECONDS = {"endpoint": 30 * MINUTE, "deployment": 90 * MINUTE, "traffic": 20 * MINUTE}
# Waiting for somebody else's change of a resource to end.
SETTLE_SECONDS = 90 * MINUTE
REMOVE_SECONDS = 30 * MINUTE
# The scoring front end takes a moment to apply new traffic.
TEST_SECONDS = 30.0
# An upload that makes no progress ends by itself; this limit is for one that is too slow.
UPLOAD_SECONDS = 360 * MINUTE
# Sign-in, reading the workspace and the preflight send many short requests, each with its own limit.
# For tasks that do not stop when asked: one that has just sent a request for a change waits for the response, so that
# leftovers are known; any other is abandoned soon.
ANSWER_SECONDS = 10.0
STOP_SECONDS = 0.5
# A roll back that has begun is completed first; Azure sets a split in seconds, but not while it changes a deployment.
RESTORE_SECONDS = 5 * MINUTE

# An outage of Resource Manager during a run.
OUTAGE_SECONDS = 10 * MINUTE

DEFAULTS = {**OPERATION_SECONDS, "settle": SETTLE_SECONDS, "test": TEST_SECONDS, "upload": UPLOAD_SECONDS}


def limit(plan: Plan, name: str) -> float:
    """A limit in seconds (`name` is a key of `limits:`): the plan's, else the default."""
    given = getattr(plan.limits, name)
    return DEFAULTS[name] if given is None else float(given)
