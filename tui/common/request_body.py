"""The body of a scoring request: JSON, or a file of another kind (an image, a table), with its content type.

Front ends and helper pass it as text: JSON as it is, and a file of another kind as `@PATH`, as curl does.
"""

from __future__ import annotations

import contextlib
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mimetypes import MimeTypes

JSON, BINARY = "application/json", "application/octet-stream"
FILE = "@"
"""The first character of a body that is a file's path; no JSON begins with it."""
# RFC 2083, ITU T.81, GIF89a, ISO 32000; a file's content is surer than its name.
_BEGINS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
# RFC 7578: a form begins with its boundary, which the content type repeats.
_FORM = re.compile(rb"--([\w-]{1,70})\r?\nContent-Disposition: *form-data", re.ASCII | re.IGNORECASE)


class RequestBody(bytes):
    """The bytes of a request, with the `content_type` that their caller states."""

    content_type: str = JSON

    @classmethod
    def of_file(cls, path: Path) -> RequestBody:
        """A file's content. Raises OSError."""
        made = cls(path.read_bytes())
        made.content_type = content_type(path.name, made)
        return made

    @classmethod
    def of_text(cls, text: str) -> RequestBody:
        """The body that a text stands for. Raises OSError if it is a file that cannot be read."""
        return cls.of_file(Path(text[len(FILE) :])) if text.startswith(FILE) else cls(text.encode("utf-8"))


@lru_cache(1)
def _by_name() -> MimeTypes:
    """Return the types by a name's ending; made when first needed, as they take 0.4 MB."""
    from mimetypes import MimeTypes

    known = MimeTypes()  # without this machine's own table, so that it is the same everywhere
    known.add_type("image/webp", ".webp")  # not in the table of every Python
    return known


def content_type(name: str, data: bytes) -> str:
    """The content type of a file by its content, else by its name; what looks like JSON with an error is JSON."""
    known = next((kind for begin, kind in _BEGINS if data.startswith(begin)), None)
    if known:
        return known
    if form := _FORM.match(data):
        return f"multipart/form-data; boundary={form[1].decode()}"
    by_name, packed = _by_name().guess_type(name)
    if packed:
        return f"application/{packed}"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return by_name or BINARY
    if by_name not in (None, "text/plain", JSON):
        return by_name
    return JSON if by_name == JSON or text.lstrip()[:1] in ("", *'{["') else "text/plain"


def as_text(path: Path) -> str:
    """The request in a file as text: JSON itself, else `@PATH`. Raises OSError.

    A file that begins with `@` is no JSON, and names no other file.
    """
    body = RequestBody.of_file(path)
    with contextlib.suppress(UnicodeDecodeError):
        text = body.decode("utf-8-sig")
        if body.content_type == JSON and not text.startswith(FILE):
            return text
    return f"{FILE}{path.resolve()}"
