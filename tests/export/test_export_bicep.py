"""The Bicep files: read by a parser of the language, complete, without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exporting import exported, own_preset

tree_sitter = pytest.importorskip("tree_sitter", reason="tree-sitter-bicep needs Python 3.10")
tree_sitter_bicep = pytest.importorskip("tree_sitter_bicep")
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node.children:
        yield from nodes(child)


def parsed(text: str) -> Any:
    """The tree of a Bicep text, which must be without an error."""
    root = PARSER.parse(text.encode()).root_node
    wrong = [(node.start_point, node.text) for node in nodes(root) if node.type == "ERROR" or node.is_missing]
    assert not wrong and not root.has_error, wrong
    return root


def declared(root: Any, kind: str) -> dict[str, Any]:
    """The declarations of a kind by name."""
    found = {}
    for node in root.children:
        if node.type == kind:
            name = next(child for child in node.children if child.type == "identifier")
            found[name.text.decode()] = node
    return found


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    made = exported(own_preset(tmp_path), "bicep", tmp_path / "out")
    return {item.path: item.text for item in made.files}


def test_every_file_is_bicep(files: dict[str, str]) -> None:
    bicep = [name for name in files if name.endswith(".bicep")]
    assert len(bicep) == 10
    for name in bicep:
        parsed(files[name])
    with pytest.raises(AssertionError):
        parsed(files["main.bicep"].replace("name: 'workspace'", "name: ", 1))


def test_modules_get_exactly_the_parameters_they_declare(files: dict[str, str]) -> None:
    calls = declared(parsed(files["main.bicep"]), "module_declaration")
    assert len(calls) == 11
    for name, call in calls.items():
        path = re.search(r"'(modules/[^']+)'", call.text.decode())
        assert path is not None
        module = parsed(files[path.group(1)])
        wanted = set(declared(module, "parameter_declaration"))
        block = re.search(r"^  params: \{\n(.*?)^  \}", call.text.decode(), re.S | re.M)
        assert block is not None
        given = set(re.findall(r"^    (\w+):", block.group(1), re.M))
        assert given == wanted, name
        outputs = set(declared(module, "output_declaration"))
        assert set(re.findall(rf"\b{name}\.outputs\.(\w+)", files["main.bicep"])) <= outputs


@pytest.mark.parametrize("changes", [(), (("  egress_public_network_access: disabled\n", "\n"),)])
def test_the_parameters_file_sets_parameters_that_exist(tmp_path: Path, changes: tuple[tuple[str, str], ...]) -> None:
    made = exported(own_preset(tmp_path, *changes), "bicep", tmp_path / "out")
    text = next(item.text for item in made.files if item.path == "main.bicepparam")
    lines = [line for line in text.splitlines() if not line.startswith("using ")]
    # The parser knows no parameters files; an assignment there is what a variable is in a template.
    given = declared(
        parsed("\n".join(re.sub(r"^param ", "var ", line) for line in lines) + "\n"), "variable_declaration"
    )
    main = declared(parsed((tmp_path / "out" / "main.bicep").read_text()), "parameter_declaration")
    assert set(given) <= set(main)
    signature = re.compile(r"param \w+ \w+$")
    without_default = {name for name, node in main.items() if signature.search(node.text.decode())}
    assert without_default == {"workspaceName", "managedNetworkIsolation", "principalObjectId"}
    assert without_default <= set(given)
    isolation = "'AllowInternetOutbound'" if changes else "'Disabled'"
    assert f"param managedNetworkIsolation = {isolation}" in text


def test_what_the_recipe_needs_is_there(files: dict[str, str]) -> None:
    everything = "\n".join(files.values())
    for resource in (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings@",
        "Microsoft.MachineLearningServices/workspaces@",
        "Microsoft.Network/privateEndpoints@",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks@",
        "Microsoft.Authorization/roleAssignments@",
        "Microsoft.KeyVault/vaults/secrets@",
    ):
        assert resource in everything
    versions = set(re.findall(r"@(\d{4}-\d\d-\d\d[^']*)'", everything))
    assert versions and not any("preview" in version for version in versions)
    assert files["modules/workspace.bicep"].count("publicNetworkAccess: 'Disabled'") == 4
    groups = set(re.findall(r"group: '(\w+)'", files["modules/private-endpoints.bicep"]))
    assert groups == {"amlworkspace", "blob", "file", "vault", "registry"}
    assert "NEVER compiled" in files["main.bicep"]


def test_secrets_are_secure_parameters_and_never_values(files: dict[str, str]) -> None:
    for name in ("main.bicep", "modules/secrets.bicep"):
        before = files[name].split("param clientSecret string")[0]
        assert "@secure()" in before[before.rindex("\n\n") :]
    assert "param clientSecret = readEnvironmentVariable('AZURE_CLIENT_SECRET', '')" in files["main.bicepparam"]
    assert "output" not in files["modules/secrets.bicep"]
