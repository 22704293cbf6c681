"""Who loads whom, seen from a fresh interpreter; the import contracts of pyproject.toml say the same of the sources."""

from __future__ import annotations

import ast
import graphlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import tui

PACKAGE = Path(tui.__file__).parent
WITHOUT_TEXTUAL = (
    "common",
    "plan",
    "cloud",
    "checks",
    "fleet",
    "new_plan",
    "engine",
    "helper",
    "remedies",
    "rehearsal",
    "export",
    "plain",
    "rehearsal_client",
    "local_trial",
    "offline_install",
    "notebook",
)
WITHOUT_AZURE = (
    "common",
    "plan",
    "app",
    "plain",
    "rehearsal",
    "remedies",
    "cli",
    "rehearsal_client",
    "local_trial",
    "offline_install",
    "notebook",
)
HEAVY = ("asyncio", "subprocess", "importlib.metadata", "platformdirs", "yaml", "json", "argparse", "textual", "azure")

LOAD_ALL = """
import importlib, json, pkgutil, sys
name = sys.argv[1]
module = importlib.import_module(name)
loaded = [name]
for path in getattr(module, "__path__", []):
    for info in pkgutil.walk_packages([path], name + "."):
        if not info.name.endswith("__main__"):
            importlib.import_module(info.name)
            loaded.append(info.name)
print(json.dumps({"loaded": loaded, "modules": sorted(sys.modules)}))
"""


def modules_after_loading(layer: str) -> set[str]:
    """The names in sys.modules of an interpreter that imported every module of a layer, except its __main__."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, f"tui.{layer}"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert f"tui.{layer}" in answer["loaded"]
    return set(answer["modules"])


def exists(layer: str) -> bool:
    return (PACKAGE / layer).is_dir() or (PACKAGE / f"{layer}.py").is_file()


@pytest.mark.parametrize("layer", [layer for layer in WITHOUT_TEXTUAL if exists(layer)])
def test_layer_loads_without_textual(layer: str) -> None:
    assert "textual" not in modules_after_loading(layer)


@pytest.mark.parametrize("layer", [layer for layer in WITHOUT_AZURE if exists(layer)])
def test_front_end_loads_without_azure_and_containers(layer: str) -> None:
    modules = modules_after_loading(layer)
    assert not {name for name in modules if name == "azure" or name.startswith("azure.")}
    assert "tui.cloud" not in modules
    assert layer == "rehearsal" or "tui.rehearsal.container_engine" not in modules


def test_the_wizard_does_load_textual() -> None:
    """The checks above can fail: what a layer loads is seen."""
    assert "textual" in modules_after_loading("app")


def test_any_module_of_the_cloud_brings_azure_core_as_a_whole() -> None:
    """Else a thread that needs a part of it finds half a module while another thread loads the rest."""
    assert {"azure.core", "azure.core.pipeline.transport"} <= modules_after_loading("cloud.errors")


def test_the_helpers_client_needs_the_standard_library_only() -> None:
    modules = modules_after_loading("helper.client")
    assert not {name for name in modules if name.startswith(("tui.plan", "tui.cloud", "yaml", "azure", "textual"))}


@pytest.mark.parametrize("argument", ["--help", "--version", "-h"])
def test_help_loads_next_to_nothing(argument: str) -> None:
    code = f"import sys; sys.argv = ['aml-deploy', {argument!r}]; from tui.cli import main; code = main(); " + (
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"


def imports(path: Path, known: set[str]) -> set[str]:
    """What a module's source takes from which of the known ones, inside functions and for types alone, too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                inside = f"{node.module}.{name.name}"
                found.add(inside if inside in known else node.module)
        elif isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
    return found & known


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("tui", *path.relative_to(PACKAGE).with_suffix("").parts)
        modules[".".join(parts).removesuffix(".__init__")] = path
    graph = {name: imports(path, set(modules)) - {name} for name, path in modules.items()}
    assert graph["tui.cloud.sources.staging"] >= {
        "tui.cloud.session",
        "tui.cloud.sources.blob_source",
    }  # it does see imports
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names a circle


def test_no_module_is_longer_than_400_lines_and_no_folder_has_more_than_20() -> None:
    paths = [path for folder in (PACKAGE, Path(__file__).parent) for path in folder.rglob("*.py")]
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert {path: number for path, number in lines.items() if number > 400} == {}
    modules = Counter(path.parent for path in paths if path.name != "__init__.py")
    assert {folder: number for folder, number in modules.items() if number > 20} == {}
