"""What people paste becomes plain text, and each line keeps its number."""

from __future__ import annotations

import html
import json

import pytest

from tui.remedies.catalogue import Catalogue
from tui.remedies.matcher import match
from tui.remedies.pasted_text import decoded, plain
from tui.remedies.patterns import Page

ERROR = (
    "first line\n(BadArgument) Not enough quota available for Standard_F4s_v2 in SubscriptionId s. "
    "Current usage/limit: 0/6. Additional needed: 8 https://aka.ms/oe-tsg#error-outofquota\nlast \u201cline\u201d\n"
)
CARD = ("quota", "sure", (2,))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_that_windows_and_linux_write(encoding: str, end: str, catalogue: Catalogue) -> None:
    text = decoded(ERROR.replace("\n", end).encode(encoding))
    assert plain(text) == ERROR
    assert _first(text, catalogue) == CARD


def test_a_mark_and_bytes_of_no_encoding_are_no_crash() -> None:
    assert decoded(b"") == ""
    assert decoded(b"\xff\xfe") == ""
    assert decoded(b"ok \xff\xfe\xfa") == "ok \ufffd\ufffd\ufffd"
    assert decoded(b"a\0b") == "a\0b", "one zero byte makes no UTF-16"


@pytest.mark.parametrize(
    ("name", "wrapped"),
    [
        ("terminal codes", "\n".join(f"\x1b[31m{line}\x1b[0m" for line in ERROR.splitlines())),
        ("codes within a word", ERROR.replace("quota", "\x1b[1mquo\x1b[0mta")),
        ("a quoted reply", "\n".join(f"> {line}" for line in ERROR.splitlines())),
        ("a reply to a reply", "\n".join(f">> > {line}" for line in ERROR.splitlines())),
        ("a page", f"<html><body>{html.escape(ERROR)}</body></html>".replace(" quota", " <b>quota</b>")),
        ("carriage returns", ERROR.replace("\n", "\r")),
    ],
)
def test_what_is_wrapped_around_the_error_does_not_hide_it(name: str, wrapped: str, catalogue: Catalogue) -> None:
    assert _first(wrapped, catalogue) == CARD, name


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_json_inside_json_is_read_by_its_lines(depth: int, catalogue: Catalogue) -> None:
    text = ERROR
    for _ in range(depth):
        text = json.dumps({"error": {"message": text}})
    (card, *_) = match(f"HTTP 400\n{text}", catalogue=catalogue)
    assert (card.id, card.certainty, card.lines) == ("quota", "sure", (2,))
    assert card.evidence[0].startswith("(BadArgument)"), "only the line of the message is shown"


def test_escaped_quotes_and_brackets_are_the_characters() -> None:
    assert plain(r"{\"a\": \\\"b\\\" \u003cc\u003e \u0027d\u0027}") == '{"a": "b" <c> \'d\'}'
    assert plain(r"C:\new\table") == r"C:\new\table"


def test_a_page_keeps_the_numbers_of_its_lines() -> None:
    page = "<!DOCTYPE html>\n<html>\n<style>\n a { }\n</style>\n<p\n class='x'>one &lt;two&gt;&nbsp;three</p>\n</html>"
    lines = plain(page).split("\n")
    assert len(lines) == 8
    assert lines[6].split() == ["one", "<two>", "three"]
    assert plain("1 < 2 and <unset> is no page") == "1 < 2 and <unset> is no page"


def test_all_lines_of_two_quoted_errors_make_their_cards(catalogue: Catalogue) -> None:
    text = "> AADSTS7000222: The provided client secret keys are expired.\n> \n" + ERROR.split("\n")[1]
    assert {(card.id, card.lines) for card in match(text, catalogue=catalogue)} == {
        ("secret-expired", (1,)),
        ("quota", (3,)),
    }


def test_a_page_of_many_lines_is_searched_for_words_that_it_has() -> None:
    page = Page("alpha beta-17 gamma\n" * 60_000)
    assert page.may_contain("beta-23 g") and page.may_contain("pha be")
    assert not page.may_contain("delta") and not page.may_contain("alpha delta")
    assert Page("little").may_contain("delta"), "a short text is searched without asking"


def _first(text: str, catalogue: Catalogue) -> tuple[str, str, tuple[int, ...]]:
    card = match(text, catalogue=catalogue)[0]
    return card.id, card.certainty, card.lines
