"""The options for the rehearsal's behaviour (scenarios, pace, engine, Python), and what they change."""

from __future__ import annotations

import argparse
import os
import sys

from tui.common.typed_path import typed_path
from tui.rehearsal import settings
from tui.rehearsal.files import replace_json
from tui.rehearsal.places import Home
from tui.rehearsal.process import RehearsalError, is_alive, running


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command that starts the rehearsal or changes a running one."""
    parser.add_argument("--scenario", action="append", default=[])
    parser.add_argument("--clear-scenarios", action="store_true")
    parser.add_argument("--pace", choices=(settings.FAST, settings.AZURE))
    parser.add_argument("--speed", type=float)
    parser.add_argument("--latency", type=float, dest="latency_ms")
    parser.add_argument("--bandwidth", type=float, dest="bandwidth_mbps")
    parser.add_argument("--token-seconds", type=float)
    parser.add_argument("--container-engine", choices=settings.ENGINES)
    parser.add_argument("--scoring-python")
    parser.add_argument("--fleet", nargs="?", const="200")


def given(arguments: argparse.Namespace) -> bool:
    """Whether an option was given that can be changed while the rehearsal runs."""
    values = (getattr(arguments, name) for name in (*settings.PACE, "container_engine", "fleet"))
    return bool(arguments.scenario) or arguments.clear_scenarios or any(value is not None for value in values)


def set_up(home: Home, arguments: argparse.Namespace) -> None:
    """Apply the options, also to a running rehearsal. Raises RehearsalError, OSError."""
    if not given(arguments):
        return
    home.create()
    if arguments.clear_scenarios and arguments.scenario:
        raise RehearsalError("Use either --scenario or --clear-scenarios.")
    if arguments.fleet is not None:
        from tui.rehearsal.fleet.make import make

        print(make(home, arguments.fleet), file=sys.stderr)
    if arguments.container_engine is not None:
        choose_engine(home, arguments.container_engine)
    if arguments.scenario or arguments.clear_scenarios:
        from tui.rehearsal.scenarios.scenarios import select

        select(home, arguments.scenario)
    settings.change_pace(home, **{name: getattr(arguments, name) for name in settings.PACE})


def choose_engine(home: Home, name: str) -> None:
    """Choose what runs deployments from now on. Raises RehearsalError if the named engine does not work, OSError."""
    if name not in (settings.AUTOMATIC, settings.NO_ENGINE):
        import asyncio

        from tui.rehearsal.container_engine.engine import Unusable, find

        found = asyncio.run(find(name, home.folder.name))
        if isinstance(found, Unusable):
            raise RehearsalError(f"--container-engine {name}: {found.why}. Nothing was changed.")
    replace_json(home.engine_file, name)


def changes_running(home: Home, arguments: argparse.Namespace) -> bool:
    """Change a running rehearsal and print that; False if none runs. Raises RehearsalError, OSError."""
    if not given(arguments) or not is_alive(home):
        return False
    set_up(home, arguments)
    print(f"A rehearsal is already running and was changed. {in_words(home)}", file=sys.stderr)
    return True


def in_words(home: Home) -> str:
    """The active scenarios, pace and container engine, in a sentence or two."""
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
    engine = settings.engine_of(home, {})
    if engine != settings.AUTOMATIC:
        what = "without a container engine" if engine == settings.NO_ENGINE else f"in containers of {engine}"
        said += f" What is deployed from now on runs {what}."
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
