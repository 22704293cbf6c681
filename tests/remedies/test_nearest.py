"""A text that no pattern recognises: the line that says most, and the entry whose words are nearest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harmless import healthy_texts

from tui.remedies.catalogue import Catalogue, Entry, Weighted
from tui.remedies.likely_line import most_likely_line
from tui.remedies.matcher import match
from tui.remedies.nearest import NEAR, ranks
from tui.remedies.patterns import Page, Pattern

CONTEXTS = {"azure": Pattern("azure"), "elsewhere": Pattern("amazon")}
TURBINE = Entry(
    id="turbine-stalled",
    title="The turbine of the workspace stalled",
    phase="submit",
    cause="The turbine's governor lost its flywheel, so the workspace spins no longer.",
    remedy="Replace the flywheel and the governor.",
    patterns=(Weighted(Pattern("TurbineStalled"), 1.0),),
)
OTHERS = {
    f"other-{number}": replace(
        TURBINE,
        id=f"other-{number}",
        title=f"Other {word}",
        cause=f"A {word}.",
        remedy="Wait.",
        patterns=(Weighted(Pattern(f"{word} fell"), 1.0),),
    )
    for number, word in enumerate(["bridge", "cable", "carpet", "kettle", "ladder", "mirror", "pillow", "window"] * 4)
}
KNOWN = Catalogue({TURBINE.id: TURBINE, **OTHERS}, CONTEXTS)
TEXT = (
    "azure said\nError: cannot spin: governor of turbine without flywheel, workspace stalled, flywheel replaced never"
)

# Near enough for a text that names Azure, not for any text.
BETWEEN = "Error: governor of the turbine lost its flywheel, my dear old friend"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("all is well\nrunning", None),
        ("INFO 0 errors\nerrors: 0", None),
        ("start\nValueError: no luck\nend", 1),
        ("ValueError: first\nKeyError: 'last'", 1),
        ("request failed\nnothing", 0),
        ('{"code": "NotFound", "message": "no such thing"}\nERROR', 0),
        ("HTTP/1.1 200\nmessage: ready", None),
    ],
)
def test_the_line_that_most_likely_says_what_went_wrong(text: str, line: int | None) -> None:
    assert most_likely_line(Page(text)) == line


@pytest.mark.parametrize("text", healthy_texts(), ids=range(len(healthy_texts())))
def test_a_healthy_log_shows_no_such_line(text: str) -> None:
    assert most_likely_line(Page(text)) is None


def test_the_entry_with_the_texts_rare_words_is_possible() -> None:
    (card,) = match(TEXT, catalogue=KNOWN)
    assert (card.id, card.certainty, card.lines, card.score) == (TURBINE.id, "possible", (2,), 0.0)
    assert card.evidence == (TEXT.split("\n")[1],)


@pytest.mark.parametrize(
    ("why", "text", "asked"),
    [
        ("it is far", "azure said\nError: the workspace of someone", {}),
        ("nothing shows that it is from Azure", BETWEEN, {}),
        ("it is from something else", TEXT.replace("azure", "azure and amazon"), {}),
        ("it shows no error", TEXT.replace("Error: cannot", "All").replace("stalled", "well"), {}),
        ("the service's own words are better", TEXT, {"code": "X"}),
        ("the engine knows what it does", TEXT, {"facts": {"endpoint": "churn"}}),
    ],
)
def test_nothing_is_near(why: str, text: str, asked: dict[str, object]) -> None:
    assert match(text, catalogue=KNOWN, **asked) == [], why  # type: ignore[arg-type]


def test_a_text_that_names_azure_need_not_be_as_near() -> None:
    assert [card.id for card in match(f"{BETWEEN}\nazure", catalogue=KNOWN)] == [TURBINE.id]


def test_a_recognised_entry_leaves_no_room_for_near_ones() -> None:
    assert [card.score for card in match(f"{TEXT}\nTurbineStalled", catalogue=KNOWN)] == [1.0]


def test_ranks_are_sorted_and_words_that_search_takes_for_commands_do_no_harm() -> None:
    page = Page('Error: NEAR("turbine" AND flywheel*) OR NOT governor: azure ^ {title}: -x')
    found = ranks(page, 0, KNOWN)
    assert found[0][0] == TURBINE.id
    assert [rank for _, rank in found] == sorted((rank for _, rank in found), reverse=True)
    assert ranks(Page("1 2 3 ..."), 0, KNOWN) == []
    assert NEAR > 0
