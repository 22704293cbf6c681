"""Sends the golden requests to a new deployment before traffic moves to it, and to the one that serves meanwhile."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from tui.common import golden_requests as files
from tui.common.golden_requests import Difference, GoldenRequest, Verdict
from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks import logs, test
from tui.plan.traffic import serving

if TYPE_CHECKING:
    from tui.cloud.endpoints.scoring import ScoreResult

MOST_LINES = 12
"""How many lines about differences go to the log, the journal and the card."""


@dataclass
class _Tested:
    """What came of the requests to a deployment; `otherwise` is what `older` answers otherwise, by request."""

    name: str
    older: str | None
    verdicts: list[Verdict] = field(default_factory=list)
    otherwise: dict[str, list[Difference]] = field(default_factory=dict)

    @property
    def bad(self) -> list[Verdict]:
        return [one for one in self.verdicts if not one.good]

    @property
    def words(self) -> str:
        """The counts, in a sentence without a full stop."""
        said = f"{files.in_words(self.verdicts)} by {self.name}"
        other = f"{len(self.otherwise)} otherwise" if self.otherwise else "the same"
        return f"{said}; {self.older} answers {other}" if self.older else said

    def lines(self) -> list[str]:
        """The differences, each after the name of its request; first those that fail."""
        found = [f"{one.name}: {line}" for one in self.bad for line in one.lines()]
        for name, differences in self.otherwise.items():
            found += (f"{name}: {one.path or 'the answer'}: {self.older} gives {one.expected}, {self.name} {one.got}"
                      for one in differences)  # fmt: skip
        return files.first_of(found, MOST_LINES)

    def as_dict(self) -> dict[str, Any]:
        """The result for the journal."""
        return {
            "deployment": self.name,
            "requests": len(self.verdicts),
            "as_expected": len(self.verdicts) - len(self.bad),
            "compared_with": self.older,
            "answered_otherwise": len(self.otherwise),
            "differences": self.lines(),
        }


def before_traffic(task: TaskContext) -> Outcome:
    """Send the sample and the golden requests to each deployment that is about to get traffic. Raises CloudError."""
    from tui.cloud.endpoints import keys, scoring

    called, path, plan = test.pinned(task), task.plan.test.requests, task.plan
    if path is None or task.run.shift is not None:
        return called
    task.start("read", path.name)
    requests = scoring.golden_of(path)
    endpoint = test.existing(task)
    credential = keys.credentials(task.cloud, endpoint)
    send = functools.partial(scoring.score, task.cloud, endpoint, timeout=test.timeout(task), credential=credential)
    traffic = serving(endpoint.traffic)
    new = [one.name for one in plan.every_deployment if plan.traffic.get(one.name) and one.name not in traffic]
    names = list(dict.fromkeys([*new, plan.deployment.name]))
    older = max((name for name in traffic if name not in names), key=lambda name: traffic[name], default=None)
    found = []
    for name in names:
        tested = _sent(task, send, requests, _Tested(name, older))
        found.append(tested)
        for line in (f"{tested.words}.", *tested.lines()):
            task.log(line)
        if tested.bad:
            raise _failed(task, tested, path, name in traffic)
    result = {**called.result, "golden": [one.as_dict() for one in found]}
    return Outcome(", ".join(one.words for one in found), result)


def _sent(
    task: TaskContext, send: Callable[..., ScoreResult], requests: list[GoldenRequest], tested: _Tested
) -> _Tested:
    """Send each request to the deployment, and to the older one. Raises CloudError, Stopped, OSError."""
    from tui.cloud.errors import CloudError

    for number, one in enumerate(requests, 1):
        task.check_stop()
        call = functools.partial(send, one.body)
        answer = test.first_final(task, functools.partial(call, tested.name), one.status)
        tested.verdicts.append(files.judged(one, answer.status_code, answer.body, answer.note, answer.latency_ms))
        if tested.older:
            try:
                differences = _between(one, call(tested.older), answer)
            except CloudError:  # that the older one does not answer says nothing about the new one
                differences = []
            if differences:
                tested.otherwise[one.name] = differences[: files.MOST_TOLD]
        task.progress(number, len(requests), "requests")
    return tested


def _between(one: GoldenRequest, older: ScoreResult, new: ScoreResult) -> list[Difference]:
    if older.status_code != new.status_code:
        busy = test.passing(older)
        return [] if busy else [Difference("status", str(older.status_code), str(new.status_code))]
    return files.compared(one, files.value_of(older.body), new.body)


def _failed(task: TaskContext, tested: _Tested, path: Path, serves: bool) -> Exception:
    from tui.cloud.endpoints.scoring import GOLDEN
    from tui.cloud.errors import CloudError

    bad, name = tested.bad, tested.name
    if any(one.status >= 424 for one in bad):
        logs.after_call(task, name, logs.READS)
    callers = "already gets callers' requests" if serves else "has received no caller's request"
    return CloudError(
        f"{name} did not answer {len(bad)} of {len(tested.verdicts)} golden requests as expected",
        f"{', '.join(files.first_of([one.name for one in bad], 3))}. Traffic was not moved; {name} {callers}.",
        f"Correct the model or its script; if the new answers are right, correct {path.name}. Then apply the plan "
        "again: what is unchanged is only tested, and traffic moves once all answers are as expected.",
        raw="\n".join(tested.lines()),
        code=GOLDEN,
    )
