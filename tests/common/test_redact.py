"""What is taken out of texts before anybody reads them, and what is not."""

from __future__ import annotations

import logging

import pytest

from tui.common.redact import RedactingFilter, each_text, hide, hide_logins, redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer (hidden)"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwcyJ9.c2ln", "(hidden)"),
        ("/c?comp=block&sig=a%3D&sv=2024", "/c?comp=block&sig=(hidden)&sv=2024"),
        ("client_assertion=a&scope=x", "client_assertion=(hidden)&scope=x"),
        ("AccountKey=Zm9v; EndpointSuffix=core.windows.net", "AccountKey=(hidden) EndpointSuffix=core.windows.net"),
        ('{"secondaryKey": "a", "keyType": "Primary"}', '{"secondaryKey": "(hidden)", "keyType": "Primary"}'),
        ('{"password": "two words"}', '{"password": "(hidden)"}'),
        ("api_key: abcd, next", "api_key: (hidden), next"),
        ("https://user:word@index.example/simple", "https://(hidden)@index.example/simple"),
        ("abfss://models@account.dfs.core.windows.net/churn", "abfss://models@account.dfs.core.windows.net/churn"),
        ("password policy: see docs; sv=2024-11-04", "password policy: see docs; sv=2024-11-04"),
    ],
)
def test_what_looks_like_a_secret(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(expected) == expected, "what is hidden stays as it is"


def test_known_values_are_hidden_in_nested_data() -> None:
    data = {"a": ["it is sesame-open", "abc", "abcde", 1], "sesame-open": None}
    hidden = each_text(data, lambda text: hide(text, {"sesame-open", "abc", ""}, "(secret)", shortest=8))
    assert hidden == {"a": ["it is (secret)", "(secret)", "abcde", 1], "sesame-open": None}
    assert redact("sesame-open and sesame", ["sesame", "sesame-open"]) == "(hidden) and (hidden)"


def test_logins_of_addresses() -> None:
    assert hide_logins("from https://token@index.example/simple") == "from https://***@index.example/simple"


def test_a_line_of_a_log_is_redacted_with_what_is_put_into_it() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s %s", ("GET", "/c?sig=abc"), None)
    assert RedactingFilter().filter(record)
    assert record.getMessage() == "GET /c?sig=(hidden)"
