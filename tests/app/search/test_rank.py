"""What is typed into the menu finds the right entry among all steps and fields."""

from __future__ import annotations

import textwrap

import pytest

from tui.app.search.found import steps_and_fields
from tui.app.search.rank import Index
from tui.app.state.action import Action
from tui.app.steps.step_texts import ORDER, TITLES
from tui.plan.fields.all_fields import FIELDS

ENTRIES = steps_and_fields(lambda step, key=None, then="": (step, then or key), "test")


def index() -> Index:
    found = Index()
    found.add(ENTRIES)
    return found


def found(typed: str) -> list[object]:
    """Return the first three of what is found, as step and key."""
    return [entry.run() for entry in index().find(typed)[:3]]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_a_field_is_found_by_its_label_and_by_its_key_in_the_plan_and_for_az(field) -> None:
    place = (field.step, field.key)
    assert place in found(field.label)
    assert place in found(field.key)[: 1 if "." in field.key else 2], "labels come first"
    assert place in found(" ".join(reversed(field.key.split(".")))), "its words in any order"
    assert place in found(f"{TITLES[field.step]} {field.key[:-1]}"), "the step, and an unfinished word"


@pytest.mark.parametrize("step", ORDER)
def test_a_step_is_found_by_its_title_and_number(step: str) -> None:
    assert (step, None) in found(TITLES[step])
    assert found(f"step {ORDER.index(step) + 1}")[0] == (step, None)


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("test localy", ("review", "local_trial")),
        ("sign in", ("credentials", "sign_in")),
        ("export", ("review", "export")),
        ("browse", ("model", "browse_model")),
        ("quota", ("compute", "ask_again")),
        ("network path", ("network", "connect")),
    ],
)
def test_an_action_of_another_step_is_found(typed: str, place: tuple[str, str]) -> None:
    assert place == found(typed)[0]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("--instance-count", "deployment.instance_count"),
        ("vm size", "deployment.instance_type"),
        ("SKU", "deployment.instance_type"),
        ("--workspace-name", "workspace.name"),
        ("--deployment-name", "deployment.name"),
        ("aml_token", "endpoint.auth_mode"),
        ("instcnt", "deployment.instance_count"),
        ("rqtime", "deployment.request_settings.request_timeout_ms"),
        ("instances compute", "deployment.instance_count"),
        ("compute instances", "deployment.instance_count"),
        ("scoring passes monitoring", "deployment.data_collector.collections"),
        ("insatnce count", "deployment.instance_count"),
        ("instamce", "deployment.instance_type"),
        ("endpooint nmae", "endpoint.name"),
    ],
)
def test_other_words_find_a_field_too(typed: str, key: str) -> None:
    assert key in [place[1] for place in found(typed)]  # type: ignore[index]


def test_every_typed_word_must_match() -> None:
    assert not found("instances xyzzy")
    assert not found("zzzz")


def test_without_a_word_only_what_is_listed_is_shown_in_the_order_it_was_added() -> None:
    given = [Action(label, "", print, listed=label != "b") for label in "cba"]
    index = Index()
    index.add(given)
    assert [entry.label for entry in index.find("  ")] == ["c", "a"]
    assert [entry.label for entry in index.find("b")] == ["b"]


def test_no_description_is_longer_than_its_three_rows() -> None:
    for entry in ENTRIES:
        assert len(textwrap.wrap(entry.help, 74)) <= 3, entry.help


def test_long_words_do_not_take_long() -> None:
    """`textual.fuzzy` tries all combinations of letters, and would not end here."""
    index = Index()
    index.add([Action("e" * 300, "e " * 3000, print, "ee" * 300)] * 200)
    assert not index.find("e" * 200 + "x")
    assert not index.find(" ".join(["eee" * 20 + "x"] * 30))
