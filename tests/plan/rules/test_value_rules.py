"""Rules for single values: what is accepted and what is not, on both sides of each limit."""

from __future__ import annotations

from typing import Any

import pytest

from tui.plan.rules import value_rules as rules

GUID = "0123abcd-4567-89AB-cdef-0123456789ab"

ACCEPTED: list[tuple[rules.Rule, list[Any]]] = [
    (rules.online_name, ["abc", "a" * 32, "a-1", "Blue2", "a1-b2-c3"]),
    (rules.asset_name, ["a", "7", "a" * 255, "a._-b", "a-"]),
    (rules.guid, [GUID, f" {GUID} "]),
    (rules.tenant, [GUID, "contoso.com", "a.b-c.example"]),
    (rules.resource_group, ["g", "g" * 90, "rg.(1)_-", "rg-"]),
    (rules.workspace_name, ["abc", "a" * 33, "1_2-3"]),
    (rules.instance_type, ["Standard_DS3_v2", "standard_f2s_v2", "Standard_NC4as_T4-v3"]),
    (rules.route_path, ["/", "/score/v1"]),
    (rules.mount_path, ["/m", "/var/model"]),
    (rules.dockerfile, ["Dockerfile", "a/b.Dockerfile", "..a/b"]),
    (rules.script_name, ["score.py", "sub/score.py"]),
    (rules.rolling_rate, ["minute", "Hour", "DAY"]),
    (rules.registered_asset, ["azureml:m:3", "azureml:m@latest", "azureml://registries/r/models/m/versions/1"]),
    (rules.number_between(1, 50), [1, 2, 50]),
    (rules.one_of(("key", "token")), ["key", "token"]),
    (rules.text, ["", "one line", "one line\n", 7]),
    (rules.true_or_false, [True, False]),
    (rules.share, [0, 0.0, 0.5, 1, 1.0]),
    (rules.only_one, [1]),
    (rules.header_names, [["x-request-id", "User_Agent~1"], "a, b", [], ["${env:HEADER}", "a"]]),
    (rules.text_map, [{}, {"a": "b", "c": 1, "d": None}]),
    (rules.traffic, [{"blue": 100}, {"blue": 0, "green": 100}, {"blue": 99, "green": 1}]),
    (rules.mirror_traffic, [{"green": 1}, {"green": 50}]),
    (rules.duration(1, 120), [1, 120, "1s", "2m", 1.5]),
    (rules.steps, [[1], [100], [1, 100], "10, 50, 100", "[10, 20]", "10%, 20 %", (5, 6)]),
]

REFUSED: list[tuple[rules.Rule, list[Any]]] = [
    (rules.online_name, ["ab", "a" * 33, "1ab", "-ab", "a_b", "a b", "a.b", "a--b", "ab-", ""]),
    (rules.asset_name, ["", "a" * 256, "-a", ".a", "a b", "a/b"]),
    (rules.guid, ["", GUID[:-1], GUID + "0", GUID.replace("-", ""), "x" + GUID[1:]]),
    (rules.tenant, ["contoso", "contoso.", GUID[:-1], "a b.com"]),
    (rules.resource_group, ["", "g" * 91, "rg.", "r g"]),
    (rules.workspace_name, ["ab", "a" * 34, "-ab", "_ab", "a.b"]),
    (rules.instance_type, ["DS3_v2", "Standard_", "Standard_3", "Standard DS3"]),
    (rules.route_path, ["score", "/a b", "/a?b", "/a#b", ""]),
    (rules.mount_path, ["m", "/", "/a b", "/a:b"]),
    (rules.dockerfile, ["/Dockerfile", "../Dockerfile", "a/../b", "a/..", ""]),
    (rules.script_name, ["sub/", "/score.py", "../score.py", "score.py\n"]),
    (rules.rolling_rate, ["week", "hours", ""]),
    (rules.registered_asset, ["m:3", "azureml:m", "azureml:m@other", "azureml:m:1:2"]),
    (rules.number_between(1, 50), [0, 51, -1, 1.0, "1", True, None]),
    (rules.one_of(("key", "token")), ["Key", "", None, True]),
    (rules.text, [{}, [], {"a": 1}, "two\nlines"]),
    (rules.true_or_false, ["true", 1, 0, None]),
    (rules.share, [-0.01, 1.01, 2, -1, "0.5", True, False, None]),
    (rules.only_one, [0, 2, 86_400, 86_401, "1", True]),
    (rules.header_names, [["no good"], ["a", ""], {"a": 1}, [1], 7, ["a:b"]]),
    (rules.text_map, [[], "a=b", None, {"a": {}}, {"a": []}, {"a": "b", "c": {"d": 1}}]),
    (rules.traffic, [{}, None, [], "blue", {"blue": 99}, {"blue": 101}, {"blue": -1, "green": 101}, {"blue": "100"},
                     {"blue": True, "green": 99}, {"blue": 100.0}, {"blue": 60, "green": 60}]),
    (rules.mirror_traffic, [{}, None, [], {"a": 10, "b": 10}, {"a": 0}, {"a": 51}, {"a": True}, {"a": 1.0},
                            {"a": "9"}]),
    (rules.duration(1, 120), [0.9, 0, 120.5, "3m", "soon", None, True]),
    (rules.steps, [[0], [101], [-1, 5], [5, 5], [10, 50, 40], "many", [], "", [True, 50], [10, None]]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "values"), ACCEPTED)
