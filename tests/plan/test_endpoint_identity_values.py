"""User-assigned identities: the forms in which they are written, and which ids are valid."""

from __future__ import annotations

from typing import Any

import pytest

from tui.plan.endpoint_identity import listed, rule

START = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"


@pytest.mark.parametrize(
    ("value", "ids"),
    [("/a", ["/a"]), ("/a, /b", ["/a", "/b"]), ("", []), ([], []), (["/a "], ["/a"]), (("/a", "/b"), ["/a", "/b"]),
     ([{"resource_id": "/a"}], ["/a"]), ([{"resource_id": "/a", "client_id": "c", "principal_id": "p"}], ["/a"]),
     ([{"resource_id": "/a", "name": "n"}], None), ([{"client_id": "c"}], None), ([1], None), (["/a", None], None),
     ({"resource_id": "/a"}, None), (None, None), (7, None)],
)  # fmt: skip
def test_ids_in_every_form(value: Any, ids: list[str] | None) -> None:
    assert listed(value) == ids


@pytest.mark.parametrize(
    ("value", "valid"),
    [([START + "abc"], True), (START.upper() + "abc", True), ([START + "a" * 128], True), (["${env:ID}"], True),
     ([START + "ab"], False), ([START + "a" * 129], False), ([START + "_ab"], False), ([START + "abc/x"], False),
     (["uai"], False), ([], False), ([START + "abc", START + "abd"], False), (None, False), ([{"id": "/a"}], False)],
)  # fmt: skip
def test_exactly_one_valid_id(value: Any, valid: bool) -> None:
    assert (rule(value) is None) == valid
