"""Removes from Azure what a stopped run had made, and nothing else."""

from __future__ import annotations

from tui.engine.context import Run

LONGEST_SECONDS = 1800.0


def clean_up(run: Run) -> None:
    """Delete the endpoint, or the deployment, that this run created; registered assets cost nothing and stay.

    A creation that is under way is waited for first, since Azure refuses to delete what it is still changing.
    What was removed is taken from `run.created`. Raises CloudError.
    """
    from tui.cloud import deployments, endpoints

    made = dict(run.created)
    endpoint = run.plan.endpoint.name
    if "endpoint" in made:
        _settled(run, endpoint)
        endpoints.begin_delete(run.cloud, endpoint).result()
        run.created = [item for item in run.created if item[0] not in ("endpoint", "deployment")]
    elif "deployment" in made:
        _settled(run, endpoint)
        deployments.begin_delete(run.cloud, endpoint, made["deployment"]).result()
        run.created = [item for item in run.created if item[0] != "deployment"]


def _settled(run: Run, endpoint: str) -> None:
    """Wait until nothing of the endpoint is being changed."""
    import time

    from tui.cloud import endpoints

    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        found = endpoints.read(run.cloud, endpoint)
        if found is None:
            return
        states = [found.provisioning_state, *(item.provisioning_state for item in found.deployments)]
        if all(state in ("Succeeded", "Failed", "Canceled", "") for state in states):
            return
        time.sleep(2)
