"""The command line of the rehearsal."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tui.common.typed_path import UnusablePath
from tui.rehearsal import practice_options, settings
from tui.rehearsal.places import Home
from tui.rehearsal.process import RehearsalError, ensure_running, register_workspace, stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROGRAM = "python -m tui.rehearsal"


def _parser() -> argparse.ArgumentParser:
    """The options without their explanations, which `aml-deploy rehearsal --help` has."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="A local Azure; see aml-deploy rehearsal --help.")
    # `prog` keeps argparse from formatting a help text that is not needed.
    commands = parser.add_subparsers(dest="command", required=True, prog=PROGRAM)

    serve = commands.add_parser("serve", help="run it in the foreground")
    serve.add_argument("--port", type=int)
    practice_options.add_options(serve)
    serve.add_argument("--idle-minutes", type=float, default=30.0, help="without use, before it ends (default: 30)")
    serve.add_argument("--quiet", action="store_true")
    serve.add_argument("--or-change", action="store_true", help="if one is already running, change that one")

    env = commands.add_parser("env", help="start it in the background if none runs; print its variables")
    env.add_argument("--json", action="store_true")
    env.add_argument("--workspace", nargs=3, help="also serve the workspace of this subscription, group and name")
    env.add_argument("--isolation", choices=("legacy", "managed", "public"), default="managed")
    env.add_argument("--datastore", choices=("sas", "key", "identity"), help="access to that workspace's storage")
    env.add_argument("--unprovisioned", action="store_const", const=False, dest="provisioned")
    env.add_argument("--role", action="append")
    practice_options.add_options(env)

    commands.add_parser("status")
    commands.add_parser("stop")

    rights = commands.add_parser("rights", help="show or change the roles of the practice identities")
    rights.add_argument("--identity", choices=("service-principal", "managed-identity"), help="default: both")
    rights.add_argument("--role", action="append")
    rights.add_argument("--deny", action="append")
    rights.add_argument("--storage-role")
    rights.add_argument("--reset", action="store_true")
    rights.add_argument("--list", action="store_true")

    compare = commands.add_parser("compare")
    compare.add_argument("file")
    compare.add_argument("--json", action="store_true")

    add = commands.add_parser("add")
    add.add_argument("kind", choices=("model", "environment"))
    add.add_argument("asset")
    add.add_argument("path")
    add.add_argument("--registry", default="")

    scenario = commands.add_parser("scenario", help="choose the failures that happen from now on (default: none)")
    scenario.add_argument("names", nargs="*")
    scenario.add_argument("--list", action="store_true")
    return parser


def _shell_lines(described: dict[str, Any]) -> str:
    unset = [f"unset {name}" for name in described["unset"]]
    given = ["export {}='{}'".format(name, value.replace("'", "'\\''")) for name, value in described["set"].items()]
    return "\n".join([*unset, *given])


def _env(home: Home, arguments: argparse.Namespace) -> int:
    from tui.rehearsal.client_environment import describe

    if arguments.workspace and not all(part.strip() for part in arguments.workspace):
        raise RehearsalError("A workspace needs a subscription, a resource group and a name; one of them is missing.")
    more = practice_options.scoring_python(home, arguments.scoring_python)
    practice_options.set_up(home, arguments)
    server = ensure_running(home, os.environ, more)
    if arguments.workspace:
        subscription, group, name = arguments.workspace
        register_workspace(
            home,
            subscription,
            group,
            name,
            arguments.isolation,
            datastore=arguments.datastore,
            provisioned=arguments.provisioned,
        )
    if arguments.role:
        from tui.rehearsal.arm.rights import change

        change(home, roles=arguments.role)
    described = describe(home, server, os.environ)
    described["scenarios"], described["pace"] = settings.chosen_scenarios(home), settings.pace_of(home)
    print(json.dumps(described) if arguments.json else _shell_lines(described))
    if sys.stdout.isatty() and not arguments.json:
        print('\nRun these lines in a shell: eval "$(aml-deploy rehearsal --env)"', file=sys.stderr)
    return 0


