"""Patterns: which lines match, what is shown of them, and how far a search goes."""

from __future__ import annotations

import re

import pytest

from tui.remedies import patterns
from tui.remedies.patterns import BadPattern, Page, Pattern


def found(expression: str, text: str, **most: int) -> list[tuple[int, str]]:
    """The number and the matched text of every hit."""
    return [(hit.line, hit.match[0]) for hit in Pattern(expression).hits(Page(text), **most)]


def test_lines_count_from_one_whatever_ends_them() -> None:
    page = Page("one\r\ntwo\rthree\n")
    assert len(page) == 4
    assert [page.number(index) for index in range(4)] == [1, 2, 3, 4]
    assert [page.text[slice(*page.bounds(index))] for index in range(4)] == ["one", "two", "three", ""]
    assert [page.line_of(position) for position in (0, 3, 4, 7, 8)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (r'{"log": "one\ntwo"}', [r'{"log": "one', r'two"}']),
        (r"{'log' : 'one\ntwo'}", ["{'log' : 'one", "two'}"]),
        (r'["one\ntwo"]', ['["one', 'two"]']),
        (r"said \"one\ntwo\"", ['said "one', 'two"']),
        (r"C:\news\old", [r"C:\news\old"]),
        ('{"log": "one"}', ['{"log": "one"}']),
    ],
)
def test_a_log_in_a_string_of_json_is_lines_and_a_path_is_not(line: str, parts: list[str]) -> None:
    page = Page(f"before\n{line}\nafter")
    assert [page.text[slice(*page.bounds(index))] for index in range(1, len(page) - 1)] == parts
    assert [page.number(index) for index in range(len(page))] == [1, *[2] * len(parts), 3]


def test_the_last_matches_are_kept_in_the_order_of_the_text() -> None:
    text = "\n".join(f"quota {number}" for number in range(1, 8))
    assert found(r"quota \d", text) == [(line, f"quota {line}") for line in (3, 4, 5, 6, 7)]
    assert found(r"quota \d", text, most=1) == [(7, "quota 7")]
    assert found(r"quota \d", "none of it") == []
    assert found(r"\d", "a1\nb\nc2", most=2) == [(1, "1"), (3, "2")], "without fixed characters"


def test_a_line_counts_once_however_often_it_matches() -> None:
    assert found("quota", "quota quota\nquota") == [(1, "quota"), (2, "quota")]


def test_case_does_not_matter_and_no_letter_shifts_the_lines() -> None:
    assert found("quota", "İİİ\nQUOTA İ\nKuota") == [(2, "QUOTA")]


def test_either_of_several_words_is_found_in_the_first_line_too() -> None:
    assert found("(?:quota|limit) exceeded", "quota exceeded\nnothing\nlimit exceeded") == [
        (1, "quota exceeded"),
        (3, "limit exceeded"),
    ]


@pytest.mark.parametrize("before", [0, 10, 3_000, 10_000, 1_000_000])
def test_a_match_in_a_long_line_is_found_wherever_it_is(before: int) -> None:
    line = "x" * before + "quota exceeded" + "y" * 10_000
    assert found("quota exceeded", f"first\n{line}\nlast") == [(2, "quota exceeded")]


def test_a_long_line_is_searched_in_a_window_around_the_fixed_characters() -> None:
    quarter, rest = patterns.LONGEST_LINE // 4, patterns.LONGEST_LINE * 3 // 4

    def shows(before: int, after: int) -> tuple[bool, bool]:
        line = "#" * 9_000 + "a" + "-" * (before - 1) + "quota" + "-" * (after - 6) + "z" + "#" * 9_000
        return bool(found("a-*quota", line)), bool(found("quota-*z", line))

    assert shows(quarter, rest) == (True, True)
    assert shows(quarter + 1, rest + 1) == (False, False)


def test_a_line_of_the_longest_length_is_searched_whole() -> None:
    inside = "a" + "-" * (patterns.LONGEST_LINE - 6) + "quota"
    assert found("a-*quota", inside) and not found("a-*quota", f"a-{inside[1:]}")
    assert found(r"\d", "-" * (patterns.LONGEST_LINE - 1) + "1") and not found(r"\d", "-" * patterns.LONGEST_LINE + "1")


def test_two_matches_far_apart_in_a_long_line_are_one_hit_and_the_later() -> None:
    text = "quota 1" + "x" * 20_000 + "quota 2" + "x" * 20_000
    assert found(r"quota \d", text) == [(1, "quota 2")]


def test_of_1500_lines_all_are_tried_and_no_more() -> None:
    assert found(r"quota\s1", "quota 1" + "\nquota 2" * 1_499) == [(1, "quota 1")]
    assert found(r"quota\s1", "quota 1" + "\nquota 2" * 1_500) == []


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (0, 0, "quota"),
        (15, 380, "-" * 15 + "quota" + "." * 380),  # 400 characters
        (15, 381, "-" * 15 + "quota" + "." * 240 + " …"),
        (0, 900, "quota" + "." * 240 + " …"),
        (160, 240, "… " + "-" * 120 + "quota" + "." * 240),
        (160, 241, "… " + "-" * 120 + "quota" + "." * 240 + " …"),
        (900, 0, "… " + "-" * 120 + "quota"),
    ],
)
def test_what_is_shown_of_a_line(before: int, after: int, shown: str) -> None:
    (hit,) = Pattern("quota").hits(Page("-" * before + "quota" + "." * after))
    assert hit.shown == shown


def test_what_is_shown_has_no_spaces_around_it() -> None:
    (hit,) = Pattern("quota").hits(Page("  quota  "))
    assert hit.shown == "quota"


@pytest.mark.parametrize(
    ("expression", "literals"),
    [
        ("quota", ("quota",)),
        ("QUOTA", ("quota",)),
        ("qu", ()),
        ("quo", ("quo",)),
        (r"not enough\s+quota", ("not enough",)),
        (r"no\s+quota", ("quota",)),
        ("abc.*def", ("abc",)),
        ("(quota|limit)", ("quota", "limit")),
        ("(?:quota|ab)", ()),
        ("(?:a quota|of)? more than that", (" more than that",)),
        ("(?:quota)+", ("quota",)),
        ("(?:quota)*", ()),
        ("(?:quota)?", ()),
        (r"\d+é\w", ()),
        ("quotaé", ("quota",)),
    ],
)
def test_every_match_contains_one_of_these(expression: str, literals: tuple[str, ...]) -> None:
    assert Pattern(expression).literals == literals


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("(a+)+", False),
        ("(?:a*b)*", False),
        ("(?:a+?)+?", False),
        ("(?:x|a+)+", False),
        ("(?:(?=a+)b)+", False),
        ("(?:(?!a+)b)+", False),
        ("(?:a{2,5000}b)+", False),
        ("(?:a{2,1000}b)+", True),
        ("(?:a+){1,3}", True),
        ("(?:ab)+", True),
        ("a+b+", True),
        ("(?:a|b)+c+", True),
        ("(?=a+)b+", True),
        ("(?:(a+))", True),
        ("(unclosed", False),
        ("(?P<x>a)(?P<x>b)", False),
    ],
)
def test_a_search_that_might_never_end_is_refused(expression: str, allowed: bool) -> None:
    if allowed:
        assert Pattern(expression).regex.flags & re.IGNORECASE
    else:
        with pytest.raises(BadPattern, match=re.escape(repr(expression))):
            Pattern(expression)


def test_a_pattern_occurs_or_not() -> None:
    assert Pattern("quota").occurs(Page("a\nquota"))
    assert not Pattern("quota").occurs(Page("a\nquo ta"))
