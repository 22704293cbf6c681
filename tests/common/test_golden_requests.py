"""Golden requests: what a file may hold, and when an answer is as expected."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tui.common.golden_requests import (
    MOST_BYTES,
    MOST_TOLD,
    GoldenInvalid,
    GoldenRequest,
    compared,
    in_words,
    judged,
    read,
    value_of,
)
from tui.common.request_body import RequestBody

ITEMS: list[dict[str, Any]] = [
    {"name": "young", "request": {"data": [[1, 2]]}, "expected": {"churn": [0.25]}, "tolerance": {"absolute": 0.01}},
    {"request": "a,b\n1,2\n", "status": 424, "ignore": ["time"]},
    {"request_file": "body.json", "expected": None},
]


def golden(**more: Any) -> GoldenRequest:
    return GoldenRequest("one", RequestBody(b"{}"), True, **more)


def said(one: GoldenRequest, got: Any) -> list[str]:
    return judged(one, 200, json.dumps(got)).lines()


@pytest.mark.parametrize("name", ["golden.jsonl", "golden.json", "golden.yml"])
def test_a_file_is_read_in_each_of_its_forms(tmp_path: Path, name: str) -> None:
    import yaml

    forms = {"jsonl": "\n\n".join(map(json.dumps, ITEMS)), "json": json.dumps(ITEMS), "yml": yaml.safe_dump(ITEMS)}
    (tmp_path / name).write_text(forms[name.partition(".")[2]])
    (tmp_path / "body.json").write_bytes(b"[7]")
    first, second, third = read(tmp_path / name)
    assert (first.name, json.loads(first.body), first.body.content_type) == (
        "young",
        {"data": [[1, 2]]},
        "application/json",
    )
    assert (first.compared, first.expected, first.absolute, first.relative) == (True, {"churn": [0.25]}, 0.01, None)
    assert (second.name, second.body, second.body.content_type) == ("request 2", b"a,b\n1,2\n", "text/plain")
    assert (second.compared, second.status, second.ignore) == (False, 424, ("time",))
    assert (third.body, third.compared, third.expected) == (b"[7]", True, None)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.jsonl", "", "a.jsonl, line 1: there is no request."),
        ("a.jsonl", '{"request": 1}\n{"request": 1', "a.jsonl, line 2: this is not JSON: Expecting ',' delimiter."),
        ("a.jsonl", '{"request": 1}\n\n{"req": 1}', "a.jsonl, line 3, req: this key is unknown"),
        ("a.jsonl", '{"request": 1}\n7', "a.jsonl, line 2, request: this is not a map"),
        ("a.jsonl", '{"request": 1, "request_file": "a.jsonl"}', "line 1, request: write either"),
        ("a.jsonl", '{"request_file": "no.json"}', "line 1, request_file: the file no.json does not exist"),
        ("a.jsonl", '{"request": 1, "status": "200"}', "line 1, status: it must be a whole number"),
        ("a.jsonl", '{"request": 1, "status": true}', "line 1, status: it must be a whole number"),
        ("a.jsonl", '{"request": 1, "tolerance": 0.1}', "line 1, tolerance: it must be a map"),
        ("a.jsonl", '{"request": 1, "tolerance": {"relative": -1}}', "line 1, tolerance.relative: it must be a number"),
        ("a.jsonl", '{"request": 1, "tolerance": {"absolute": NaN}}', "line 1, tolerance.absolute: it must be"),
        ("a.jsonl", '{"request": 1, "tolerance": {"rel": 1}}', "line 1, tolerance.rel: this key is unknown"),
        ("a.jsonl", '{"request": 1, "ignore": "time"}', "line 1, ignore: it must be a list of paths"),
        ("a.jsonl", '{"request": 1, "name": "a\\nb"}', "line 1, name: it must be a text"),
        ("a.jsonl", '{"request": "\\ud800"}', "line 1, request: NaN, infinity and halves"),
        ("a.jsonl", '{"request": NaN}', "line 1, request: NaN, infinity and halves"),
        ("a.jsonl", '{"name": "a", "request": 1}\n' * 2, "line 2, name: a is also the name in line 1."),
        ("a.jsonl", '{"req": 1}\n' * 4, "and 5 more"),
        ("a.jsonl", "{" + '"request":[' * 100_000, "line 1: this is not JSON"),
        ("a.json", '[\n{"request": 1},\n{"request": 2,}]', "a.json, line 3: this is not JSON"),
        ("a.json", '[{"request": 1}, {"request_file": "no"}]', "a.json, item 2, request_file: the file no does"),
        ("a.yml", "- request: 1\n- request: 2020-01-01\n", "a.yml, line 2: this is not YAML: it has a value that JSON"),
        ("a.yml", "- request: 1\n- request: [\n", "a.yml, line 3: this is not YAML"),
        ("a.yml", "- request: 2020-99-99\n", "a.yml, line 1: this is not YAML"),
        ("a.yml", "- &a {request: [&b [1], *b]}", "a.yml, line 1: this is not YAML: aliases"),
        ("a.yml", "request: [1]\nname: [", "a.yml, line 2: this is not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_key(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(GoldenInvalid) as caught:
        read(tmp_path / name)
    assert told in str(caught.value)


def test_a_file_that_is_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for name, kind, told in (("a.jsonl", "JSON", "2,000 kB"), ("a.yml", "YAML", "100 kB")):
        (tmp_path / name).write_bytes(b" " * (MOST_BYTES[kind] + 1))
        with pytest.raises(GoldenInvalid, match=f"{name} is larger than {told}"):
            read(tmp_path / name)
    path.write_bytes(b'{"request": "\xff"}')
    with pytest.raises(GoldenInvalid, match="not UTF-8"):
        read(path)


@pytest.mark.parametrize(
    ("expected", "got", "tolerance", "same"),
    [
        (1.0, 1.25, {"absolute": 0.25}, True),
        (1.0, 1.250001, {"absolute": 0.25}, False),
        (100, 101, {"relative": 0.01}, True),
        (100, 101.5, {"relative": 0.01}, False),
        (-100, -101, {"relative": 0.01}, True),
        (0, 0.001, {"relative": 1}, False),  # relative to the expected value
        (0, 0.001, {"relative": 1, "absolute": 0.001}, True),
        (0.3, 0.1 + 0.2, {}, True),
        (0.3, 0.3001, {}, False),
        (123_456_789, 123_456_788, {}, False),  # a number without a fraction may be an id
        (1.0, 1, {}, True),
        (0.3, 0.1 + 0.2, {"absolute": 0}, False),  # a tolerance that is given is meant
        (True, 1, {"absolute": 5}, False),
        (None, 0, {"absolute": 5}, False),
        ("1", 1, {"absolute": 5}, False),
        (float("nan"), float("nan"), {}, True),
        (float("inf"), float("inf"), {}, True),
        (float("inf"), 1, {"relative": 0.1}, False),
        (1, float("inf"), {"relative": 0.1}, False),
        (10**400, 10**400 + 1, {"relative": 0.5}, False),
        ("a text", "a text", {}, True),
    ],
)
def test_numbers_may_differ_by_the_tolerance(expected: Any, got: Any, tolerance: dict[str, Any], same: bool) -> None:
    assert (said(golden(expected=expected, **tolerance), got) == []) is same


def test_differences_name_their_path_and_the_rest_is_counted() -> None:
    one = golden(expected={"rows": [{"p": 0.5, "c": "a"}, {"p": 0.1}], "n": 2})
    assert said(one, {"rows": [{"p": 0.75, "c": "a", "d": [1]}], "n": "2"}) == [
        "rows: expected 2 items, got 1 item",
        "rows[0].p: expected 0.5, got 0.75",
        "rows[0].d: expected nothing, got a list of 1 item",
        'n: expected 2, got "2"',
    ]
    assert said(one, 7) == ["the answer: expected a map with 2 items, got 7"]
    many = said(golden(expected=[0] * 30), [1] * 30)
    assert len(many) == MOST_TOLD + 1
    assert many[-1] == f"and {30 - MOST_TOLD} more"
    for answer in ("\x1b[2J" + "y" * 500, {"\x1b[2J\n\ud800" + "y" * 500: 1}, "\ud800"):
        (told,) = said(golden(expected={} if isinstance(answer, dict) else "x"), answer)
        assert told.isprintable() and len(told) < 150


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        (("rows[0].t",), ["rows[1].t", "meta.id"]),
        (("rows[*].t",), ["meta.id"]),
        (("rows", "meta"), []),
        (("*.id",), ["rows[0].t", "rows[1].t"]),
        (("row", "meta.i", "t"), ["rows[0].t", "rows[1].t", "meta.id"]),
    ],
)
def test_ignored_paths_are_not_compared(ignore: tuple[str, ...], left: list[str]) -> None:
    one = golden(expected={"rows": [{"t": 1}, {"t": 2}], "meta": {"id": 1}}, ignore=ignore)
    found = compared(one, one.expected, json.dumps({"rows": [{"t": 5}, {}], "meta": {"id": 9}}))
    assert [difference.path for difference in found] == left


def test_the_status_decides_first_and_alone_without_expected() -> None:
    assert judged(golden(expected=1), 500, "1", "It failed.").lines() == ["expected status 200, got 500. It failed."]
    plain = GoldenRequest("one", RequestBody(b"{}"))
    assert judged(plain, 200, "whatever").good
    assert judged(plain, 200, "error", "The body is an error text.").lines() == ["The body is an error text."]
    assert judged(GoldenRequest("one", RequestBody(b""), status=424), 424, "refused", "noted").good
    assert in_words([judged(plain, 200, ""), judged(plain, 500, "")]) == "1 of 2 golden requests as expected"


@pytest.mark.parametrize("body", ['{"a": [1]}', '"{\\"a\\": [1]}"'])
def test_json_in_a_json_text_is_taken_apart(body: str) -> None:
    assert judged(golden(expected={"a": [1]}), 200, body).good
    assert compared(golden(), value_of('{"a": [1]}'), body) == []


def test_an_answer_that_is_nested_deeply_is_compared() -> None:
    deep = "[" * 900 + "]" * 900
    assert compared(golden(), value_of(deep), deep) == []
    assert judged(golden(expected=1), 200, "[" * 100_000).count == 1


def random_value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(8 if depth < 4 else 6)
    if kind > 5:
        below = [random_value(chance, depth + 1) for _ in range(chance.randrange(1, 4))]
        return below if kind == 6 else {f"k{at}": one for at, one in enumerate(below)}
    return [None, chance.random() < 0.5, chance.randrange(-9, 9), chance.uniform(-9, 9), "t" * kind, "ü"][kind]


def changed(value: Any, chance: random.Random, at: str = "") -> tuple[str, Any]:
    """The value with one leaf replaced, and the leaf's path."""
    if isinstance(value, dict):
        key = chance.choice(sorted(value))
        path, below = changed(value[key], chance, f"{at}.{key}" if at else key)
        return path, {**value, key: below}
    if isinstance(value, list):
        place = chance.randrange(len(value))
        path, below = changed(value[place], chance, f"{at}[{place}]")
        return path, [*value[:place], below, *value[place + 1 :]]
    return at, "changed"


@pytest.mark.parametrize("seed", range(200))
def test_of_random_answers_exactly_the_changed_leaf_differs(seed: int) -> None:
    chance = random.Random(seed)
    value = random_value(chance)
    one = golden(expected=value)
    assert said(one, copy.deepcopy(value)) == []
    path, other = changed(value, chance)
    assert [found.path for found in compared(one, value, json.dumps(other))] == [path]
    assert [found.path for found in compared(one, other, json.dumps(value))] == [path]
    if path:
        assert said(golden(expected=value, ignore=(path,)), other) == []
