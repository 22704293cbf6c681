"""Calls the endpoint with the plan's sample request, as a caller would."""

from __future__ import annotations

from tui.engine.context import Outcome, TaskContext
from tui.engine.limits import TEST_SECONDS, Patience

# New traffic takes a moment to reach the scoring front end; these answers can mean just that.
NOT_YET = {404, 502, 503}


def work(task: TaskContext) -> Outcome:
    """Send the sample. Raises CloudError when the answer is not 200, or is an error text sent with 200."""
    from tui.cloud import endpoints, scoring
    from tui.cloud.errors import CloudError

    request = task.plan.test.request
    if request is None:
        return Outcome("no sample request in the plan", skipped=True)
    task.start("read", request.name)
    body = request.read_bytes()
    endpoint = endpoints.read(task.cloud, task.plan.endpoint.name)
    if endpoint is None or not endpoint.scoring_uri:
        raise CloudError("The endpoint has no scoring URI", "It is not there any more, or was never finished.")
    timeout = task.plan.deployment.request_settings.request_timeout_ms / 1000 + 15
    patience = Patience(TEST_SECONDS)
    while True:
        answer = scoring.score(task.cloud, endpoint, body, None, timeout)
        if answer.status_code not in NOT_YET or patience.ended():
            break
        task.retrying(f"answered {answer.status_code}, the traffic may not have arrived yet", 2)
        task.sleep(2)
    result = {
        "status_code": answer.status_code,
        "latency_ms": round(answer.latency_ms, 1),
        "response": answer.body,
        "deployment": answer.deployment,
    }
    task.log(f"Answered {answer.status_code} in {answer.latency_ms:.0f} ms from {answer.deployment or 'nobody'}.")
    if not answer.ok:
        task.run.results["test"] = result
        raise CloudError(
            title=f"The test call was answered with {answer.status_code}, and is not a success",
            cause=answer.note or "The scoring script or the front end refused the request.",
            remedy="Compare the sample request with what run() expects, and read the container's log.",
            raw=answer.body[:4000],
            code=f"scoring-{answer.status_code}",
        )
    return Outcome(f"{answer.status_code} in {answer.latency_ms:.0f} ms", result)
