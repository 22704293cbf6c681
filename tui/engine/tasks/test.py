"""Calls the endpoint with the plan's sample request, as a caller would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from tui.common.deadlines import AwakeDeadline
from tui.common.request_body import RequestBody
from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks import logs

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo
    from tui.cloud.endpoints.scoring import ScoreResult

# The scoring front end takes a moment to apply new traffic, and new instances to accept requests; throttling and the
# front end's own failures are also temporary. The container's own answers are not retried: scoring may have effects.
NOT_YET = {404: "the traffic may not be applied yet", 429: "too many concurrent requests"}
_NOT_READY = "model_not_ready"


def work(task: TaskContext) -> Outcome:
    """Send the sample. Raises CloudError if the status is not 200, or the body is an error text."""
    return _call(task, None)


def pinned(task: TaskContext) -> Outcome:
    """Send the sample to the new deployment, before any caller's request reaches it. Raises CloudError."""
    if task.run.shift is not None:
        # The rollout started before an interruption, and continues or rolls back by its own measurements.
        return Outcome("tested before the rollout began", skipped=True)
    return _call(task, task.plan.deployment.name)


def timeout(task: TaskContext) -> float:
    """Seconds to wait for an answer: the deployment's own timeout plus the network's share."""
    return task.plan.deployment.request_settings.request_timeout_ms / 1000 + 15


def _call(task: TaskContext, deployment: str | None) -> Outcome:
    from tui.cloud.endpoints import scoring
    from tui.cloud.errors import CloudError

    request = task.plan.test.request
    if request is None:
        return Outcome("no sample request in the plan", skipped=True)
    task.start("read", f"{request.name} to {deployment}" if deployment else request.name)
    body, endpoint = RequestBody.of_file(request), existing(task)
    answer = first_final(task, lambda: scoring.score(task.cloud, endpoint, body, deployment, timeout(task)))
    result = {
        "status_code": answer.status_code,
        "latency_ms": round(answer.latency_ms, 1),
        "response": answer.body,
        "deployment": answer.deployment,
    }
    by = f"by {answer.deployment}" if answer.deployment else "deployment not reported"
    task.log(f"Answered {answer.status_code} in {answer.latency_ms:.0f} ms, {by}.")
    if not answer.ok:
        task.run.results["test"] = result
        if answer.status_code in (200, 424) or answer.status_code >= 500:
            name = answer.deployment or task.plan.deployment.name
            logs.after_call(task, name, logs.READS if answer.status_code == 424 else 1)
        serves = f" {deployment} has received no caller's request." if deployment else ""
        raise CloudError(
            title=f"The test call failed with status {answer.status_code}",
            cause=f"{answer.note or 'The scoring script or the front end refused the request.'}{serves}",
            remedy="Compare the sample request with what run() expects, and read the container's log.",
            raw=answer.body[:4000],
            code=f"scoring-{answer.status_code}",
        )
    doubt = _doubt(task, answer)
    if doubt:
        task.log(doubt)
    detail = f"{answer.status_code} in {answer.latency_ms:.0f} ms"
    return Outcome(f"{detail}. {doubt}" if doubt else detail, result)


def existing(task: TaskContext) -> EndpointInfo:
    """The plan's endpoint. Raises CloudError, also if it has no scoring URI."""
    from tui.cloud.endpoints import endpoints
    from tui.cloud.errors import CloudError

    found = endpoints.read(task.cloud, task.plan.endpoint.name)
    if found is None or not found.scoring_uri:
        raise CloudError("The endpoint has no scoring URI", "It was deleted, or its creation never finished.")
    return found


def _doubt(task: TaskContext, answer: ScoreResult) -> str:
    """A sentence if the answer may be what the script returns after an error; empty if it is not."""
    from tui.checks.scoring import score_script

    code = task.plan.deployment.code_configuration
    script = score_script.read(code.code, code.scoring_script) if code else None
    found = next((one for one in script.swallowed if one.gave(answer.body)), None) if script else None
    if script is None or found is None:
        return ""
    return f"The answer may be an error: {script.path.name}, line {found.line}, returns such a one with status 200."


def first_final(task: TaskContext, call: Callable[[], ScoreResult], wanted: int = 200) -> ScoreResult:
    """The first answer of a call that has the wanted status or is not a temporary failure, or the last at the limit."""
    from tui.cloud.errors import CloudError
    from tui.cloud.http.retry_policy import delay

    deadline, tried = AwakeDeadline(task.limit("test")), 0
    while True:
        answer: ScoreResult | None = None
        try:
            answer = call()
            reason = "" if answer.status_code == wanted else passing(answer)
        except CloudError as error:  # no answer: a name that does not resolve yet, a broken connection
            if error.code != "Unreachable" or deadline.ended():
                raise
            reason = error.title
        if answer is not None and (not reason or deadline.ended()):
            return answer
        seconds = delay("test", tried)
        tried += 1
        task.retrying(reason, seconds)
        task.sleep(seconds)


def passing(answer: ScoreResult) -> str:
    """Why an answer is temporary and worth a retry; empty if it is final."""
    status = answer.status_code
    if status in NOT_YET:
        return f"answered {status}, {NOT_YET[status]}"
    if status >= 500:
        return f"answered {status}, a failure of the service's own front end"
    if status == 424 and answer.headers.get("ms-azureml-model-error-reason") == _NOT_READY:
        return "answered 424, the container is not ready yet"
    return ""
