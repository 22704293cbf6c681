"""Which library wrote a model's file, and what the file tells of release and inputs."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Callable

import pytest

from tests import model_files as made
from tui.checks.model.model_files import recognise

Maker = Callable[[Path], Path]


@pytest.mark.parametrize(
    ("maker", "name", "kind", "version", "inputs", "row"),
    [
        (made.pipeline, "model.pkl", "sklearn", "1.6.1", ("age", "country"), 2),
        (made.xgboost_json, "model.json", "xgboost", "2.1.4", ("age", "balance"), 2),
        (made.xgboost_ubj, "model.ubj", "xgboost", "2.1.4", ("age", "balance"), 2),
        (made.lightgbm, "model.txt", "lightgbm", "", ("age", "balance"), 2),
        (made.catboost, "model.cbm", "catboost", "1.2.10", ("age", "country"), 2),
        (made.onnx, "model.onnx", "onnx", "", ("X",), (4,)),
        (made.keras, "model.keras", "keras", "3.8.0", (), (4,)),
        (made.torchscript, "model.pt", "torchscript", "", (), (3,)),
        (made.transformers, "bert", "transformers", "4.46.1", (), ()),
        (made.spacy, "nlp", "spacy", "3.8.7", (), ()),
        (made.prophet, "model.json", "prophet", "1.1.5", ("ds", "promo", "cap"), ()),
        (made.statsmodels, "ols.pickle", "statsmodels", "", ("age", "kind"), 2),
    ],
)
def test_what_a_file_tells(
    tmp_path: Path, maker: Maker, name: str, kind: str, version: str, inputs: tuple[str, ...], row: Any
) -> None:
    found = recognise(maker(tmp_path / name))
    assert found is not None
    told = found.features if isinstance(row, int) else found.shape
    assert (found.kind, found.version, found.inputs, told) == (kind, version, inputs, row)
    assert name in found.rests_on or "config.json" in found.rests_on or "meta.json" in found.rests_on


def test_a_column_of_categories_has_one_of_them_as_example(tmp_path: Path) -> None:
    found = recognise(made.pipeline(tmp_path / "model.pkl"))
    assert found is not None and found.examples == {"country": "DE"}
    found = recognise(made.catboost(tmp_path / "model.cbm"))
    assert found is not None and found.examples == {"country": "a"}


@pytest.mark.parametrize("written", ["__main__.Mine", "mine.Step"])
def test_a_class_of_the_folders_own_code_is_named(tmp_path: Path, written: str) -> None:
    (tmp_path / "mine.py").touch()
    step = made.instance(written, {})
    whole = made.instance("sklearn.pipeline.Pipeline", {"steps": [("own", step)]})
    found = recognise(made.write_pickle(tmp_path / "model.pkl", whole, step))
    assert found is not None and found.kind == "own" and written.partition(".")[0] in found.rests_on


def test_the_builtins_of_python_2_are_no_code_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x02csklearn.svm\nSVC\n)\x81}X\x01\x00\x00\x00ac__builtin__\nset\n)Rsb.")
    found = recognise(path)
    assert found is not None and found.kind == "sklearn"


def test_a_booster_in_a_pickle_tells_release_and_columns(tmp_path: Path) -> None:
    handle = made.xgboost_ubj(tmp_path / "model.ubj").read_bytes()
    booster = made.instance("xgboost.core.Booster", {"handle": bytearray(handle)})
    whole = made.instance("xgboost.sklearn.XGBClassifier", {"_Booster": booster})
    found = recognise(made.write_pickle(tmp_path / "model.pkl", whole, booster))
    assert found is not None and (found.package, found.version, found.inputs) == (
        "xgboost",
        "2.1.4",
        ("age", "balance"),
    )
    assert "scikit-learn" in found.also


def test_names_that_lightgbm_made_up_are_not_taken_for_columns(tmp_path: Path) -> None:
    found = recognise(made.lightgbm(tmp_path / "model.txt", "Column_0 Column_1 Column_2"))
    assert found is not None and (found.inputs, found.features) == ((), 3)


@pytest.mark.parametrize("name", ["model.pkl", "model.json", "model.txt", "model.cbm", "model.onnx", "model.pt"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\x80\x04", b"CBM1", b"\x08\x08\x3a\x7f", b"tree\n" * 9, bytes(99)])
def test_other_bytes_are_no_model(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = recognise(path)
    assert found is None or (name, found.features) == ("model.cbm", None)


def test_a_pickle_is_read_but_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Evil()))
    recognise(path)
    assert not (tmp_path / "ran").exists()
    pickle.loads(path.read_bytes())  # it would have run
    assert (tmp_path / "ran").exists()
