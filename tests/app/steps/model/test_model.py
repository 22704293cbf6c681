"""The step Model: slow file systems, registered models, texts about the files, the sample."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.slow_mount import slow_mount
from tui.app.steps import az_files
from tui.app.steps.as_cli import as_code
from tui.app.steps.model.pane import ModelPane
from tui.app.steps.review import summary
from tui.app.widgets import folder_entries
from tui.app.widgets.field_row import FieldRow
from tui.app.widgets.file_tree import FileTree
from tui.app.widgets.folder_entries import Entry, Listing
from tui.app.widgets.path_picker import ModelList, PathPicker
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

PATH = "deployment.model.path"
INSPECTED = {
    "path": "m", "registered": None, "exists": True, "flavour": "xgboost", "versions": {"xgboost": "2.1.4"},
    "files": 6, "bytes": 140_000, "complete": True, "ignore_file": None, "left_out": 0, "left_out_names": [],
    "signature": [{"name": "age", "type": "long"}], "sample": {"data": [{"age": 0}]}, "sample_source": "signature",
    "score": {"found": True, "asked": True, "has_init": True, "has_run": True, "problem": None},
    "conda": {"found": True, "asked": True, "python": "3.10", "has_server": True, "server": "==1.5.1", "problem": None},
    "findings": [],
}  # fmt: skip
COUNTED = {"files": 6, "bytes": 140_000, "complete": True, "ignore_file": None, "left_out": 0, "left_out_names": [],
           "unreadable": [], "seconds": 0.1, "ended": True}  # fmt: skip


def inspected(**more: Any) -> dict[str, Any]:
    """An answer about the model's files."""
    return {**INSPECTED, **more}


def row(walk: Walk, key: str) -> FieldRow:
    """The row of a path."""
    return walk.app.screen.query_one("#row-" + key.replace(".", "-"), FieldRow)


def tree(walk: Walk) -> FileTree:
    """The files."""
    return walk.app.screen.query_one(FileTree)


async def browse(walk: Walk, key: str = PATH) -> None:
    """Open the files of a path's row, with the keyboard."""
    row(walk, key).control.focus()
    await walk.until(lambda: row(walk, key).control.has_focus, "the field has the focus")
    await walk.press("down")
    await walk.until(lambda: walk.app.screen.query_one(PathPicker).display, "the files are shown")


async def mark(walk: Walk, name: str) -> None:
    """Press Down until a name is marked."""
    await walk.until(lambda: name in walk.text(), name)
    await walk.press("home")
    for _ in range(60):
        marked = tree(walk).marked
        if marked is not None and marked.name == name:
            return
        await walk.press("down")
    raise AssertionError(f"{name} cannot be marked\n{walk.text()}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose names are as people have them."""
    place = tmp_path / "files of 'mine' and \"yours\""
    for name in ("wide 模型/weights.bin", "second model/model.pkl", "code/score.py", "conda [draft].yml"):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("12345")
    return place


@pytest.mark.smoke
async def test_a_folder_is_taken_from_the_tree_with_spaces_quotes_and_wide_characters(folder: Path) -> None:
    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED)
    async with wizard(answers, sets=(f"{PATH}={folder / 'code'}",)) as walk:
        await walk.to("model")
        await browse(walk)
        await walk.sees("wide 模型/", "second model/", "conda [draft].yml")
        await mark(walk, "wide 模型")
        await walk.press("enter")
        await walk.until(lambda: walk.store.value(PATH) == str(folder / "wide 模型"), "the folder is in the plan")
        assert not walk.app.screen.query_one(PathPicker).display
        assert row(walk, PATH).control.has_focus
        assert walk.store.provenance(PATH) == "you"
        assert walk.store.problem(PATH) is None


async def test_what_is_not_wanted_cannot_be_taken_and_esc_goes_back(folder: Path) -> None:
    key = "deployment.environment.conda_file"
    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED)
    async with wizard(answers, sets=(f"{key}={folder / 'conda [draft].yml'}",)) as walk:
        await walk.to("model")
        await browse(walk, key)
        assert not walk.app.screen.query_one("#picker-kind").display, "only models can be registered models"
        await mark(walk, "second model")
        await walk.press("enter")  # a folder is no conda file: it is opened
        await mark(walk, "model.pkl")
        await walk.press("left", "left")
        await walk.until(lambda: "model.pkl" not in walk.text(), "the folder is closed")
        await walk.press("escape")
        await walk.until(lambda: not walk.app.screen.query_one(PathPicker).display)
        assert walk.store.value(key) == str(folder / "conda [draft].yml")
        await browse(walk, "deployment.code_configuration.code")
        tree(walk).look_into(str(folder))
        await mark(walk, "conda [draft].yml")
        await walk.press("enter")
        await walk.sees("! Select a folder here")


async def test_next_closes_the_files_and_checks_every_field() -> None:
    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED)
    async with wizard(answers, sets=("deployment.environment.conda_file=nowhere.yml",)) as walk:
        await walk.to("model")
        await browse(walk)
        await walk.tab_to("next")
        await walk.press("enter")
        await walk.until(lambda: row(walk, "deployment.environment.conda_file").control.has_focus, "the wrong field")
        await walk.sees("nowhere.yml does not")


