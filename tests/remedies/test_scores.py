"""Which of several entries wins, from a catalogue of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.remedies.catalogue import Catalogue, Entry, Weighted, load
from tui.remedies.matcher import MOST_EVIDENCE, match
from tui.remedies.patterns import Pattern


def entry(id: str, *patterns: str | tuple[str, float], **more: Any) -> Entry:
    weighted = (one if isinstance(one, tuple) else (one, 1.0) for one in patterns)
    texts = {"title": id, "phase": "container", "cause": "", "remedy": "", **more}
    return Entry(id, patterns=tuple(Weighted(Pattern(text), weight) for text, weight in weighted), **texts)


def ids(text: str, *entries: Entry, **more: Any) -> list[str]:
    known = Catalogue({one.id: one for one in entries}, {"azure": Pattern("azureml")})
    return [card.id for card in match(text, catalogue=known, **more)]


@pytest.mark.parametrize(
    ("text", "patterns", "known"),
    [
        ("alpha", ["alpha"], True),
        ("alpha", [("alpha", 0.9)], False),
        ("alpha\nbeta", [("alpha", 0.5), ("beta", 0.5)], True),
        ("alpha beta", [("alpha", 0.5), ("beta", 0.5)], True),  # hints add up, even on one line
        ("alpha\nbeta", [("alpha", 0.5), ("beta", 0.4)], False),
        ("alpha\nalpha", [("alpha", 0.5)], False),
    ],
)
def test_how_much_is_enough(text: str, patterns: list[Any], known: bool) -> None:
    assert bool(ids(text, entry("a", *patterns))) is known


def test_the_heavier_pattern_wins_then_the_later_line_then_the_order_of_the_catalogue() -> None:
    a, b = entry("a", ("alpha", 1.0)), entry("b", ("beta", 2.0))
    assert ids("beta\nalpha", a, b) == ["b", "a"]
    assert ids("alpha\nbeta", a, entry("b", "beta")) == ["b", "a"]
    assert ids("beta\nalpha", a, entry("b", "beta")) == ["a", "b"]
    assert ids("alpha beta", a, entry("b", "beta")) == ["a", "b"]


def test_more_patterns_add_a_little_and_never_as_much_as_a_heavier_one() -> None:
    many = entry("many", *(f"word{number}" for number in range(9)))
    text = "\n".join(f"word{number}" for number in range(9))
    heavy, light = entry("heavy", ("heavy", 2.0)), entry("light", "light")
    assert ids(f"{text}\nheavy", many, heavy)[0] == "heavy"
    assert ids(f"heavy\n{text}", many, heavy)[0] == "heavy"
    assert ids("word1\nword2\nlight", many, light)[0] == "many"
    assert ids("word1\nlight", many, light)[0] == "light"


def score(text: str, one: Entry, code: str | None = None) -> float:
    (card,) = match(text, catalogue=Catalogue({one.id: one}), code=code)
    return card.score


def test_scores() -> None:
    two = entry("a", "alpha", "beta", codes=("Code",))
    assert score("alpha", two) == 1.0
    assert score("alpha\nbeta", two) == 1.2
    assert score("alpha beta", two) == 1.0  # each line counts once
    assert score("alpha", two, "Code") == 1.5
    assert score("alpha", two, "Other") == 1.0
    many = entry("many", *(f"word{number}" for number in range(9)))
    assert score("\n".join(f"word{number}" for number in range(9)), many) == 1.9


@pytest.mark.parametrize(
    ("text", "more", "known"),
    [
        ("alpha", {}, False),
        ("azureml\nalpha", {}, True),
        ("alpha", {"facts": {"endpoint": "e"}}, True),
        ("alpha", {"facts": {}}, False),
        ("alpha", {"code": "Any"}, True),
    ],
)
def test_a_context_must_show_unless_the_source_is_known(text: str, more: dict[str, Any], known: bool) -> None:
    assert bool(ids(text, entry("a", "alpha", context="azure"), **more)) is known


def test_what_must_not_occur() -> None:
    without = entry("a", "alpha", absent=(Pattern("beta"),))
    assert ids("alpha", without) == ["a"] and ids("alpha\nbeta", without) == []


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ({"x": 1, "y": 2}, False),
        ({"x": 1}, True),  # all of a group
        ({"x": 1, "y": 3}, True),
        ({"z": None}, False),  # any of the groups
        ({"other": 1}, True),
    ],
)
def test_facts_that_rule_an_entry_out(facts: dict[str, Any], known: bool) -> None:
    assert bool(ids("alpha", entry("a", "alpha", unless=({"x": 1, "y": 2}, {"z": None})), facts=facts)) is known


@pytest.mark.parametrize(
    ("general", "exact", "expected"),
    [
        (1.0, 2.0, ["exact"]),
        (2.0, 1.0, ["general", "exact"]),
        (1.0, 1.0, ["exact", "general"]),  # equally good: both are shown
    ],
)
def test_a_general_entry_gives_way_to_a_better_one(general: float, exact: float, expected: list[str]) -> None:
    entries = (
        entry("general", ("alpha", general), codes=("Code",), general=True),
        entry("exact", ("beta", exact), codes=("Code",)),
    )
    assert ids("alpha\nbeta", *entries) == expected
    other = entry("exact", ("beta", exact), codes=("Other",))
    assert "general" in ids("alpha\nbeta", entries[0], other)


def test_the_last_lines_are_the_evidence_and_the_code_is_none() -> None:
    many = entry("many", *(f"word{number}" for number in range(9)), "Code")
    text = "\n".join(f"word{number}" for number in range(9))
    (card,) = match(text, catalogue=Catalogue({"many": many}), code="Code")
    assert MOST_EVIDENCE == len(card.evidence) == 6
    assert (card.evidence[0], card.lines) == ("word3", (4, 5, 6, 7, 8, 9))
    (card,) = match("alpha\nbeta", catalogue=Catalogue({"a": entry("a", "alpha", "beta")}))
    assert card.lines == (1, 2)


def test_the_last_matching_line_is_shown() -> None:
    (card,) = match("alpha 1\nalpha 2", catalogue=Catalogue({"a": entry("a", "alpha")}))
    assert card.evidence == ("alpha 2",)


def test_only_entries_that_use_the_exception_show_its_line() -> None:
    crash = 'alpha\nTraceback (most recent call last):\n  File "score.py", line 3, in init\nValueError: no.'
    for traceback in (True, False):
        one = entry("a", "alpha", cause="{exception} at {where}", traceback=traceback)
        (card,) = match(crash, catalogue=Catalogue({"a": one}))
        assert card.cause == "ValueError: no at score.py, line 3, in init()"
        assert ("ValueError: no." in card.evidence) is traceback


@pytest.mark.parametrize(
    ("template", "facts", "cause", "command"),
    [
        ("{name}", {"name": "blue"}, "blue", "blue"),
        ("{name}", {}, "name", "NAME"),
        ("{name}", {"name": ""}, "name", "NAME"),
        ("{name|none}", {}, "none", "none"),
        ("{name|}", {}, "", "NAME"),
        ("{my_name}", {}, "my_name", "MY-NAME"),
        ("{name}", {"name": "a b"}, "a b", "NAME"),  # a shell would split it
        ("{name}", {"name": 7}, "7", "7"),
        ("{name}", {"name": ["x"]}, "name", "NAME"),
    ],
)
def test_filling_in(template: str, facts: dict[str, Any], cause: str, command: str) -> None:
    one = entry("a", "alpha", cause=template, commands=(template,))
    (card,) = match("alpha", catalogue=Catalogue({"a": one}), facts={"other": 1, **facts})
    assert (card.cause, card.commands) == (cause, (command,))


def test_what_the_heavier_pattern_captured_wins() -> None:
    one = entry("a", (r"light (?P<who>\w+)", 1.0), (r"heavy (?P<who>\w+)", 2.0), cause="{who}")
    (card,) = match("light one\nheavy two", catalogue=Catalogue({"a": one}))
    assert card.cause == "two"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's file; the bundled one is empty, because reading it takes long."""
    (tmp_path / "bundled.yml").write_text("", encoding="utf-8")
    monkeypatch.setattr("tui.remedies.catalogue.BUNDLED", tmp_path / "bundled.yml")
    return tmp_path / "remedies.yml"


