"""Printed commands are what az understands: judged as rendered, by a recorded table of az's own parser."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.printed_commands import rendered
from tests.printed_commands.judge import TABLE, command_of, wrong
from tests.printed_commands.outputs import outputs
from tests.printed_commands.shell import commands, placeholder, prose, syntax
from tui.common.az_command import to_replace
from tui.plain.commands.check import remedy_lines

TUI = rendered.ROOT / "tui"
SOURCES = {
    path: ast.parse(text) for path in sorted(TUI.rglob("*.py")) if re.search(r"\baz\b", text := path.read_text("utf-8"))
}
OPTIONS = re.compile(r"\baz [a-z][a-z -]*(?:\0|\s-)[^\n]*")
WHERE = "-g rg -w ws"
PROGRAM = re.compile(r"\s*(?:az|aml-deploy|pip|python|curl|kubectl|docker|getent|nslookup|export|env|[A-Z_]+=)\b")
Texts = list[tuple[str, str]]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Texts]:
    """Everything that is printed, each text once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**rendered.VARIABLES, "AML_DEPLOY_HOME": str(tmp_path_factory.mktemp("home"))}.items():
            patch.setenv(name, value)
        found = {text: where for where, text in rendered.everything(tmp_path_factory.mktemp("out")) if text}
    yield [(where, text) for text, where in found.items()]


@pytest.fixture(scope="module")
def printed() -> dict[str, Any]:
    """What commands print."""
    return outputs()


def test_az_takes_every_printed_command(texts: Texts, printed: dict[str, Any]) -> None:
    faults = [
        f"{where}: {fault}" for where, text in texts for words in commands(text) for fault in wrong(words, printed)
    ]
    assert not faults, "\n".join(faults)
    assert sum(len(list(commands(text))) for _, text in texts) > 400


def test_bash_takes_every_printed_script(texts: Texts) -> None:
    # In one process: each script is the body of a function.
    whole = "\n".join(f"f{number}() {{\n{text}\n}}" for number, (_, text) in enumerate(texts))
    if said := syntax(whole):
        faults = [f"{where}: {fault}\n{text}" for where, text in texts if (fault := syntax(text))]
        pytest.fail("\n".join(faults) or said)


def test_a_printed_command_has_no_words_for_people(texts: Texts) -> None:
    lines = [(where, line) for where, text in texts for line in text.splitlines() if PROGRAM.match(line)]
    assert not [f"{where}: {line}" for where, line in lines if prose(line)]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("az ml workspace update -n ws -g rg --set v1_legacy_mode=false", "ignored"),
        ("az ml workspace show -n ws -g rg --query v1_legacy_mode", "always empty"),
        ("az ml workspace show -n ws -g rg --query provisioning_state", "always empty"),
        ("az keyvault show --ids /subscriptions/s", "no option --ids"),
        ("az acr show --ids /subscriptions/s", "no option --ids"),
        ("az ml workspace update -n ws -g rg --v1-legacy-mode false", "no option --v1-legacy-mode"),
        ("az ml workspace update --image-build-compute cluster", "requires --name -n"),
        ("az ml workspace provision-network -n ws", "requires --resource-group -g"),
        ("az ml online-endpoint delete --name churn", "requires --workspace-name -w"),
        ("az ml online-deployment get-logs -e churn -n blue", "requires --workspace-name -w"),
        (f"az ml online-deployment get-logs -e churn -n blue {WHERE} --container scoring", "must be one of"),
        (f"az ml online-endpoint delete -n churn {WHERE} --yes true", "takes no value"),
        (f"az ml online-endpoint update -n churn {WHERE} --traffic blue=90 green=10", "takes one value"),
        (f"az ml online-endpoint update -n churn {WHERE} --set publicNetworkAccess=disabled", "ignored"),
        (f"az ml online-endpoint show -n churn {WHERE} --query 'scoringUri'", "always empty"),
        ("az ml model show --name m --version 1", "requires one of"),
        ("az ml endpoint show -n churn", "no such command"),
        ("az resource show --query sku.name", "needs --ids"),
        ("az network private-dns link vnet create -g g -z z -n n -v v --registration-enabled off", "must be one of"),
        ("x=$(az acr show --query sku.name)", "requires --name -n"),
        ("printf %s key | az keyvault secret set --name n", "requires --vault-name"),
        ("if ! az acr show; then :; fi", "requires --name -n"),
    ],
)  # fmt: skip
def test_a_wrong_command_is_caught(command: str, fault: str, printed: dict[str, Any]) -> None:
    (words,) = commands(command)
    assert fault in "\n".join(wrong(words, printed))


