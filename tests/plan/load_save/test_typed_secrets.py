"""Which secrets a user must type, again or for the first time."""

from __future__ import annotations

from typing import Any

import pytest

from tui.plan.load_save.document import Document
from tui.plan.load_save.typed_secrets import to_ask

SECRET = "credential.client_secret"


@pytest.mark.parametrize(
    ("method", "written", "environ", "given", "typed", "asked"),
    [
        ("service_principal", None, {}, (), (), True),
        ("service_principal", None, {"AZURE_CLIENT_SECRET": "s"}, (), (), False),
        ("service_principal", None, {"AZURE_CLIENT_SECRET": "s"}, (), (SECRET,), True),
        ("service_principal", None, {}, (SECRET,), (SECRET,), False),
        ("service_principal", None, {}, (SECRET,), (), False),
        ("service_principal", "${keyvault:kv/n}", {}, (), (), False),
        ("service_principal", "${keyvault:wrong}", {}, (), (), True),
        ("service_principal", "${env:OWN}", {"OWN": ""}, (), (), True),
        ("azure_cli", None, {}, (), (SECRET,), False),
    ],
)
def test_a_secret_is_asked_for(method: str, written: Any, environ: Any, given: Any, typed: Any, asked: bool) -> None:
    document = Document(tree={"credential": {"method": method, "client_secret": written}})
    assert to_ask(document, environ, given, typed) == ([SECRET] if asked else [])
