"""The command `aml-deploy completion`: shell completion of commands, options, presets and files."""

from __future__ import annotations

import argparse
from typing import Any

import shtab

from tui.cli.arguments import Argument, add
from tui.cli.commands import COMMANDS, WIZARD
from tui.export.targets import TARGETS
from tui.plan.presets import presets

_PLANS = "_aml_deploy_plan_file"
"""The shell function that completes plans; bash quotes its results only if its name says that they are files."""

# Not supported by shtab: a plan and its overlays in place of a command.
_BEFORE = {
    "bash": f"""\
{_PLANS}() {{
  compgen -W "@PRESETS@" -- "$1"
  compgen -f -- "$1"
}}
_shtab_aml_deploy_pos_0_COMPGEN={_PLANS}
_shtab_aml_deploy_pos_1_COMPGEN=_shtab_compgen_files
_shtab_aml_deploy_pos_1_nargs='*'""",
    "zsh": f"""\
{_PLANS}() {{
  _alternative 'presets:preset:(@PRESETS@)' 'files:plan file:_files'
}}
functions[_aml_deploy_commands]=$functions[_shtab_aml_deploy_commands]
_shtab_aml_deploy_commands() {{
  _alternative 'commands:command:_aml_deploy_commands' 'files:plan file:_files'
}}""",
}
_AFTER = {"fish": "complete -c aml-deploy -n _shtab_aml_deploy_using -F"}


def run(arguments: argparse.Namespace) -> int:
    """Print the completion script of a shell."""
    print(script(arguments.shell))
    return 0


def script(shell: str) -> str:
    """The completion script for bash, zsh or fish."""
    known = presets()
    names = " ".join(preset.name for preset in known)
    plans = {"bash": _PLANS, "zsh": _PLANS, "fish": f"{names} {shtab.FILE['fish']}"}
    completed = {
        "PLAN": plans,
        **dict.fromkeys(("OVERLAY", "FILE", "PATH"), shtab.FILE),
        **dict.fromkeys(("DIR", "FOLDER"), shtab.DIRECTORY),
    }
    words = {"preset": [preset.name for preset in known], "to": [target.name for target in TARGETS]}

    def fill(parser: argparse.ArgumentParser, arguments: tuple[Argument, ...]) -> None:
        add(parser, arguments)
        for action in parser._actions:
            action.choices = action.choices or words.get(action.dest)
            if action.metavar in completed:
                action.complete = completed[action.metavar]  # type: ignore[attr-defined]

    root = argparse.ArgumentParser(prog="aml-deploy")
    fill(root, tuple(one for one in WIZARD.arguments if one.names[0].startswith("-")))
    first: Any = root.add_subparsers()
    for preset in known:
        fill(first.add_parser(preset.name, help=preset.description), WIZARD.arguments)
    for name, command in COMMANDS.items():
        fill(first.add_parser(name, help=command.short), command.arguments)
    before = _BEFORE.get(shell, "").replace("@PRESETS@", names)
    return f"{shtab.complete(root, shell, preamble=before)}\n{_AFTER.get(shell, '')}".rstrip()
