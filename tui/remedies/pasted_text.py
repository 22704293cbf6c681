"""Make plain text of what people paste: any encoding, terminal codes, HTML pages, quotes, JSON inside JSON."""

from __future__ import annotations

import codecs
import html
import re

from tui.common.terminal_text import without_controls

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PAGE = re.compile(r"<(?:!doctype|html|head|body|div|pre|code|span|p|br|title)\b", re.IGNORECASE)
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-z!][^<>]{0,2000}>", re.IGNORECASE)
_WITHIN_WORDS = re.compile(r"</?(?:a|b|i|u|em|strong|span|font|code|mark|wbr)\b", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:quot|lt|gt|amp|nbsp|apos|#\d{1,5}|#x[0-9a-f]{1,4});", re.IGNORECASE)
_QUOTE = re.compile(r"^[ \t]{0,3}(?:>[ \t]?)+", re.MULTILINE)
_ESCAPED_QUOTE = re.compile(r"\\+([\"'])")
# Characters that JSON encoders of web services escape.
_ESCAPED = re.compile(r"\\+u00(2[0267]|3[ce]|a0)", re.IGNORECASE)


def decoded(given: bytes, start: bytes | None = None) -> str:
    """Bytes as text: UTF-8, or UTF-16 as Windows PowerShell writes it, with or without a byte order mark.

    `start` are the first bytes of the whole text if `given` is only its end; then the line that was cut is left out.
    Bytes that are no text become replacement characters; nothing is raised.
    """
    encoding, mark = _encoding(given[:2000] if start is None else start)
    if start is None:
        return given[len(mark) :].decode(encoding, "replace")
    return given.decode(encoding, "replace").partition("\n")[2]


def _encoding(start: bytes) -> tuple[str, bytes]:
    """The encoding of a text by its first bytes, and the byte order mark that they begin with."""
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, mark
    # ASCII in UTF-16 has a zero byte beside every letter.
    if len(start) >= 4 and start.count(0) * 3 >= len(start):
        return ("utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"), b""
    return "utf-8", b""


def plain(text: str) -> str:
    """The text without what programs and web pages wrapped around it; every line keeps its number."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text or "\x9b" in text or "\x00" in text:
        text = without_controls(text)
    if "<" in text and _PAGE.search(text):
        text = _TAG.sub(_only_breaks, _HIDDEN.sub(_only_breaks, text))
    if "&" in text and ";" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]).replace("\n", " "), text)
    if "\n>" in text or text.lstrip(" ").startswith(">"):
        text = _QUOTE.sub("", text)
    if "\\" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        text = _ESCAPED_QUOTE.sub(r"\1", text)
    return text


def _only_breaks(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n") or ("" if _WITHIN_WORDS.match(found[0]) else " ")
