"""Searching a long text: lines, windows, limits, ids and the exception behind a crash."""

from __future__ import annotations

import pytest

from tui.remedies.patterns import LONGEST_LINE, MOST_LINES, BadPattern, Page, Pattern
from tui.remedies.request_ids import MOST, request_ids
from tui.remedies.tracebacks import raised

GUID = "{:08x}-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [(1, "")]),
        ("a", [(1, "a")]),
        ("a\nb\n", [(1, "a"), (2, "b"), (3, "")]),
        ("a\r\nb\rc", [(1, "a"), (2, "b"), (3, "c")]),
        (r'{"log": "a\nb"}' + "\nc", [(1, '{"log": "a'), (1, 'b"}'), (2, "c")]),
        (r"C:\new\names", [(1, r"C:\new\names")]),  # not JSON
        ('{"log": "a"}', [(1, '{"log": "a"}')]),
    ],
)
def test_a_page_has_these_lines(text: str, lines: list[tuple[int, str]]) -> None:
    page = Page(text)
    read = [(page.number(at), page.text[slice(*page.bounds(at))]) for at in range(len(page))]
    assert read == lines
    for at in range(len(page)):
        assert page.line_of(page.bounds(at)[0]) == at


def found(expression: str, text: str, most: int = 5) -> list[int]:
    return [hit.line for hit in Pattern(expression).hits(Page(text), most)]


@pytest.mark.parametrize("expression", ["quota", "[q]uota|xyz", "[a-z]{5}"])  # with and without fixed characters
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("quota", [1]),
        ("QUOTA", [1]),
        ("1\nquota\n3", [2]),
        ("quota\n2\nquota", [1, 3]),
        ("quota quota", [1]),
        ("quot", []),
        ("", []),
        ("quota\n" * 7, [3, 4, 5, 6, 7]),  # the last ones
        ("quo\nta", []),
    ],
)
def test_matching_lines(expression: str, text: str, lines: list[int]) -> None:
    assert found(expression, text) == lines


def test_at_most_as_many_lines_as_asked() -> None:
    text = "\n".join(["quota"] * 9)
    assert (found("quota", text, 1), found("quota", text, 2)) == ([9], [8, 9])
    assert Pattern("quota").occurs(Page("no\nquota")) and not Pattern("quota").occurs(Page("no"))


@pytest.mark.parametrize(("behind", "lines"), [(MOST_LINES - 1, [1]), (MOST_LINES, [])])
def test_the_number_of_lines_tried_is_limited(behind: int, lines: list[int]) -> None:
    assert found(r"quota \d", "quota 1" + "\nquota x" * behind) == lines


def test_several_alternatives_are_each_found_in_their_lines() -> None:
    assert found("alpha|beta|gamma", "gamma\nno\nalpha beta\nno\nbeta\nalpha") == [1, 3, 5, 6]


@pytest.mark.parametrize(
    ("expression", "literals"),
    [
        ("quota", ("quota",)),
        ("QUOTA", ("quota",)),
        ("ab", ()),  # too short to be rare
        ("abc", ("abc",)),
        (r"ab\dcdef", ("cdef",)),
        (r"cdef\dab", ("cdef",)),
        (r"abc\ddef", ("abc",)),  # of equally long ones, the first
        ("(quota)", ("quota",)),
        ("(?:quota)+", ("quota",)),
        ("(?:quota)?limit", ("limit",)),
        ("(?:quota)*", ()),
        ("alpha|beta", ("alpha", "beta")),
        ("alpha|be", ()),
        (r"\d+", ()),
        ("éabc", ("abc",)),
    ],
)
def test_the_fixed_characters_of_an_expression(expression: str, literals: tuple[str, ...]) -> None:
    assert Pattern(expression).literals == literals


@pytest.mark.parametrize(
    ("expression", "refused"),
    [
        ("(a+)+", True),
        ("(a*b)*", True),
        ("((a|b+))+", True),
        ("(?=a+b)x", False),
        ("(?:(?=a+)b)+", True),
        ("(a{1,1000})+", False),
        ("(a{1,1001})+", True),
        ("(a+){1,3}", False),
        ("(a+){1,1001}", True),
        ("a+b+", False),
        ("(a+|b)c", False),
        ("(", True),
        ("[", True),
    ],
)
def test_expressions_that_might_never_end_are_refused(expression: str, refused: bool) -> None:
    try:
        Pattern(expression)
    except BadPattern:
        assert refused
    else:
        assert not refused


@pytest.mark.parametrize(
    ("before", "after", "begins", "ends"), [(0, 390, False, False), (0, 900, False, True), (900, 0, True, False),
                                            (900, 900, True, True), (100, 900, False, True)]
)  # fmt: skip
def test_long_evidence_is_shortened_around_the_match(before: int, after: int, begins: bool, ends: bool) -> None:
    (hit,) = Pattern("quota").hits(Page("x" * before + "quota" + "y" * after))
    assert (hit.shown.startswith("…"), hit.shown.endswith("…")) == (begins, ends)
    assert "quota" in hit.shown and len(hit.shown) <= 400
    if begins:
        assert hit.shown.count("x") == 120
    if ends:
        assert hit.shown.count("y") == 240


@pytest.mark.parametrize("at", [0, 10, LONGEST_LINE, 3 * LONGEST_LINE, 5 * LONGEST_LINE - 5])
def test_a_match_anywhere_in_an_endless_line_is_found(at: int) -> None:
    line = "x" * at + "quota" + "x" * (5 * LONGEST_LINE - 5 - at)
    for text, number in ((line, 1), (f"first\n{line}\nlast", 2)):
        (hit,) = Pattern("quota").hits(Page(text))
        assert hit.line == number
        assert len(hit.window) <= LONGEST_LINE


