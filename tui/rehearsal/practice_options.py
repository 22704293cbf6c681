"""Command-line options for the rehearsal's behaviour: scenarios, pace, and the Python of scoring servers."""

from __future__ import annotations

import argparse
import os
import sys

from tui.common.typed_path import typed_path
from tui.rehearsal import settings
from tui.rehearsal.places import Home
from tui.rehearsal.process import RehearsalError, is_alive, running


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command that starts the rehearsal or changes a running one."""
    parser.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="NAME",
        help="make a documented failure happen; may be repeated; none: no failures",
    )
    parser.add_argument("--clear-scenarios", action="store_true", help="let no more failures happen")
    parser.add_argument("--pace", choices=(settings.FAST, settings.AZURE), help="azure: durations like Azure's")
    parser.add_argument("--speed", type=float, metavar="N", help="with --pace azure: the factor by which it is faster")
    parser.add_argument(
        "--latency", type=float, metavar="MS", help="additional milliseconds for each request to Azure and storage"
    )
    parser.add_argument(
        "--bandwidth", type=float, metavar="MBPS", help="megabits per second to and from storage; 0: unlimited"
    )
    parser.add_argument(
        "--token-seconds", type=float, metavar="N", help="the lifetime of access tokens; 0: lifetimes like Azure's"
    )
    parser.add_argument("--scoring-python", metavar="PATH", help="run scoring servers with this Python; build nothing")


def given(arguments: argparse.Namespace) -> bool:
    """Whether an option was given that can be changed while the rehearsal runs."""
    pace = (arguments.pace, arguments.speed, arguments.latency, arguments.bandwidth, arguments.token_seconds)
    return bool(arguments.scenario) or arguments.clear_scenarios or any(value is not None for value in pace)


def set_up(home: Home, arguments: argparse.Namespace) -> None:
    """Apply the options, also to a running rehearsal. Raises RehearsalError, OSError."""
    if not given(arguments):
        return
    home.create()
    if arguments.clear_scenarios and arguments.scenario:
        raise RehearsalError("Use either --scenario or --clear-scenarios.")
    if arguments.scenario or arguments.clear_scenarios:
        from tui.rehearsal.scenarios.scenarios import select

        select(home, arguments.scenario)
    settings.change_pace(
        home,
        pace=arguments.pace,
        speed=arguments.speed,
        latency_ms=arguments.latency,
        bandwidth_mbps=arguments.bandwidth,
        token_seconds=arguments.token_seconds,
    )


def changes_running(home: Home, arguments: argparse.Namespace) -> bool:
    """Change a running rehearsal and print that; False if none runs. Raises RehearsalError, OSError."""
    if not given(arguments) or not is_alive(home):
        return False
    set_up(home, arguments)
    print(f"A rehearsal is already running and was changed. {in_words(home)}", file=sys.stderr)
    return True


def in_words(home: Home) -> str:
    """The active scenarios and pace, in a sentence or two."""
    scenarios = settings.chosen_scenarios(home)
    pace = settings.pace_of(home)
    said = f"Active scenarios: {', '.join(scenarios)}." if scenarios else "No scenario is active."
    if pace["pace"] == settings.AZURE:
        faster = f", {pace['speed']:g} times as fast" if pace["speed"] != 1 else ""
        said += f" Durations are like Azure's{faster}."
    if pace["latency_ms"]:
        said += f" Each request takes {pace['latency_ms']:g} ms longer."
    if pace["bandwidth_mbps"]:
        said += f" Storage passes {pace['bandwidth_mbps']:g} Mbit/s."
    if pace["token_seconds"]:
        said += f" Access tokens are valid for {pace['token_seconds']:g} seconds."
    return said


def welcome(home: Home, origin: str) -> str:
    """The text printed by a rehearsal in the foreground: what it is, how to use it, how to end it."""
    from tui.rehearsal.client_environment import RESOURCE_GROUP, WORKSPACES

    return f"""The rehearsal is running at {origin}, on this machine and for this user only.
In the resource group {RESOURCE_GROUP} it has the workspaces {", ".join(WORKSPACES.values())}.
{in_words(home)}

To point any Azure client to it, run in another terminal:
  eval "$(aml-deploy rehearsal --env)"
Then a notebook needs only
  MLClient(DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"],
           os.environ["AZURE_RESOURCE_GROUP"], os.environ["AZURE_ML_WORKSPACE"])

To make a failure happen, run aml-deploy rehearsal --scenario NAME; --list-scenarios lists them.
Ctrl+C ends it and everything that it started; registered assets and deployments are kept for the next start.
Its log is {home.log_file}."""


def scoring_python(home: Home, path: str | None) -> list[str]:
    """The arguments of `serve` for scoring servers with this Python.

    Raises RehearsalError if it is not a program, or if a rehearsal runs with other arguments.
    """
    if path is None:
        return []
    # Not resolved: the Python of a virtual environment is a link.
    python = typed_path(path).absolute()
    if not python.is_file() or not os.access(python, os.X_OK):
        raise RehearsalError(f"--scoring-python: {python} is not an executable program.")
    server = running(home)
    if server is not None and server.get("scoring_python") != str(python):
        raise RehearsalError(
            "A rehearsal is already running with other scoring servers. End it first: aml-deploy rehearsal --stop."
        )
    return ["--scoring-python", str(python)]
