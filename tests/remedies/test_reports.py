"""How often the first card is right, on reports that the entries were not written with; and never surely wrong."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from reports import FOLDER, OUTCOMES, Report, by_chance, by_kind, is_set_aside, outcome, read, share_right, table

from tui.remedies.catalogue import Catalogue
from tui.remedies.matcher import SURE, match

SEEN, LATER, SET_ASIDE, HARMLESS = read("seen"), read("later"), read("set_aside"), read("harmless")
RIGHT = 0.85
"""Measured: 86.5 % of 281."""
SURELY_WRONG = 0.02
# What a card says that says nothing.
HOLLOW = "The deployment failed. Check the logs and the message, then try again."


def test_the_reports_are_many_and_each_thread_is_on_one_side() -> None:
    assert len(SEEN) + len(SET_ASIDE) >= 400
    assert len(HARMLESS) >= 100
    assert all(is_set_aside(report.source) for report in SET_ASIDE)
    assert not any(is_set_aside(report.source) for report in (*SEEN, *LATER))
    assert len(SET_ASIDE) * 4 > len(SEEN) + len(SET_ASIDE)
    sources = [report.source for report in (*SEEN, *LATER, *SET_ASIDE)]
    assert len(set(sources)) == len(sources)


@pytest.mark.parametrize("reports", [SEEN, LATER, SET_ASIDE], ids=["seen", "later", "set_aside"])
def test_what_is_wanted_is_not_what_any_card_says(reports: list[Report], catalogue: Catalogue) -> None:
    assert not [report.source for report in reports if re.search(report.want, HOLLOW, re.IGNORECASE)]
    assert by_chance(reports, catalogue) < 0.1


def test_the_first_card_is_right_for_most_reports_set_aside(catalogue: Catalogue) -> None:
    found = by_kind(SET_ASIDE, catalogue)
    assert share_right(found) >= RIGHT, "\n".join(table(found))


@pytest.mark.parametrize("reports", [SEEN, LATER, SET_ASIDE], ids=["seen", "later", "set_aside"])
def test_a_sure_card_is_hardly_ever_wrong(reports: list[Report], catalogue: Catalogue) -> None:
    found = by_kind(reports, catalogue)
    wrong = sum(counts["wrong sure"] for counts in found.values())
    assert wrong <= SURELY_WRONG * len(reports), "\n".join(table(found))


@pytest.mark.parametrize("reports", [SEEN, LATER], ids=["seen", "later"])
def test_the_reports_that_entries_were_written_with_stay_right(reports: list[Report], catalogue: Catalogue) -> None:
    assert share_right(by_kind(reports, catalogue)) >= RIGHT


@pytest.mark.parametrize("report", HARMLESS, ids=[report.source for report in HARMLESS])
def test_a_text_of_other_software_brings_no_sure_card(report: Report, catalogue: Catalogue) -> None:
    found = [(card.id, card.evidence) for card in match(report.text, catalogue=catalogue) if card.certainty == SURE]
    assert found == []


def test_an_outcome_is_judged_by_the_first_card() -> None:
    empty = Catalogue()
    assert outcome(Report("a/b#1", "quota", "Error: quota", want="quota"), empty)[0] == "none"
    lines = table({"quota": Counter({"right sure": 2, "none": 1})})
    assert lines[-1].split(" | ")[1:3] == ["3", "2"]
    assert len(OUTCOMES) == 5


def test_a_text_of_another_failure_brings_no_sure_card_of_this_one(catalogue: Catalogue) -> None:
    """Each of these texts once brought a sure card that was wrong, for the reason that stands beside it."""
    others = [json.loads(line) for line in (FOLDER / "other_failures.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(others) >= 240
    wrong = [
        (other["not"], other["text"], other["why"])
        for other in others
        for card in match(other["text"], catalogue=catalogue)
        if card.certainty == SURE and card.id == other["not"]
    ]
    assert wrong == []
