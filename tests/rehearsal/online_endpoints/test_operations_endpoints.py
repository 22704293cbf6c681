"""Managed online endpoints, driven by both of Microsoft's clients."""

from __future__ import annotations

import time
from typing import Any

import pytest
from arm_client import Arm
from operations import GROUP, WORKSPACE, empty

AT = (GROUP, WORKSPACE)
USER = f"/subscriptions/{'0' * 36}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/churn"


def _endpoint(**more: Any) -> Any:
    from azure.mgmt.machinelearningservices import models

    identity = models.ManagedServiceIdentity(type="SystemAssigned")
    properties = models.OnlineEndpointProperties(
        auth_mode=more.pop("auth_mode", "Key"), description="d", properties={"p": "q"}, **more
    )
    return models.OnlineEndpoint(location="eastus", identity=identity, properties=properties, tags={"team": "churn"})


def test_an_endpoint_with_the_management_client(mgmt: Any, name: str) -> None:
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
    from azure.mgmt.machinelearningservices import models

    endpoints = mgmt.online_endpoints
    made = endpoints.begin_create_or_update(*AT, name, _endpoint(public_network_access="Disabled")).result()
    # Keys are never answered here; a managed endpoint has no compute and no user assigned identity.
    assert empty(made) <= {
        "properties.keys", "properties.compute", "identity.user_assigned_identities", "sku"
    }  # fmt: skip
    assert made.properties.provisioning_state == "Succeeded"
    assert made.properties.public_network_access == "Disabled"
    assert made.properties.scoring_uri.endswith(f"/{name}/score")

    endpoints.begin_update(*AT, name, models.PartialMinimalTrackedResourceWithIdentity(tags={"team": "new"})).result()
    assert endpoints.get(*AT, name).tags == {"team": "new"}
    body = _endpoint(public_network_access="Enabled")
    changed = endpoints.begin_create_or_update(*AT, name, body).result()
    assert changed.properties.public_network_access == "Enabled"
    assert changed.identity.principal_id == made.identity.principal_id
    body.identity = models.ManagedServiceIdentity(type="UserAssigned", user_assigned_identities={USER: {}})
    with pytest.raises(HttpResponseError, match="cannot be changed"):
        endpoints.begin_create_or_update(*AT, name, body)

    first = endpoints.list_keys(*AT, name)
    assert first.primary_key and first.secondary_key and first.primary_key != first.secondary_key
    wish = models.RegenerateEndpointKeysRequest(key_type="Secondary")
    endpoints.begin_regenerate_keys(*AT, name, wish).result()
    second = endpoints.list_keys(*AT, name)
    assert second.primary_key == first.primary_key and second.secondary_key != first.secondary_key
    with pytest.raises(HttpResponseError, match="uses keys"):
        endpoints.get_token(*AT, name)
    wish = models.RegenerateEndpointKeysRequest(key_type="Primary", key_value="mine")
    with pytest.raises(HttpResponseError, match="keyValue"):
        endpoints.begin_regenerate_keys(*AT, name, wish)

    endpoints.begin_delete(*AT, name).result()
    with pytest.raises(ResourceNotFoundError):
        endpoints.get(*AT, name)
    # Deleting what is gone is no error.
    endpoints.begin_delete(*AT, name).result()


def test_lists_with_the_management_client(mgmt: Any, name: str) -> None:
    endpoints, prefix = mgmt.online_endpoints, name[:20]
    names = [f"{prefix}-{letter}" for letter in "abc"]
    begun = []
    for number, item in enumerate(names):
        body = _endpoint()
        body.tags = {"set": name, "number": str(number)}
        body.properties.properties = {"set": f"{name}-{number}"}
        begun.append(endpoints.begin_create_or_update(*AT, item, body))
    for poller in begun:
        poller.result()

    def listed(**query: Any) -> list[str]:
        return [item.name for item in endpoints.list(*AT, **query)]

    assert listed(tags=f"set={name}") == names
    # Pages of one, followed by nextLink.
    assert listed(tags=f"set={name}", count=1) == names
    assert listed(tags=f"set={name}", skip="1") == names[1:]
    assert listed(name=names[1]) == names[1:2]
    assert listed(properties=f"set={name}-2") == names[2:]
    assert listed(tags=f"set={name},number=0") == names[:1]
    assert listed(tags=f"set={name}", compute_type="Kubernetes") == []
    assert listed(tags=f"set={name}", order_by="CreatedTimeDesc") == names[::-1]
    pages = list(endpoints.list(*AT, tags=f"set={name}", count=2).by_page())
    assert [[item.name for item in page] for page in pages] == [names[:2], names[2:]]
    for poller in [endpoints.begin_delete(*AT, item) for item in names]:
        poller.result()