def test_what_azure_accepts_has_no_problem(rule: rules.Rule, values: list[Any]) -> None:
    assert [value for value in values if rule(value) is not None] == []


@pytest.mark.parametrize(("rule", "values"), REFUSED)
def test_what_azure_refuses_is_said_in_a_sentence(rule: rules.Rule, values: list[Any]) -> None:
    assert [value for value in values if not (rule(value) or "").endswith(".")] == []


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("fraud_score", "try fraud-score."),
        ("1 my model", "try my-model."),
        ("a" * 40, f"try {'a' * 32}."),
        ("a" * 31 + "--b", f"try {'a' * 31}."),  # no dash at the end
        ("a__b--c-", "try a-b-c."),
        ("ab!", "for example fraud-score."),  # what remains is too short
        ("abc!", "try abc."),
        ("12", "for example fraud-score."),
    ],
)
def test_a_refused_name_comes_with_one_that_is_valid(name: str, suggested: str) -> None:
    assert (rules.online_name(name) or "").endswith(suggested)


@pytest.mark.parametrize(
    ("name", "why"),
    [("ab", "3 to 32"), ("a" * 33, "has 33"), ("1bc", "letter"), ("a_b", "underscore"), ("a b", "space"),
     ("a.b", "character ."), ("a--b", "dash"), ("abc-", "dash")],
)  # fmt: skip
def test_the_first_reason_is_the_one_that_applies(name: str, why: str) -> None:
    assert why in (rules.online_name(name) or "")


def test_an_asset_name_is_suggested_without_odd_characters() -> None:
    assert "try my-model." in (rules.asset_name(" my model!") or "")
    assert f"try {'a' * 255}." in (rules.asset_name("a" * 300) or "")
    assert "try churn-model." in (rules.asset_name("!!") or "")


def test_the_unit_is_said_where_there_is_one() -> None:
    assert "1 to 50 instances" in (rules.number_between(1, 50, "instances")(51) or "")
    assert "1 to 50 instances" in (rules.number_between(1, 50, "instances")("x") or "")
    assert "1 to 50." in (rules.number_between(1, 50)(51) or "")


def test_a_word_that_yaml_reads_as_a_boolean_is_explained() -> None:
    assert "YAML" in (rules.one_of(("on", "off"))(True) or "")
    assert "YAML" not in (rules.one_of(("on", "off"))("up") or "")


def test_a_success_threshold_beyond_every_limit_is_out_of_range() -> None:
    assert "only 1" in (rules.only_one(86_400) or "")
    assert "out of range" in (rules.only_one(86_401) or "")
    assert "out of range" in (rules.only_one(0) or "")


@pytest.mark.parametrize(
    ("value", "listed"),
    [("a, b", ["a", "b"]), ("a b,,c ", ["a", "b", "c"]), ("", []), (["a"], ["a"]), (("a", "b"), ["a", "b"]), ([], []),
     ([1], None), (["a", 1], None), ({"a": 1}, None), (7, None), (None, None)],
)  # fmt: skip
def test_a_list_of_texts_or_a_text_with_commas(value: Any, listed: list[str] | None) -> None:
    assert rules.listed(value) == listed


@pytest.mark.parametrize(
    ("value", "steps"),
    [([10, 50], (10, 50)), ("10, 50%", (10, 50)), ("[5]", (5,)), (7, (7,)), ((1, 2), (1, 2)), ([], None), ("", None),
     ("a", None), ([True], None), ([1, False], None)],
)  # fmt: skip
def test_the_steps_of_a_rollout(value: Any, steps: tuple[int, ...] | None) -> None:
    assert rules.steps_of(value) == steps
