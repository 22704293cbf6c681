"""The command line: parses arguments and starts the wizard or a command.

Each command's module is imported only when that command runs, so that `aml-deploy --help` and usage errors are
immediate.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from tui.cli.commands import COMMANDS, FORMER_NAMES, WIZARD, Command

if TYPE_CHECKING:
    import argparse

_HELP = """\
usage: aml-deploy [PLAN [OVERLAY ...]] [--preset NAME] [--set KEY=VALUE] [--rehearse]
                  [--plain] [--answers FILE] [--mouse]
       aml-deploy COMMAND ...

Deploys a trained model to a private Azure Machine Learning online endpoint, step by step, with a
rehearsal on this machine first.

Without a command the wizard opens. PLAN is a plan file or the name of a preset.

  --preset NAME     start from a preset (see: aml-deploy presets)
  --set KEY=VALUE   change one value of the plan, such as endpoint.name=churn-02; may be repeated
  --rehearse        use a local stand-in for Azure (the rehearsal); nothing in Azure is changed
  --scenario NAME   with --rehearse: make a failure happen (aml-deploy rehearsal --list-scenarios)
  --container-engine ENGINE
                    with --rehearse: what runs containers: auto, none, docker or podman
  --plain           ask line by line; the default with ACCESSIBLE=1, TERM=dumb or no terminal
  --answers FILE    ask line by line, with answers from this file: a map of plan keys and values
  --mouse           let the wizard use the mouse; without it, a browser terminal can select text
  --version         print the version
  -h, --help        print this text

commands:
@COMMANDS@

A command takes precedence over a plan of the same name: open a plan file `check` as ./check.
For details of a command, run: aml-deploy COMMAND --help

examples:
  aml-deploy --preset churn-xgboost --rehearse
  aml-deploy plan.yml plan.prod.yml --set deployment.instance_count=3
  aml-deploy apply plan.yml --yes --json

exit codes: 0 done, 1 failed, 2 the plan or the command line is wrong, 3 blocked by the preflight,
4 done, and there is a difference or something unhealthy, 130 interrupted.
"""


def help_text() -> str:
    """The text of `aml-deploy --help`."""
    lines = []
    for name, command in COMMANDS.items():
        usage = f"  {name} {command.takes}".ljust(19)
        lines.append(f"{usage} {command.short}" if len(usage) == 19 else f"{usage}\n{'':20}{command.short}")
    return _HELP.replace("@COMMANDS@", "\n".join(lines))


def _parser(name: str, command: Command) -> argparse.ArgumentParser:
    import argparse
    import textwrap

    from tui.cli.arguments import add

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            sentence = message[:1].upper() + message[1:].rstrip(".")
            self.exit(2, f"{sentence}.\nUsage and examples: {self.prog} --help\n")

        def format_help(self) -> str:
            return super().format_help() if name else help_text()

    parser = Parser(
        prog=f"aml-deploy {name}".strip(),
        description=textwrap.fill(command.about, 98),
        epilog=f"examples:\n  {command.examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add(parser, command.arguments)
    return parser


def _misplaced(argv: Sequence[str]) -> str | None:
    """The command that was given after options, where it would be read as a plan; None if there is none."""
    after_value_option = False
    for item in argv:
        if not item.startswith("-") and not after_value_option:
            known = item in COMMANDS or item in FORMER_NAMES
            return item if known and not os.path.exists(item) else None  # noqa: PTH110
        after_value_option = item in ("--set", "--preset", "--scenario", "--container-engine", "--answers")
    return None


def _no_command(word: str) -> str | None:
    """What is wrong with a first word that is no command, preset, file or path; None if nothing is."""
    from tui.plan.presets import presets

    names = [preset.name for preset in presets()]
    if not word[:1].isalpha() or set(word) & set("./\\:") or word in names or os.path.exists(word):  # noqa: PTH110
        return None
    import difflib

    near = difflib.get_close_matches(word, [*COMMANDS, *names], 1)
    guess = f"Did you mean {near[0]}? " if near else ""
    return (
        f"There is no command {word}, and no plan file or preset of that name. {guess}All commands: aml-deploy --help"
    )


def wizard(arguments: argparse.Namespace) -> int:
    """Open the wizard, or its line mode if the terminal cannot show it. Raises Failure, PlanInvalid."""
    from tui.plain.arguments.plan_and_environment import chosen_document, practise
    from tui.plain.terminal import wants_lines

    practise(arguments)
    document = chosen_document(arguments)
    if arguments.plain or arguments.answers or wants_lines():
        from tui.plain.prompts.prompts import walk

        return walk(document, rehearse=arguments.rehearse, answers_file=arguments.answers)
    from tui.app.launch import run

    return run(document, rehearse=arguments.rehearse, mouse=arguments.mouse)


def attach(arguments: argparse.Namespace) -> int:
    """Show a run on the live screen, or line by line. Raises Failure, PlanInvalid."""
    from tui.plain.commands import attach as lines
    from tui.plain.terminal import wants_lines

    if arguments.json or arguments.plain or wants_lines():
        return lines.run(arguments)
    from tui.app.launch import run

    return run(None, attach_run=lines.choose(arguments.run), mouse=arguments.mouse)


def troubleshoot(arguments: argparse.Namespace) -> int:
    """Show what is wrong with an endpoint, on the screen or line by line. Raises Failure, PlanInvalid."""
    from tui.plain.terminal import wants_lines

    if arguments.json or arguments.plain or arguments.watch or wants_lines():
        from tui.plain.commands.endpoint_operations.troubleshoot import run

        return run(arguments)
    from tui.app.launch import troubleshoot as show

    return show(arguments)


def endpoints(arguments: argparse.Namespace) -> int:
    """Show all endpoints, on the screen or line by line. Raises Failure, PlanInvalid."""
    from tui.plain.commands.endpoint_operations.endpoints import credential, run
    from tui.plain.terminal import wants_lines

    if arguments.json or arguments.plain or arguments.watch or arguments.fail_on or wants_lines():
        return run(arguments)
    from tui.app.launch import fleet

    return fleet(
        credential(arguments),
        rehearse=arguments.rehearse,
        readonly=arguments.readonly,
        subscriptions=arguments.subscription,
        workspaces=arguments.workspace,
        mouse=arguments.mouse,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (without the program's name); return the exit code."""
    if sys.platform == "win32":
        sys.stderr.write("aml-deploy runs on Linux and macOS. On Windows, install and run it in WSL.\n")
        return 2
    given = list(sys.argv[1:] if argv is None else argv)
    if given in (["--help"], ["-h"]):
        sys.stdout.write(help_text())
        return 0
    if given == ["--version"]:
        from tui import __version__

        sys.stdout.write(f"aml-deploy {__version__}\n")
        return 0
    first = given[0] if given else ""
    first = FORMER_NAMES.get(first, first)
    name = first if first in COMMANDS else ""
    command = COMMANDS[name] if name else WIZARD
    if not name and (late := _misplaced(given)):
        rest = " ".join(item for item in given if item != late)
        sys.stderr.write(f"The command comes first: aml-deploy {late} {rest}\n")
        return 2
    if first and not name and (wrong := _no_command(first)):
        sys.stderr.write(f"{wrong}\n")
        return 2
    parser = _parser(name, command)
    try:
        arguments = parser.parse_intermixed_args(given[1:] if name else given)
    except SystemExit as stop:  # argparse has printed the message
        return stop.code if isinstance(stop.code, int) else 2
    if getattr(arguments, "version", False):
        return main(["--version"])
    from tui.plain.guard import guarded

    return guarded(command.runs, arguments)
