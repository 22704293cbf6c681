"""Calls the endpoint with the plan's sample request, as a caller would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.common.deadlines import AwakeDeadline
from tui.engine.task_context import Outcome, TaskContext

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo
    from tui.cloud.endpoints.scoring import ScoreResult

# New traffic takes a moment to reach the scoring front end, and new instances one to take requests; throttling and the
# front end's own failures pass too. What the container itself answered is not repeated: scoring may have effects.
NOT_YET = {404: "the traffic may not have arrived yet", 429: "too many requests at once"}
_NOT_READY = "model_not_ready"


def work(task: TaskContext) -> Outcome:
    """Send the sample. Raises CloudError when the answer is not 200, or is an error text sent with 200."""
    return _call(task, None)


def pinned(task: TaskContext) -> Outcome:
    """Send the sample to the deployment that takes over, before it gets any caller's request. Raises CloudError."""
    if task.run.shift is not None:
        # The rollout had begun before an interruption; what it found goes on, above all on a way back.
        return Outcome("tested before the rollout began", skipped=True)
    return _call(task, task.plan.deployment.name)


def timeout(task: TaskContext) -> float:
    """Seconds to wait for an answer: what the deployment allows itself, and the way there and back."""
    return task.plan.deployment.request_settings.request_timeout_ms / 1000 + 15


def _call(task: TaskContext, deployment: str | None) -> Outcome:
    from tui.cloud.endpoints import endpoints
    from tui.cloud.errors import CloudError

    request = task.plan.test.request
    if request is None:
        return Outcome("no sample request in the plan", skipped=True)
    task.start("read", f"{request.name} to {deployment}" if deployment else request.name)
    body = request.read_bytes()
    endpoint = endpoints.read(task.cloud, task.plan.endpoint.name)
    if endpoint is None or not endpoint.scoring_uri:
        raise CloudError("The endpoint has no scoring URI", "It is not there any more, or was never finished.")
    answer = _answer(task, endpoint, body, deployment)
    result = {
        "status_code": answer.status_code,
        "latency_ms": round(answer.latency_ms, 1),
        "response": answer.body,
        "deployment": answer.deployment,
    }
    task.log(f"Answered {answer.status_code} in {answer.latency_ms:.0f} ms from {answer.deployment or 'nobody'}.")
    if not answer.ok:
        task.run.results["test"] = result
        serves = f" {deployment} got no caller's request." if deployment else ""
        raise CloudError(
            title=f"The test call was answered with {answer.status_code}, and is not a success",
            cause=f"{answer.note or 'The scoring script or the front end refused the request.'}{serves}",
            remedy="Compare the sample request with what run() expects, and read the container's log.",
            raw=answer.body[:4000],
            code=f"scoring-{answer.status_code}",
        )
    return Outcome(f"{answer.status_code} in {answer.latency_ms:.0f} ms", result)


def _answer(task: TaskContext, endpoint: EndpointInfo, body: bytes, deployment: str | None) -> ScoreResult:
    """The first answer that is not a passing trouble, or the last one at the limit."""
    from tui.cloud.endpoints import scoring
    from tui.cloud.errors import CloudError
    from tui.cloud.http.retry_policy import delay

    deadline, tried = AwakeDeadline(task.limit("test")), 0
    while True:
        answer: Any = None
        try:
            answer = scoring.score(task.cloud, endpoint, body, deployment, timeout(task))
            reason = _passing(answer)
        except CloudError as error:  # no answer at all: a name that does not resolve yet, a connection that broke
            if error.code != "Unreachable" or deadline.ended():
                raise
            reason = error.title
        if answer is not None and (not reason or deadline.ended()):
            return answer  # type: ignore[no-any-return]
        seconds = delay("test", tried)
        tried += 1
        task.retrying(reason, seconds)
        task.sleep(seconds)


def _passing(answer: ScoreResult) -> str:
    """Why an answer may be another one soon; empty where it is final."""
    status = answer.status_code
    if status in NOT_YET:
        return f"answered {status}, {NOT_YET[status]}"
    if status >= 500:
        return f"answered {status}, a failure of the service's own front end"
    if status == 424 and answer.headers.get("ms-azureml-model-error-reason") == _NOT_READY:
        return "answered 424, the container is not ready yet"
    return ""
