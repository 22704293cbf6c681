"""Which ids of a text are those that a support case needs."""

from __future__ import annotations

import pytest

from tui.remedies.patterns import Page
from tui.remedies.request_ids import MOST, request_ids

ONE = "11111111-2222-4333-8444-555555555555"


def guid(number: int) -> str:
    return f"{number:08x}-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    "text",
    [
        f"x-ms-request-id: {ONE}",
        f"x-ms-client-request-id={ONE}",
        f"X-Request-ID: {ONE}",
        f'"client-request-id": "{ONE}"',
        rf"{{\"RequestId\":\"{ONE}\"}}",
        f"request id : {ONE}",
        f"Correlation ID: {ONE}",
        f"correlation_id: {ONE}",
        f"ActivityId: {ONE}",
        f"activity-id: {ONE}",
        f"OperationId: {ONE}",
        f"traceid: {ONE}",
        f"trace_id: {ONE}",
        f"trace id: {ONE}",
        f'"operation": "{ONE}"',
        f'"request": "{ONE}"',
        f"x-ms-routing-request-id: EASTUS:20230517T200446Z:{ONE}",
    ],
)
def test_an_id_is_found_by_its_name(text: str) -> None:
    assert request_ids(Page(f"first\n{text}\nlast")) == (ONE,)


@pytest.mark.parametrize(
    "text",
    [
        f"model_id: {ONE}",
        f"the request {ONE}",
        "x-ms-request-id: 00000000-0000-0000-0000-000000000000",
        f"x-ms-request-id: {ONE[:-1]}",
        "x-ms-request-id:",
    ],
)
def test_other_ids_are_none(text: str) -> None:
    assert request_ids(Page(text)) == ()


def test_they_come_once_in_the_order_of_the_text_and_the_last_ones() -> None:
    text = "\n".join(f"request-id: {guid(number)} correlation: x" for number in (1, 2, 2, *range(3, MOST + 3), 1))
    assert request_ids(Page(text)) == tuple(guid(number) for number in range(3, MOST + 3))
    two = f"trace id: {guid(1)} correlation id: {guid(2)}"
    assert request_ids(Page(two)) == (guid(1), guid(2))


def test_every_line_of_two_hundred_is_looked_at_and_no_more() -> None:
    last = f"request-id: {ONE}\n"
    assert request_ids(Page(last + "request-id: none\n" * 199)) == (ONE,)
    assert request_ids(Page(last + "request-id: none\n" * 200)) == ()


def test_a_long_line_is_read_to_its_limit() -> None:
    assert request_ids(Page(f"{'x' * 19_900} request-id: {ONE}")) == (ONE,)
    assert request_ids(Page(f"{'x' * 20_001} request-id: {ONE}")) == ()
