"""Paths in a scoring script that exist only on this machine; and the server's support of the environment's Python."""

from __future__ import annotations

import pytest
from plan_files import CONDA, SCORE, MakePlan

from tui.checks.model import artifacts


def findings(plan: object, id: str) -> list[tuple[str, str]]:
    return [(one.severity, one.message) for one in artifacts.check(plan) if one.id == id]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("model = joblib.load('model.pkl')", "opens model.pkl (line 8), which is relative to"),
        ("names = json.load(open('./data/names.json'))", "opens ./data/names.json (line 8)"),
        ("frame = pd.read_csv('lookup/codes.csv')", "opens lookup/codes.csv (line 8)"),
        ("text = Path('labels.txt').read_text()", ""),
        ("text = open(Path('labels.txt'))", "opens labels.txt (line 8)"),
        ("model = xgboost.Booster().load_model('/dbfs/models/churn.ubj')", "does not exist in the container"),
        ("model = joblib.load('/Volumes/main/ml/churn.pkl')", "opens /Volumes/main/ml/churn.pkl (line 8)"),
        ("model = joblib.load(r'C:\\\\models\\\\churn.pkl')", "does not exist in the container"),
        ("model = joblib.load(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'model', 'churn.pkl'))", ""),
        ("model = joblib.load(Path(__file__).parent / 'churn.pkl')", ""),
        ("model = joblib.load('/var/azureml-app/azureml-models/churn/1/churn.pkl')", ""),
        ("model = mlflow.pyfunc.load_model('models:/churn/3')", ""),
        ("tokens = AutoTokenizer.from_pretrained('org/bert-base')", ""),
        ("body = json.loads('{\"a\": 1}'); other = yaml.safe_load('a/b: 1')", ""),
        ("print('model.pkl')", ""),
    ],
)
def test_paths_that_break_on_the_server(make_plan: MakePlan, line: str, words: str) -> None:
    script = SCORE.replace("    pass", f"    {line}")
    found = findings(make_plan(score=script), "score-paths")
    assert bool(found) == bool(words), found
    assert all(severity == "warning" and words in message for severity, message in found)


@pytest.mark.parametrize(
    ("python", "server", "fits"),
    [("3.8", "1.5.1", False), ("3.8", "1.3.4", True), ("3.9", "1.4.0", True), ("3.7", "1.0.0", False),
     ("3.6", "0.7.7", True)],
)  # fmt: skip
def test_the_server_is_for_the_environments_python(make_plan: MakePlan, python: str, server: str, fits: bool) -> None:
    conda = CONDA.replace("python=3.10", f"python={python}").replace("==1.5.1", f"=={server}")
    found = findings(make_plan(conda=conda), "server-python")
    assert [severity for severity, _ in found] == ([] if fits else ["blocker"])
    assert all(f"azureml-inference-server-http {server} needs Python" in message for _, message in found)