def _rights(home: Home, arguments: argparse.Namespace) -> int:
    from tui.rehearsal.arm.rights import IDENTITIES, ROLES, STORAGE_ROLES, change

    if arguments.list:
        for name, role in ROLES.items():
            left_out = f", without {' '.join(role.not_actions)}" if role.not_actions else ""
            print(f"{name}: {role.title}. Allows {' '.join(role.actions)}{left_out}")
        print("none: no role")
        print(f"Storage roles: {', '.join(STORAGE_ROLES)}.")
        return 0
    home.create()
    found = change(
        home,
        [arguments.identity.replace("-", " ")] if arguments.identity else IDENTITIES,
        roles=arguments.role,
        denied=arguments.deny,
        storage=arguments.storage_role,
        reset=arguments.reset,
    )
    for name, rights in found.items():
        denied = f", without {' '.join(rights.denied)}" if rights.denied else ""
        print(f"The {name}: roles {', '.join(rights.roles) or 'none'}{denied}; storage role {rights.storage}.")
    return 0


def _scenario(home: Home, arguments: argparse.Namespace) -> int:
    from tui.rehearsal.scenarios.scenarios import listing, select

    if arguments.list:
        print(listing())
        print("\nMake one happen with: aml-deploy rehearsal --scenario NAME", file=sys.stderr)
        return 0
    home.create()
    select(home, arguments.names)
    return 0


def _serve(home: Home, arguments: argparse.Namespace) -> int:
    if arguments.or_change and practice_options.changes_running(home, arguments):
        return 0
    try:
        from tui.rehearsal.server import serve
    except ModuleNotFoundError as error:
        raise RehearsalError(
            f"The rehearsal needs the package {error.name}; install it with: pip install 'aml-deploy[rehearsal]'."
        ) from error
    more = practice_options.scoring_python(home, arguments.scoring_python)
    return serve(
        home,
        port=arguments.port,
        set_up=lambda: practice_options.set_up(home, arguments),
        scoring_python=more[-1] if more else None,
        quiet=arguments.quiet,
        idle_minutes=max(arguments.idle_minutes, 0.01),
    )


def _add(home: Home, arguments: argparse.Namespace) -> int:
    from tui.rehearsal.add_asset import add

    ensure_running(home, os.environ)
    print(add(home, arguments.kind, arguments.asset, arguments.path, arguments.registry), file=sys.stderr)
    return 0


def _compare(_: Home, arguments: argparse.Namespace) -> int:
    from tui.rehearsal.compare.compare import compare

    return compare(Path(arguments.file), os.environ, arguments.json)


def _status(home: Home, _: argparse.Namespace) -> int:
    from tui.rehearsal.status import status

    for line in status(home, os.environ):
        print(line)
    return 0


def _stop(home: Home, _: argparse.Namespace) -> int:
    from tui.rehearsal.container_engine.finder import remove_left

    ended = stop(home)
    remove_left(home, images=True)
    said = "The rehearsal has ended, with everything that it started." if ended else "No rehearsal is running."
    print(said, file=sys.stderr)
    return 0


_COMMANDS = {
    "serve": _serve,
    "env": _env,
    "status": _status,
    "stop": _stop,
    "rights": _rights,
    "add": _add,
    "compare": _compare,
    "scenario": _scenario,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are printed as one sentence to stderr."""
    arguments = _parser().parse_args(argv)
    try:
        home = Home.of(os.environ)
    except UnusablePath as error:
        print(f"AML_DEPLOY_HOME or AML_DEPLOY_CACHE: {error}", file=sys.stderr)
        return 2
    try:
        if arguments.command in ("serve", "env", "status"):
            settings.engine_of(home, os.environ)
            settings.cores_of(os.environ)
        return _COMMANDS[arguments.command](home, arguments)
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"The rehearsal cannot use its folder {home.folder}: {error}.", file=sys.stderr)
    return 1
