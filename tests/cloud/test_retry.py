"""Requests that are tried again, and are seen to be."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_service import Reply, Service

from tui.cloud.errors import CloudError
from tui.cloud.retry import observed

THROTTLED = Reply(429, {"error": {"code": "TooManyRequests", "message": "slow down"}})
PATH = "/subscriptions/s/providers/p/listKeys"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_what_was_throttled_without_a_hint_is_sent_again_after_a_while(
    service: Service, cloud: Any, method: str
) -> None:
    service.on(method, "listKeys", THROTTLED, Reply(200, {"primaryKey": "k"}))
    told: list[tuple[str, float]] = []
    with observed(lambda reason, delay: told.append((reason, delay))):
        assert cloud.arm.call(method, PATH, "2024-04-01").body == {"primaryKey": "k"}
    assert told == [("Azure answered 429", 1.0)]


def test_a_refusal_of_storage_is_told_without_its_xml(service: Service, cloud: Any) -> None:
    code = "KeyBasedAuthenticationNotPermitted"
    words = "Key based authentication is not permitted on this storage account."
    xml = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{words}\nRequestId:1\nTime:2</Message></Error>"
    service.on("GET", "listKeys", Reply(403, xml.encode(), {"Content-Type": "application/xml"}))
    with pytest.raises(CloudError) as caught:
        cloud.arm.call("GET", PATH, "2024-04-01")
    assert caught.value.code == code
    assert caught.value.cause == words
    assert "keys" in caught.value.title