MINIMAL = "- {id: own, title: T, cause: C, remedy: R, patterns: [alpha]%s}\n"


@pytest.mark.parametrize(
    ("more", "usable"),
    [
        ("", True),
        (", general: true", True),
        (", patterns: [{match: a}]", True),
        (", patterns: [{match: a, weight: 10}]", True),
        (", patterns: [{match: a, weight: 10.1}]", False),
        (", patterns: [{match: a, weight: 0}]", False),
        (", patterns: [{match: a, weight: 0.1}]", True),
        (", patterns: [{match: a, weight: true}]", False),
        (", patterns: [{match: a, heavy: 1}]", False),
        (", patterns: [{weight: 1}]", False),
        (", patterns: [7]", False),
        (", patterns: alpha", True),
        (", patterns: {a: b}", False),
        (", patterns: []", False),
        (", unless: [{a: 1}]", True),
        (", unless: [a]", False),
        (", title: ''", False),
        (", cause: ''", False),
        (", remedy: ''", False),
        (", id: a--b", False),
        (", id: a-b1", True),
        (", phase: invoke", True),
    ],
)
def test_entries_that_can_be_used(file: Path, more: str, usable: bool) -> None:
    file.write_text("".join(MINIMAL % more), encoding="utf-8")
    read = load(file)
    assert bool(read.problems) is not usable, read.problems


def test_what_an_entry_leaves_out(file: Path) -> None:
    file.write_text(MINIMAL % "" + (MINIMAL % ", general: true, traceback: true").replace("own", "both"), "utf-8")
    own, both = (load(file).entries[name] for name in ("own", "both"))
    assert (own.general, own.traceback, own.phase, own.patterns[0].weight) == (False, False, "container", 1.0)
    assert (both.general, both.traceback) == (True, True)
    file.write_text(MINIMAL % ", general: 'yes', traceback: 1, patterns: [{match: a}]" + "# longer", "utf-8")
    own = load(file).entries["own"]
    assert (own.general, own.traceback, own.patterns[0].weight) == (False, False, 1.0)


def test_an_unreadable_file_is_named_with_its_line(file: Path) -> None:
    file.write_text("- id: a\n- [\n", encoding="utf-8")
    assert "line 3" in load(file).problems[0]
    file.write_bytes(b"\xff\xfe\xff")
    assert load(file).problems
    file.unlink()
    assert load(file).problems == []
