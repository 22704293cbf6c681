"""Connectivity with real name resolution, sockets and TLS, in a network namespace of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from namespace import ACCOUNT, BLOB, GUID, PROXY, SUBSCRIPTION, WILDCARD, WORKSPACE, Namespace, made_or_skipped
from own_network import ELSEWHERE, NOBODY, PUBLIC, SCORING, SILENT, STORAGE
from plan_files import CONDA, MLMODEL, SCORE

TREE = {
    "workspace": {"subscription_id": SUBSCRIPTION, "resource_group": "rg", "name": "ws-one"},
    "endpoint": {"name": "churn", "public_network_access": "disabled"},
    "deployment": {
        "name": "blue",
        "model": {"name": "churn", "path": "model"},
        "code_configuration": {"code": "code", "scoring_script": "score.py"},
        "environment": {"name": "env", "conda_file": "conda.yml", "image": "mcr.microsoft.com/azureml/minimal:1"},
        "instance_type": "Standard_D4as_v4",
        "egress_public_network_access": "disabled",
    },
    "traffic": {"blue": 100},
    "test": {"request": "sample.json"},
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    with made_or_skipped(tmp_path_factory.mktemp("network")) as made:
        yield made


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    for name, text in (
        ("code/score.py", SCORE),
        ("conda.yml", CONDA),
        ("model/MLmodel", MLMODEL),
        ("model/model.ubj", "not read"),
        ("sample.json", '{"data": [{"age": 41, "income": 5200.5, "town": "Recife"}]}'),
    ):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def hops(network: Namespace, files: Path, **environ: str) -> dict[str, dict[str, Any]]:
    answer = network.ask("reach", TREE, files, **environ)
    return {hop["name"]: hop for hop in answer["hops"]}


def check(network: Namespace, files: Path, **environ: str) -> dict[str, dict[str, Any]]:
    found = network.ask("check", TREE, files, **environ)
    assert len({finding["id"] for finding in found}) == len(found)
    return {finding["id"]: finding for finding in found}


def test_a_workspace_seen_from_inside_its_network_is_in_order(network: Namespace, files: Path) -> None:
    network.but()
    found = hops(network, files)
    assert {name: hop["state"] for name, hop in found.items() if hop["needed"]} == {
        name: "reachable" for name in ("resource-manager", "login", "storage", "scoring")
    }
    assert found["resource-manager"]["private"] is False and found["resource-manager"]["addresses"] == [PUBLIC]
    storage = found["storage"]
    assert (storage["host"], storage["private"], storage["expected"]) == (BLOB, True, "private")
    assert storage["addresses"] == [STORAGE]
    assert storage["cnames"] == ["churnstore.privatelink.blob.core.windows.net"]
    assert storage["issuer"] == "Microsoft Corporation, Test TLS Issuing CA 01"
    # There is no endpoint yet: only the wildcard record of its workspace can be resolved.
    assert found["scoring"]["host"] == f"aml-deploy-check.{GUID}.inference.eastus.privatelink.api.azureml.ms"
    assert found["scoring"]["addresses"] == [SCORING]
    # A host that is unknown is listed but not checked.
    assert found["vault"]["state"] == "not_tried" and not found["vault"]["needed"]

    findings = check(network, files)
    wrong = {id: f["message"] for id, f in findings.items() if f["severity"] in ("blocker", "warning")}
    assert wrong == {}
    assert BLOB in findings["reach-storage"]["message"] and STORAGE in findings["reach-storage"]["message"]
    assert findings["storage-role"]["severity"] == "ok"


def test_a_public_address_where_the_account_is_closed_names_the_zone_and_the_link(
    network: Namespace, files: Path
) -> None:
    network.but(names={"churnstore.privatelink.blob.core.windows.net": PUBLIC})
    hop = hops(network, files)["storage"]
    assert (hop["state"], hop["private"]) == ("wrong_address", False)
    assert (hop["zone"], hop["record"]) == ("privatelink.blob.core.windows.net", "churnstore")
    finding = check(network, files)["reach-storage"]
    assert finding["severity"] == "blocker" and PUBLIC in finding["message"]
    # The alias shows that there is a private endpoint, but its zone is not visible.
    assert "private-dns link vnet create" in finding["command"]
    assert "privatelink.blob.core.windows.net" in finding["command"]


def test_without_a_private_endpoint_one_has_to_be_made(network: Namespace, files: Path) -> None:
    network.but(names={BLOB: PUBLIC})
    hop = hops(network, files)["storage"]
    assert hop["state"] == "wrong_address" and hop["cnames"] == []
    assert "private-endpoint create" in hop["command"] and ACCOUNT in hop["command"]
    assert "--group-id blob" in hop["command"]


def test_an_account_that_is_open_may_have_a_public_address(network: Namespace, files: Path) -> None:
    network.but(
        names={BLOB: PUBLIC},
        answers={"/storageAccounts/churnstore?": [200, {"properties": {"publicNetworkAccess": "Enabled"}}]},
    )
    hop = hops(network, files)["storage"]
    assert (hop["state"], hop["private"], hop["expected"]) == ("reachable", False, None)


def test_selected_networks_are_a_warning_only(network: Namespace, files: Path) -> None:
    rules = {"publicNetworkAccess": "Enabled", "networkAcls": {"defaultAction": "Deny"}}
    network.but(names={BLOB: PUBLIC}, answers={"/storageAccounts/churnstore?": [200, {"properties": rules}]})
    assert check(network, files)["reach-storage"]["severity"] == "warning"


def test_no_address(network: Namespace, files: Path) -> None:
    network.but(names={BLOB: None, "churnstore.privatelink.blob.core.windows.net": None})
    hop = hops(network, files)["storage"]
    assert (hop["state"], hop["addresses"], hop["private"]) == ("unresolved", [], None)
    assert "churnstore in the private DNS zone privatelink.blob.core.windows.net" in hop["remedy"]
    assert check(network, files)["reach-storage"]["severity"] == "blocker"


def test_no_wildcard_record_for_endpoints_is_a_warning(network: Namespace, files: Path) -> None:
    network.but(names={WILDCARD: None})
    hop = hops(network, files)["scoring"]
    assert hop["state"] == "unresolved"
    assert (hop["zone"], hop["record"]) == ("privatelink.api.azureml.ms", f"*.{GUID}.inference.eastus")
    finding = check(network, files)["reach-scoring"]
    assert finding["severity"] == "warning" and "168.63.129.16" in finding["remedy"]


def test_an_endpoint_that_exists_is_called_by_the_host_that_azure_named(network: Namespace, files: Path) -> None:
    host = "churn.eastus.inference.ml.azure.com"
    endpoint = {
        "name": "churn",
        "properties": {"scoringUri": f"https://{host}/score", "authMode": "Key", "provisioningState": "Succeeded"},
    }
    answers = {"/onlineEndpoints/churn?": [200, endpoint], "/deployments?": [200, {"value": []}]}
    alias = f"churn.{GUID}.inference.eastus.privatelink.api.azureml.ms"
    network.but(names={host: alias}, answers=answers)
    hop = hops(network, files)["scoring"]
    assert (hop["host"], hop["state"], hop["cnames"], hop["private"]) == (host, "reachable", [alias], True)
    network.but(names={host: PUBLIC}, answers=answers)
    finding = check(network, files)["reach-scoring"]
    assert finding["severity"] == "blocker" and PUBLIC in finding["message"]
    assert f"*.{GUID}.inference.eastus" in finding["remedy"]


def test_refused(network: Namespace, files: Path) -> None:
    network.but(names={"churnstore.privatelink.blob.core.windows.net": NOBODY})
    hop = hops(network, files)["storage"]
    assert (hop["state"], hop["reason"], hop["private"]) == ("unreachable", "refused", True)
    assert "peer" in hop["remedy"] and "vnet peering create" in hop["command"]
    assert check(network, files)["reach-storage"]["severity"] == "blocker"


@pytest.mark.slow
def test_who_swallows_packets_is_not_known_and_never_blocks(network: Namespace, files: Path) -> None:
    network.but(names={"churnstore.privatelink.blob.core.windows.net": SILENT})
    hop = hops(network, files)["storage"]
    assert (hop["state"], hop["reason"]) == ("unreachable", "timeout")
    finding = check(network, files)["reach-storage"]
    assert finding["severity"] == "unknown" and SILENT in finding["message"] and finding["remedy"]


@pytest.mark.slow
def test_a_name_that_nobody_answers_about_is_not_known(network: Namespace, files: Path) -> None:
    network.but(names={BLOB: []})
    hop = hops(network, files)["storage"]
    assert (hop["state"], hop["reason"]) == ("unknown", "no-name-server")
    assert "168.63.129.16" in hop["remedy"]


def test_the_certificate_of_somebody_else(network: Namespace, files: Path) -> None:
    network.but(names={"churnstore.privatelink.blob.core.windows.net": ELSEWHERE})
    hop = hops(network, files)["storage"]
    assert hop["state"] == "tls" and hop["issuer"] == "Another House, Printer"
    assert check(network, files)["reach-storage"]["severity"] == "blocker"


def test_an_inspecting_proxy_is_recognised_whether_it_is_trusted_or_not(network: Namespace, files: Path) -> None:
    network.but(certificates={"login.microsoftonline.com": "house"})
    hop = hops(network, files)["login"]
    assert (hop["state"], hop["reason"]) == ("tls", "untrusted") and hop["issuer"] == "House of Cards, Inspecting Proxy"
    assert "REQUESTS_CA_BUNDLE" in hop["command"]
    trusted = {"REQUESTS_CA_BUNDLE": str(network.trusts_both)}
    hop = hops(network, files, **trusted)["login"]
    assert (hop["state"], hop["reason"]) == ("reachable", "inspected")
    assert "inspects" in hop["detail"]
    assert check(network, files, **trusted)["reach-login"]["severity"] == "warning"


def test_a_bundle_that_is_not_there_blocks_and_is_named(network: Namespace, files: Path) -> None:
    network.but()
    found = check(network, files, REQUESTS_CA_BUNDLE="/nowhere/bundle.pem")
    assert found["ca-bundle"]["severity"] == "blocker" and "/nowhere/bundle.pem" in found["ca-bundle"]["message"]
    assert found["reach-resource-manager"]["severity"] == "blocker"


def test_through_a_proxy(network: Namespace, files: Path) -> None:
    network.but()
    through = {"HTTPS_PROXY": PROXY.replace("://", "://somebody:secret@"), "NO_PROXY": BLOB}
    answer = network.ask("reach", TREE, files, **through)
    assert answer["proxy"] == PROXY and "secret" not in str(answer)
    found = {hop["name"]: hop for hop in answer["hops"]}
    assert {found[name]["state"] for name in ("resource-manager", "login", "storage")} == {"reachable"}


@pytest.mark.parametrize(
    ("status", "reason"), [(407, "proxy-login"), pytest.param(403, "proxy", marks=pytest.mark.slow)]
)
def test_a_proxy_that_refuses(network: Namespace, files: Path, status: int, reason: str) -> None:
    world = network.but()
    network.become({**world, "proxy": status})
    found = hops(network, files, HTTPS_PROXY=PROXY)
    assert (found["login"]["state"], found["login"]["reason"]) == ("unreachable", reason)
    assert str(status) in found["login"]["detail"] or "password" in found["login"]["detail"]


@pytest.mark.slow
def test_with_every_host_black_holed_it_ends_in_time_and_nothing_blocks(network: Namespace, files: Path) -> None:
    silent = {"management.azure.com": SILENT, "login.microsoftonline.com": SILENT}
    network.but(names=silent, answers={"/msi/token": None})
    fresh = {"AML_DEPLOY_TEST": "black hole"}  # a separate helper, without earlier connections
    answer = network.ask("reach", TREE, files, **fresh)
    states = {hop["name"]: (hop["state"], hop["reason"]) for hop in answer["hops"]}
    assert states["resource-manager"] == states["login"] == ("unreachable", "timeout")
    assert states["storage"][0] == "not_tried"
    assert answer["seconds"] < 10
    network.but(names=silent)
    found = check(network, files, **fresh)
    assert "blocker" not in {finding["severity"] for finding in found.values()}
    assert found["workspace"]["severity"] == "unknown"


def test_the_network_administrators_page_names_zone_command_and_proof(network: Namespace, files: Path) -> None:
    network.but(
        names={"churnstore.privatelink.blob.core.windows.net": PUBLIC},
        certificates={"login.microsoftonline.com": "house"},
    )
    trusted = {"REQUESTS_CA_BUNDLE": str(network.trusts_both)}
    (page,) = network.ask("requests", TREE, files, **trusted)
    assert page["who"] == "network"
    storage = next(request for request in page["requests"] if request["finding"] == "reach-storage")
    assert "--zone-name privatelink.blob.core.windows.net" in storage["command"]
    assert storage["verify"].startswith(f"getent hosts {BLOB}")
    assert "the private DNS zone privatelink.blob.core.windows.net" in storage["how"]
    assert page["markdown"].startswith("# Requests for the Network administrator")
    assert storage["command"] in page["markdown"] and "Without this the deployment cannot work." in page["markdown"]
    # OK findings are omitted.
    assert "reach-resource-manager" not in {request["finding"] for request in page["requests"]}


def test_who_may_not_even_read_the_workspace_gets_the_role_to_ask_for(network: Namespace, files: Path) -> None:
    words = (
        "The client 'client' with object id 'object' does not have authorization to perform action "
        f"'Microsoft.MachineLearningServices/workspaces/read' over scope '{WORKSPACE}' or the scope is invalid."
    )
    network.but(answers={"/workspaces/ws-one?": [403, {"error": {"code": "AuthorizationFailed", "message": words}}]})
    finding = check(network, files)["workspace"]
    assert finding["severity"] == "blocker"
    command = "az role assignment create --assignee-object-id object --assignee-principal-type ServicePrincipal "
    assert finding["command"] == f'{command}--role "AzureML Data Scientist" --scope {WORKSPACE}'
    (page,) = network.ask("requests", TREE, files)
    assert page["who"] == "identity" and page["requests"][0]["command"] == finding["command"]


def test_without_any_identity_two_administrators_are_asked(network: Namespace, files: Path) -> None:
    network.but(answers={"/msi/token": None})
    nobody = {"AML_DEPLOY_TEST": "nobody"}  # a separate helper, without an earlier token
    assert check(network, files, **nobody)["sign-in"]["severity"] == "blocker"
    pages = {page["who"]: page["requests"][0] for page in network.ask("requests", TREE, files, **nobody)}
    assert set(pages) == {"identity", "databricks"}
    assert "{{secrets/SCOPE/KEY}}" in pages["databricks"]["command"]
    assert pages["identity"]["command"].startswith("az ad sp create-for-rbac")


REFUSED_BLOBS = '<?xml version="1.0"?><Error><Code>{}</Code><Message>{}</Message></Error>'


@pytest.mark.parametrize(
    ("code", "words", "who", "command"),
    [
        (
            "AuthorizationFailure",
            "This request is not authorized to perform this operation.",
            "network",
            "network-rule",
        ),
        ("AuthorizationPermissionMismatch", "Not with this permission.", "identity", "Storage Blob Data Contributor"),
        (
            "KeyBasedAuthenticationNotPermitted",
            "Key based authentication is not permitted.",
            "ml",
            "auth-mode identity",
        ),
    ],
)
def test_what_the_storage_refuses_is_asked_of_whoever_can_change_it(
    network: Namespace, files: Path, code: str, words: str, who: str, command: str
) -> None:
    network.but(answers={"/blobs?": [403, REFUSED_BLOBS.format(code, words)]})
    assert check(network, files)["storage"]["severity"] == "blocker"
    asked = {page["who"]: page["requests"] for page in network.ask("requests", TREE, files)}
    assert set(asked) == {who}
    assert command in asked[who][0]["command"]


def test_a_name_that_another_workspace_of_the_region_has(network: Namespace, files: Path) -> None:
    others = [
        {"id": WORKSPACE.replace("ws-one", name), "name": name, "location": region}
        for name, region in (("ws-two", "eastus"), ("far-away", "westus"), ("ws-one", "eastus"))
    ]
    listing = "/providers/Microsoft.MachineLearningServices/workspaces?"
    endpoint = [200, {"name": "churn", "properties": {}}]
    network.but(
        answers={
            listing: [200, {"value": others}],
            "/workspaces/ws-two/onlineEndpoints/churn?": endpoint,
            "/workspaces/far-away/onlineEndpoints/churn?": endpoint,
        }
    )
    found = check(network, files)
    assert found["endpoint-taken"]["severity"] == "blocker"
    assert "ws-two" in found["endpoint-taken"]["message"] and "rg" in found["endpoint-taken"]["message"]
    # In another region the name differs.
    network.but(answers={listing: [200, {"value": others}], "/workspaces/far-away/onlineEndpoints/churn?": endpoint})
    assert "endpoint-taken" not in check(network, files)
