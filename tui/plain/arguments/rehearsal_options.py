"""The options of `aml-deploy rehearsal`."""

from __future__ import annotations

import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its options."""
    parser.add_argument("--port", metavar="N", type=int, help="the port on 127.0.0.1; the last one when left out")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--env", action="store_true", help="print export lines for the one that runs, and start it when none does"
    )
    choice.add_argument("--stop", action="store_true", help="end the one that runs, with all that it started")
    choice.add_argument(
        "--compare", metavar="FILE", help="say where a rehearsal answers otherwise than what apply --record wrote"
    )
    parser.add_argument("--json", action="store_true", help="with --env or --compare: JSON and not text")
    practised = parser.add_argument_group(
        "what is practised", "At the start, or while it runs: a rehearsal that runs already changes at once."
    )
    practised.add_argument(
        "--scenario",
        metavar="NAME",
        action="append",
        default=[],
        help="make a documented failure happen; may be repeated; none: no failure",
    )
    practised.add_argument("--clear-scenarios", action="store_true", help="no failure happens any more")
    choice.add_argument("--list-scenarios", action="store_true", help="explain each failure that can happen, in a line")
    practised.add_argument("--pace", choices=("fast", "azure"), help="azure: durations like Azure's")
    practised.add_argument("--speed", metavar="N", type=float, help="with --pace azure: so many times as fast")
    practised.add_argument(
        "--latency", metavar="MS", type=float, help="milliseconds more for each request to Azure and its storage"
    )
    practised.add_argument(
        "--bandwidth", metavar="MBPS", type=float, help="megabits a second to and from storage; 0: all there is"
    )
    parser.add_argument("--scoring-python", metavar="PATH", help="run scoring servers with this Python; build nothing")
    rights = parser.add_argument_group(
        "whose rights", "Both identities of the rehearsal that runs, from now on; it forgets them when it ends."
    )
    rights.add_argument(
        "--role",
        metavar="ROLE",
        action="append",
        default=[],
        help="contributor, data-scientist, reader or none; may be repeated",
    )
    rights.add_argument("--deny", metavar="ACTION", action="append", default=[], help="take an action from the roles")
    rights.add_argument("--storage-role", metavar="ROLE", help="on the storage account: contributor, reader or none")
    rights.add_argument("--reset-rights", action="store_true", help="the roles that it has at the start")
    rights.add_argument("--list-roles", action="store_true", help="explain the roles")
