"""Findings about a plan's files before anything is uploaded."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest
from plan_files import CONDA, MLMODEL, SCORE, MakePlan

from tui.checks.finding import Finding, blocked
from tui.checks.model import artifacts
from tui.checks.scoring import module_packages


def said(findings: list[Finding], id: str) -> Finding:
    (one,) = [finding for finding in findings if finding.id == id and finding.severity != "ok"]
    return one


def test_a_plan_in_order_has_only_good_findings(make_plan: MakePlan) -> None:
    findings = artifacts.check(make_plan())
    assert {finding.severity for finding in findings} == {"ok"}
    assert {finding.id for finding in findings} == {"model", "score-script", "conda", "sample-request"}


def test_the_answer_for_forms_is_json_and_names_everything(make_plan: MakePlan) -> None:
    plan = make_plan()
    answer = json.loads(json.dumps(artifacts.inspect_model(plan)))
    assert answer["exists"] and answer["flavour"] == "xgboost"
    assert (answer["files"], answer["path"]) == (2, str(plan.deployment.model.path))
    assert answer["bytes"] == sum(path.stat().st_size for path in Path(answer["path"]).iterdir())
    assert answer["signature"][1] == {"name": "income", "type": "double"}
    score = answer["score"]
    assert score["found"] and score["has_init"] and score["has_run"] and score["problem"] is None
    conda = answer["conda"]
    assert conda["found"] and conda["has_server"] and conda["problem"] is None
    assert (conda["python"], conda["server"]) == ("3.10", "==1.5.1")
    assert answer["versions"] == {"python": "3.10.13", "xgboost": "2.1.4"}
    assert answer["sample"] == {"data": [{"age": 41, "income": 5200.5, "town": "Recife"}]}
    # Texts as written: a version must not become a number.
    assert answer["mlmodel"]["flavors"]["python_function"]["python_version"] == "3.10.13"


def test_without_a_sample_one_is_made_from_the_signature(make_plan: MakePlan) -> None:
    plan = make_plan(sample="[1, 2]")
    assert artifacts.inspect_model(plan)["sample"] == {"data": [{"age": 0, "income": 0.0, "town": "text"}]}
    plan = make_plan(sample="[1, 2]", model_type="mlflow_model", code=False)
    assert artifacts.inspect_model(plan)["sample"]["input_data"]["columns"] == ["age", "income", "town"]


@pytest.mark.parametrize(
    ("script", "names"),
    [
        (SCORE.replace("def run", "def ran"), "run()"),
        (SCORE.replace("def init", "def start"), "init()"),
        ("x = 1\n", "init() and run()"),
    ],
)
def test_missing_functions_block_and_are_named(make_plan: MakePlan, script: str, names: str) -> None:
    finding = said(artifacts.check(make_plan(score=script)), "score-script")
    assert finding.severity == "blocker"
    assert finding.field == "deployment.code_configuration.scoring_script"
    assert f"score.py does not define {names}." == finding.message


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import json\n\ndef init(:\n    pass\n", "score.py, line 3"),
        (SCORE.replace("init()", "init(path)"), "line 7: init is called without arguments"),
        (SCORE.replace("run(raw_data)", "run()"), "run(raw_data)"),
        (SCORE.replace("run(raw_data)", "run(*rows)"), "*args"),
        (SCORE.replace("run(raw_data)", "run(request_headers)"), "run(raw_data)"),
    ],
)
def test_what_the_server_cannot_call_blocks_with_its_line(make_plan: MakePlan, script: str, words: str) -> None:
    finding = said(artifacts.check(make_plan(score=script)), "score-script")
    assert finding.severity == "blocker" and words in finding.message


@pytest.mark.parametrize(
    "script",
    [
        "def init(path='x'):\n    pass\n\ndef run(raw_data, request_headers):\n    pass\n",
        "from lib import init, run\n",
        "if True:\n    def init(): pass\n    run = lambda raw_data: 1\n",
        "def init(): pass\n@wrapped\ndef run(*args): pass\n",
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None\ndef init(): pass\ndef run(data): pass\n",
    ],
)
def test_other_ways_to_write_a_script_are_fine(make_plan: MakePlan, tmp_path: Path, script: str) -> None:
    plan = make_plan(score=script)
    (tmp_path / "code/lib.py").write_text("")
    assert [finding for finding in artifacts.check(plan) if finding.severity != "ok"] == []


def test_a_star_import_leaves_it_open(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(score="from lib import *\n")
    (tmp_path / "code/lib.py").write_text("")
    assert said(artifacts.check(plan), "score-script").severity == "unknown"


def test_grammar_of_the_environments_python_counts(make_plan: MakePlan) -> None:
    newer = SCORE + "\nmatch = (lambda x, /: x)\ntype Row = dict\n"
    later = f"python=3.{max(sys.version_info[1] + 1, 12)}"
    found = artifacts.check(make_plan(score=newer, conda=CONDA.replace("python=3.10", later)))
    uncertain = [finding for finding in found if finding.id == "score-script"]
    # A Python without `type` statements must not report them as errors for a newer one.
    assert [finding.severity for finding in uncertain] == (["unknown"] if sys.version_info < (3, 12) else ["ok"])


def test_imports_that_nothing_brings_are_a_warning(make_plan: MakePlan) -> None:
    script = "import os, sklearn.svm, numpy, joblib\nimport features\nfrom lightgbm import Booster\n" + SCORE
    finding = said(artifacts.check(make_plan(score=script)), "score-imports")
    assert finding.severity == "warning" and finding.field == "deployment.environment.conda_file"
    assert "sklearn (line 1)" in finding.message and "lightgbm (line 3)" in finding.message
    # numpy comes with xgboost-cpu, os with Python; json and xgboost are listed.
    assert "numpy" not in finding.message and "os (" not in finding.message
    assert "scikit-learn" in finding.remedy


def test_the_standard_library_is_known_on_every_python() -> None:
    assert {
        "os",
        "sys",
        "json",
        "math",
        "asyncio",
        "_thread",
        "unittest",
        "__future__",
    } <= module_packages.standard_library()
    assert not {"numpy", "pytest", "yaml", "pip"} & module_packages.standard_library()


def test_returning_an_error_as_an_answer_is_warned_about(make_plan: MakePlan) -> None:
    wrong = "    try:\n        return json.loads(raw_data)\n    except Exception as e:\n        return str(e)\n"
    script = SCORE.replace("    return json.loads(raw_data)\n", wrong)
    finding = said(artifacts.check(make_plan(score=script)), "score-returns-error")
    assert finding.severity == "warning" and "line 15" in finding.message
    raised = script.replace("return str(e)", "raise ValueError(str(e))")
    answered = script.replace("return str(e)", "return AMLResponse(str(e), 400)")
    for fine in (raised, answered):
        assert [f for f in artifacts.check(make_plan(score=fine)) if f.id == "score-returns-error"] == []


def test_the_script_is_never_run(make_plan: MakePlan, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    plan = make_plan(score=f"open({str(ran)!r}, 'w').write('x')\n" + SCORE)
    assert not blocked(artifacts.check(plan))
    assert not ran.exists() and "score" not in sys.modules
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("conda", "id", "severity", "words"),
    [
        (CONDA.replace("      - azureml-inference-server-http==1.5.1\n", ""), "inference-server", "blocker", "server"),
        ("name: x\ndependencies: [python=3.10\n", "conda", "blocker", "line 3"),
        ("name: x\n", "conda", "blocker", "dependencies"),
        (CONDA.replace("- python=3.10", "- python: 3.10"), "conda", "blocker", "python"),
        (CONDA.replace("  - python=3.10\n", ""), "conda-python", "warning", "Python version"),
        (CONDA + "      - -r requirements.txt\n", "conda-local", "blocker", "requirements.txt"),
    ],
)
def test_what_is_wrong_with_a_conda_file(make_plan: MakePlan, conda: str, id: str, severity: str, words: str) -> None:
    finding = said(artifacts.check(make_plan(conda=conda)), id)
    assert finding.severity == severity and words in finding.message
    assert finding.field == "deployment.environment.conda_file"


def test_azureml_defaults_brings_the_server_and_no_code_needs_none(make_plan: MakePlan) -> None:
    defaults = CONDA.replace("azureml-inference-server-http==1.5.1", "AzureML_Defaults")
    assert not blocked(artifacts.check(make_plan(conda=defaults)))
    without = CONDA.replace("      - azureml-inference-server-http==1.5.1\n", "")
    assert not blocked(artifacts.check(make_plan(conda=without, model_type="mlflow_model", code=False)))


@pytest.mark.parametrize(
    ("mlmodel", "pin", "fits"),
    [
        (MLMODEL, "xgboost-cpu==2.1.4", True),
        (MLMODEL, "xgboost-cpu==3.0.0", True),  # the library's own format: later releases can read it
        (MLMODEL, "xgboost-cpu==1.7.6", False),
        (MLMODEL.replace("model.ubj", "model.pkl"), "xgboost-cpu==3.0.0", False),
        (MLMODEL, "xgboost-cpu>=1.7", True),  # not pinned: nothing to compare
    ],
)
def test_versions_in_mlmodel_and_conda(make_plan: MakePlan, mlmodel: str, pin: str, fits: bool) -> None:
    plan = make_plan(mlmodel=mlmodel, conda=CONDA.replace("xgboost-cpu==2.1.4", pin))
    found = [finding for finding in artifacts.check(plan) if finding.id == "versions"]
    assert (found == []) is fits
    if not fits:
        assert found[0].severity == "warning" and "xgboost 2.1.4" in found[0].message


def test_pickled_models_depend_on_pythons_version_too(make_plan: MakePlan) -> None:
    sklearn = (
        "flavors:\n  python_function: {python_version: 3.9.18}\n  sklearn: {sklearn_version: 1.2.2, data: model.pkl}\n"
    )
    plan = make_plan(mlmodel=sklearn, conda=CONDA + "      - scikit-learn==1.5.0\n")
    messages = [finding.message for finding in artifacts.check(plan) if finding.id == "versions"]
    assert len(messages) == 2 and "sklearn 1.2.2" in messages[0] and "Python 3.9.18" in messages[1]


@pytest.mark.parametrize(
    ("sample", "severity", "words"),
    [
        ('{"data": [\n{"age": 41,}]}', "blocker", "line 2, column"),
        ("", "blocker", "not JSON"),
        ('{"data": [{"age": 41, "income": 1.5}]}', "warning", "has no town"),
        ('{"data": [{"age": 41, "income": 1.5, "town": "x", "more": 1}]}', "warning", "more"),
        ('{"data": [{"age": "41", "income": 1.5, "town": "x"}]}', "warning", "age is not of type long"),
        ('{"data": [{"age": true, "income": 1.5, "town": "x"}]}', "warning", "age is not of type long"),
        ('{"dataframe_split": {"columns": ["age"], "data": [[4]]}}', "warning", "has no income, town"),
    ],
)
def test_sample_requests_that_do_not_fit(make_plan: MakePlan, sample: str, severity: str, words: str) -> None:
    finding = said(artifacts.check(make_plan(sample=sample)), "sample-request")
    assert (finding.severity, finding.field) == (severity, "test.request") and words in finding.message


def test_requests_of_an_unknown_form_are_left_to_the_script(make_plan: MakePlan) -> None:
    for sample in ('{"customer": 7}', "[[1, 2, 3]]", '"text"'):
        assert not [f for f in artifacts.check(make_plan(sample=sample)) if f.severity != "ok"]


def test_the_model_folder_must_be_there_and_hold_something(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(mlmodel=None)
    (tmp_path / "model/model.ubj").unlink()
    assert "is empty" in said(artifacts.check(plan), "model").message
    (tmp_path / "model").rmdir()
    finding = said(artifacts.check(plan), "model")
    assert finding.severity == "blocker" and str(tmp_path / "model") in finding.message
    assert artifacts.inspect_model(plan)["exists"] is False


def test_an_mlflow_model_needs_its_mlmodel_in_the_folder_itself(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(model_type="mlflow_model", code=False, sample='{"input_data": []}')
    assert not blocked(artifacts.check(plan))
    (tmp_path / "model/inner").mkdir()
    (tmp_path / "model/MLmodel").rename(tmp_path / "model/inner/MLmodel")
    assert "inner" in said(artifacts.check(plan), "mlmodel").remedy
    (tmp_path / "model/inner/MLmodel").write_text("flavors: [\n")
    assert said(artifacts.check(plan), "mlmodel").severity == "blocker"
    (tmp_path / "model/inner/MLmodel").unlink()
    assert "custom_model" in said(artifacts.check(plan), "mlmodel").remedy


@pytest.mark.parametrize(
    ("isolation", "severity"),
    [(None, "warning"), ("legacy", "blocker"), ("public", "blocker"), ("managed_network", "")],
)
def test_mlflow_without_code_behind_closed_egress(make_plan: MakePlan, isolation: str | None, severity: str) -> None:
    plan = make_plan(model_type="mlflow_model", code=False, egress="disabled", sample='{"input_data": []}')
    found = [f.severity for f in artifacts.check(plan, isolation=isolation) if f.id == "mlflow-network"]
    assert found == ([severity] if severity else [])
    with_code = make_plan(model_type="mlflow_model", egress="disabled")
    assert not [f for f in artifacts.check(with_code, isolation=isolation) if f.id == "mlflow-network"]


def test_a_model_larger_than_the_machine(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(instance_type="Standard_DS1_v2")
    os.truncate(tmp_path / "model/model.ubj", 5 * 2**30)  # a sparse file
    finding = said(artifacts.check(plan), "model-size")
    assert finding.severity == "warning" and "3.5 GiB of memory" in finding.message and "5.0 GiB" in finding.message


def test_a_mount_that_never_answers_does_not_hang(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(sample=None)
    # Reading a pipe without a writer blocks forever, like a dead mount.
    os.mkfifo(tmp_path / "sample.json")
    answers: list[list[Finding]] = []
    asking = threading.Thread(target=lambda: answers.append(artifacts.check(plan, limit=0.2)), daemon=True)
    asking.start()
    asking.join(30)
    (finding,) = [found for found in answers[0] if found.field == "test.request"]
    assert finding.severity == "unknown" and "0.2 seconds" in finding.message
    os.close(os.open(tmp_path / "sample.json", os.O_WRONLY))  # releases the reader


def test_one_part_that_never_answers_does_not_hide_the_others(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(sample=None, score="def init(): pass\n")
    os.mkfifo(tmp_path / "sample.json")
    answer = artifacts.inspect_model(plan, limit=3)
    assert answer["flavour"] == "xgboost" and answer["conda"]["has_server"] and not answer["score"]["has_run"]
    os.close(os.open(tmp_path / "sample.json", os.O_WRONLY))  # releases the reader


def test_what_the_ignore_file_leaves_out_is_not_counted_and_named(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan()
    (tmp_path / "model/logs").mkdir()
    for name in ("logs/a.log", "logs/b.log", "notes.txt"):
        (tmp_path / "model" / name).write_text("12345")
    before = artifacts.inspect_model(plan)
    assert (before["files"], before["left_out"], before["ignore_file"]) == (5, 0, None)
    (tmp_path / "model/.gitignore").write_text("*\n")
    (tmp_path / "model/.amlignore").write_text("logs/\n.amlignore\n.gitignore\n")  # replaces .gitignore
    after = artifacts.inspect_model(plan)
    assert (after["files"], after["left_out"], after["ignore_file"]) == (3, 4, ".amlignore")
    assert {"logs/a.log", "logs/b.log"} <= set(after["left_out_names"])
    from tui.cloud.storage import folder_files

    assert after["files"] == len(folder_files.walk(tmp_path / "model")), "what is counted is what is uploaded"


def test_an_ignore_file_that_keeps_what_is_needed_blocks(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan()
    (tmp_path / "model/.amlignore").write_text("*.ubj\n")
    (tmp_path / "code/.gitignore").write_text("score*\n")
    found = [finding for finding in artifacts.check(plan) if finding.id == "left-out"]
    assert [finding.severity for finding in found] == ["blocker", "blocker"]
    words = " ".join(finding.message for finding in found)
    assert "model.ubj" in words and "excludes score.py" in words
    (tmp_path / "model/.amlignore").write_text("*\n")
    words = " ".join(finding.message for finding in artifacts.check(plan) if finding.id == "left-out")
    assert "nothing would be uploaded" in words


def test_links_inside_the_folder_are_counted_as_they_are_uploaded_and_a_circle_ends(
    make_plan: MakePlan, tmp_path: Path
) -> None:
    plan = make_plan()
    (tmp_path / "model/weights").mkdir()
    (tmp_path / "model/weights/w.bin").write_text("123")
    (tmp_path / "model/one").symlink_to("weights")
    (tmp_path / "model/two").symlink_to("weights")
    (tmp_path / "model/circle").symlink_to(tmp_path / "model")

    from tui.cloud.storage import folder_files

    names = [file.name for file in folder_files.walk(tmp_path / "model")]
    assert {"weights/w.bin", "one/w.bin", "two/w.bin"} < set(names)
    assert artifacts.inspect_model(plan)["files"] == len(names)


@pytest.mark.parametrize("part", ["model", "code"])
@pytest.mark.parametrize("name", ["up", "line\nbreak", "\udcff.bin"])
def test_files_that_cannot_be_uploaded_block_with_their_path(
    make_plan: MakePlan, tmp_path: Path, part: str, name: str
) -> None:
    plan = make_plan()
    folder = tmp_path / part
    if name == "up":
        (folder / name).symlink_to("..")
    else:
        (folder / name).write_text("x")
    found = [one for one in artifacts.check(plan) if one.id == "file-refused"]
    assert [(one.severity, one.field) for one in found] == [
        ("blocker", f"deployment.{'model.path' if part == 'model' else 'code_configuration.code'}")
    ]
    shown = {"up": "/up is a link to ", "line\nbreak": "/line\\nbreak", "\udcff.bin": "/\\udcff.bin"}[name]
    assert f"{folder}{shown}" in found[0].message
    (folder / ".amlignore").write_text("up\nline*\n*.bin\n")
    assert not [one for one in artifacts.check(plan) if one.id == "file-refused"], "what is excluded is no matter"


def test_a_count_goes_on_while_others_ask_and_is_stopped(tmp_path: Path) -> None:
    from tui.checks.model import file_count

    for number in range(30):
        (tmp_path / f"{number}.bin").write_text("x" * 10)
    first = file_count.running(tmp_path, wait=10)
    assert first["ended"] and first["complete"] and (first["files"], first["bytes"]) == (30, 300)
    (tmp_path / "more.bin").write_text("x")
    assert file_count.running(tmp_path, wait=10)["files"] == 30, "a count of this minute is believed"
    assert file_count.running(tmp_path, wait=10, fresh=True)["files"] == 31
    stopped = file_count.count(tmp_path, file_count.Figures(), lambda: True)
    assert not stopped.complete
    file_count.stop_all()


def test_counting_stops_when_the_time_is_over(make_plan: MakePlan) -> None:
    from tui.checks.model import model_folder

    path = make_plan().deployment.model.path
    assert path is not None
    folder = model_folder.read(path, seconds=-1.0)
    assert not folder.complete and folder.flavour == "xgboost"