async def test_left_at_the_top_shows_the_folder_above(folder: Path) -> None:
    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED)
    async with wizard(answers, sets=(f"{PATH}={folder / 'code/score.py'}",)) as walk:
        await walk.to("model")
        await browse(walk)
        await walk.sees("score.py")
        await walk.press("home", "left")
        await walk.sees("second model/")
        assert tree(walk).folder == str(folder)


def written(path: Path) -> Any:
    """What a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


# Slow file systems


class Stuck:
    """A folder whose entries come one by one, each when it is let through; and one that never answers."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.threads: set[int] = set()

    def __call__(self, folder: str) -> Iterator[Entry]:
        self.threads.add(threading.get_ident())
        for number in range(1000):
            self.gate.acquire()
            name = f"entry-{number:04}"
            yield Entry(name, f"{folder}/{name}", number == 0)


async def test_entries_appear_as_they_come_and_keys_are_answered_meanwhile() -> None:
    stuck = Stuck()
    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED)
    async with wizard(answers) as walk:
        await walk.to("model")
        pane = walk.app.screen.query_one(ModelPane)
        pane.picker.files.lister = stuck
        await browse(walk)
        await walk.sees("reading …", "▸ Reading")
        assert "entry-0000" not in walk.text()
        stuck.gate.release()
        await walk.sees("entry-0000/")
        field = row(walk, PATH).control
        field.focus()
        for letter in "typed":
            await walk.press(letter)
        assert isinstance(field, Input) and field.value.endswith("typed"), "the folder is still being read"
        stuck.gate.release(2)
        await walk.sees("entry-0001", "entry-0002")
        assert threading.get_ident() not in stuck.threads, "nothing is read on the screen's own thread"
        await walk.press("pageup")
        await walk.until(lambda: walk.app.screen.step == "endpoint", "the step is left at once")
        stuck.gate.release(1000)  # what comes now is dropped
        await walk.to("model")
        assert not walk.app.screen.query_one(PathPicker).display


async def test_closing_a_folder_drops_what_comes_late() -> None:
    gate = threading.Event()
    came = threading.Event()

    def slow(folder: str) -> Iterator[Entry]:
        if folder.endswith("sub"):
            gate.wait(30)
            yield Entry("late", f"{folder}/late", False)
            came.set()
        else:
            yield Entry("sub", f"{folder}/sub", True)

    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED)
    async with wizard(answers) as walk:
        await walk.to("model")
        walk.app.screen.query_one(ModelPane).picker.files.lister = slow
        await browse(walk)
        await mark(walk, "sub")
        await walk.press("right")
        await walk.sees("sub/  reading")
        await walk.press("left")  # closed before anything came
        gate.set()
        await walk.until(lambda: came.is_set() or "late" not in walk.text())
        await walk.pilot.pause(0.3)
        assert "late" not in walk.text()


async def test_a_folder_that_cannot_be_read_says_so_in_its_place(tmp_path: Path) -> None:
    def refused(folder: str) -> Iterator[Entry]:
        raise PermissionError(13, "Permission denied")
        yield

    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED)
    async with wizard(answers) as walk:
        await walk.to("model")
        walk.app.screen.query_one(ModelPane).picker.files.lister = refused
        await browse(walk)
        await walk.sees("✖ Permission denied")


async def test_a_folder_with_very_many_entries_ends_with_a_word(tmp_path: Path) -> None:
    def many(folder: str) -> Iterator[Entry]:
        return (Entry(f"{number}.bin", f"{folder}/{number}.bin", False) for number in range(100_000))

    listing = Listing("/x", many, measure=lambda entry: entry)
    deadline = time.monotonic() + 60
    taken: list[Entry] = []
    while not listing.finished and time.monotonic() < deadline:
        taken += listing.take()
    assert len(taken) == folder_entries.MOST and listing.more


