"""An answer of Azure that is missing: what blocks, what is unknown, and which role to ask for."""

from __future__ import annotations

from typing import Any

import pytest

from tui.checks import ask_azure
from tui.checks.finding import Finding
from tui.cloud.errors import CloudError
from tui.common.deadlines import Question

NO_ROLE = (
    "The client 'c' with object id 'o' does not have authorization to perform action "
    "'Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write' over scope '/subscriptions/s'"
)


def failing(**details: Any) -> Question[str]:
    def fail() -> str:
        raise CloudError(details.pop("title", "It failed"), details.pop("cause", "A cause"), "Do this.", **details)

    return Question(fail, 30)


def severity(**details: Any) -> str:
    needed = details.pop("needed", False)
    found = ask_azure.ask(failing(**details), "id", "field", "It", needed=needed)
    assert isinstance(found, Finding) and (found.id, found.field) == ("id", "field")
    return found.severity


@pytest.mark.parametrize(
    ("status", "whatever", "needed"),
    [
        (399, "unknown", "unknown"),
        (400, "blocker", "blocker"),
        (401, "blocker", "blocker"),
        (402, "unknown", "unknown"),
        (403, "blocker", "blocker"),
        (404, "unknown", "blocker"),  # without the resource, nothing works
        (405, "unknown", "unknown"),
        (429, "unknown", "unknown"),
        (500, "unknown", "unknown"),
        (None, "unknown", "unknown"),
    ],
)
def test_what_a_status_means(status: int | None, whatever: str, needed: str) -> None:
    assert severity(status=status) == whatever
    assert severity(status=status, needed=True) == needed


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"code": "NoCredential"}, "blocker"),
        ({"code": "SignInFailed"}, "blocker"),
        ({"code": "NoCredential", "raw": "It timed out"}, "blocker"),
        ({"code": "NoCredential", "status": 500}, "unknown"),  # Microsoft Entra has a problem of its own
        ({"code": "Another"}, "unknown"),
        ({"code": "Zone"}, "unknown"),
        ({"code": "Unreachable"}, "blocker"),
        ({"code": "Unreachable", "status": 503}, "unknown"),
        ({"code": "Unreachable", "title": "The host did not answer"}, "unknown"),
        ({"code": "Unreachable", "cause": "Read timed out"}, "unknown"),
        ({"code": "Unreachable", "raw": "ConnectTimeout"}, "unknown"),
    ],
)
def test_what_a_code_means_for_something_needed(details: dict[str, Any], expected: str) -> None:
    assert severity(**details, needed=True) == expected
    assert severity(**details) == "unknown"


@pytest.mark.parametrize(
    ("status", "raw", "role"),
    [
        (403, NO_ROLE, True),
        (403, "The firewall", False),
        (400, NO_ROLE, False),
        (404, NO_ROLE, False),
        (None, NO_ROLE, False),
    ],
)
def test_a_role_is_named_if_that_is_what_is_missing(status: int | None, raw: str, role: bool) -> None:
    found = ask_azure.ask(failing(status=status, raw=raw), "id", "field", "It")
    assert isinstance(found, Finding)
    assert ("AzureML Data Scientist" in found.remedy) is role and bool(found.commands) is role
    assert role or found.remedy == "Do this."


def test_without_an_answer_in_time_nothing_blocks() -> None:
    late: Question[str] = Question(lambda: "too late", 0)
    found = ask_azure.ask(late, "id", "field", "It", needed=True)
    assert isinstance(found, Finding) and found.severity == "unknown" and found.message.startswith("It is unknown")


def test_an_answer_is_returned() -> None:
    assert ask_azure.ask(Question(lambda: "answer", 30), "id", "field", "It") == "answer"
