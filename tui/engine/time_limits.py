"""How long a run waits for Azure before it gives up watching; Azure itself goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.plan.model import Plan

MINUTE = 60.0

# An operation of each task. Azure gives an endpoint 30 minutes (x-ms-async-operation-timeout: PT30M, recorded); a
# deployment takes 8 to 15 minutes, and up to an hour where its image is large.
OPERATION_SECONDS = {"endpoint": 30 * MINUTE, "deployment": 90 * MINUTE, "traffic": 20 * MINUTE}
# For a resource that somebody else is changing, before this run may change it.
SETTLE_SECONDS = 90 * MINUTE
REMOVE_SECONDS = 30 * MINUTE
# New traffic takes a moment to reach the scoring front end.
TEST_SECONDS = 30.0
# An upload ends by itself when nothing moves any more; this is for one that moves too slowly.
UPLOAD_SECONDS = 360 * MINUTE
# Sign-in, reading the workspace and the preflight ask many short questions, each with a limit of its own.
# For tasks that do not stop by themselves: one that has just asked Azure to make something waits for its answer, so
# that it is known what is left; any other is left alone soon.
ANSWER_SECONDS = 10.0
STOP_SECONDS = 0.5

# Resource Manager does not answer at all, in the middle of a run.
OUTAGE_SECONDS = 10 * MINUTE

DEFAULTS = {**OPERATION_SECONDS, "settle": SETTLE_SECONDS, "test": TEST_SECONDS, "upload": UPLOAD_SECONDS}


def limit(plan: Plan, name: str) -> float:
    """The seconds of a limit (a key of `limits:`): the plan's, else the engine's own."""
    given = getattr(plan.limits, name)
    return DEFAULTS[name] if given is None else float(given)
