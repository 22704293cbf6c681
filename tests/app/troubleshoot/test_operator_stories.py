"""Ten support cases in the rehearsal, diagnosed and fixed with the keyboard from one screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.app.operator import Ground, OneHelper, Operator, Practised, in_background
from tui.app.app import WizardApp

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ground(rehearsal_home: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    home = tmp_path_factory.mktemp("operated")
    practised = Practised({**rehearsal_home, "AML_DEPLOY_HOME": str(home)})
    yield Ground(practised, tmp_path_factory.mktemp("artifacts"))
    assert practised.command("stop").returncode == 0


async def traffic_at_zero(operator: Operator, ground: Ground) -> None:
    assert (await in_background(ground.call, "stories")).status_code == 200
    await in_background(ground.endpoint, "stories")
    assert (await in_background(ground.call, "stories")).status_code == 404
    await operator.open("stories")
    item = await operator.find("traffic-zero")
    assert item["severity"] == "blocker"
    assert item["card"] == "no-traffic"
    await operator.fix("set_traffic")
    assert operator.findings.keys().isdisjoint({"traffic-zero", "traffic-broken"})
    assert (await in_background(ground.call, "stories")).status_code == 200


async def crash_in_init(operator: Operator, ground: Ground) -> None:
    assert await in_background(ground.deploy, "stories", "green", "crashes") == "Failed"
    await operator.open("stories")
    item = await operator.find("deployment-failed")
    assert item["deployment"] == "green"
    assert any("weights.bin" in line for line in item["evidence"]), item
    assert item["severity"] == "warning", "blue answers all requests"
    await operator.fix("remove_deployment")
    assert await in_background(ground.deployments, "stories") == {"blue": "Succeeded"}
    assert "deployment-failed" not in operator.findings


async def missing_package(operator: Operator, ground: Ground) -> None:
    assert await in_background(ground.deploy, "stories", "green", "lacks") == "Failed"
    await operator.open("stories")
    item = await operator.find("deployment-failed")
    assert item["card"] == "package-missing", item
    assert any("lightgbm" in line for line in item["evidence"])
    await operator.fix("remove_deployment")
    assert "deployment-failed" not in operator.findings


def written_key(home: str) -> str:
    (file,) = Path(home).glob("key-stories-*.txt")
    assert file.stat().st_mode & 0o077 == 0
    return file.read_text().strip()


async def wrong_key(operator: Operator, ground: Ground) -> None:
    for _ in range(4):
        assert (await in_background(ground.call, "stories", "an-old-key")).status_code == 401
    await operator.open("stories")
    item = await operator.find("answers-401")
    assert "401" in item["message"]
    await operator.fix("write_key")
    key = written_key(ground.rehearsal.base["AML_DEPLOY_HOME"])
    answer = await in_background(ground.call, "stories", key)
    assert answer.status_code == 200, "the key that was written opens the endpoint"


async def legacy_flag(operator: Operator, ground: Ground) -> None:
    ground.rehearsal.choose("v1-legacy-mode")
    await operator.open("stories")
    item = await operator.find("v1-legacy-mode")
    assert item["card"] == "v1-legacy"
    await operator.tab_to("finding-request")
    await operator.press("enter")
    assert "az resource patch" in operator.text(), "what to send to the administrator"
    await operator.press("escape", "escape")
    ground.rehearsal.choose()  # the administrator has done it
    await operator.again()
    assert "v1-legacy-mode" not in operator.findings


async def quota(operator: Operator, ground: Ground) -> None:
    large = "Standard_DS4_v2"  # 8 cores, 16 with the reserve for upgrades
    assert await in_background(ground.deploy, "stories", "old", size=large) == "Succeeded"
    refused = await in_background(ground.ask, "stories", "new", size="Standard_DS5_v2")
    assert refused.status_code == 400, refused.text
    await operator.open("stories")
    item = await operator.find("change-failed")
    assert item["card"] == "quota", item
    await operator.fix("remove_deployment")
    assert await in_background(ground.deploy, "stories", "new", size="Standard_DS5_v2") == "Succeeded"
    await operator.again()
    assert "change-failed" not in operator.findings
    await operator.find("deployment-idle")
    await operator.fix("remove_deployment")
    nothing_unmended = operator.findings.keys() & {"deployment-idle", "change-failed"}
    assert not nothing_unmended


async def name_not_resolved(operator: Operator, ground: Ground) -> None:
    ground.rehearsal.choose("scoring-host-unresolved")
    await operator.open("stories")
    item = await operator.find("reach-scoring")
    assert item["severity"] == "blocker"
    assert ".invalid" in " ".join(item["evidence"])
    await operator.tab_to("finding-request")
    await operator.press("enter")
    assert "Please make sure" in operator.text()
    await operator.press("escape", "escape")
    ground.rehearsal.choose()  # the zone is linked
    await operator.again()
    assert "reach-scoring" not in operator.findings


async def storage_403(operator: Operator, ground: Ground) -> None:
    ground.rehearsal.choose("storage-access")
    assert await in_background(ground.deploy, "stories", "green") == "Failed"
    ground.rehearsal.choose()  # the role is given; the deployment stays failed
    await operator.open("stories")
    item = await operator.find("deployment-failed")
    assert item["card"] == "startup-authorization", item
    assert "Storage Blob Data Reader" in item["remedy"]
    await operator.fix("redeploy")
    assert (await in_background(ground.deployments, "stories"))["green"] == "Succeeded"
    assert "deployment-failed" not in operator.findings


async def throttled(operator: Operator, ground: Ground) -> None:
    limits = {"maxConcurrentRequestsPerInstance": 1, "requestTimeout": "PT30S"}
    await in_background(ground.serving, "throttled", "slow", requestSettings=limits)
    key = ground.arm.call("POST", "onlineEndpoints/throttled/listKeys").json()["primaryKey"]

    def crowd() -> list[int]:
        with ThreadPoolExecutor(8) as pool:
            return [answer.status_code for answer in pool.map(lambda _: ground.call("throttled", key), range(8))]

    assert 429 in await in_background(crowd)
    await operator.open("throttled")
    item = await operator.find("answers-429")
    assert item["deployment"] == "blue"
    await operator.fix("scale")
    shown = operator.screen.report["deployments"][0]
    assert shown["instance_count"] == 2
    assert "answers-429" not in operator.findings, "what was before the change is over"


async def expired_secret(operator: Operator, ground: Ground) -> None:
    ground.rehearsal.choose("secret-expired")
    env = ground.env
    await operator.open(
        "stories",
        method="service_principal",
        tenant_id="${env:REHEARSAL_TENANT_ID}",
        client_id="${env:REHEARSAL_CLIENT_ID}",
        client_secret="${env:REHEARSAL_CLIENT_SECRET}",
    )
    item = await operator.find("sign-in")
    assert item["card"] == "secret-expired", item
    ground.rehearsal.choose()  # a new secret was made
    await operator.fix("enter_secret", typed=env["REHEARSAL_CLIENT_SECRET"])
    assert "sign-in" not in operator.findings
    assert env["REHEARSAL_CLIENT_SECRET"] not in operator.text()
    assert operator.screen.report["endpoint"]["provisioning_state"] == "Succeeded"


STORIES = (
    traffic_at_zero, crash_in_init, missing_package, wrong_key, legacy_flag, quota, name_not_resolved, storage_403,
    throttled, expired_secret,
)  # fmt: skip


async def test_ten_stories(ground: Ground, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Run all stories with one screen and one helper, because each takes seconds to start; failures name the story."""
    monkeypatch.setenv("AML_DEPLOY_HOME", ground.rehearsal.base["AML_DEPLOY_HOME"])
    helper = OneHelper()
    app = WizardApp(environ=ground.env, helper=helper)
    failed: dict[str, BaseException] = {}
    told = []
    async with app.run_test(size=(80, 24)) as pilot:
        await in_background(ground.serving, "stories")
        for story in STORIES:
            began = time.perf_counter()
            try:
                await asyncio.wait_for(story(Operator(app, pilot), ground), 240)
            except Exception as error:  # the other stories are played all the same
                failed[story.__name__] = error
                ground.rehearsal.choose()
                while len(app.screen_stack) > 2:
                    app.pop_screen()
            told.append(f"{story.__name__}: {time.perf_counter() - began:.1f} s")
        await helper.end()
    with capsys.disabled():
        print("\nfound and mended:", ", ".join(told))
    assert not failed, "\n\n".join(f"{name}: {error}" for name, error in failed.items())
