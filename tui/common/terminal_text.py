"""Takes control characters out of texts from outside: they move the cursor, hide lines, or set the terminal's title."""

from __future__ import annotations

import re

# Strings that end with BEL or ST (titles, links, clipboard), colours and cursor movements, other escapes; the 8-bit
# forms of them; then single control characters but newline and tab: a carriage return overwrites the line before it.
_CONTROL = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def without_controls(text: str) -> str:
    """The text without escape sequences and control characters, but for newlines and tabs."""
    return _CONTROL.sub("", text)


def json_line(data: object) -> str:
    """The data as one line of JSON that is safe on a terminal: control characters of eight bits are escaped too."""
    import json

    return re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(data, ensure_ascii=False))
