"""Files that a scoring script opens below AZUREML_MODEL_DIR, and what lies there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from plan_files import SCORE, MakePlan

from tui.checks.model import artifacts
from tui.checks.scoring import model_paths

ROOT = 'os.getenv("AZUREML_MODEL_DIR")'


def paths(body: str, before: str = "") -> list[str]:
    lines = "\n    ".join(body.splitlines())
    return [
        one.path for one in model_paths.opened(ast.parse(f"{before}\ndef init():\n    global model\n    {lines}\n"))
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"joblib.load(os.path.join({ROOT}, 'model/x.pkl'))", ["model/x.pkl"]),
        (f"joblib.load(os.path.join({ROOT}, 'model', 'x.pkl'))", ["model/x.pkl"]),
        (f"joblib.load(os.path.join({ROOT}, './model/') + '/x.pkl')", ["model/x.pkl"]),
        (f"root = Path({ROOT})\njoblib.load(root / 'model' / 'x.pkl')", ["model/x.pkl"]),
        (
            f"root = Path({ROOT}).resolve()\nroot = root.joinpath('model')\nopen(str(root / 'x.pkl'), 'rb')",
            ["model/x.pkl"],
        ),
        (
            f"r = {ROOT}\nopen(f'{{r}}/a/b')",
            ["a/b"],
        ),
        ("mlflow.pyfunc.load_model(os.environ['AZUREML_MODEL_DIR'] + '/model')", ["model"]),
        (f"mlflow.pyfunc.load_model(model_uri={ROOT})", [""]),
        (f"xgboost.Booster(model_file=os.path.join({ROOT}, 'm.ubj'))", ["m.ubj"]),
        (
            f"with open(os.path.join({ROOT}, 'a.json')) as f:\n  open(os.path.join({ROOT}, 'b.json'))",
            ["a.json", "b.json"],
        ),
        (f"try:\n  joblib.load(os.path.join({ROOT}, 'a'))\nexcept Exception as e:\n  print(e)\n  raise", ["a"]),
        (f"joblib.load(glob.glob(os.path.join({ROOT}, '*', '*.pkl'))[0])", ["*/*.pkl"]),
        (f"joblib.load(next(Path({ROOT}).rglob('*.pkl')))", ["**/*.pkl"]),
        (f"found = sorted(Path({ROOT}).glob('m/*.pkl'))\njoblib.load(found[0])", ["m/*.pkl"]),
        (f"p = os.path.join({ROOT}, 'a')\nif not os.path.exists(p):\n  raise OSError(p)\njoblib.load(p)", ["a"]),
        # Nothing certain:
        (f"p = os.path.join({ROOT}, 'a')\nif not os.path.exists(p):\n  load_from_hub(p)\njoblib.load(p)", []),
        (f"f = glob.glob({ROOT} + '/*/MLmodel')\nload_model(os.path.dirname(f[0]) if f else {ROOT})", []),
        (f"shutil.unpack_archive({ROOT} + '/a.zip', {ROOT})\njoblib.load({ROOT} + '/a')", []),
        (f"return\njoblib.load({ROOT} + '/a')", []),
        (f"while wait():\n  joblib.load({ROOT} + '/a')", []),
        (f"r = {ROOT}\nopen(f'{{r!r}}/a/b')", []),
        (f"joblib.load(os.path.join({ROOT}, os.getenv('NAME')))", []),
        (f"joblib.load(os.path.join({ROOT}, os.listdir({ROOT})[0]))", []),
        (f"path = os.path.join({ROOT}, 'a')\nif not os.path.exists(path):\n  path = 'b'\njoblib.load(path)", []),
        (f"path = os.path.join({ROOT}, 'a')\nif os.path.isfile(path):\n  joblib.load(path)", []),
        (f"try:\n  joblib.load(os.path.join({ROOT}, 'a'))\nexcept OSError:\n  model = joblib.load('b')", []),
        (f"for name in names:\n  joblib.load(os.path.join({ROOT}, name))", []),
        (f"os.environ['AZUREML_MODEL_DIR'] = '/x'\njoblib.load(os.path.join({ROOT}, 'a'))", []),
        (f"open(os.path.join({ROOT}, 'a'), 'w')", []),
        (f"print(os.path.join({ROOT}, 'a'))", []),
        (f"joblib.load(({ROOT} or '.') + '/a')", []),
        (f"joblib.load({ROOT} + 'a')", []),
        (f"joblib.load(os.path.join({ROOT}, '/a'))", []),
        (f"joblib.load(os.path.join({ROOT}, '..', 'a'))", []),
        ("joblib.load(os.path.join(os.getenv('OTHER'), 'a'))", []),
    ],
)
def test_paths_that_the_text_tells(body: str, expected: list[str]) -> None:
    assert paths(body) == expected


def test_constants_of_the_script_are_known_and_what_its_functions_do_is_not() -> None:
    before = f"NAME = 'x.pkl'\ndef at(name):\n    return os.path.join({ROOT}, name)\n"
    assert paths(f"joblib.load(os.path.join({ROOT}, 'm', NAME))\njoblib.load(at(NAME))", before) == ["m/x.pkl"]


def test_a_local_name_of_one_function_is_not_that_of_another() -> None:
    script = f"NAME = None\ndef init():\n  global root\n  root = {ROOT}\n  NAME = 'a'\ndef run(data):\n"
    script += "  open(os.path.join(root, NAME))\n  open(root + '/b')\n"
    assert [one.path for one in model_paths.opened(ast.parse(script))] == ["b"]


@pytest.mark.parametrize(
    ("opened", "instead"),
    [
        ("model/model.ubj", None), ("model", None), ("**/*.ubj", None), ("*/model.ubj", None), ("model/*.ubj", None),
        ("model.ubj", "model/model.ubj"), ("m/model.ubj", "model/model.ubj"), ("", "model/"),
        ("*.ubj", "model/model.ubj"),
        ("model/other.pkl", "model/"),
    ],
)  # fmt: skip
def test_what_will_not_lie_there_is_said_with_its_line(make_plan: MakePlan, opened: str, instead: str | None) -> None:
    open_it = f"open(os.path.join({ROOT}, {opened!r}))"
    if "*" in opened:
        open_it = f"open(glob.glob(os.path.join({ROOT}, {opened!r}), recursive=True)[0])"
    plan = make_plan(score=SCORE.replace("    pass", f"    {open_it}"))
    found = [one for one in artifacts.check(plan) if one.id == "score-model-path"]
    assert bool(found) == (instead is not None)
    assert all("line 8" in one.message and f"will lie at {instead} there" in one.message for one in found)


def test_an_ignored_file_does_not_lie_there(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(score=SCORE.replace("    pass", f"    open(os.path.join({ROOT}, 'model/model.ubj'))"))
    (tmp_path / "model/.amlignore").write_text("*.ubj\n")
    assert "score-model-path" in {one.id for one in artifacts.check(plan)}


def test_a_model_of_one_file_lies_there_itself(tmp_path: Path) -> None:
    model = tmp_path / "m.pkl"
    model.touch()
    there, away = model_paths.Opened("m.pkl", 1), model_paths.Opened("model/m.pkl", 2)
    assert model_paths.astray([there, away], model) == [(away, "m.pkl")]
