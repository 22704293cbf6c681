"""The portal that the rehearsal's metadata names is the rehearsal's own, and the SDK takes it."""

from __future__ import annotations

import os
from typing import Any

import requests
from arm_client import Arm
from test_server_rules import Settled, _make_endpoint


def test_the_portal_says_what_it_is(arm: Arm, rehearsal: dict[str, Any], name: str, settled: Settled) -> None:
    _make_endpoint(arm, name, settled)
    bundle = rehearsal["set"]["REQUESTS_CA_BUNDLE"]
    cloud = requests.get(rehearsal["set"]["ARM_CLOUD_METADATA_URL"], verify=bundle, timeout=30).json()[0]
    assert cloud["portal"].startswith("https://localhost:")
    page = requests.get(f"{cloud['portal']}/", verify=bundle, timeout=30)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "not Azure" in page.text
    assert f'id="resource{arm.workspace}"' in page.text  # where the address that a run shows leads
    assert f"Endpoint {name}: Succeeded" in page.text
    assert "<script" not in page.text.lower()
    state = requests.get(cloud["portal"], headers={"Accept": "application/json"}, verify=bundle, timeout=30).json()
    endpoints = [endpoint for workspace in state["workspaces"] for endpoint in workspace["endpoints"]]
    assert name in [endpoint["name"] for endpoint in endpoints]
    key = arm.call("POST", f"onlineEndpoints/{name}/listKeys").json()["primaryKey"]
    assert key not in page.text + str(state)


def test_nobody_else_sees_the_portal(rehearsal: dict[str, Any]) -> None:
    bundle, origin = rehearsal["set"]["REQUESTS_CA_BUNDLE"], rehearsal["url"]
    # What any user of the machine can ask for: the metadata of the cloud, and addresses that are guessed.
    open_to_all = requests.get(f"{origin}/metadata/endpoints?api-version=2022-09-01", verify=bundle, timeout=30).json()
    word = rehearsal["set"]["ARM_CLOUD_METADATA_URL"].rpartition("portal=")[2]
    assert len(word) >= 22  # 128 bits
    assert word not in str(open_to_all)
    for address in (open_to_all["portal"], f"{origin}/{word[:-1]}/portal.azure.com", f"{origin}//portal.azure.com"):
        for accepted in ("text/html", "application/json"):
            page = requests.get(address, headers={"Accept": accepted}, verify=bundle, timeout=30)
            assert page.status_code in (401, 404)
            assert "closed-managed-network" not in page.text
    assert requests.get(f"{origin}/{word}/portal.azure.com", verify=bundle, timeout=30).status_code == 200


def test_the_sdk_and_our_own_client_take_it(ml_client: Any) -> None:
    from tui.cloud import clouds

    assert list(ml_client.online_endpoints.list()) is not None
    found = clouds.current(os.environ)
    assert found.ml_resource == "https://ml.azure.com"
    assert found.portal.startswith("https://localhost:")
