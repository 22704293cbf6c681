"""Limits of quota, endpoints, deployments and instances, on both sides of each."""

from __future__ import annotations

import dataclasses

import pytest
from plan_files import MakePlan
from test_cloud_checks import a_deployment, an_endpoint, offer, told

from tui.checks.capacity import model_size, size_and_quota
from tui.checks.capacity.size_and_quota import Need
from tui.cloud.workspace.limits import Counted, Usage
from tui.plan import sizes


@pytest.mark.parametrize(
    ("needs", "blocked"),
    [
        ([Need("blue", "D", 6, 10), Need("green", "D", 4, 10)], False),  # exactly what is left
        ([Need("blue", "D", 6, 10), Need("green", "D", 5, 10)], True),
        ([Need("blue", "D", 6, 10), Need("green", "F", 5, 10)], False),  # each family has its own quota
        ([Need("blue", "D", 11, 10), Need("green", "D", 1, 10)], False),  # blue alone is reported already
        ([Need("blue", "D", 10, 10), Need("green", "D", 1, 10)], True),
        ([Need("blue", "D", 10, 10), Need("green", "D", 0, 10)], False),
        ([Need("blue", "D", 11, 10)], False),
        ([], False),
    ],
)
def test_deployments_that_fit_only_one_at_a_time(needs: list[Need], blocked: bool) -> None:
    assert told(list(size_and_quota.all_together(needs))) == ({"quota-together": "blocker"} if blocked else {})


def test_what_a_deployment_needs_beyond_what_it_uses(make_plan: MakePlan) -> None:
    plan = make_plan()
    assert size_and_quota.need(plan, [offer(20)], None) == [Need("blue", "standardDASv4Family", 8, 20)]
    assert size_and_quota.need(plan, [offer(20)], a_deployment())[0].more == 0
    assert size_and_quota.need(plan, [offer(20)], a_deployment(instance_count=5))[0].more == 0  # it shrinks
    assert size_and_quota.need(plan, [offer(-4)], None)[0].left == 0
    assert size_and_quota.need(plan, [offer(None)], None) == []
    assert size_and_quota.need(plan, [], None) == []
    assert size_and_quota.need(make_plan(instance_type="standard_d4AS_v4"), [offer(20)], None)


def test_the_quota_message_counts_the_reserve_only_where_there_is_one(make_plan: MakePlan) -> None:
    reserved, without = offer(7, False), dataclasses.replace(offer(7, False), skip_reserve=True)
    assert "20 %" in size_and_quota.quota(make_plan(), [reserved], None)[0].message
    assert "20 %" not in size_and_quota.quota(make_plan(), [without], None)[0].message


@pytest.mark.parametrize(("left", "severity"), [(8, "ok"), (7, "blocker"), (0, "blocker"), (-3, "blocker")])
def test_quota_at_its_limit(make_plan: MakePlan, left: int, severity: str) -> None:
    assert size_and_quota.quota(make_plan(), [offer(left)], None)[0].severity == severity


@pytest.mark.parametrize("left", [0, -3])
def test_a_deployment_that_keeps_its_cores_fits_an_exhausted_quota(make_plan: MakePlan, left: int) -> None:
    assert size_and_quota.quota(make_plan(), [offer(left, False)], a_deployment())[0].severity == "ok"


def test_a_size_is_found_and_a_size_of_cpus_replaced_by_one_of_cpus(make_plan: MakePlan) -> None:
    (gpu,) = size_and_quota.size(make_plan(instance_type="Standard_NC6s_v3"))
    assert "_T4_" in gpu.remedy
    small = size_and_quota.size(make_plan(instance_type="Standard_DS1_v2"))
    assert all("_T4_" not in one.remedy for one in small)
    assert "4 cores, 16 GiB" in size_and_quota.size(make_plan())[0].message


@pytest.mark.parametrize(
    ("usage", "deployments", "expected"),
    [
        (Usage(Counted(99, 100)), None, {"room": "ok"}),
        (Usage(Counted(100, 100)), None, {"endpoints-left": "blocker"}),
        (Usage(deployments=Counted(499, 500)), None, {"room": "ok"}),
        (Usage(deployments=Counted(500, 500)), [], {"deployments-left": "blocker"}),
        (Usage(deployments=Counted(500, 500)), ["BLUE"], {"room": "ok"}),  # it exists, whatever its case
        (Usage(all_cores=Counted(28, 28)), ["blue"], {"room": "ok"}),
        (Usage(all_cores=Counted(28, 28)), ["green"], {"regional-cores": "blocker"}),
        (Usage(), [f"d{number}" for number in range(19)], {"room": "ok"}),
        (Usage(), [f"d{number}" for number in range(20)], {"deployments-left": "blocker"}),
        (Usage(), ["blue", *(f"d{number}" for number in range(19))], {"room": "ok"}),
    ],
)
def test_room(make_plan: MakePlan, usage: Usage, deployments: list[str] | None, expected: dict[str, str]) -> None:
    there = None if deployments is None else an_endpoint(deployments=[a_deployment(name=name) for name in deployments])
    assert told(size_and_quota.room(make_plan(), usage, there)) == expected


@pytest.mark.parametrize(("count", "reported"), [(49, False), (50, False), (51, True)])
def test_instances_at_their_limit(make_plan: MakePlan, count: int, reported: bool) -> None:
    plan = make_plan()
    many = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, instance_count=count))
    assert ("instances" in told(size_and_quota.room(many, Usage(), None))) is reported


@pytest.mark.parametrize(("limit", "raised"), [(99, False), (100, False), (101, True)])
def test_a_limit_that_azure_raised_already_is_named_so(make_plan: MakePlan, limit: int, raised: bool) -> None:
    (found,) = size_and_quota.room(make_plan(), Usage(Counted(limit, limit)), None)
    assert ("raised already" in found.message) is raised


def test_the_plans_deployment_is_found_whatever_its_case(make_plan: MakePlan) -> None:
    there = an_endpoint(deployments=[a_deployment(name="green"), a_deployment(name="Blue")])
    found = size_and_quota.existing(make_plan(), there)
    assert found is not None and found.name == "Blue"
    assert size_and_quota.existing(make_plan(), an_endpoint(deployments=[])) is None
    assert size_and_quota.existing(make_plan(), None) is None


def test_the_check_says_which_count_an_autoscale_rule_keeps() -> None:
    rule = {"name": "by-load", "minimum": 1, "maximum": 9}
    there = [a_deployment(instance_count=7, autoscale=rule), a_deployment(name="red", instance_count=7)]
    (found,) = size_and_quota.autoscaled(there, {"blue": 1, "red": 1})
    assert (found.id, found.severity) == ("autoscale", "ok")
    assert "blue keeps 7 instances instead of the plan's 1" in found.message and "1 to 9" in found.message


def test_a_model_fits_up_to_the_last_byte(make_plan: MakePlan) -> None:
    plan, size = make_plan(), sizes.find("Standard_D4as_v4")
    assert size is not None and size.memory_gib is not None and size.temp_disk_gib is not None
    for room in (size.memory_gib, size.temp_disk_gib):
        full = int(room * 2**30)
        at, over = (len(model_size.findings(plan, count, "", "")) for count in (full, full + 1))
        assert over == at + 1
    assert model_size.findings(make_plan(instance_type="Standard_New_v9"), 2**60, "", "") == []


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (1_000_000, "1.0 MB"),
        (2**30 - 1, "1073.7 MB"),
        (2**30, "1.0 GiB"),
        (3 * 2**29, "1.5 GiB"),
    ],
)
def test_numbers_of_bytes(count: int, text: str) -> None:
    assert model_size.shown(count) == text