@pytest.mark.slow
async def test_a_real_mount_with_two_seconds_a_look_stays_usable(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "mount"
    target.mkdir()
    answers = recorded_answers(inspect_model=INSPECTED, count_files=COUNTED)
    try:
        mounted = slow_mount(folder, target, 2.0)
        mounted.__enter__()
    except OSError as reason:
        pytest.skip(f"no file system can be mounted here: {reason}")
    try:
        async with wizard(answers, sets=(f"{PATH}={target}/x",)) as walk:
            await walk.to("model")
            began = time.monotonic()
            await browse(walk)
            await walk.until(lambda: tree(walk).folder == str(target), "its folder is shown", 60)
            await walk.sees("▸ Reading")
            echoes = []
            field = row(walk, PATH).control
            field.focus()
            assert isinstance(field, Input)
            await walk.press("end")
            for letter in "abcdefghij":  # while the file system does not answer
                pressed = time.monotonic()
                await walk.press(letter)
                echoes.append(time.monotonic() - pressed)
                assert field.value.endswith(letter)
            assert "second model" not in walk.text() or time.monotonic() - began > 2
            counts = set()

            def all_there() -> bool:
                counts.add(len(tree(walk).root.children))
                return len(tree(walk).root.children) == 4

            await walk.until(all_there, "all entries have come", 60)
            assert len(counts) > 2, "they came one by one"
            assert time.monotonic() - began > 4, "the file system was slow indeed"
            print(f"longest echo {max(echoes) * 1000:.0f} ms")
    finally:
        mounted.__exit__(None, None, None)


# Texts


async def test_running_figures_replace_each_other_until_everything_is_counted() -> None:
    so_far = {**COUNTED, "files": 1200, "bytes": 3_100_000_000, "complete": False, "ended": False, "seconds": 2}
    ended = {**COUNTED, "files": 5000, "bytes": 9_900_000_000, "left_out": 3, "left_out_bytes": 30,
             "left_out_names": ["logs/a", "logs/b", "c"], "ignore_file": ".amlignore"}  # fmt: skip
    answers = recorded_answers(inspect_model=inspected(complete=False, files=10, bytes=10), count_files=so_far)
    async with wizard(answers) as walk:
        await walk.to("model")
        await walk.sees("1,200 files, 3.1 GB so far, counting")
        answers.answers["count_files"] = ended
        await walk.sees("5,000 files, 9.9 GB", "3 files, 30 B, by .amlignore: logs/a, logs/b, c")


async def test_the_sample_of_the_signature_becomes_the_test_request(home: Path) -> None:
    async with wizard(recorded_answers(inspect_model=INSPECTED)) as walk:
        await walk.to("model")
        await walk.sees("Use the sample as the test request")
        await walk.tab_to("use-sample")
        await walk.press("enter")
        await walk.until(lambda: "plans" in str(walk.store.value("test.request")), "the request is in the plan")
        path = Path(walk.store.value("test.request"))
        assert walk.store.provenance("test.request") == "the model's signature"
    assert home in path.parents and written(path) == {"data": [{"age": 0}]}


async def test_a_sample_that_the_plan_has_already_is_not_offered() -> None:
    async with wizard(recorded_answers(inspect_model=inspected(sample_source="plan"))) as walk:
        await walk.to("model")
        await walk.sees("✔ Script")
        assert "Use the sample" not in walk.text()


# Registered models

MODELS = {"items": [{"value": "azureml:churn:7", "label": "churn", "detail": "version 7", "sets": {}},
                    {"value": "azureml:fraud:2", "label": "fraud", "detail": "version 2", "sets": {}}],
          "reason": ""}  # fmt: skip
VERSIONS = {"items": [{"value": f"azureml:fraud:{number}", "label": str(number), "detail": "custom_model",
                       "sets": {}} for number in (2, 1)], "reason": ""}  # fmt: skip


async def test_a_registered_model_and_its_version_are_taken_with_keys() -> None:
    answers = recorded_answers(
        inspect_model=inspected(registered="azureml:fraud:1", exists=False),
        registered_models=MODELS,
        versions_of=lambda asked: VERSIONS if asked["model"] == "fraud" else {"items": [], "reason": "none"},
    )
    async with wizard(answers) as walk:
        await walk.to("model")
        await browse(walk)
        await walk.tab_to("picker-kind")
        await walk.press("right")
        await walk.sees("churn", "fraud", "2 models")
        assert isinstance(walk.app.screen.focused, ModelList)
        await walk.press("down", "enter")
        await walk.sees("2 versions of fraud")
        await walk.press("down", "enter")
        await walk.until(lambda: walk.store.value(PATH) == "azureml:fraud:1", "the version is in the plan")
        await walk.sees("azureml:fraud:1: a registered model, nothing is uploaded")


async def test_models_that_cannot_be_listed_say_why_and_can_be_typed() -> None:
    refused = HelperError("The models cannot be listed", "Not allowed.", "Ask for the role AzureML Data Scientist.")
    async with wizard(recorded_answers(inspect_model=INSPECTED, registered_models=refused)) as walk:
        await walk.to("model")
        await browse(walk)
        await walk.tab_to("picker-kind")
        await walk.press("right")
        await walk.sees("✖ The models cannot be listed", "AzureML Data Scientist")


async def test_a_plan_needs_no_model_if_the_image_or_the_script_has_it() -> None:
    async with wizard(recorded_answers(inspect_model=inspected(path=None, exists=False)), sets=(f"{PATH}=",)) as walk:
        await walk.to("model")
        await walk.sees("none in the plan: the image or the scoring script must have it")
        assert PATH not in walk.store.problems()
        assert "model" not in az_files.deployment(walk.store)
        assert "No model is registered" in as_code("model", walk.store)
        assert PATH not in {value.field.key for value in summary.values(walk.store, {})}
        walk.store.set("deployment.code_configuration.code", "")
        assert "Model is required." in walk.store.problems()[PATH]


async def test_a_model_in_a_datastore_is_no_registered_one() -> None:
    path = "azureml://datastores/workspaceblobstore/paths/m"
    async with wizard(recorded_answers(inspect_model=inspected(path=path)), sets=(f"{PATH}={path}",)) as walk:
        await walk.to("model")
        assert f"--path {path}" in as_code("model", walk.store)
        await browse(walk)
        assert tree(walk).display
