"""Makes az_commands.json: the options of the Azure CLI's commands that are printed, as its own parser has them.

    python -m tests.printed_commands.make_table

needs a package index, or AZURE_CLI_PYTHON: a Python in which azure-cli of that version is installed. Run it after a
command was added that the table does not know. Commands of the extension `ml` are those of ml_extension.yml.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.other_clients.azure_cli import VERSION
from tests.other_clients.setting import environment
from tests.printed_commands.rendered import everything
from tests.printed_commands.shell import commands

HERE = Path(__file__).parent
GLOBAL = ("-h --help", "--verbose", "--debug", "--only-show-errors", "--output -o", "--query", "--subscription")
MOST_CHOICES = 12  # longer lists, as of all kinds of resources, are left out
# Besides the printed ones: commands of the planted mistakes, and what prose names.
ALSO = ("acr show", "keyvault show", "resource update")


def printed_names(folder: Path) -> list[str]:
    """What may be the name of a command: the words before the first option of each printed one."""
    found = set(ALSO)
    for _, text in everything(folder):
        for words in commands(text):
            name: list[str] = []
            for word in words:
                if not re.fullmatch(r"[a-z][a-z0-9-]*", word):
                    break
                name.append(word)
                found.add(" ".join(name))
    return sorted(name for name in found if name.partition(" ")[0] != "ml")


def code(option: dict[str, Any]) -> str:
    """An option in the words of ml_extension.yml."""
    values = {None: "", 0: "flag", "?": "optional"}.get(option["values"], "many")
    choices = option.get("choices", [])
    listed = "|".join(choices) if len(choices) <= MOST_CHOICES else ""
    return " ".join(filter(None, ["required" if option["required"] else "", values, listed]))


def table(python: Path, folder: Path) -> dict[str, Any]:
    """The table; `python` has azure-cli, `folder` is for scratch files."""
    env = {**os.environ, "AZURE_CONFIG_DIR": str(folder / "azure"), "AZURE_CORE_COLLECT_TELEMETRY": "false"}
    dumped = subprocess.run(
        [python, str(HERE / "parser_of_az.py"), *printed_names(folder)], env=env, stdout=subprocess.PIPE, check=True
    )
    parsed = {name: options for name, options in json.loads(dumped.stdout).items() if options}
    of_ml = yaml.safe_load((HERE / "ml_extension.yml").read_text(encoding="utf-8"))
    shared = {}
    found: dict[str, Any] = {}
    for name, options in sorted(parsed.items()):
        found[name] = {"options": {}}
        for option in options:
            names = " ".join(option["names"])
            into = shared if names in GLOBAL else found[name]["options"]
            into[names] = code(option)
    return {
        "made_by": "python -m tests.printed_commands.make_table",
        "azure-cli": VERSION,
        "ml": of_ml["version"],
        "global": shared,
        "commands": {**found, **of_ml["commands"]},
    }


def main() -> None:
    """Writes the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        given = os.environ.get("AZURE_CLI_PYTHON")
        python = Path(given) if given else environment(folder / "venv", f"azure-cli=={VERSION}")
        made = table(python, folder)
    (HERE / "az_commands.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(f"{len(made['commands'])} commands of azure-cli {VERSION} and ml {made['ml']}")


if __name__ == "__main__":
    main()
