"""Extract from a text the ids that Microsoft's support needs.

Header names: Microsoft, how-to-troubleshoot-online-endpoints (x-request-id, x-ms-client-request-id) and the common
headers of Azure Resource Manager; `Trace ID` and `Correlation ID` are Microsoft Entra's.
"""

from __future__ import annotations

import re

from tui.remedies.patterns import Page

MOST = 12
_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ID = re.compile(
    r"(?:x-ms-(?:correlation-|client-|routing-)?request-id|x-request-id|client-request-id|request[ _-]?id|"
    r"correlation[ _-]?id|activity[ _-]?id|operation[ _-]?id|trace[ _-]?id|[\"'](?:operation|request)[\"'])"
    r"[\"'\\]{0,4}\s{0,4}[:=]\s{0,4}[\"'\\]{0,4}"
    rf"(?:[A-Z0-9]{{3,20}}:\d{{8}}T\d{{6}}Z:|00-)?({_GUID}|[0-9a-f]{{32}})",
    re.IGNORECASE,
)
_SIGNS = ("request-id", "request id", "requestid", "request_id", "correlation", "traceid", "trace id", "trace_id",
          "activity", "operation", '"request"')  # fmt: skip


def request_ids(page: Page) -> tuple[str, ...]:
    """Request, correlation and trace ids in the order of the text, without duplicates; at most the last 12."""
    lines: set[int] = set()
    for sign in _SIGNS:
        position, tried = page.lowered.rfind(sign), 0
        while position >= 0 and tried < 200:
            tried += 1
            index = page.line_of(position)
            lines.add(index)
            position = page.lowered.rfind(sign, 0, page.bounds(index)[0]) if index else -1
    found: dict[str, None] = {}
    for index in sorted(lines):
        begin, end = page.bounds(index)
        for match in _ID.finditer(page.text, begin, min(end, begin + 20000)):
            if set(match[1]) - set("0-"):
                found[match[1]] = None
    return tuple(found)[-MOST:]
