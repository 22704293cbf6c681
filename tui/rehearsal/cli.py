"""The command line of the rehearsal: `serve`, `env`, `stop`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from tui.rehearsal.places import Home
from tui.rehearsal.process import RehearsalError, ensure_running, register_workspace, stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROGRAM = "python -m tui.rehearsal"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="A local stand-in for Azure Machine Learning.")
    # With `prog` given, argparse does not format a help text that nobody asked for.
    commands = parser.add_subparsers(dest="command", required=True, prog=PROGRAM)

    serve = commands.add_parser("serve", help="run it in the foreground")
    serve.add_argument("--port", type=int, metavar="N", help="the port on 127.0.0.1; the last one when left out")
    serve.add_argument(
        "--scenario", action="append", default=[], metavar="NAME", help="make a documented failure happen"
    )
    serve.add_argument("--scoring-python", metavar="PATH", help="run scoring servers with this Python")
    serve.add_argument(
        "--idle-minutes", type=float, default=30.0, metavar="N", help="end after so long without use (default 30)"
    )
    serve.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)

    env = commands.add_parser("env", help="start it in the background when none runs; print its variables")
    env.add_argument("--json", action="store_true", help="one JSON object and not shell lines")
    env.add_argument(
        "--workspace",
        nargs=3,
        metavar=("SUBSCRIPTION", "GROUP", "NAME"),
        help="also answer for this workspace",
    )
    env.add_argument(
        "--isolation", choices=("legacy", "managed"), default="managed", help="network isolation of that workspace"
    )

    commands.add_parser("stop", help="end it, with all that it started")

    scenario = commands.add_parser("scenario", help="choose failures that happen from now on; none if none is named")
    scenario.add_argument("names", nargs="*", metavar="NAME")
    scenario.add_argument("--list", action="store_true", help="explain all scenarios")
    return parser


def _shell_lines(described: dict[str, Any]) -> str:
    lines = [f"unset {name}" for name in described["unset"]]
    lines += ["export {}='{}'".format(name, value.replace("'", "'\\''")) for name, value in described["set"].items()]
    return "\n".join(lines)


def _env(home: Home, arguments: argparse.Namespace) -> int:
    from tui.rehearsal.environment import describe

    if arguments.workspace and not all(part.strip() for part in arguments.workspace):
        raise RehearsalError("A workspace needs a subscription, a resource group and a name; one of them is empty.")
    server = ensure_running(home, os.environ)
    if arguments.workspace:
        subscription, group, name = arguments.workspace
        register_workspace(home, subscription, group, name, arguments.isolation)
    described = describe(home, server, os.environ)
    print(json.dumps(described) if arguments.json else _shell_lines(described))
    return 0


def _scenario(home: Home, arguments: argparse.Namespace) -> int:
    from tui.rehearsal.scenarios import SCENARIOS, select

    if arguments.list:
        width = max(map(len, SCENARIOS))
        print("\n".join(f"{name:{width}}  {text}" for name, text in SCENARIOS.items()))
        return 0
    home.create()
    select(home, arguments.names)
    return 0


def _serve(home: Home, arguments: argparse.Namespace) -> int:
    try:
        from tui.rehearsal.serve import serve
    except ModuleNotFoundError as error:
        raise RehearsalError(
            f"The rehearsal needs the package {error.name}; install it with: pip install 'aml-deploy[rehearsal]'."
        ) from error
    return serve(
        home,
        port=arguments.port,
        scenarios=arguments.scenario,
        scoring_python=arguments.scoring_python,
        quiet=arguments.quiet,
        idle_minutes=max(arguments.idle_minutes, 0.01),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; errors are one sentence on stderr."""
    arguments = _parser().parse_args(argv)
    home = Home.of(os.environ)
    try:
        if arguments.command == "env":
            return _env(home, arguments)
        if arguments.command == "scenario":
            return _scenario(home, arguments)
        if arguments.command == "serve":
            return _serve(home, arguments)
        if not stop(home):
            print("No rehearsal runs.", file=sys.stderr)
        return 0
    except RehearsalError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"The rehearsal cannot use its folder {home.folder}: {error}.", file=sys.stderr)
    return 1
