"""Test calls of an endpoint: what was sent and answered, in words and as code to copy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tui.app.text import formatting

# What the status codes of a scoring call mean (Microsoft, how-to-troubleshoot-online-endpoints, HTTP status codes).
STATUS: dict[int, str] = {
    200: "The model answered",
    400: "Bad request: the front end could not read it",
    401: "Not signed in: the key or token was refused",
    403: "Forbidden: the identity may not score, or the network is closed to this machine",
    404: "Nothing there: no such deployment, or no traffic goes to one",
    408: "Timed out: the model took longer than request_timeout_ms",
    411: "Length required: the request came without Content-Length",
    413: "The request is too large",
    424: "The model raised an error (the container's own answer is below)",
    429: "Too many requests at once for the instances",
    500: "The front end failed",
    502: "The container crashed or could not be reached",
    503: "The front end has no instance to send it to",
    504: "The request was not answered in time",
}


@dataclass(frozen=True)
class Call:
    """One call. `latency_ms` is None when nothing answered; `at` is local time; `error` is (title, cause, remedy)."""

    at: datetime
    request: str
    pinned: str | None = None
    status_code: int | None = None
    latency_ms: float | None = None
    deployment: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    ok: bool = False
    note: str = ""
    error: tuple[str, str, str] = ()  # type: ignore[assignment]

    @classmethod
    def answered(cls, at: datetime, request: str, pinned: str | None, answer: dict[str, Any]) -> Call:
        """A call from the helper's answer to `score`."""
        code = answer.get("status_code")
        return cls(
            at=at,
            request=request,
            pinned=pinned,
            status_code=int(code) if code is not None else None,
            latency_ms=answer.get("latency_ms"),
            deployment=answer.get("deployment") or "",
            headers={str(name): str(value) for name, value in (answer.get("headers") or {}).items()},
            body=answer.get("body") or "",
            ok=bool(answer.get("ok")),
            note=answer.get("note") or "",
        )

    @property
    def verdict(self) -> str:
        """The outcome in a sentence, without colour."""
        if self.error:
            return f"✖ {self.error[0]}"
        if self.status_code is None:
            return "✖ No answer"
        if self.ok:
            return f"✔ {self.status_code}: {STATUS.get(self.status_code, 'answered')}"
        if self.status_code == 200:
            return "! Answered 200, but the body is an error"
        return f"✖ {self.status_code}: {STATUS.get(self.status_code, 'refused')}"

    @property
    def circumstances(self) -> str:
        """Latency, and which deployment answered."""
        parts = [formatting.milliseconds(self.latency_ms)] if self.latency_ms is not None else []
        if self.deployment:
            parts.append(f"answered by {self.deployment}")
        parts.append(f"sent {self.at:%H:%M:%S} {'to ' + self.pinned if self.pinned else 'as routed'}")
        return ", ".join(parts)

    @property
    def short(self) -> str:
        """One line for the list of calls."""
        outcome = "no answer" if self.status_code is None else str(self.status_code)
        if self.status_code == 200 and not self.ok:
            outcome = "200, error"
        took = f", {formatting.milliseconds(self.latency_ms)}" if self.latency_ms is not None else ""
        by = f", {self.deployment}" if self.deployment else ""
        return f"{outcome}{took}{by}  {self.at:%H:%M:%S}"

    def whole(self) -> str:
        """Request, outcome, headers and answer as plain text; what the caller signs in with is no part of a call."""
        headers = "".join(f"{name}: {value}\n" for name, value in sorted(self.headers.items()))
        why = "".join(f"{part}\n" for part in self.error if part)
        return (
            f"{self.verdict}\n{self.circumstances}\n{why}\nRequest\n{self.request.rstrip()}\n\n"
            f"Headers of the answer\n{headers or 'none'}\n\nAnswer\n{pretty(self.body)}\n"
        )


def pretty(body: str) -> str:
    """A body for reading: JSON is indented, anything else stays as it came."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def judge(text: str) -> tuple[bool, str]:
    """Whether a text is JSON, and a sentence: what it holds, or the line and column of the first mistake."""
    if not text.strip():
        return False, 'The request is empty. A scoring request is JSON, mostly {"data": [...]}.'
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return False, f"Not JSON at line {error.lineno}, column {error.colno}: {_in_words(error.msg)}."
    except RecursionError:
        return False, "Not JSON that can be read here: it is nested too deeply."
    return True, f"JSON: {_holds(value)}, {len(text.encode()):,} bytes"


def _in_words(message: str) -> str:
    lowered = message[:1].lower() + message[1:]
    return {
        "expecting value": "a value is expected",
        "expecting ',' delimiter": "a comma is missing here",
        "expecting ':' delimiter": "a colon is expected",
        "expecting property name enclosed in double quotes": "a name in double quotes is expected",
        "illegal trailing comma before end of object": "a comma before } is one too many",
        "illegal trailing comma before end of array": "a comma before ] is one too many",
        "extra data": "the JSON has ended here; what follows is too much",
    }.get(lowered.lower(), lowered)


def _holds(value: Any) -> str:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, list):
                rows = "row" if len(inner) == 1 else "rows"
                return f"{len(inner)} {rows} in {name}"
        return "an object with " + (", ".join(list(value)[:4]) or "nothing in it")
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "a single value"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of at least one value; `share` is between 0 and 1."""
    ordered = sorted(values)
    rank = max(1, -(-int(share * 1000) * len(ordered) // 1000))
    return ordered[min(rank, len(ordered)) - 1]