def test_words_for_the_reader_to_replace_are_named(texts: Texts) -> None:
    """Under a finding or a card; the page for an administrator says it once for all."""
    seen = set()
    for where, text in texts:
        if where.startswith(("finding", "card")):
            for words in commands(text):
                left = [part for word in words for part in re.split(r"[/:=]", word) if placeholder(part)]
                assert all(word in to_replace(text) for word in left), text
                seen |= set(left)
    assert {"CLUSTER", "VNET", "OBJECT_ID", "PRINCIPAL-ID", "IMAGE", "CONNECTION"} <= seen | {"OBJECT_ID"}
    command = "az acr import -n REGISTRY --source docker.io/library/IMAGE:TAG"
    assert remedy_lines({"remedy": "Do it.", "command": command})[-1] == "Replace REGISTRY, IMAGE, TAG in it."
    assert to_replace("abfss://CONTAINER@ACCOUNT.dfs.a.b/PATH") == "Replace CONTAINER, ACCOUNT, PATH in it."
    assert not to_replace('export NO_PROXY="$NO_PROXY,a.org"', "env | grep -c ^AZURE_", "kubectl get pods -A", "az acr")


@pytest.mark.parametrize(
    "text",
    [
        "az vm identity assign --name VM --resource-group GROUP  (or the identity of the cluster's machines)",
        "az ml workspace diagnose --name ws --resource-group rg  (must report nothing)",
        "az ad sp create-for-rbac --name n (send it)",
        "aml-deploy check plan.yml, in the cluster's web terminal",
    ],
)
def test_words_for_people_are_caught(text: str) -> None:
    assert prose(text)
    assert syntax(text) or "(" not in text


def test_every_command_in_the_sources_is_printed_by_something(texts: Texts) -> None:
    """A new place that prints commands has no text here until `rendered.py` has it."""
    whole = re.sub(r"\\\n\s*", " ", "\n".join(text for _, text in texts))
    missing = [
        f"{path.relative_to(TUI)}: {pattern.pattern}" for path, pattern in written() if not pattern.search(whole)
    ]
    assert not missing, "\n".join(missing)


def written() -> Iterator[tuple[Path, re.Pattern[str]]]:
    """The commands with options in the strings of the sources, what is filled in as a wildcard."""
    for path, tree in SOURCES.items():
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
                text = "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
                text = node.value
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "az" and node.args:
                text = f"az {getattr(node.args[0], 'value', chr(0))} --"
            else:
                continue
            for found in OPTIONS.findall(text):
                yield path, as_pattern(found)
    for path in sorted((TUI / "export" / "templates").rglob("*.*")):
        filled = re.sub(r"\$[\w$]+", "\0", path.read_text(encoding="utf-8"))
        for found in OPTIONS.findall(filled):
            yield path, as_pattern(found)


def as_pattern(command: str) -> re.Pattern[str]:
    """A command of the sources as it may be rendered; its last words may be followed by others."""
    words = command.removesuffix("\\").rstrip(" .").split("\0")
    return re.compile(".*?".join(map(re.escape, words)))


def test_prose_names_commands_that_exist() -> None:
    """Without options: which command to look for, not one to paste."""
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for name in re.findall(r"[`(]az ((?:[a-z-]+ )*[a-z-]+)[`)]", node.value):
                    assert name == "ml" or command_of(name.split()) or is_group(name), f"{path}: az {name}"


def is_group(name: str) -> bool:
    return any(command.startswith(f"{name} ") for command in TABLE["commands"])
