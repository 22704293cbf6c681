"""The matcher: best match first, the lines that show it, ids, and no match that contradicts the plan."""

from __future__ import annotations

import json

import pytest

from tui.remedies.catalogue import Catalogue
from tui.remedies.matcher import Card, match

CRASH = """\
2026-11-22 23:48:48,868 E [16200] azmlinfsrv - User's init function failed
2026-11-22 23:48:48,868 E [16200] azmlinfsrv - Encountered Exception Traceback (most recent call last):
  File "/azureml-envs/lib/python3.10/site-packages/azureml_inference_server_http/server/user_script.py", line 119
    self._user_init()
  File "/var/azureml-app/onlinescoring/score.py", line 40, in init
    raise RuntimeError('no luck today')
RuntimeError: no luck today

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/azureml-envs/lib/python3.10/site-packages/azureml_inference_server_http/server/aml_blueprint.py", line 109
    self.user_script.invoke_init()
azureml_inference_server_http.server.user_script.UserScriptException: Caught an unhandled exception
"""
QUOTA = (
    "(InferencingClientCreateDeploymentFailed) Not enough quota available for Standard_DS3_v2 in SubscriptionId x. "
    "Current usage/limit: 2/6. Additional needed: 8 https://aka.ms/oe-tsg#error-outofquota"
)


def first(text: str, catalogue: Catalogue, **more: object) -> Card:
    cards = match(text, catalogue=catalogue, **more)  # type: ignore[arg-type]
    assert cards
    return cards[0]


def test_the_exception_behind_a_crash_is_the_cause(catalogue: Catalogue) -> None:
    card = first(CRASH, catalogue, code="ResourceNotReady")
    assert card.id == "scoring-script-init"
    assert card.cause.startswith("RuntimeError: no luck today.")
    assert "score.py, line 40, in init()" in card.cause
    assert "RuntimeError: no luck today" in card.evidence
    assert card.lines[card.evidence.index("RuntimeError: no luck today")] == 7


def test_a_log_inside_json_is_read_by_its_lines(catalogue: Catalogue) -> None:
    error = json.dumps({"error": {"code": "ResourceNotReady", "message": CRASH}})
    card = first(f"HTTP 200\n{error}", catalogue)
    assert "score.py, line 40, in init()" in card.cause
    assert set(card.lines) == {2}
    assert "RuntimeError: no luck today" in card.evidence


def test_what_the_service_counted_is_in_the_cause(catalogue: Catalogue) -> None:
    card = first(QUOTA, catalogue)
    assert card.id == "quota"
    assert "Standard_DS3_v2 needs 8 cores; 2 of 6 allowed ones are in use." in card.cause


def test_facts_fill_the_commands_and_what_is_not_known_stays_a_placeholder(catalogue: Catalogue) -> None:
    text = "No valid deployments to route to."
    (command,) = first(text, catalogue, facts={"endpoint": "churn", "workspace": "ws", "resource_group": "rg"}).commands
    assert command == 'az ml online-endpoint update -n churn -w ws -g rg --traffic "DEPLOYMENT=100"'


def test_nothing_from_a_text_reaches_a_command_that_a_shell_would_take_apart(catalogue: Catalogue) -> None:
    text = (
        "(AuthorizationFailed) The client 'x' with object id '$(touch /tmp/x)' does not have authorization to perform "
        "action 'Microsoft.MachineLearningServices/workspaces/read' over scope '/subscriptions/s; reboot'"
    )
    (command,) = first(text, catalogue).commands
    assert "touch" not in command
    assert "reboot" not in command
    assert "--assignee PRINCIPAL" in command


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("MLflow model format with private network is unsupported", {"isolation": "managed_network"}),
        ("MLflow model format with private network is unsupported", {"has_code": True}),
        ("WorkspaceManagedNetworkNotReady", {"isolation": "legacy"}),
        ("A required package azureml-inference-server-http is missing", {"conda_names_server": True}),
        ("Access to workspace was denied based on workspace private link", {"isolation": "public"}),
        ("Could not find driver program", {"has_code": True}),
    ],
)
def test_a_card_never_contradicts_what_is_known(text: str, facts: dict[str, object], catalogue: Catalogue) -> None:
    card = first(text, catalogue)
    known = [item.id for item in match(text, facts=facts, catalogue=catalogue)]
    assert card.id not in known
    other = {key: not value if isinstance(value, bool) else "other" for key, value in facts.items()}
    assert card.id in [item.id for item in match(text, facts=other, catalogue=catalogue)]


def test_a_more_exact_entry_replaces_what_only_the_code_says(catalogue: Catalogue) -> None:
    text = "ImageBuildFailure: failed to communicate with the workspace's container registry"
    assert [card.id for card in match(text, catalogue=catalogue)] == ["image-build-acr"]
    assert [card.id for card in match("ImageBuildFailure", catalogue=catalogue)] == ["image-build"]


def test_the_code_alone_is_enough_and_is_no_evidence(catalogue: Catalogue) -> None:
    card = first("", catalogue, code="ResourceNotReady")
    assert card.id == "resource-not-ready"
    assert card.evidence == ()


def test_with_facts_the_context_need_not_show(catalogue: Catalogue) -> None:
    text = "ModuleNotFoundError: No module named 'lightgbm'"
    assert first(text, catalogue).certainty == "possible"
    card = first(text, catalogue, facts={"endpoint": "churn"})
    assert (card.id, card.certainty) == ("package-missing", "sure")


def test_request_and_correlation_ids_are_found(catalogue: Catalogue) -> None:
    ids = [f"{n}{n}{n}{n}{n}{n}{n}{n}-0000-4000-8000-00000000000{n}" for n in range(1, 7)]
    text = f"""\
x-ms-request-id: {ids[0]}
x-ms-correlation-request-id: {ids[1]}
x-ms-routing-request-id: EASTUS:20230517T200446Z:{ids[2]}
Trace ID: {ids[3]} Correlation ID: {ids[4]} Timestamp: 2026-11-01
RequestId:{ids[5]}
"traceId":"00-a95a95afd7040aa9217f2d51d95c71c1-894d1cf3aba15e15-01"
a model id that is none: model_id 77777777-0000-4000-8000-000000000007
AADSTS7000222: expired
"""
    assert first(text, catalogue).request_ids == (*ids, "a95a95afd7040aa9217f2d51d95c71c1")


def test_an_empty_text_and_one_without_letters_bring_nothing(catalogue: Catalogue) -> None:
    for text in ("", "\n\n\n", "\0\0", "İ" * 1000, "{}", "é\r\n" * 10):
        assert match(text, catalogue=catalogue) == []


def test_the_cause_is_found_in_front_of_many_lines_and_behind_them(catalogue: Catalogue) -> None:
    noise = "2026-01-01 I azmlinfsrv - POST /score 200, no module, no space left, quota, probe, timeout\n" * 20_000
    for text in (CRASH + noise, noise + CRASH):
        assert first(text, catalogue).id == "scoring-script-init"


def test_one_endless_line_is_searched_in_windows(catalogue: Catalogue) -> None:
    line = '{"a": "' + "x y " * 250_000 + QUOTA + " x y" * 250_000 + '"}'
    card = first(line, catalogue)
    assert card.id == "quota"
    assert len(card.evidence[0]) < 600


def test_a_card_is_json(catalogue: Catalogue) -> None:
    card = json.loads(json.dumps(first(CRASH, catalogue).as_dict()))
    assert {"id", "title", "cause", "remedy", "docs", "evidence", "request_ids", "commands", "lines"} <= set(card)
