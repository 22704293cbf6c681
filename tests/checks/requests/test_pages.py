"""Which findings become a request to an administrator, and what fills it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from plan_files import MakePlan

from tui.checks.finding import Finding
from tui.checks.requests.administrator_requests import pages
from tui.cloud.auth.sign_in import SignedIn

WHO = SignedIn("trainer", "user", "tenant", "client", None, "default", "AzureCli", "1111")


@pytest.mark.parametrize(
    ("finding", "requested"),
    [
        (Finding("registry-tier", "blocker"), True),
        (Finding("registry-tier", "warning"), True),
        (Finding("registry-tier", "ok"), False),
        (Finding("registry-tier", "unknown", remedy="Do it."), False),
        (Finding("image-build-compute", "unknown", remedy="Do it."), True),
        (Finding("image-build-compute", "unknown"), False),
        (Finding("no-such-finding", "blocker"), False),
    ],
)
def test_what_others_must_do(make_plan: MakePlan, finding: Finding, requested: bool) -> None:
    found = pages(make_plan(), [finding], None, WHO)
    assert [request.finding for page in found for request in page.requests] == ([finding.id] if requested else [])


def test_tasks_are_counted_and_numbered(make_plan: MakePlan) -> None:
    roles, tenant = Finding("roles", "blocker"), Finding("tenant", "warning", docs="https://d.org")
    (one,) = pages(make_plan(), [roles], None, WHO)
    assert "one task" in one.markdown and "More:" not in one.markdown
    (two,) = pages(make_plan(), [roles, tenant], None, WHO)
    assert "2 tasks" in two.markdown and "More: https://d.org" in two.markdown
    assert [request.severity for request in two.requests] == ["blocker", "warning"]


@pytest.mark.parametrize("commands", [(), ("az one", "az two")])
def test_without_a_command_there_is_no_block_of_code(make_plan: MakePlan, commands: Any) -> None:
    (page,) = pages(
        make_plan(), [dataclasses.replace(Finding("registry-tier", "blocker"), commands=commands)], None, WHO
    )
    assert all(request.command != "COMMAND" for request in page.requests)
    assert bool(page.requests[0].command) is ("```sh" in page.markdown)
