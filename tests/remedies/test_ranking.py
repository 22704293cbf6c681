"""Which entries become cards, in which order, and what each shows: decided with entries made for it."""

from __future__ import annotations

from typing import Any

import pytest

from tui.remedies.catalogue import Catalogue, Entry, Weighted
from tui.remedies.matcher import POSSIBLE, SURE, Card, match
from tui.remedies.patterns import Pattern


def entry(name: str, *patterns: tuple[str, float], **more: Any) -> Entry:
    """An entry with patterns and their weights."""
    more = {"title": name, "phase": "submit", "cause": "C", "remedy": "R", **more}
    return Entry(id=name, patterns=tuple(Weighted(Pattern(text), weight) for text, weight in patterns), **more)


def cards(text: str, *entries: Entry, contexts: dict[str, str] | None = None, **asked: Any) -> list[Card]:
    """The cards for a text when only these entries are known."""
    known = {name: Pattern(pattern) for name, pattern in (contexts or {}).items()}
    return match(text, catalogue=Catalogue({one.id: one for one in entries}, known), **asked)


def scored(text: str, *entries: Entry, **asked: Any) -> list[tuple[str, float]]:
    return [(card.id, card.score) for card in cards(text, *entries, **asked)]


@pytest.mark.parametrize(
    ("weights", "score"),
    [
        ((1.0,), 1.0),
        ((0.9,), None),
        ((0.5, 0.5), 0.6),
        ((0.5, 0.4), None),
        ((3.0,), 3.0),
        ((1.0, 1.0), 1.2),
        ((1.0, 2.0), 2.2),
        ((1.0, 1.0, 1.0, 1.0, 1.0), 1.8),
        ((3.0, 3.0, 3.0), 3.9),
    ],
)
def test_weights_that_make_one_are_enough_and_the_heaviest_counts_most(
    weights: tuple[float, ...], score: float | None
) -> None:
    text = "\n".join(f"sign-{number}" for number in range(len(weights)))
    one = entry("one", *((f"sign-{number}", weight) for number, weight in enumerate(weights)))
    assert scored(text, one) == ([] if score is None else [("one", score)])


def test_one_line_is_not_counted_twice_but_for_hints() -> None:
    assert scored("sign-a sign-b", entry("one", ("sign-a", 1.0), ("sign-b", 1.0))) == [("one", 1.0)]
    assert scored("sign-a sign-b", entry("one", ("sign-a", 1.0), ("sign-b", 0.5))) == [("one", 1.1)]


def test_the_code_of_the_service_adds_a_half() -> None:
    one, other = entry("one", ("sign-1", 1.0), codes=("BadThing",)), entry("other", ("sign-2", 1.2))
    assert scored("sign-1\nsign-2", one, other) == [("other", 1.2), ("one", 1.0)]
    assert scored("sign-1\nsign-2", one, other, code="BadThing") == [("one", 1.5), ("other", 1.2)]
    assert scored("sign-1\nsign-2", one, other, code="Else") == [("other", 1.2), ("one", 1.0)]


def test_of_equal_ones_the_later_line_comes_first_then_the_catalogues_order() -> None:
    one, two = entry("one", ("sign-1", 1.0)), entry("two", ("sign-2", 1.0))
    assert [card.id for card in cards("sign-1\nsign-2", one, two)] == ["two", "one"]
    assert [card.id for card in cards("sign-2\nsign-1", one, two)] == ["one", "two"]
    one, two, three = entry("one", ("sign-1", 1.0)), entry("two", ("sign-2", 1.0)), entry("three", ("sign-2", 1.0))
    assert [card.id for card in cards("sign-1\nsign-2", one, two, three)] == ["two", "three", "one"]


def test_a_line_makes_only_the_card_of_an_entry_that_is_clearly_best() -> None:
    one, two = entry("one", ("sign-1", 1.0)), entry("two", ("sign-1 of two", 2.0))
    assert [card.id for card in cards("sign-1 of two", one, two)] == ["two"]
    assert [card.id for card in cards("sign-1\nsign-1 of two", one, two)] == ["two"]
    assert [card.id for card in cards("sign-1 of two\nsign-1", one, two)] == ["two", "one"]


@pytest.mark.parametrize(
    ("text", "asked", "certainty"),
    [
        ("sign", {}, POSSIBLE),
        ("sign at azure", {}, SURE),
        ("sign at azure beside amazon", {}, SURE),
        ("sign at amazon", {}, None),
        ("sign", {"code": "X"}, SURE),
        ("sign", {"facts": {"endpoint": "churn"}}, SURE),
        ("sign at amazon", {"facts": {"endpoint": "churn"}}, SURE),
        ("sign", {"facts": {}}, POSSIBLE),
    ],
)
def test_without_its_context_an_entry_is_possible_and_nothing_in_a_text_of_something_else(
    text: str, asked: dict[str, Any], certainty: str | None
) -> None:
    contexts = {"cloud": "azure", "elsewhere": "amazon"}
    found = cards(text, entry("one", ("sign", 3.0), context="cloud"), contexts=contexts, **asked)
    assert [card.certainty for card in found] == ([certainty] if certainty else [])


def test_sure_cards_come_before_possible_ones_whatever_they_weigh() -> None:
    one, two = entry("one", ("sign-1", 3.0)), entry("two", ("sign-2", 5.0), context="cloud")
    found = cards("sign-2\nsign-1", one, two, contexts={"cloud": "azure"})
    assert [(card.id, card.certainty) for card in found] == [("one", SURE), ("two", POSSIBLE)]