@pytest.mark.parametrize("mode", ["AMLToken", "AADToken"])
def test_tokens_with_the_management_client(mgmt: Any, name: str, mode: str) -> None:
    from azure.core.exceptions import HttpResponseError
    from azure.mgmt.machinelearningservices import models

    mgmt.online_endpoints.begin_create_or_update(*AT, name, _endpoint(auth_mode=mode)).result()
    token = mgmt.online_endpoints.get_token(*AT, name)
    assert empty(token) == set()
    assert token.token_type == "Bearer"
    assert token.expiry_time_utc > token.refresh_after_time_utc > time.time()
    # Recorded: an endpoint with tokens answers listKeys with nulls.
    keys = mgmt.online_endpoints.list_keys(*AT, name)
    assert (keys.primary_key, keys.secondary_key) == (None, None)
    with pytest.raises(HttpResponseError, match="does not use keys"):
        wish = models.RegenerateEndpointKeysRequest(key_type="Primary")
        mgmt.online_endpoints.begin_regenerate_keys(*AT, name, wish)
    mgmt.online_endpoints.begin_delete(*AT, name).result()


def test_endpoints_with_the_sdk(ml_client: Any, mgmt: Any, name: str) -> None:
    from azure.ai.ml.entities import ManagedOnlineEndpoint
    from azure.core.exceptions import ResourceNotFoundError

    sdk = ml_client.online_endpoints
    names = {mode: f"{name}-{mode[:3]}" for mode in ("key", "aml_token", "aad_token")}
    for mode, item in names.items():
        sdk.begin_create_or_update(ManagedOnlineEndpoint(name=item, auth_mode=mode, tags={"a": "b"}))
    _wait(mgmt, names)
    found = sdk.get(names["key"])
    assert (found.auth_mode, found.tags) == ("key", {"a": "b"})
    assert found.public_network_access.lower() == "enabled"
    assert found.identity.principal_id
    assert set(names.values()) <= {item.name for item in sdk.list()}
    before = sdk.get_keys(names["key"])
    sdk.begin_regenerate_keys(names["key"], key_type="secondary")
    _wait(mgmt, names)
    after = sdk.get_keys(names["key"])
    assert before.primary_key == after.primary_key and before.secondary_key != after.secondary_key
    assert sdk.get_keys(names["aml_token"]).access_token
    assert sdk.get_keys(names["aad_token"]).access_token

    found.description = "changed"
    found.public_network_access = "disabled"
    sdk.begin_create_or_update(found)
    _wait(mgmt, names)
    assert sdk.get(names["key"]).description == "changed"
    for item in names.values():
        sdk.begin_delete(item)
    deadline = time.monotonic() + 60
    with pytest.raises(ResourceNotFoundError):
        while time.monotonic() < deadline:
            sdk.get(names["key"])


def _wait(mgmt: Any, names: dict[str, str]) -> None:
    """The SDK asks every 30 seconds; the management client looks more often."""
    deadline = time.monotonic() + 60
    while any(
        mgmt.online_endpoints.get(*AT, item).properties.provisioning_state != "Succeeded" for item in names.values()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_answers_hold_no_key(arm: Arm, mgmt: Any, name: str) -> None:
    mgmt.online_endpoints.begin_create_or_update(*AT, name, _endpoint()).result()
    keys = mgmt.online_endpoints.list_keys(*AT, name)
    for path in (f"onlineEndpoints/{name}", "onlineEndpoints"):
        text = arm.call("GET", path).text
        assert keys.primary_key not in text and keys.secondary_key not in text
    mgmt.online_endpoints.begin_delete(*AT, name).result()


def test_a_user_assigned_identity_is_named_by_its_id_and_stays(mgmt: Any, name: str) -> None:
    from azure.core.exceptions import HttpResponseError
    from azure.mgmt.machinelearningservices import models

    endpoints = mgmt.online_endpoints
    body = _endpoint()
    body.identity = models.ManagedServiceIdentity(type="UserAssigned", user_assigned_identities={"churn": {}})
    with pytest.raises(HttpResponseError) as refused:
        endpoints.begin_create_or_update(*AT, name, body)
    assert refused.value.error.code == "LinkedInvalidPropertyId"
    body.identity = models.ManagedServiceIdentity(type="UserAssigned", user_assigned_identities={USER: {}})
    made = endpoints.begin_create_or_update(*AT, name, body).result()
    ((named, user),) = made.identity.user_assigned_identities.items()
    assert (named, made.identity.type, made.identity.principal_id) == (USER, "UserAssigned", None)
    assert user.client_id and user.principal_id

    # What was read can be sent back; anything else is another identity.
    assert endpoints.begin_create_or_update(*AT, name, body).result().identity.type == "UserAssigned"
    with pytest.raises(HttpResponseError, match="cannot be changed"):
        endpoints.begin_create_or_update(*AT, name, _endpoint())
    endpoints.begin_delete(*AT, name).result()