def test_in_an_endless_line_an_earlier_place_is_tried_if_a_later_one_does_not_match() -> None:
    line = "quota 7" + " x" * LONGEST_LINE + " quota y" + " x" * LONGEST_LINE
    assert found(r"quota \d", line) == [1]


def test_the_longest_line_is_searched_whole() -> None:
    exact = "quota" + "x" * (LONGEST_LINE - 10) + "limit"
    assert found("quota.*limit", exact) == [1]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (f"x-ms-request-id: {GUID.format(1)}", [1]),
        (f"first\nRequest id: {GUID.format(1)}\nCorrelation ID: {GUID.format(2)}", [1, 2]),
        (f"Correlation ID: {GUID.format(2)}\nx-request-id={GUID.format(1)}", [2, 1]),
        (f"Trace ID: {GUID.format(1)}\nTrace ID: {GUID.format(1)}", [1]),
        (f'"request": "{GUID.format(3)}"', [3]),
        (f"operation id: {GUID.format(3)} activity id: {GUID.format(4)}", [3, 4]),
        (f"model: {GUID.format(1)}", []),
        ("request id: 00000000-0000-0000-0000-000000000000", []),
        ("", []),
    ],
)
def test_ids_in_the_order_of_the_text(text: str, ids: list[int]) -> None:
    assert request_ids(Page(text)) == tuple(GUID.format(number) for number in ids)


def test_the_last_ids_are_kept_and_old_lines_are_not_read() -> None:
    text = "\n".join(f"request id: {GUID.format(number)}" for number in range(1, 15))
    assert request_ids(Page(text)) == tuple(GUID.format(number) for number in range(3, 15))
    assert MOST == 12
    for behind, read in ((199, True), (200, False)):
        page = Page(f"request id: {GUID.format(1)}" + "\nrequest id: none" * behind)
        assert bool(request_ids(page)) is read


def trace(*frames: str, ends: str, prefix: str = "") -> str:
    lines = ["Traceback (most recent call last):", *frames, ends]
    return "\n".join(prefix + line for line in lines)


MINE = '  File "/var/azureml-app/code/score.py", line 14, in init'
HELPER = '  File "C:\\code\\helper.py", line 3, in load'
LIBRARY = '  File "/x/lib/python3.10/site-packages/joblib/a.py", line 9, in load'


@pytest.mark.parametrize(
    ("text", "said", "where"),
    [
        (trace(MINE, ends="ValueError: no"), "ValueError: no", "score.py, line 14, in init()"),
        (trace(MINE, LIBRARY, ends="KeyError: 'a'"), "KeyError: 'a'", "score.py, line 14, in init()"),
        (trace(LIBRARY, ends="KeyError: 'a'"), "KeyError: 'a'", ""),
        (trace(MINE, HELPER, ends="ValueError: no"), "ValueError: no", "helper.py, line 3, in load()"),
        (trace('  File "score.py", line 14, in <module>', ends="ValueError"), "ValueError", "score.py, line 14"),
        (trace('  File "score.py", line 14', ends="ValueError"), "ValueError", "score.py, line 14"),
        (trace('  File "<string>", line 1, in x', ends="ValueError: no"), "ValueError: no", ""),
        (trace(MINE, "    code", "", ends="ValueError: no"), "ValueError: no", "score.py, line 14, in init()"),
        (trace(MINE, ends="MemoryError"), "MemoryError", "score.py, line 14, in init()"),
        (trace(MINE, ends="StopIteration"), "StopIteration", "score.py, line 14, in init()"),
        (trace(MINE, ends="my.Exception"), "my.Exception", "score.py, line 14, in init()"),
        (trace(MINE, ends="my.Failure: no"), "my.Failure: no", "score.py, line 14, in init()"),
        (trace(MINE, ends="2026-11-22 23:48:48 ValueError: no"), "ValueError: no", "score.py, line 14, in init()"),
    ],
)
def test_the_exception_and_its_place(text: str, said: str, where: str) -> None:
    found = raised(Page(f"start\n{text}"))
    assert found is not None
    assert (found.text, found.where) == (said, where)
    assert Page(f"start\n{text}").number(found.index) == found.line == text.count("\n") + 2


@pytest.mark.parametrize(
    "text",
    ["", "ValueError: no", trace(MINE, ends="SystemExit: 1"), trace(MINE, ends="x.UserScriptException: no"),
     trace(MINE, ends="Done"), trace(MINE, ends="12:00 worker started"), "Traceback (most recent call last):"],
)  # fmt: skip
def test_texts_without_an_exception_of_their_own(text: str) -> None:
    assert raised(Page(text)) is None


def test_the_last_exception_of_the_users_files_wins() -> None:
    first, library = trace(MINE, ends="ValueError: first"), trace(LIBRARY, ends="ValueError: library")
    second = trace(HELPER, ends="ValueError: second")

    def said(*texts: str, most: int = 50) -> str:
        found = raised(Page("\n".join(texts)), most)
        return found.text if found else ""

    assert said(first, second) == "ValueError: second"
    assert said(first, library) == "ValueError: first"
    assert said(library, trace(LIBRARY, ends="KeyError: last")) == "KeyError: last"
    assert said(first, library, most=1) == "ValueError: library"
    assert said(first, library, most=2) == "ValueError: first"
    assert said(first, library, most=0) == ""


def test_an_endless_traceback_is_given_up() -> None:
    for frames, known in ((199, True), (200, False)):
        assert (raised(Page(trace(*[MINE] * frames, ends="ValueError: no"))) is not None) is known
    long = raised(Page(trace(MINE, ends="ValueError: " + "x" * 500)))
    assert long is not None and len(long.text) == 300
