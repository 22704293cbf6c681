"""What a load run asks of a deployment's containers: memory, processor time, workers, and where they listen."""

from __future__ import annotations

import asyncio

import aiohttp

from tests.rehearsal.container_engine.machine import Machine, own_server_plan
from tui.rehearsal.container_engine import usage

SCRIPT = "def init(): ...\n\ndef run(raw_data):\n    return sum(range(3_000_000))\n"


HEADERS = {"Content-Type": "application/json"}


async def _called(place: str, times: int) -> str:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        for _ in range(times):
            async with session.post(
                f"{place}/score", data=b"{}", headers={"Content-Type": "application/json"}
            ) as answer:
                text = await answer.text()
    return text


def test_a_containers_use_is_read_and_it_is_called_without_the_front_end(shared: Machine, script_image: str) -> None:
    (shared.folder / "code").mkdir()
    (shared.folder / "code" / "score.py").write_text(SCRIPT)
    plan = own_server_plan(script_image, "used", environment={"name": "used", "image": script_image},
                           environment_variables={"WORKER_COUNT": "2"})  # fmt: skip
    plan["deployment"]["code_configuration"] = {"code": "code", "scoring_script": "score.py"}
    code, events = shared.apply(plan)
    assert code == 0, events[-10:]
    before = usage.servers(shared.home.folder)["blue-0"]
    # The server and two workers, and none of the commands that read this.
    assert before["processes"] == 3 and before["limited"]
    assert 20_000_000 < before["bytes"] < 2**33
    assert asyncio.run(_called(before["place"], 20)) == str(sum(range(3_000_000)))
    after = usage.servers(shared.home.folder)["blue-0"]
    # Twenty sums take a tenth of a second of any processor, and a reading itself some hundredths.
    assert after["cpu"] - before["cpu"] > 0.1
    assert usage.servers(shared.folder) == {}
