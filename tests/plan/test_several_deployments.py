"""A plan with several deployments, a rollout and limits: reading, problems, saving."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.problems import PlanInvalid, Problem
from tui.plan.rules.durations import seconds_of

GUID = "00000000-0000-0000-0000-000000000001"
PLAN = f"""
workspace: {{subscription_id: {GUID}, resource_group: rg, name: ws-churn}}
endpoint:
  name: churn-01
deployment:
  code_configuration: {{code: code}}
  environment: {{image: "mcr.microsoft.com/azureml/x:1"}}
  instance_count: 2
deployments:
  - name: blue
    model: {{name: churn, path: model-1}}
  - name: green
    model: {{name: churn, path: model-2}}
    instance_count: 3
rollout: {{steps: [10, 50, 100], pause: 90s, max_p95_ms: 800}}
mirror_traffic: {{green: 20}}
limits: {{endpoint: 10m, deployment: 7200, total: 3h}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("model-1", "model-2", "code"):
        (tmp_path / name).mkdir()
    (tmp_path / "code" / "score.py").write_text("def init(): ...\n\ndef run(data): ...\n", encoding="utf-8")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.yml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(PlanInvalid) as invalid:
        resolve(load(write(folder, text)), {})
    return invalid.value.problems


def test_two_deployments_share_what_they_do_not_say(folder: Path) -> None:
    plan = resolve(load(write(folder, PLAN)), {})
    blue, green = plan.deployments
    assert (blue.name, blue.instance_count, blue.model.path) == ("blue", 2, folder / "model-1")
    assert (green.name, green.instance_count, green.model.path) == ("green", 3, folder / "model-2")
    assert plan.deployment == green, "the last one takes over"
    assert plan.of("blue").deployment == blue
    assert plan.traffic == {"green": 100}
    assert plan.rollout is not None
    assert (plan.rollout.deployment, plan.rollout.steps, plan.rollout.pause) == ("green", (10, 50, 100), 90.0)
    assert (plan.rollout.max_p95_ms, plan.rollout.max_error_percent) == (800, 5)
    assert (plan.limits.endpoint, plan.limits.deployment, plan.limits.total) == (600, 7200, 10_800)
    assert plan.limits.upload is None


def test_one_deployment_is_as_it_was(folder: Path) -> None:
    text = PLAN[: PLAN.index("deployments:")].replace(
        "deployment:\n", "deployment:\n  model: {name: m, path: model-1}\n"
    )
    plan = resolve(load(write(folder, text)), {})
    assert plan.deployments == ()
    assert plan.every_deployment == (plan.deployment,)
    assert (plan.traffic, plan.rollout) == ({"blue": 100}, None)


def test_saved_elsewhere_and_read_again_it_is_the_same_plan(folder: Path, tmp_path: Path) -> None:
    document = load(write(folder, PLAN))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    saved = document.save(elsewhere / "plan.yml")
    again = resolve(load(saved.path or ""), {})
    plan = resolve(document, {})
    assert (again.deployments, again.rollout, again.limits) == (plan.deployments, plan.rollout, plan.limits)
    assert again.hash == plan.hash


def test_the_hash_is_that_of_every_deployment_and_not_of_limits(folder: Path) -> None:
    plan = resolve(load(write(folder, PLAN)), {})
    other = resolve(load(write(folder, PLAN.replace("instance_count: 2", "instance_count: 4"))), {})
    patient = resolve(load(write(folder, PLAN.replace("total: 3h", "total: 4h"))), {})
    assert plan.hash != other.hash
    assert plan.hash == patient.hash


@pytest.mark.parametrize(
    ("before", "after", "key", "line", "said"),
    [
        ("instance_count: 3", "instance_count: 99", "deployment.instance_count", 14, "1 to 50"),
        ("path: model-2", "path: nowhere", "deployment.model.path", 13, "nowhere"),
        ("instance_count: 3", "instance_cout: 3", "deployments.1.instance_cout", 14, "instance_count"),
        ("- name: green", "- name: Blue", "deployments.1.name", 12, "Two deployments"),
        ("- name: green\n    model", "- model", "deployments.1.name", 12, "its own name"),
        ("steps: [10, 50, 100]", "steps: [50, 10]", "rollout.steps", 15, "larger than the previous"),
        ("steps: [10, 50, 100]", "steps: many", "rollout.steps", 15, "list of percentages"),
        ("steps: [10, 50, 100]", "steps: [10, 50]", "rollout.steps", 15, "gets the rest"),
        ("pause: 90s", "pause: soon", "rollout.pause", 15, "30m"),
        ("green: 20", "green: 60", "mirror_traffic", 16, "1 to 50"),
        ("green: 20", "blue: 20", "mirror_traffic", 16, "Mirror to green"),
        ("endpoint: 10m", "endpoint: never", "limits.endpoint", 17, "1h30m"),
        ("total: 3h", "total: 0", "limits.total", 17, "1 second to"),
        ("total: 3h", "totl: 3h", "limits.totl", 17, "limits.total"),
        ("endpoint: 10m", "test: true", "limits.test", 17, "not a duration"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    folder: Path, before: str, after: str, key: str, line: int, said: str
) -> None:
    found = {problem.key: problem for problem in problems(folder, PLAN.replace(before, after))}
    assert key in found, found
    assert said in f"{found[key].message} {found[key].remedy}"
    assert found[key].line == line


def test_traffic_and_rollout_must_agree(folder: Path) -> None:
    text = f"{PLAN}traffic: {{blue: 20, green: 80}}\n"
    (found,) = problems(folder, text)
    assert found.key == "traffic"
    plan = resolve(load(write(folder, text.replace("[10, 50, 100]", "[10, 80]"))), {})
    assert plan.traffic == {"blue": 20, "green": 80}


def test_an_empty_rollout_is_one(folder: Path) -> None:
    text = PLAN.replace("rollout: {steps: [10, 50, 100], pause: 90s, max_p95_ms: 800}", "rollout: {}")
    document = load(write(folder, text))
    assert resolve(document, {}).rollout is not None
    saved = document.save(folder / "saved.yml")
    assert resolve(load(saved.path or ""), {}).rollout is not None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(90, 90), ("90", 90), ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5", 1.5), ("2 h", 7200), ("", None),
     ("later", None), (True, None), ("-5", None)],
)  # fmt: skip
def test_times(value: object, seconds: float | None) -> None:
    assert seconds_of(value) == seconds


def test_what_a_form_shows_can_be_typed(folder: Path) -> None:
    field = BY_KEY["rollout.steps"]
    assert field.show([10, 50, 100]) == "10, 50, 100"
    assert field.check(field.parse("10, 50, 100")) is None
    document = load(write(folder, PLAN))
    document.set("rollout.steps", field.parse("20, 100"), "you")
    plan = resolve(document, {})
    assert plan.rollout is not None
    assert plan.rollout.steps == (20, 100)
