"""What `invoke` prints of a model's response."""

from __future__ import annotations

import json
from argparse import Namespace
from types import SimpleNamespace
from typing import Any

import pytest

from tui.common import redact
from tui.helper import dispatch
from tui.helper.questions import endpoint_operations
from tui.plain.commands.endpoint_operations import invoke


@pytest.mark.parametrize("as_json", [False, True])
def test_a_models_response_is_not_changed_except_for_known_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    monkeypatch.setattr(redact, "_known", redact.Secrets())
    redact.learn("the-endpoints-own-key")
    response = {"password": "a column of the model", "echo": "the-endpoints-own-key"}
    result = {"body": json.dumps(response), "status_code": 200, "ok": True, "latency_ms": 1.0}
    monkeypatch.setattr(endpoint_operations, "score", lambda **asked: result)
    answered = dispatch.ask("score", {})["result"]
    monkeypatch.setattr(invoke, "ask", lambda *asked, **more: answered)
    monkeypatch.setattr(invoke, "read_request", lambda file: b"{}")
    monkeypatch.setattr(invoke, "target", lambda arguments: (SimpleNamespace(get=lambda key: "churn"), {}))
    assert invoke.run(Namespace(json=as_json, request="-", deployment=None)) == 0
    told: Any = json.loads(capsys.readouterr().out)
    shown = told["response"] if as_json else told
    assert shown == {"password": "a column of the model", "echo": "(hidden)"}


def test_a_response_that_is_nested_too_deeply_is_printed_as_a_text() -> None:
    deep = "[" * 100_000
    assert invoke.as_object("churn", {"body": deep, "ok": True})["response"] == deep
