"""A test request is read, its rows are found in each known format, and each kind of column is compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.checks.scoring import sample_request

ROW = {"a": 1}


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ({"data": [ROW]}, [ROW]),
        ({"dataframe_records": [ROW, ROW]}, [ROW, ROW]),
        ({"inputs": [ROW]}, [ROW]),
        ({"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}}, [{"a": 1}, {"a": 2}]),
        ({"input_data": {"columns": [0], "data": [[1]]}}, [{"0": 1}]),
        ({"columns": ["a"], "data": [[1]]}, None),
        ({"input_data": {"columns": ["a"], "data": [[1], 2]}}, None),
        ({"input_data": {"columns": "a", "data": [[1]]}}, None),
        ({"input_data": {"columns": ["a"], "data": "b"}}, None),
        ({"data": [ROW, 1]}, None),
        ({"data": []}, None),
        ({"other": [ROW]}, None),
        ([ROW], [ROW]),
        ("text", None),
        (None, None),
    ],
)
def test_rows_of_a_body(body: Any, rows: list[dict[str, Any]] | None) -> None:
    assert sample_request.rows(body) == rows


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("long", 1, True), ("long", 1.0, True), ("long", 1.5, False), ("long", True, False), ("integer", "1", False),
        ("integer", 2, True), ("double", 1.5, True), ("double", 1, True), ("double", False, False),
        ("float", "x", False), ("boolean", True, True), ("boolean", 1, False), ("string", "x", True),
        ("string", 1, False), ("long", None, True), ("string", None, True), ("datetime", 5, True),
    ],
)  # fmt: skip
def test_a_value_fits_its_type(kind: str, value: object, fits: bool) -> None:
    assert sample_request.misfits([{"a": value}], [{"name": "a", "type": kind}]) == (
        [] if fits else [f"Row 1: a is not of type {kind}."]
    )


def test_unnamed_columns_are_not_compared() -> None:
    assert sample_request.misfits([{"a": 1}], [{"name": "", "type": "tensor"}]) == []


@pytest.mark.parametrize(("columns", "named", "more"), [(1, 1, ""), (6, 6, ""), (7, 6, "1 more"), (9, 6, "3 more")])
def test_missing_columns_are_named_up_to_six(columns: int, named: int, more: str) -> None:
    (said,) = sample_request.misfits([{}], [{"name": f"c{n}_", "type": "long"} for n in range(columns)])
    assert [f"c{n}_" in said for n in range(columns)] == [n < named for n in range(columns)]
    assert ("more" in said) == bool(more)
    assert more in said


@pytest.mark.parametrize(("bad", "told"), [(1, 2), (2, 4), (3, 5), (9, 5)])
def test_at_most_five_differences_are_told(bad: int, told: int) -> None:
    found = sample_request.misfits([{"b": 1}] * bad, [{"name": "a", "type": "long"}])
    assert len(found) == told
    assert found[0].startswith("Row 1 ")
    assert "a" in found[0]
    assert "b" in found[1]


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [(b"{}", None, False), (b"\xef\xbb\xbf{}", None, False), (b'{\n"a": }', 2, True), (b"\xff\xfe", None, True),
     (b"[" * 100_000, None, True), (None, None, True)],
)  # fmt: skip
def test_what_is_read(tmp_path: Path, content: bytes | None, line: int | None, problem: bool) -> None:
    path = tmp_path / "sample.json"
    if content is not None:
        path.write_bytes(content)
    found = sample_request.read(path)
    assert (bool(found.problem), found.line) == (problem, line)
    assert (found.body == {}) == (not problem)


@pytest.mark.parametrize(("size", "problem"), [(20_000_000, False), (20_000_001, True)])
def test_the_largest_request(tmp_path: Path, size: int, problem: bool) -> None:
    path = tmp_path / "sample.json"
    path.write_bytes(b" " * (size - 2) + b"{}")
    found = sample_request.read(path)
    assert ("20 MB" in found.problem) == problem
    assert (found.body == {}) == (not problem)


def test_a_file_of_another_kind_has_no_problem_and_no_body(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    found = sample_request.read(tmp_path / "a.png")
    assert (found.problem, found.body, found.kind) == ("", None, "image/png")
