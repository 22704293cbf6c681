"""Splits of the traffic: typed, shown, kept in a tag, and rescaled."""

from __future__ import annotations

import pytest

from tui.plan import traffic


@pytest.mark.parametrize(
    ("before", "name", "share", "after"),
    [
        ({"blue": 100}, "green", 10, {"blue": 90, "green": 10}),
        ({"blue": 50, "old": 50}, "green", 100, {"green": 100}),
        ({"blue": 90, "green": 10}, "green", 0, {"blue": 100}),
        ({}, "green", 100, {"green": 100}),
        ({"blue": 100}, "blue", 100, {"blue": 100}),
        ({"a": 33, "b": 67}, "c", 1, {"a": 32, "b": 67, "c": 1}),
        ({"blue": 0}, "green", 20, {"green": 20}),
    ],
)
def test_the_others_keep_their_proportions(
    before: dict[str, int], name: str, share: int, after: dict[str, int]
) -> None:
    assert traffic.alongside(before, name, share) == after


def test_a_rescaled_split_adds_up_and_the_largest_gets_the_rest() -> None:
    assert traffic.rescaled({"a": 1, "b": 1, "c": 1}) == {"a": 34, "b": 33, "c": 33}
    assert traffic.rescaled({"a": 1, "b": 2}, 10) == {"a": 3, "b": 7}
    assert traffic.rescaled({"a": 0}) == {} == traffic.rescaled({})


@pytest.mark.parametrize("text", ["blue=90", "blue=90%"])
def test_a_typed_share(text: str) -> None:
    assert traffic.parse([text]) == {"blue": 90}


@pytest.mark.parametrize("texts", [["blue"], ["blue="], ["1=9"], ["blue=1000"], ["b=1", "b=2"], ["blue=9x"]])
def test_a_share_that_is_none(texts: list[str]) -> None:
    with pytest.raises(ValueError, match=texts[0][0]):
        traffic.parse(texts)


def test_the_split_in_the_tag_is_read_back_or_ignored() -> None:
    split = {"green": 10, "blue": 90, "old": 0}
    assert traffic.as_text(split) == "blue=90,green=10"
    assert traffic.from_tag({traffic.BEFORE_TAG: "blue=90,green=10"}) == {"blue": 90, "green": 10}
    assert traffic.from_tag({}) == {} == traffic.from_tag({traffic.BEFORE_TAG: "nonsense"})


def test_zero_shares_are_shown_only_on_request() -> None:
    split = {"blue": 100, "old": 0}
    assert traffic.in_words(split) == "blue 100 %"
    assert traffic.in_words(split, zeros=True) == "blue 100 %, old 0 %"
    assert traffic.in_words({}, none="none") == "none" == traffic.in_words({"old": 0}, none="none")
    assert traffic.serving(split) == {"blue": 100}


def test_the_largest_share_comes_first_and_equal_ones_by_name() -> None:
    assert list(traffic.largest_first({"c": 10, "b": 45, "a": 45, "z": 0})) == ["a", "b", "c", "z"]


@pytest.mark.parametrize(
    ("share", "bar"),
    [(0, "░░░░░"), (1, "█░░░░"), (40, "██░░░"), (99, "████░"), (100, "█████")],
)
def test_only_no_share_is_an_empty_bar_and_only_all_a_full_one(share: int, bar: str) -> None:
    assert traffic.blocks(share, 5) == bar


def test_a_split_is_bars_with_words_as_long_as_the_row_allows() -> None:
    split = {"blue": 70, "green": 30}
    assert traffic.bars(split) == "blue ███████░░░ 70 %  green ███░░░░░░░ 30 %"
    assert traffic.bars({**split, "old": 0}) == traffic.bars(split)
    assert traffic.bars(split, 36) == "blue ████░░ 70 %  green ██░░░░ 30 %"
    assert traffic.bars(split, 20) == "blue 70 %, green 30 %", "words where bars do not fit"
    assert traffic.bars({}) == "no traffic"


@pytest.mark.parametrize("width", range(10, 90))
def test_bars_keep_to_the_width(width: int) -> None:
    drawn = traffic.bars({"blue": 60, "green": 30, "a-longer-name": 10}, width)
    assert len(drawn) <= width or traffic.FULL not in drawn
