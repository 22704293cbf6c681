"""What is taken out of texts before anybody reads them, and what is not."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from typing import Callable
from urllib.parse import quote, quote_plus

import pytest

from tui.common.redact import (
    HIDDEN,
    RedactingFilter,
    each_text,
    hide,
    hide_logins,
    hide_secrets,
    learn,
    learn_environment,
    looks_secret,
    redact,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer (hidden)"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwcyJ9.c2ln", "(hidden)"),
        ("/c?comp=block&sig=a%3D&sv=2024", "/c?comp=block&sig=(hidden)&sv=2024"),
        ("?next=%2Fc%3Fsv%3D1%26sig%3Dabc%252B&x=1", "?next=%2Fc%3Fsv%3D1%26sig%3D(hidden)&x=1"),
        ("client_assertion=a&scope=x", "client_assertion=(hidden)&scope=x"),
        ("AccountKey=Zm9v; EndpointSuffix=core.windows.net", "AccountKey=(hidden) EndpointSuffix=core.windows.net"),
        ('{"secondaryKey": "a", "keyType": "Primary"}', '{"secondaryKey": "(hidden)", "keyType": "Primary"}'),
        (r'"{\"api_key\": \"a b\\\\\", \"x\": 1}"', r'"{\"api_key\": \"(hidden)\\\\\", \"x\": 1}"'),
        ('{"password": "two words"}', '{"password": "(hidden)"}'),
        ("api_key: abcd, next", "api_key: (hidden), next"),
        ("https://user:word@index.example/simple", "https://(hidden)@index.example/simple"),
        ("abfss://models@account.dfs.core.windows.net/churn", "abfss://models@account.dfs.core.windows.net/churn"),
        ("AZURE_CLIENT_SECRET={{secrets/SCOPE/KEY}}", "AZURE_CLIENT_SECRET={{secrets/SCOPE/KEY}}"),
        ("client_secret: ${env:SECRET}, password=$WORD", "client_secret: ${env:SECRET}, password=$WORD"),
        ("--password <your password>", "--password <your password>"),
        ("git clone, then dapi0123456789abcdef0123456789abcdef-2.", "git clone, then (hidden)."),
        (
            "/api/gh" + "p_" + "aB3" * 12 + "/x hf_hub_download dapi_client",
            "/api/(hidden)/x hf_hub_download dapi_client",
        ),
        ("password policy: see docs; sv=2024-11-04", "password policy: see docs; sv=2024-11-04"),
    ],
)
def test_what_looks_like_a_secret(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(expected) == expected, "what is hidden stays as it is"


LONG = json.dumps({"type": "service", "note": "no; blank, <or> quote's end & é", "key": "AbCd/+\n" * 40, "of": "x"})
SECRETS = ('pl~ant/ed+cl&ient=s"ec\\ret é 0001', "AbCd1234/+==xyz", "\U0001f600passw0rd<>'", "secret08", LONG)
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL": lambda text: quote(text, safe=""),
    "path of a URL": quote,
    "form": quote_plus,
    "URL in lower case, in a URL": lambda text: quote(re.sub("%..", lambda found: found[0].lower(), quote(text))),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON as it is": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON of .NET": lambda text: "".join(one if one.isalnum() and one.isascii() else escaped(one) for one in text),
    "HTML": html.escape,
    "base64 1": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 2": lambda text: base64.b64encode(f"u{text}".encode()).decode(),
    "base64 3": lambda text: base64.b64encode(f"us{text};".encode()).decode(),
    "base64 of URLs": lambda text: base64.urlsafe_b64encode(f"user:{text}".encode()).decode(),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
}


def escaped(one: str) -> str:
    units = one.encode("utf-16-be").hex().upper()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_known_value_is_hidden_in_every_encoding(secret: str, encoding: str) -> None:
    shown = ENCODINGS[encoding](secret)
    learn(secret)
    hidden = redact(f"a: {shown} z")
    assert HIDDEN in hidden
    assert hidden.startswith("a: ") and hidden.endswith(" z")
    assert len(hidden.replace(HIDDEN, "")) <= 18, "up to five characters of base64 hold bits of the neighbours"
    assert redact("a: another-word z") == "a: another-word z"


def test_the_same_value_is_not_taken_for_a_secret_when_it_is_short_or_unknown() -> None:
    learn("seven77", "", None, 12345678)
    assert redact("seven77 12345678 sesame-open") == "seven77 12345678 sesame-open"


def test_lines_of_a_key_and_the_signature_of_an_address_are_known_values() -> None:
    learn("-----BEGIN KEY-----\nMIIEvQIBADANBg\n", "https://account/c?sv=2024-11-04&sig=abcdefgh%2Bij%3D")
    assert redact("it says MIIEvQIBADANBg and abcdefgh+ij=") == "it says (hidden) and (hidden)"
    assert redact("https://account/c") == "https://account/c"


def test_a_long_token_is_hidden_to_its_end() -> None:
    token = "x~" + "abcdefghij" * 150
    learn(token)
    assert redact(f'{{"a": "{token}", "b": 1}}') == '{"a": "(hidden)", "b": 1}'


def test_a_long_value_that_is_cut_off_is_hidden_as_far_as_it_is_there() -> None:
    words = " ".join(f"cut{number:03}" for number in range(100))
    learn(words)
    for length in (60, 200, 500):
        assert redact(f"it says {words[:length]}") == "it says (hidden)"
    assert redact(f"it says {words[:201]}#and {words}; more") == "it says (hidden) (hidden); more"


def test_variables_that_are_secret_by_their_names_are_known_values() -> None:
    learn_environment({"AZURE_CLIENT_SECRET": "planted-0001", "DATABRICKS_TOKEN": "planted-0002"})
    learn_environment({"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential", "AZURE_TENANT_ID": "planted-0003"})
    shown = redact("planted-0001 planted-0002 ManagedIdentityCredential planted-0003")
    assert shown == "(hidden) (hidden) ManagedIdentityCredential planted-0003"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", "x1"),
        ("db_password", "abc"),
        ("HF_TOKEN", "hf_abc"),
        ("BLOB", "https://a.blob.core.windows.net/c?sv=1&sig=abc"),
        ("CONNECTION", "Server=a;Password=hunter22"),
        ("PLAIN", "Zm9vYmFyYmF6cXV4Zm9v0Aa1"),
        ("HOST_LOGIN", "dapi0123456789abcdef0123456789abcdef-2"),
        ("REPO", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("SEARCH", "0123456789abcdef0123456789abcdef"),
        ("STORE", "dGhpcyBpcyBub3QgYSBrZXk/dGhpcyBpcyBub3QgYSBrZXk+dGhpcyBpcyBub3Q=="),
    ],
)
def test_a_variable_that_holds_a_secret(name: str, value: str) -> None:
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKER_COUNT", "2"),
        ("MAX_TOKENS", "512"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("USE_TOKEN", "false"),
        ("MODEL", "microsoft/Phi-3.5-mini-instruct"),
        ("MLFLOW_EXPERIMENT", "11111111-2222-3333-4444-555555555555"),
        ("URL", "https://example.com/a/b"),
        ("IMAGE_HASH", "0123456789abcdef0123456789abcdef01234567"),
    ],
)
def test_a_variable_that_holds_none(name: str, value: str) -> None:
    assert not looks_secret(name, value)


def test_known_values_are_hidden_in_nested_data_and_lookalikes_are_kept() -> None:
    learn("sesame-open")
    data = {"a": ["it is sesame-open", "password=sesame", 1], "sesame-open": None}
    assert each_text(data, hide) == {"a": ["it is (hidden)", "password=sesame", 1], "sesame-open": None}


def test_logins_of_addresses() -> None:
    assert hide_logins("from https://token@index.example/simple") == "from https://***@index.example/simple"


def test_a_line_of_a_log_is_redacted_with_what_is_put_into_it() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s %s", ("GET", "/c?sig=abc"), None)
    assert RedactingFilter().filter(record)
    assert record.getMessage() == "GET /c?sig=(hidden)"


def test_a_literal_beside_a_reference_or_what_only_looks_like_one_is_hidden() -> None:
    shown = {"API_TOKEN": "${env:TOKEN}", "URL": "https://x/${env:PATH_OF_IT}", "N": 3}
    assert hide_secrets(shown) == shown
    hidden = {"API_TOKEN": "p4ss${w0rd", "DB_PASSWORD": "planted-word${env:END}", "SECRET": "${planted"}
    assert set(hide_secrets(hidden).values()) == {"(hidden)"}
