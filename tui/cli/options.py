"""The arguments of each command, as data: argparse is only loaded once a command is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import argparse


class Argument(NamedTuple):
    """An argument: its names, what `add_argument` is told of it, and the group in which help shows it."""

    names: tuple[str, ...]
    settings: dict[str, Any]
    group: tuple[str, ...]


ALONE = ("one of",)
"""The group of arguments of which only one may be given; help has no title for it."""


def argument(*names: str, group: tuple[str, ...] = (), **settings: Any) -> Argument:
    """An argument, described as for `add_argument`; `group` is a title and an explanation, or ALONE.

    One without `help` is hidden from the command's help and from completion.
    """
    return Argument(names, settings, group)


def repeated(*names: str, **settings: Any) -> Argument:
    """An option that may be given several times; its values are a list."""
    return argument(*names, action="append", default=[], **settings)


def flag(*names: str, **settings: Any) -> Argument:
    """An option without a value."""
    return argument(*names, action="store_true", **settings)


def add(parser: argparse.ArgumentParser, arguments: tuple[Argument, ...]) -> None:
    """Give a parser its arguments."""
    from argparse import SUPPRESS

    groups: dict[tuple[str, ...], Any] = {(): parser}
    for one in arguments:
        if one.group not in groups:
            alone = one.group == ALONE
            groups[one.group] = (
                parser.add_mutually_exclusive_group() if alone else parser.add_argument_group(*one.group)
            )
        groups[one.group].add_argument(*one.names, **{"help": SUPPRESS, **one.settings})


def seconds(text: str) -> float:
    """A time between two looks; none at all would ask Azure without a pause. Raises ArgumentTypeError."""
    return _number(text, 0.1, 86_400, "seconds")


def count(text: str) -> int:
    """A number of lines. Raises ArgumentTypeError."""
    return int(_number(text, 0, 100_000, "lines"))


def _number(text: str, least: float, most: float, unit: str) -> float:
    from argparse import ArgumentTypeError

    try:
        value = float(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise ArgumentTypeError(f"{text} is none of {least:g} to {most:g} {unit}")
    return value


JSON = flag("--json", help="print one JSON object a line on stdout, and nothing else there")
YES = flag("--yes", help="do not ask first; needed without a terminal")
REHEARSE = flag("--rehearse", help="use a local stand-in for Azure; nothing in Azure is touched")
SET = repeated(
    "--set",
    metavar="KEY=VALUE",
    dest="sets",
    help="change one value of the plan, such as endpoint.name=churn-02; may be repeated",
)
REHEARSING = (
    SET,
    REHEARSE,
    repeated(
        "--scenario",
        metavar="NAME",
        help="with --rehearse: make a failure happen from now on (see: aml-deploy rehearsal --list-scenarios)",
    ),
)
FILES = (
    argument("plan", metavar="PLAN", help="a plan file or the name of a preset"),
    argument("overlays", metavar="OVERLAY", nargs="*", default=[], help="files laid over the plan, the last one wins"),
)
PLAN = (*FILES, *REHEARSING)
ENDPOINT = argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
PLACE = ("where the endpoint is", "Without these, the endpoint's latest run on this machine says where it is.")
WHERE = (
    argument("--plan", metavar="PLAN", group=PLACE, help="the plan that names the workspace and the credential"),
    argument("--run", metavar="RUN", group=PLACE, help="the run that made it"),
    argument("--subscription", metavar="ID", group=PLACE, help="the workspace's subscription"),
    argument("--resource-group", metavar="NAME", group=PLACE, help="the workspace's resource group"),
    argument("--workspace", metavar="NAME", group=PLACE, help="the workspace"),
    REHEARSE._replace(group=PLACE),
    JSON,
)
FORCE = flag("--force", help="replace files that are there already")
MACHINE = argument("--machine", choices=("x86_64", "aarch64"), default="x86_64", help="processor of the target; x86_64")


def output(metavar: str, about: str, default: str | None = None) -> Argument:
    """The option that says where to write."""
    return argument("-o", "--output", metavar=metavar, default=default, help=about)


# What a usage error or a completion says of the wizard's own; its help is cli.main's HELP.
WIZARD = (
    argument("plan", metavar="PLAN", nargs="?"),
    FILES[1],
    argument("--preset", metavar="NAME", help="start from a preset"),
    flag("--plain", help="ask line by line"),
    argument("--answers", metavar="FILE", help="ask line by line, with the answers from this file"),
    flag("--mouse", help="let the wizard use the mouse"),
    *REHEARSING,
    flag("--version", help="print the version"),
)
CHECK = (
    *PLAN,
    flag("--fix", help="write into the plan's files what the check would correct"),
    flag(
        "--try-locally", help="also serve model, code and environment on this machine, call them, and say how it went"
    ),
    flag("--dress-rehearsal", dest="try_locally"),
    JSON,
)
REQUESTS = (
    *PLAN,
    argument("-o", dest="out", metavar="DIR", help="write a Markdown file for each administrator into DIR"),
    JSON,
)
APPLY = (
    *PLAN,
    YES,
    flag("--detach", help="start the run and leave it running"),
    argument(
        "--as",
        metavar="NAME",
        dest="as_name",
        help="deploy under this name beside what serves, and let it take over step by step (rollout: in the plan)",
    ),
    argument(
        "--record",
        metavar="FILE",
        help="write all exchanges with Azure to this new file, without secrets and names, for comparing the rehearsal",
    ),
    JSON,
)
ATTACH = (
    argument("run", metavar="RUN", nargs="?", help="a run's id, or how it begins; the latest if left out"),
    flag("--plain", help="follow in lines, not on the wizard's live screen"),
    flag("--mouse", help="let the live screen use the mouse"),
    JSON,
)
INVOKE = (
    ENDPOINT,
    argument("--request", metavar="FILE", required=True, help="the body to send, a JSON file; - for stdin"),
    argument("--deployment", metavar="NAME", help="ask this deployment, whatever the traffic says"),
    *WHERE,
)
TRAFFIC = (
    ENDPOINT,
    argument("shares", metavar="DEPLOYMENT=PERCENT", nargs="+", help="such as blue=90 green=10; together 100"),
    *WHERE,
)
KEYS = (
    ENDPOINT,
    flag("--rotate", help="replace both keys, one after the other, asking between"),
    argument("--regenerate", metavar="KEY", choices=("primary", "secondary"), help="replace primary or secondary"),
    argument(
        "--put", metavar=("KEY", "FILE"), nargs=2, help="write primary or secondary to a new file for your eyes only"
    ),
    YES,
    *WHERE,
)
TROUBLESHOOT = (
    argument(
        "endpoint",
        metavar="ENDPOINT",
        nargs="?",
        help="a name, a resource id or a scoring URL; to pick from if left out",
    ),
    flag("--watch", help="look again and again, and print what changed"),
    argument("--every", metavar="SECONDS", type=seconds, default=30.0, help="with --watch: how often; 30"),
    argument("--request", metavar="FILE", help="the body for test calls; else the plan's or the run's"),
    flag("--no-test", help="make no test call"),
    argument("--deployment", metavar="NAME", help="make the test call to this deployment only"),
    argument("--lines", metavar="N", type=count, default=15, help="print so many lines of each log; 15"),
    flag("--plain", help="print lines, also on a terminal"),
    flag("--mouse", help="let the screen use the mouse"),
    *WHERE,
)
EXPLAIN = (argument("file", metavar="FILE", nargs="?", default="-", help="the text; - or nothing for stdin"), JSON)
EXPORT = (
    *FILES,
    SET,
    argument(
        "--to",
        metavar="TARGET",
        required=True,
        help="az-yaml, python, notebook, github-actions, azure-pipelines, bicep or docs",
    ),
    output("DIR", "the folder to write to; by default one named like the target, here"),
    FORCE,
    JSON,
)
IMPORT = (
    argument("files", metavar="FILE", nargs="+", help="endpoint and deployment YAML, in any order"),
    output("PLAN", "the plan file to write; plan.yml if left out", "plan.yml"),
    FORCE,
)
SCORING = (*FILES, SET, output("DIR", "the folder to write to; scoring if left out"), FORCE, JSON)
OFFLINE_INSTALL = (
    repeated(
        "--python",
        metavar="VERSION",
        help="a Python of the clusters, such as 3.11; may be repeated; all supported ones if left out",
    ),
    repeated(
        "--extra",
        metavar="NAME",
        choices=("mlflow", "databricks", "keyvault"),
        help="also mlflow, databricks or keyvault; may be repeated. The rehearsal is always in it",
    ),
    repeated(
        "--for",
        metavar="PLAN",
        dest="plans",
        help="also what the rehearsal installs for this plan's scoring environment; may be repeated",
    ),
    SET,
    MACHINE,
    output("DIR", "the folder to write to; aml-deploy-bundle if left out"),
    FORCE,
    JSON,
)
BUILD_CONTEXT = (
    *FILES,
    SET,
    argument("--image", metavar="IMAGE", help="the base image, in place of the plan's"),
    argument(
        "--with-python",
        metavar="FOLDER",
        help="put this installed Python into the build context, for a base image that lacks the conda file's",
    ),
    MACHINE,
    output("DIR", "the folder to write to; context if left out"),
    FORCE,
    JSON,
)
REMOVE = (
    *PLAN,
    argument("--deployment", metavar="NAME", help="remove this deployment only, and keep the endpoint"),
    flag("--failed", help="also remove failed deployments of earlier plans on the endpoint"),
    YES,
    JSON,
)
COMPLETION = (argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish"),)

PRACTISED = (
    "what is practised",
    "At the start, or while it runs: a rehearsal that runs already changes at once.",
)
RIGHTS = ("whose rights", "Both identities of the rehearsal that runs, from now on; it forgets them when it ends.")
REHEARSAL = (
    argument("--port", metavar="N", type=int, help="the port on 127.0.0.1; the last one when left out"),
    flag("--env", group=ALONE, help="print export lines for the one that runs, and start it when none does"),
    flag("--stop", group=ALONE, help="end the one that runs, with all that it started"),
    argument(
        "--compare",
        metavar="FILE",
        group=ALONE,
        help="say where a rehearsal answers otherwise than what apply --record wrote",
    ),
    flag("--json", help="with --env or --compare: JSON and not text"),
    repeated(
        "--scenario",
        metavar="NAME",
        group=PRACTISED,
        help="make a documented failure happen; may be repeated; none: no failure",
    ),
    flag("--clear-scenarios", group=PRACTISED, help="no failure happens any more"),
    flag("--list-scenarios", group=ALONE, help="explain each failure that can happen, in a line"),
    argument("--pace", choices=("fast", "azure"), group=PRACTISED, help="azure: durations like Azure's"),
    argument("--speed", metavar="N", type=float, group=PRACTISED, help="with --pace azure: so many times as fast"),
    argument(
        "--latency",
        metavar="MS",
        type=float,
        group=PRACTISED,
        help="milliseconds more for each request to Azure and its storage",
    ),
    argument(
        "--bandwidth",
        metavar="MBPS",
        type=float,
        group=PRACTISED,
        help="megabits a second to and from storage; 0: all there is",
    ),
    argument("--scoring-python", metavar="PATH", help="run scoring servers with this Python; build nothing"),
    repeated(
        "--role", metavar="ROLE", group=RIGHTS, help="contributor, data-scientist, reader or none; may be repeated"
    ),
    repeated("--deny", metavar="ACTION", group=RIGHTS, help="take an action from the roles"),
    argument(
        "--storage-role",
        metavar="ROLE",
        group=RIGHTS,
        help="on the storage account: contributor, reader or none",
    ),
    flag("--reset-rights", group=RIGHTS, help="the roles that it has at the start"),
    flag("--list-roles", group=RIGHTS, help="explain the roles"),
)
