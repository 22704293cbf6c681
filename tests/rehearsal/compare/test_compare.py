"""A recording of the rehearsal agrees with it; a doctored one shows what was changed, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recorded_run import RecordedRun, command

from tui.rehearsal.compare.shapes import compare_bodies, compare_headers

Line = dict[str, Any]


def compared(recording: Path, home: dict[str, str]) -> tuple[int, list[Line], Line]:
    done = command("rehearsal", "--compare", recording, "--json", env=home)
    assert not done.stderr, done.stderr
    *found, summary = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, found, summary


def written(path: Path, lines: list[Line]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def first(lines: list[Line], method: str, ending: str, status: int | None = None) -> Line:
    for line in lines[1:]:
        fits = line["method"] == method and line["url"].partition("?")[0].endswith(ending)
        if fits and status in (None, line["response"]["status"]):
            return line
    raise AssertionError(f"no {method} {ending}")


@pytest.mark.slow
def test_the_rehearsal_answers_as_it_answered(recorded_run: RecordedRun) -> None:
    code, found, summary = compared(recorded_run.file, recorded_run.home)
    assert found == []
    assert code == 0
    assert summary["differences"] == 0
    assert summary["operations"] > 15
    collapsed = summary["not_compared"].pop("repeated poll of the same operation", 0)
    assert summary["not_compared"] == {}
    assert summary["compared"] + collapsed == len(recorded_run.lines) - 1


@pytest.mark.slow
def test_what_was_changed_is_found_worst_first(recorded_run: RecordedRun, tmp_path: Path) -> None:
    lines = copy.deepcopy(recorded_run.lines)
    endpoint = "/onlineEndpoints/{endpoint-1}"
    deployment = f"{endpoint}/deployments/{{deployment-1}}"
    first(lines, "PUT", endpoint)["response"]["headers"]["Retry-After"] = "10"
    first(lines, "GET", endpoint, 200)["response"]["body"]["properties"]["planted"] = {"inside": "{text}"}
    del first(lines, "PUT", deployment)["response"]["body"]["properties"]["dataCollector"]
    first(lines, "PUT", "/versions/1", 201)["response"]["status"] = 202
    usages = first(lines, "GET", "/usages")
    for item in usages["response"]["body"]["value"]:
        item["limit"] = "{text}"
    upload = first(lines, "PUT", ".py")
    del upload["response"]["headers"]["ETag"]
    workspace = first(lines, "GET", "/workspaces/{workspace}")
    unknown = copy.deepcopy(workspace)
    unknown["seq"] = len(lines)
    unknown["url"] = workspace["url"].replace("?", "/plantedOperations?")
    code, found, summary = compared(written(tmp_path / "doctored.jsonl", [*lines, unknown]), recorded_run.home)
    assert code == 1
    assert summary["differences"] == len(found)
    assert [(line["kind"], line["where"]) for line in found] == [
        ("unknown operation", ""),
        ("status", ""),
        ("missing field", "properties.planted"),
        ("type", "value[].limit"),
        ("missing header", "retry-after"),
        ("additional field", "properties.dataCollector"),
        ("additional header", "etag"),
    ]
    by_kind = {line["kind"]: line for line in found}
    assert by_kind["unknown operation"]["operation"].endswith("/plantedOperations")
    assert (by_kind["status"]["recorded"], by_kind["status"]["rehearsal"]) == ("202", "201")
    assert (by_kind["type"]["recorded"], by_kind["type"]["rehearsal"]) == ("string", "number")
    text = command("rehearsal", "--compare", tmp_path / "doctored.jsonl", env=recorded_run.home)
    assert text.returncode == 1
    assert "missing field properties.planted: GET …/workspaces/{workspace}/onlineEndpoints/{endpoint}" in text.stdout


@pytest.mark.slow
def test_a_recording_that_was_cut_off(recorded_run: RecordedRun, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl"
    cut.write_text("\n".join(recorded_run.text.splitlines()[:12]) + "\n" + recorded_run.text.splitlines()[12][:40])
    code, found, summary = compared(cut, recorded_run.home)
    assert (code, found) == (0, [])
    assert summary["compared"] == 11


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "There is no file"),
        ("", "not a recording"),
        ("{}\n", "not a recording"),
        ("\x00\x01 nonsense", "not a recording"),
    ],
)
def test_what_is_no_recording(content: str | None, said: str, tmp_path: Path, rehearsal_home: dict[str, str]) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    done = command("rehearsal", "--compare", path, env=rehearsal_home)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


Change = Callable[[Line], Any]
BODY = {"id": "x", "tags": {"a": "b"}, "properties": {"n": 1, "list": [{"a": 1}, {"a": 2, "b": None}], "none": None}}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda body: None, []),
        (lambda body: body.update(id="y", tags={"c": "d", "e": "f"}), []),
        (lambda body: body["properties"].update(n=2.5), []),
        (lambda body: body["properties"].update(list=[]), []),
        (lambda body: body.pop("id"), [("missing field", "id")]),
        (lambda body: body.update(more={"x": 1}), [("additional field", "more")]),
        (lambda body: body.update(id=None), [("type", "id")]),
        (lambda body: body["properties"].update(n=True), [("type", "properties.n")]),
        (lambda body: body["properties"]["list"][1].pop("b"), [("missing field", "properties.list[].b")]),
        (lambda body: body["properties"].update(list={}), [("type", "properties.list")]),
    ],
)
def test_bodies(change: Change, expected: list[tuple[str, str]]) -> None:
    found = copy.deepcopy(BODY)
    change(found)
    assert [(item.kind, item.where) for item in compare_bodies(BODY, found)] == expected


def test_headers() -> None:
    recorded = {
        "Location": "https://management.azure.com/subscriptions/{subscription}/x/{guid-1}?api-version=1&t={value}",
        "x-ms-request-id": "{guid}",
        "Content-Length": "1",
    }
    same = {"location": "https://127.0.0.1:1/subscriptions/abc/x/def?api-version=1", "X-Ms-Request-Id": "1"}
    assert compare_headers(recorded, same) == []
    other = {"Location": "https://127.0.0.1:1/subscriptions/abc/y/def", "Retry-After": "1"}
    found = [(item.kind, item.where) for item in compare_headers(recorded, other)]
    assert found == [
        ("header", "location"),
        ("additional header", "retry-after"),
        ("missing header", "x-ms-request-id"),
    ]
