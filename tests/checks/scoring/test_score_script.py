"""What a scoring script defines and imports, from its text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tui.checks.scoring import score_script
from tui.checks.scoring.score_script import ScoreScript

INIT = "def init(): pass\n"
RUN = "def run(data): pass\n"


def read(folder: Path, text: str, python: tuple[int, int] | None = None) -> ScoreScript:
    (folder / "score.py").write_text(text, encoding="utf-8")
    return score_script.read(folder, "score.py", python)


@pytest.mark.parametrize(
    ("text", "init", "run"),
    [
        (INIT + RUN, True, True), (INIT, True, False), (RUN, False, True), ("x = 1", False, False),
        ("from other import run, start as init", True, True), ("import init.run", True, False),
        ("init = run = print", True, True), ("init: object = print\nrun: object", True, False),
        ("(init, (run,)) = 1, (2,)", True, True), ("class run: pass", False, True),
        ("if 1:\n  def run(data): pass\nelse:\n  def init(): pass", True, True),
        ("try:\n  x = 1\nexcept OSError:\n  init = 1\nfinally:\n  run = 1", True, True),
        ("with x:\n  init = 1", True, False),
        ("def f():\n  init = 1\n", False, False), ("class C:\n  def run(self): pass", False, False),
        ("a.init = 1", False, False),
    ],
)  # fmt: skip
def test_the_names_that_a_script_defines(tmp_path: Path, text: str, init: bool, run: bool) -> None:
    found = read(tmp_path, text)
    assert (found.found, found.parsed, found.certain) == (True, True, True)
    assert (found.has_init, found.has_run) == (init, run)


def test_a_star_import_is_not_certain_and_a_missing_file_not_found(tmp_path: Path) -> None:
    assert not read(tmp_path, "from x import *").certain
    gone = score_script.read(tmp_path, "gone.py")
    assert (gone.found, gone.parsed, gone.problem) == (False, False, "")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (INIT + RUN, None),
        ("def init(a): pass\n" + RUN, 1),
        ("def init(a, /): pass\n" + RUN, 1),
        ("def init(*, a): pass\n" + RUN, 1),
        ("def init(a=1, *, b=2): pass\n" + RUN, None),
        ("def init(a, b=1): pass\n" + RUN, 1),
        ("def init(*a, **k): pass\n" + RUN, None),
        ("@once\ndef init(a): pass\n" + RUN, None),
        ("async def init(a): pass\n" + RUN, 1),
        (INIT + "def run(): pass", 2),
        (INIT + "async def run(): pass", 2),
        (INIT + "@schema\ndef run(): pass", None),
        (INIT + "def run(data, *more): pass", 2),
        (INIT + "def run(data, **more): pass", 2),
        (INIT + "def run(data, /): pass", 2),
        (INIT + "def run(request_headers): pass", 2),
        (INIT + "def run(*, data): pass", None),
        (INIT + "def run(data, request_headers): pass", None),
        (INIT + "run = print", None),
        ("def init(a): pass\ndef run(): pass", 1),
    ],
)
def test_functions_that_the_server_cannot_call(tmp_path: Path, text: str, line: int | None) -> None:
    found = read(tmp_path, text)
    assert (found.line, bool(found.problem)) == (line, line is not None)


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("import b.c, d\nimport a", [("b", 1), ("d", 1), ("a", 2)]),
        ("from x.y import z", [("x", 1)]),
        ("from . import z\nfrom .x import y", []),
        ("def f():\n  import x", [("x", 2)]),
        ("try:\n  import x\nexcept ImportError:\n  import y", []),
        ("try:\n  from x import y\nexcept ModuleNotFoundError:\n  pass", []),
        ("try:\n  import x\nexcept Exception:\n  pass\nimport z", [("z", 5)]),
        ("try:\n  import x\nexcept:\n  pass", []),
        ("try:\n  import x\nexcept (OSError, ImportError):\n  pass", []),
        ("try:\n  import x\nexcept OSError:\n  import y", [("x", 2), ("y", 4)]),
        ("try:\n  try:\n    import x\n  except OSError: pass\nexcept ImportError: pass", []),
        ("if TYPE_CHECKING:\n  import x\nelse:\n  import y", [("y", 4)]),
        ("if typing.TYPE_CHECKING:\n  from x import y", []),
        ("if other:\n  import x", [("x", 2)]),
    ],
)
def test_modules_that_must_be_there(tmp_path: Path, text: str, modules: list[tuple[str, int]]) -> None:
    assert [(one.module, one.line) for one in read(tmp_path, text).imports] == modules


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("return e", 5), ("return str(e)", 5), ("return {'Error': 1}", 5), ("return None", 5), ("return", 5),
        ("return other", 5), ("return {'Status': 'Failed', 'why': str(e)}", 5), ("log(e)", 4), ("pass", 4),
        ("if x:\n      raise\n    return 1", None), ("return AMLResponse('error', 500)", None),
        ("return respond(e)", None),  # perhaps a response with its own status
        ("raise", None),
    ],
)  # fmt: skip
def test_an_error_that_is_returned_with_status_200(tmp_path: Path, body: str, line: int | None) -> None:
    text = f"def run(data):\n  try:\n    return 'error'\n  except Exception as e:\n    {body}\n"
    assert [one.line for one in read(tmp_path, text).swallowed] == [line] * (line is not None)


@pytest.mark.parametrize(
    ("handler", "after", "line"),
    [
        ("error = str(e)\n    result = {'Status': 'Failed', 'why': error}", "return result", 6),
        ("result = 0", "return result", None),  # a value to go on with
        ("result = f'failed: {e}'", "return other", None),
        ("log(e)", "return other", None),  # what was tried is not what run() is for
    ],
)
def test_an_error_that_is_returned_after_the_handler(
    tmp_path: Path, handler: str, after: str, line: int | None
) -> None:
    text = f"def run(data):\n  try:\n    result = work(data)\n  except Exception as e:\n    {handler}\n  {after}\n"
    assert [one.line for one in read(tmp_path, text).swallowed] == [line] * (line is not None)


@pytest.mark.parametrize(
    ("returned", "body", "gave"),
    [
        ("str(e)", '"no rows"', True), ("str(e)", "[1]", False), ("error", '"no rows"', True),
        ("str(e)", '"[1]"', False),  # run()'s own json.dumps
        ("other", '"yes"', False),
        ("f'failed: {e}'", '"failed: 1"', True),
        ("json.dumps({'ok': False, 'why': str(e)})", r'"{\"ok\": false, \"why\": \"x\"}"', True),
        ("{'ok': False, 'why': str(e)}", '{"ok": false, "why": "x"}', True),
        ("{'ok': False, 'why': str(e)}", '{"ok": true, "why": "x"}', False),
        ("{'result': None, 'why': str(e)}", '{"result": 1, "why": null}', False),
        ("{'ok': False}", "not JSON", False),
        ("{'model': 'v1', 'y': None}", '{"model": "v1", "y": 1}', False),  # has the keys of a prediction
    ],
)  # fmt: skip
def test_an_answer_that_the_script_gives_after_an_error(tmp_path: Path, returned: str, body: str, gave: bool) -> None:
    text = (
        f"def run(data):\n  try:\n    return [1]\n  except Exception as e:\n    error = str(e)\n    return {returned}\n"
    )
    (found,) = read(tmp_path, text).swallowed
    assert found.gave(body) == gave


def test_where_run_returns_texts_one_is_no_sign_of_an_error(tmp_path: Path) -> None:
    text = "def run(data):\n  try:\n    return model(data)\n  except Exception as e:\n    return str(e)\n"
    (found,) = read(tmp_path, text).swallowed
    assert not found.gave('"Good morning."')


@pytest.mark.parametrize(
    "text",
    [
        "for one in (1, 2):\n    try:\n      return work(data)\n    except Exception:\n      pass\n  raise OSError",
        "try:\n    return work(data)\n  except KeyError:\n    return 0",
    ],
)
def test_a_second_try_and_a_fallback_swallow_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"def run(data):\n  {text}\n").swallowed == []


@pytest.mark.parametrize("deep", ["x" + ".a" * 3000 + "('b')", " + ".join(["'a'"] * 3000)])
def test_an_expression_that_is_too_deep_to_follow_is_no_problem(tmp_path: Path, deep: str) -> None:
    found = read(tmp_path, f"def init():\n  {deep}\ndef run(data): pass\n")
    assert (found.parsed, found.problem) == (False, "")


HERE = sys.version_info[:2]
NEWER = (HERE[0], HERE[1] + 1)


@pytest.mark.parametrize(
    ("text", "python", "maybe_valid"),
    [
        ("x = (\n", None, False),
        ("type X = = int\n", None, False),
        ("type X = = int\n", HERE, False),
        ("match x:\n  ]\n", NEWER, True),
        ("x = (\n", NEWER, False),
    ],
)
def test_syntax_of_a_newer_python_may_be_valid_there(
    tmp_path: Path, text: str, python: tuple[int, int] | None, maybe_valid: bool
) -> None:
    found = read(tmp_path, text, python)
    assert (found.parsed, bool(found.problem)) == (False, True)
    assert found.certain != maybe_valid


def test_the_environments_older_syntax_counts(tmp_path: Path) -> None:
    text = "async def f():\n  return [x async for x in y]\nif (n := 1):\n  f'{n=}'\n"
    assert read(tmp_path, text, (3, 7)).problem
    assert read(tmp_path, text, (3, 8)).parsed
    assert read(tmp_path, text, (3, 6)).parsed, "older than ast knows: parsed as here"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('x = os.environ["AZUREML_MODEL_DIR"]', (False, 1)),
        ('\nx = os.getenv("AZUREML_MODEL_DIR")', (True, 2)),
        ('x = os.environ.get("AZUREML_MODEL_DIR")\ny = os.environ["AZUREML_MODEL_DIR"]', (False, 2)),
        ('x = os.environ.get("AZUREML_MODEL_DIR", ".")', None),
        ('os.environ["AZUREML_MODEL_DIR"] = "."', None),
        ("# AZUREML_MODEL_DIR", None),
    ],
)
def test_whether_a_script_needs_the_models_folder(tmp_path: Path, text: str, found: tuple[bool, int] | None) -> None:
    assert read(tmp_path, text).model_dir == found


def test_a_script_in_another_language_is_found_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "plumber.R").write_text("x <- 1", encoding="utf-8")
    found = score_script.read(tmp_path, "plumber.R")
    assert (found.found, found.parsed, found.problem) == (True, False, "")
