"""References in values: which are expanded, kept for later, or refused."""

from __future__ import annotations

import pytest

from tui.plan.load_save import references
from tui.plan.load_save.references import Unresolved, expand

SET = {"A": "1", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("plain", "plain"), ("${env:A}", "1"), ("x-${env:A}-${env:A}", "x-1-1"), ("$A {env:A}", "$A {env:A}")],
)
def test_variables_are_replaced(text: str, expanded: str) -> None:
    assert expand(text, SET) == expanded


@pytest.mark.parametrize("text", ["${env:B}", "${env:EMPTY}", "${ENV:A}", "${A}", "${env:A", "${file:/x}"])
def test_what_cannot_be_resolved_is_told(text: str) -> None:
    with pytest.raises(Unresolved):
        expand(text, SET)


def test_a_value_that_contains_such_a_text_is_left_as_it_is() -> None:
    assert expand("${env:A}", {"A": "${x"}) == "${x"


@pytest.mark.parametrize(
    ("kind", "name", "valid"),
    [
        ("databricks", "scope/key", True),
        ("databricks", "s" * 128 + "/" + "k" * 128, True),
        ("databricks", "s" * 129 + "/k", False),
        ("databricks", "s/" + "k" * 129, False),
        ("databricks", "scope", False),
        ("databricks", "a/b/c", False),
        ("keyvault", "kv/name", True),
        ("keyvault", "v/name", False),
        ("keyvault", "kv.vault.azure.net/name", True),
        ("keyvault", "kv/" + "n" * 127, True),
        ("keyvault", "kv/" + "n" * 128, False),
        ("keyvault", "v" * 251 + "/n", True),
        ("keyvault", "v" * 252 + "/n", False),
        ("keyvault", "kv/n/" + "0" * 32, True),
        ("keyvault", "kv/n/" + "0" * 31, False),
        ("keyvault", "kv/na_me", False),
    ],
)
def test_secrets_are_kept_for_later_if_they_are_well_formed(kind: str, name: str, valid: bool) -> None:
    text = f"${{{kind}:{name}}}"
    assert (references.malformed(kind, name) is None) == valid
    with pytest.raises(Unresolved):
        expand(text, SET)
    if valid:
        assert expand(f"{text} ${{env:A}}", SET, later=True) == f"{text} 1"
    else:
        with pytest.raises(Unresolved):
            expand(text, SET, later=True)


def test_what_a_value_refers_to() -> None:
    text = "${env:A} ${keyvault:kv/n} ${env:B} ${other:x}"
    assert references.names(text) == ["A", "B"] and references.names(7) == []
    assert references.of_secrets(text) == [("keyvault", "kv/n")] and references.of_secrets(None) == []
    assert references.has_secret(text) and not references.has_secret("${env:A}")
    assert references.has_reference("a${") and not references.has_reference("a$") and not references.has_reference(7)
