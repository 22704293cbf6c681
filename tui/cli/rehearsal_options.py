"""The options of `aml-deploy rehearsal`."""

from __future__ import annotations

from tui.cli.arguments import ALONE, argument, flag, repeated
from tui.cli.options import ENGINES

PRACTISED = ("what to rehearse", "At the start or later: a running rehearsal changes at once.")
RIGHTS = ("permissions", "For both identities of the running rehearsal, until it ends.")
REHEARSAL = (
    argument(
        "add",
        metavar="FILE",
        nargs="*",
        help="add model|environment NAME[:VERSION] PATH: register what your own workspace already holds; PATH is a "
        "model's file or folder, az ml's YAML of an environment, a conda file, a Dockerfile or its folder, or an image",
    ),
    argument("--registry", metavar="NAME", help="with add: add it to this registry instead of every workspace"),
    argument("--port", metavar="N", type=int, help="the port on 127.0.0.1 (default: the last one)"),
    flag("--env", group=ALONE, help="print export lines for the running rehearsal; start one if none runs"),
    flag("--stop", group=ALONE, help="end the running rehearsal and everything that it started"),
    argument(
        "--compare",
        metavar="FILE",
        group=ALONE,
        help="report where a rehearsal's responses differ from a recording of apply --record",
    ),
    flag("--json", help="with --env or --compare: print JSON instead of text"),
    repeated(
        "--scenario",
        metavar="NAME",
        group=PRACTISED,
        help="make a documented failure happen; may be repeated; none: no failures",
    ),
    flag("--clear-scenarios", group=PRACTISED, help="let no more failures happen"),
    flag("--list-scenarios", group=ALONE, help="list the failures that can happen, with a line of explanation"),
    argument("--pace", choices=("fast", "azure"), group=PRACTISED, help="fast, or azure for durations like Azure's"),
    argument(
        "--speed", metavar="N", type=float, group=PRACTISED, help="with --pace azure: the factor by which it is faster"
    ),
    argument(
        "--latency",
        metavar="MS",
        type=float,
        group=PRACTISED,
        help="additional milliseconds for each request to Azure and its storage",
    ),
    argument(
        "--bandwidth",
        metavar="MBPS",
        type=float,
        group=PRACTISED,
        help="megabits per second to and from storage; 0: unlimited",
    ),
    argument(
        "--token-seconds",
        metavar="N",
        type=float,
        group=PRACTISED,
        help="access tokens are refused as expired after N seconds; 0: lifetimes like Azure's",
    ),
    argument(
        "--container-engine",
        metavar="ENGINE",
        choices=ENGINES,
        group=PRACTISED,
        help="what runs containers from now on: auto (the default), none (bare processes), docker or podman",
    ),
    flag("--status", group=ALONE, help="say what runs, and what a deployment is isolated from on this machine"),
    argument("--scoring-python", metavar="PATH", help="run scoring servers with this Python; build nothing"),
    argument(
        "--fleet",
        metavar="NUMBER",
        nargs="?",
        const="200",
        group=PRACTISED,
        help="add endpoints of all kinds of health in three subscriptions, to look at (default: 200)",
    ),
    repeated(
        "--role", metavar="ROLE", group=RIGHTS, help="contributor, data-scientist, reader or none; may be repeated"
    ),
    repeated("--deny", metavar="ACTION", group=RIGHTS, help="remove an action from the roles"),
    argument(
        "--storage-role",
        metavar="ROLE",
        group=RIGHTS,
        help="the role on the storage account: contributor, reader or none",
    ),
    flag("--reset-rights", group=RIGHTS, help="restore the roles of the start"),
    flag("--list-roles", group=RIGHTS, help="explain the roles"),
)
