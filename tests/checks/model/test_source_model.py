"""A model in another location for forms: which of its files are read, and what is told if it cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from tui.checks.model import source_model
from tui.cloud.errors import CloudError
from tui.cloud.sources import staging
from tui.cloud.sources.source_listing import Item, Listing
from tui.plan import model as m

EXACT = "runs:/0123/model"
MLMODEL = {
    "flavors": {"python_function": {"env": {"conda": "conda.yaml"}}, "sklearn": {}},
    "saved_input_example_info": {"artifact_path": "example.json"},
}


def plan(source: str = EXACT) -> m.Plan:
    model = m.Model(name="m", source=source, type="mlflow_model")
    return m.Plan(workspace=m.Workspace("s", "rg", "ws"), deployment=m.Deployment(model=model))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let the source hold files, by name and text (or size); returns the names of those that are fetched."""

    def hold(files: dict[str, Any], in_place: str | None = None) -> list[str]:
        fetched: list[str] = []

        def fetch(item: Item, target: Path, progress: Callable[[int], None]) -> None:
            fetched.append(item.name)
            if files[item.name] is None:
                raise CloudError("The file cannot be read")
            target.write_text(str(files[item.name]))

        sizes = {name: text if isinstance(text, int) else len(str(text)) for name, text in files.items()}
        listing = Listing(EXACT, "model", tuple(Item(*item) for item in sizes.items()), fetch, in_place)
        monkeypatch.setattr(staging, "listing", lambda cloud, source: listing)
        return fetched

    return hold


def nobody() -> Any:
    raise AssertionError("Azure is not needed")


def test_only_the_files_that_describe_the_model_are_fetched(held: Any) -> None:
    text = json.dumps(MLMODEL)
    fetched = held({"MLmodel": text, "conda.yaml": "dependencies: []", "model.pkl": "x" * 9, "example.json": "[1]"})
    answer = source_model.inspect(plan(), nobody)
    assert fetched == ["MLmodel", "conda.yaml", "example.json"]
    assert (answer["files"], answer["bytes"]) == (4, len(text) + 16 + 9 + 3)
    assert (answer["exists"], answer["complete"], answer["unreadable"]) == (True, True, [])
    assert (answer["flavour"], answer["conda"]["asked"], answer["conda"]["found"]) == ("sklearn", True, True)
    assert answer["source"] == {"exact": EXACT, "in_place": False, "problem": ""}


def test_an_mlmodel_that_is_read_in_place_is_told_by_its_name(held: Any) -> None:
    held({"MLmodel": json.dumps({"flavors": []})}, in_place="azureml://x")
    answer = source_model.inspect(plan(), nobody)
    assert answer["source"]["in_place"] is True
    places = [one["looked_at"] for one in answer["findings"] if one["id"] == "mlmodel"]
    assert places == [f"{EXACT}/MLmodel"], "the private folder is not shown"


@pytest.mark.parametrize(
    ("files", "fetched"),
    [
        ({"MLmodel": 1_000_000}, ["MLmodel"]),
        ({"MLmodel": 1_000_001}, []),
        ({"sub/MLmodel": "x", "": "x"}, []),
        ({"requirements.txt": "x", "python_env.yaml": "x", "notes.txt": "x"}, ["requirements.txt", "python_env.yaml"]),
        ({"MLmodel": json.dumps(MLMODEL), "example.json": 1_000_001}, ["MLmodel"]),
        ({"MLmodel": json.dumps(MLMODEL).replace("example.json", "a/b.json"), "a/b.json": "[1]"}, ["MLmodel"]),
        ({"MLmodel": '{"flavors": {}, "saved_input_example_info": "e"}', "e": "x"}, ["MLmodel"]),
        ({"MLmodel": '{"flavors": {}, "saved_input_example_info": {"artifact_path": ["e"]}}', "e": "x"}, ["MLmodel"]),
    ],
)
def test_large_and_other_files_are_only_counted(held: Any, files: dict[str, Any], fetched: list[str]) -> None:
    got = held(files)
    answer = source_model.inspect(plan(), nobody)
    assert got == fetched and answer["files"] == len(files)


def test_a_file_that_cannot_be_read_is_told_and_the_rest_counted(held: Any) -> None:
    held({"MLmodel": None, "model.pkl": "12345"})
    answer = source_model.inspect(plan(), nobody)
    assert "The file cannot be read" in answer["source"]["problem"] and answer["files"] == 2


@pytest.mark.parametrize(
    ("source", "asked"),
    [("runs:/1/m", False), ("models:/a/1", False), ("abfss://c@a.dfs.core.windows.net/m", True)],
)
def test_azure_is_asked_only_for_what_it_holds(held: Any, source: str, asked: bool) -> None:
    held({"MLmodel": "flavors: {}"})
    connected: list[bool] = []
    source_model.inspect(plan(source), lambda: connected.append(True))  # type: ignore[arg-type,return-value]
    assert bool(connected) is asked


def test_a_source_that_cannot_be_listed_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Listing:
        raise CloudError("It is closed", remedy="Open it.")

    monkeypatch.setattr(staging, "listing", refuse)
    answer = source_model.inspect(plan(), nobody)
    assert answer["source"] == {"exact": EXACT, "in_place": False, "problem": "It is closed", "remedy": "Open it."}
    assert answer["exists"] is False