@pytest.mark.parametrize(
    ("weight", "own", "certainty"), [(2.9, False, POSSIBLE), (3.0, False, SURE), (1.0, True, SURE)]
)
def test_a_sure_card_needs_a_pattern_that_is_exact_or_a_user_who_knows(
    weight: float, own: bool, certainty: str
) -> None:
    assert cards("sign", entry("one", ("sign", weight), own=own))[0].certainty == certainty
    assert cards("sign", entry("one", ("sign", weight)), code="X")[0].certainty == SURE


def test_a_general_entry_is_only_possible_unless_the_text_is_azures() -> None:
    one = entry("one", ("sign", 3.0), general=True)
    assert cards("sign", one)[0].certainty == POSSIBLE
    assert cards("sign", one, code="X")[0].certainty == SURE


def test_a_pattern_that_must_be_absent_rules_an_entry_out() -> None:
    one = entry("one", ("sign", 1.0), absent=(Pattern("but not"), Pattern("nor this")))
    assert cards("sign", one)
    assert not cards("sign\nbut not", one) and not cards("nor this\nsign", one)


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({}, True),
        ({"isolation": "legacy"}, True),
        ({"isolation": "legacy", "has_code": True}, False),
        ({"isolation": "legacy", "has_code": False}, True),
        ({"auth_mode": "key"}, False),
        ({"auth_mode": None}, True),
    ],
)
def test_any_group_of_facts_that_holds_altogether_rules_an_entry_out(facts: dict[str, Any], shown: bool) -> None:
    groups = ({"isolation": "legacy", "has_code": True}, {"auth_mode": "key"})
    assert bool(cards("sign", entry("one", ("sign", 1.0), unless=groups), facts=facts)) == shown


@pytest.mark.parametrize(
    ("special", "general", "shown"),
    [(3.0, 1.0, ["special"]), (1.0, 1.0, ["general", "special"]), (1.0, 3.0, ["general", "special"])],
)
def test_a_general_entry_gives_way_to_a_better_one_of_its_code(
    special: float, general: float, shown: list[str]
) -> None:
    text, facts = "sign of one\nsign of all", {"endpoint": "churn"}
    one = entry("special", ("sign of one", special), codes=("X", "Y"))
    both = ["special", "general"] if special > general else ["general", "special"]
    for codes, wide, expected in ((("X",), True, shown), (("X",), False, both), (("Z",), True, both)):
        other = entry("general", ("sign of all", general), codes=codes, general=wide)
        assert [card.id for card in cards(text, one, other, facts=facts)] == expected


def test_the_evidence_is_the_last_six_lines_in_their_order() -> None:
    one = entry("one", *((f"sign-{number}", 1.0) for number in range(1, 9)))
    (card,) = cards("\n".join(f"sign-{number}" for number in range(1, 9)), one)
    assert card.lines == (3, 4, 5, 6, 7, 8)
    assert card.evidence == tuple(f"sign-{number}" for number in range(3, 9))


def test_of_a_pattern_the_last_line_is_shown_and_the_appended_code_never() -> None:
    (card,) = cards("sign 1\nsign 2\nelse", entry("one", (r"sign", 1.0), ("X17", 1.0)), code="X17")
    assert (card.lines, card.evidence) == ((2,), ("sign 2",))


def test_a_traceback_is_evidence_for_entries_that_speak_of_it() -> None:
    text = 'sign\nTraceback (most recent call last):\n  File "score.py", line 3, in init\nKeyError: 1'
    words = "{exception|no exception} at {where|no place}"
    (one,) = cards(text, entry("one", ("sign", 1.0), cause=words, traceback=True))
    assert (one.lines, one.cause) == ((1, 4), "KeyError: 1 at score.py, line 3, in init()")
    (other,) = cards(text, entry("other", ("sign", 1.0), cause=words))
    assert other.lines == (1,)
    assert cards("sign", entry("one", ("sign", 1.0), cause=words))[0].cause == "no exception at no place"


def test_what_a_text_says_goes_before_the_facts_and_the_heaviest_pattern_before_others() -> None:
    one = entry("one", (r"needs (?P<need>\d+)", 1.0), (r"wants (?P<need>\d+)", 2.0), cause="{need} of {limit|some}")
    assert cards("needs 3", one, facts={"need": 9, "limit": 7})[0].cause == "3 of 7"
    assert cards("needs 3\nwants 4", one)[0].cause == "4 of some"
    assert cards("needs 3", one, facts={"limit": ""})[0].cause == "3 of some"
    assert cards("needs 3", one, facts={"limit": ["a"]})[0].cause == "3 of some"


@pytest.mark.parametrize(
    ("known", "command"),
    [
        ("churn-01", "az x -n churn-01"),
        ("a.b/c:d@e+f=g,h", "az x -n a.b/c:d@e+f=g,h"),
        ("a b", "az x -n ENDPOINT-NAME"),
        ("a;b", "az x -n ENDPOINT-NAME"),
        ("", "az x -n ENDPOINT-NAME"),
    ],
)
def test_a_value_stands_in_a_command_only_where_a_shell_leaves_it_alone(known: str, command: str) -> None:
    one = entry("one", ("sign", 1.0), commands=("az x -n {endpoint_name}", "az y -n {endpoint_name|mine}"))
    (card,) = cards("sign", one, facts={"endpoint_name": known, "other": 1})
    assert card.commands[0] == command
    assert card.commands[1].endswith(known if "ENDPOINT" not in command else "mine")


def test_a_card_has_what_its_entry_says() -> None:
    one = entry("one", ("sign", 1.0), docs="https://example.org", field="endpoint.name", source=("S",), phase="image")
    (card,) = cards("sign\nrequest-id: 11111111-2222-4333-8444-555555555555", one)
    assert (card.docs, card.field, card.source, card.phase) == ("https://example.org", "endpoint.name", ("S",), "image")
    assert card.request_ids == ("11111111-2222-4333-8444-555555555555",)
