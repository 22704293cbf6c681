"""Deployments of one endpoint: names, split, rollout, mirrored traffic, and their plan."""

from __future__ import annotations

from typing import Any

import pytest

from tui.plan import rollout
from tui.plan.load_save.document import Document
from tui.plan.model import Deployment, Endpoint, Limits, Plan, Rollout

STEPS = "rollout.steps"


def keys(*deployments: str, **values: Any) -> list[str]:
    """The keys of the problems of a plan with these deployments, the last of which takes over."""
    given = {key.replace("__", "."): value for key, value in values.items()}
    document = Document(tree={"deployments": [{"name": name} for name in deployments]})
    everything = [{**given, "deployment.name": name} for name in deployments]
    return [one.key for one in rollout.problems(document, everything)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"rollout__pause": 5}, []),
        ({"rollout__steps": [10, 100]}, []),
        ({"rollout__steps": [10, 50]}, [STEPS]),
        ({"rollout__steps": "10, 50"}, [STEPS]),
        ({"rollout__steps": "odd"}, []),  # told by the field's own rule
        ({"rollout__steps": [10, 50], "traffic": {"blue": 50, "green": 50}}, []),
        ({"rollout__steps": [10, 50], "traffic": {"blue": 49, "green": 51}}, ["traffic"]),
        ({"rollout__pause": 5, "traffic": {"green": 100}}, []),
        ({"rollout__pause": 5, "traffic": {"blue": 100}}, ["traffic"]),
        ({"rollout__pause": 5, "traffic": "odd"}, []),
        ({"traffic": {"blue": 100}}, []),
        ({"mirror_traffic": {"blue": 10}}, []),
        ({"mirror_traffic": {"green": 10}}, ["mirror_traffic"]),  # green gets all of the traffic
        ({"mirror_traffic": {"green": 10}, "traffic": {"blue": 100}}, []),
        ({"mirror_traffic": {"green": 10}, "traffic": {"blue": 100, "green": 0}}, []),
        ({"mirror_traffic": {"blue": 10}, "traffic": {"blue": 100}}, ["mirror_traffic"]),
        ({"mirror_traffic": {"green": 10}, "rollout__pause": 5}, []),
        ({"mirror_traffic": {"blue": 10}, "rollout__pause": 5}, ["mirror_traffic"]),
        ({"mirror_traffic": "odd"}, []),
    ],
)
def test_the_split_the_steps_and_the_mirror_fit_together(values: dict[str, Any], expected: list[str]) -> None:
    assert keys("blue", "green", **values) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("blue",), []),
        (("blue", "green"), []),
        (("blue", "BLUE"), ["deployments.1.name"]),
        (("blue", "green", "blue"), ["deployments.2.name"]),
        (("", "green"), ["deployments.0.name"]),
        (("", ""), ["deployments.0.name", "deployments.1.name"]),
    ],
)
def test_each_deployment_has_its_own_name(names: tuple[str, ...], expected: list[str]) -> None:
    assert keys(*names) == expected


def plan(name: str, number: str) -> Plan:
    return Plan(endpoint=Endpoint("e"), deployment=Deployment(name), hash=number)


def test_one_deployment_keeps_its_hash_and_gets_all_traffic() -> None:
    alone = rollout.combined([plan("blue", "1")], [{}], listed=False)
    assert (alone.hash, alone.traffic, alone.deployments, alone.rollout) == ("1", {"blue": 100}, (), None)
    listed = rollout.combined([plan("blue", "1")], [{}], listed=True)
    assert (listed.hash, [one.name for one in listed.deployments]) == ("1", ["blue"])


def test_the_last_of_several_takes_over_and_the_hash_is_of_all() -> None:
    both = rollout.combined([plan("blue", "1"), plan("green", "2")], [{}, {}], listed=True)
    other = rollout.combined([plan("blue", "3"), plan("green", "2")], [{}, {}], listed=True)
    assert both.deployment.name == "green" and both.traffic == {"green": 100}
    assert len(both.hash) == 12 and both.hash not in ("1", "2", other.hash)


def test_what_a_rollout_does_not_say_is_the_default_and_zero_counts() -> None:
    values = {"rollout.pause": "0", "rollout.max_error_percent": 0, "rollout.steps": [20, 100]}
    made = rollout.combined([plan("green", "1")], [values], listed=False).rollout
    assert made == Rollout("green", (20, 100), 0.0, max_error_percent=0)
    given = {"rollout.probe_every": "3s", "rollout.min_requests": 7, "rollout.max_p95_ms": 800}
    made = rollout.combined([plan("green", "1")], [given], listed=False).rollout
    assert made == Rollout("green", (10, 50, 100), 300.0, 3.0, 7, 5, 800)


def test_limits_are_seconds_and_missing_ones_are_not_zero() -> None:
    assert rollout.limits({}) == Limits()
    assert rollout.limits({"limits.endpoint": "10m", "limits.total": 0}) == Limits(endpoint=600.0, total=0.0)
