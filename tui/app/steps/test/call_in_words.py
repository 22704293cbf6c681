"""Test calls of an endpoint: describes the request and the response as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tui.app.text import formatting
from tui.common.request_body import FILE

# What the status codes of a scoring call mean (Microsoft, how-to-troubleshoot-online-endpoints, HTTP status codes).
STATUS: dict[int, str] = {
    200: "The model responded",
    400: "Bad request: the front end could not read it",
    401: "Unauthorized: the key or token was refused",
    403: "Forbidden: the identity lacks permission to score, or this machine has no network access",
    404: "Not found: no such deployment, or no deployment has traffic",
    408: "Timeout: the model took longer than request_timeout_ms",
    411: "Length required: the request has no Content-Length",
    413: "The request is too large",
    424: "The model raised an error (the container's response is below)",
    429: "Too many concurrent requests for the instances",
    500: "The front end failed",
    502: "The container crashed or is unreachable",
    503: "No instance is available to serve the request",
    504: "The request timed out",
}


@dataclass(frozen=True)
class Call:
    """A test call. `latency_ms` is None without a response; `at` is local time; `error` is (title, cause, remedy)."""

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
        """Create a call from the helper's answer to `score`."""
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
        """The outcome, as a sentence."""
        if self.error:
            return f"✖ {self.error[0]}"
        if self.status_code is None:
            return "✖ No response"
        if self.ok:
            return f"✔ {self.status_code}: {STATUS.get(self.status_code, 'responded')}"
        if self.status_code == 200:
            return "! Status 200, but the body is an error"
        return f"✖ {self.status_code}: {STATUS.get(self.status_code, 'refused')}"

    @property
    def circumstances(self) -> str:
        """The latency, the deployment that responded, and how the call was sent."""
        parts = [formatting.milliseconds(self.latency_ms)] if self.latency_ms is not None else []
        if self.deployment:
            parts.append(f"served by {self.deployment}")
        parts.append(f"sent {self.at:%H:%M:%S} {'to ' + self.pinned if self.pinned else 'by traffic split'}")
        return ", ".join(parts)

    @property
    def short(self) -> str:
        """The call as one line, for the list of calls."""
        outcome = "no response" if self.status_code is None else str(self.status_code)
        if self.status_code == 200 and not self.ok:
            outcome = "200, error"
        took = f", {formatting.milliseconds(self.latency_ms)}" if self.latency_ms is not None else ""
        by = f", {self.deployment}" if self.deployment else ""
        return f"{outcome}{took}{by}  {self.at:%H:%M:%S}"

    def whole(self) -> str:
        """Return request, outcome, headers and response as plain text; a call never contains the credentials."""
        headers = "".join(f"{name}: {value}\n" for name, value in sorted(self.headers.items()))
        why = "".join(f"{part}\n" for part in self.error if part)
        return (
            f"{self.verdict}\n{self.circumstances}\n{why}\nRequest\n{self.request.rstrip()}\n\n"
            f"Response headers\n{headers or 'none'}\n\nResponse\n{pretty(self.body)}\n"
        )


def pretty(body: str) -> str:
    """Format a body for reading: JSON is indented, anything else is unchanged."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):  # the latter for deep nesting
        return body


def check_json(text: str) -> tuple[bool, str]:
    """Return whether a text is JSON or names a file, and a sentence: what it contains, or where the first error is."""
    if not text.strip():
        return False, 'The request is empty. A scoring request is JSON, usually {"data": [...]}.'
    if text.startswith(FILE):
        return True, f"The file {Path(text[1:]).name} is sent unchanged."
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return False, f"Not JSON at line {error.lineno}, column {error.colno}: {_in_words(error.msg)}."
    except RecursionError:
        return False, "JSON that is nested too deeply to be read here."
    return True, f"JSON: {_holds(value)}, {len(text.encode()):,} bytes"


def _in_words(message: str) -> str:
    lowered = message[:1].lower() + message[1:]
    return {
        "expecting value": "a value is expected",
        "expecting ',' delimiter": "a comma is missing here",
        "expecting ':' delimiter": "a colon is expected",
        "expecting property name enclosed in double quotes": "a name in double quotes is expected",
        "illegal trailing comma before end of object": "trailing comma before }",
        "illegal trailing comma before end of array": "trailing comma before ]",
        "extra data": "extra text after the end of the JSON",
    }.get(lowered.lower(), lowered)


def _holds(value: Any) -> str:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, list):
                rows = "row" if len(inner) == 1 else "rows"
                return f"{len(inner)} {rows} in {name}"
        return "an object with " + (", ".join(list(value)[:4]) or "no names")
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "a single value"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of at least one value; `share` is between 0 and 1."""
    ordered = sorted(values)
    rank = max(1, -(-int(share * 1000) * len(ordered) // 1000))
    return ordered[min(rank, len(ordered)) - 1]
