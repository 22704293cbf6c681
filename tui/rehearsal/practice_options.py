"""Options of the command line that say what is practised: scenarios, pace, and the Python of scoring servers."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tui.rehearsal import settings
from tui.rehearsal.places import Home
from tui.rehearsal.process import RehearsalError, is_alive, running


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a command that starts the rehearsal, or changes one that runs."""
    parser.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="NAME",
        help="make a documented failure happen; may be repeated; none: no failure",
    )
    parser.add_argument("--clear-scenarios", action="store_true", help="no failure happens any more")
    parser.add_argument("--pace", choices=(settings.FAST, settings.AZURE), help="azure: durations like Azure's")
    parser.add_argument("--speed", type=float, metavar="N", help="with --pace azure: so many times as fast")
    parser.add_argument(
        "--latency", type=float, metavar="MS", help="milliseconds more for each request to Azure and storage"
    )
    parser.add_argument("--bandwidth", type=float, metavar="MBPS", help="megabits a second to and from storage; 0: all")
    parser.add_argument("--scoring-python", metavar="PATH", help="run scoring servers with this Python; build nothing")


def given(arguments: argparse.Namespace) -> bool:
    """Whether any of the options that can be changed while it runs was given."""
    pace = (arguments.pace, arguments.speed, arguments.latency, arguments.bandwidth)
    return bool(arguments.scenario) or arguments.clear_scenarios or any(value is not None for value in pace)


def set_up(home: Home, arguments: argparse.Namespace) -> None:
    """Makes what the options say hold from now on, also in a rehearsal that runs. Raises RehearsalError, OSError."""
    if not given(arguments):
        return
    home.create()
    if arguments.clear_scenarios and arguments.scenario:
        raise RehearsalError("Either --scenario or --clear-scenarios.")
    if arguments.scenario or arguments.clear_scenarios:
        from tui.rehearsal.scenarios.scenarios import select

        select(home, arguments.scenario)
    settings.change_pace(
        home,
        pace=arguments.pace,
        speed=arguments.speed,
        latency_ms=arguments.latency,
        bandwidth_mbps=arguments.bandwidth,
    )


def changes_running(home: Home, arguments: argparse.Namespace) -> bool:
    """Where a rehearsal runs already, changes it and says so; False where none runs. Raises RehearsalError, OSError."""
    if not given(arguments) or not is_alive(home):
        return False
    set_up(home, arguments)
    print(f"A rehearsal runs already, and changes now. {in_words(home)}", file=sys.stderr)
    return True


def in_words(home: Home) -> str:
    """What is practised, in a sentence or two."""
    scenarios = settings.chosen_scenarios(home)
    pace = settings.pace_of(home)
    said = f"Scenarios: {', '.join(scenarios)}." if scenarios else "No scenario happens."
    if pace["pace"] == settings.AZURE:
        faster = f", {pace['speed']:g} times as fast" if pace["speed"] != 1 else ""
        said += f" Durations are like Azure's{faster}."
    if pace["latency_ms"]:
        said += f" Each request takes {pace['latency_ms']:g} ms longer."
    if pace["bandwidth_mbps"]:
        said += f" Storage passes {pace['bandwidth_mbps']:g} Mbit/s."
    return said


def welcome(home: Home, origin: str) -> str:
    """What a rehearsal in the foreground says when it answers: what it is, how a client gets to it, how it ends."""
    from tui.rehearsal.client_environment import LEGACY_WORKSPACE, MANAGED_WORKSPACE, RESOURCE_GROUP

    return f"""The rehearsal answers at {origin}, on this machine and for this user only.
In the resource group {RESOURCE_GROUP} it has the workspaces {MANAGED_WORKSPACE} and {LEGACY_WORKSPACE}.
{in_words(home)}

Point any client of Azure at it, in another terminal:
  eval "$(aml-deploy rehearsal --env)"
Then a notebook needs no more than
  MLClient(DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"],
           os.environ["AZURE_RESOURCE_GROUP"], os.environ["AZURE_ML_WORKSPACE"])

Make a failure happen with aml-deploy rehearsal --scenario NAME; --list-scenarios names them.
Ctrl+C ends it, with all that it started; what was registered and deployed is there again at the next start.
Its log is {home.log_file}."""


def scoring_python(home: Home, path: str | None) -> list[str]:
    """The arguments for `serve` that make scoring servers run with this Python.

    Raises RehearsalError where it is none, or where a rehearsal runs that was started otherwise.
    """
    if path is None:
        return []
    # Not resolved: the Python of a virtual environment is a link.
    python = Path(path).expanduser().absolute()
    if not python.is_file() or not os.access(python, os.X_OK):
        raise RehearsalError(f"--scoring-python: {python} is not a program that can be run.")
    server = running(home)
    if server is not None and server.get("scoring_python") != str(python):
        raise RehearsalError(
            "A rehearsal runs already, with other scoring servers. End it first: aml-deploy rehearsal --stop."
        )
    return ["--scoring-python", str(python)]
