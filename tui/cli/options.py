"""The arguments of each command. Nothing heavy is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

PLAN_HELP = "a plan file or the name of a preset"
OVERLAY_HELP = "files laid over the plan, the last one wins"
SET_HELP = "change one value of the plan, such as endpoint.name=churn-02; may be repeated"
REHEARSE_HELP = "use a local stand-in for Azure; nothing in Azure is touched"
SCENARIO_HELP = "with --rehearse: make a failure happen from now on (see: aml-deploy rehearsal --list-scenarios)"
JSON_HELP = "print one JSON object a line on stdout, and nothing else there"


def plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", metavar="PLAN", help=PLAN_HELP)
    parser.add_argument("overlays", metavar="OVERLAY", nargs="*", default=[], help=OVERLAY_HELP)
    changes(parser)


def changes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="sets", help=SET_HELP)
    parser.add_argument("--rehearse", action="store_true", help=REHEARSE_HELP)
    parser.add_argument("--scenario", metavar="NAME", action="append", default=[], help=SCENARIO_HELP)


def json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help=JSON_HELP)


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


def wizard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", metavar="PLAN", nargs="?")
    parser.add_argument("overlays", metavar="OVERLAY", nargs="*", default=[])
    parser.add_argument("--preset", metavar="NAME")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--answers", metavar="FILE")
    parser.add_argument("--mouse", action="store_true")
    changes(parser)


def presets(parser: argparse.ArgumentParser) -> None:
    json(parser)


def check(parser: argparse.ArgumentParser) -> None:
    plan(parser)
    parser.add_argument("--fix", action="store_true", help="write into the plan's files what the check would correct")
    parser.add_argument(
        "--dress-rehearsal",
        action="store_true",
        help="also serve model, code and environment on this machine, call them, and say how it went",
    )
    json(parser)


def requests(parser: argparse.ArgumentParser) -> None:
    plan(parser)
    parser.add_argument("-o", dest="out", metavar="DIR", help="write a Markdown file for each administrator into DIR")
    json(parser)


def apply(parser: argparse.ArgumentParser) -> None:
    plan(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask first; needed without a terminal")
    parser.add_argument("--detach", action="store_true", help="start the run and leave it running")
    parser.add_argument(
        "--as",
        metavar="NAME",
        dest="as_name",
        help="deploy under this name beside what serves, and let it take over step by step (rollout: in the plan)",
    )
    parser.add_argument(
        "--record",
        metavar="FILE",
        help="write all exchanges with Azure to this new file, without secrets and names, for comparing the rehearsal",
    )
    json(parser)


def runs(parser: argparse.ArgumentParser) -> None:
    json(parser)


def attach(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", help="a run's id, or how it begins; the latest if left out")
    parser.add_argument("--plain", action="store_true", help="follow in lines, not on the wizard's live screen")
    parser.add_argument("--mouse", action="store_true", help="let the live screen use the mouse")
    json(parser)


def invoke(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
    parser.add_argument("--request", metavar="FILE", required=True, help="the body to send, a JSON file; - for stdin")
    parser.add_argument("--deployment", metavar="NAME", help="ask this deployment, whatever the traffic says")
    where(parser)
    json(parser)


def where(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "where the endpoint is", "Without these, the endpoint's latest run on this machine says where it is."
    )
    group.add_argument("--plan", metavar="PLAN", help="the plan that names the workspace and the credential")
    group.add_argument("--run", metavar="RUN", help="the run that made it")
    group.add_argument("--subscription", metavar="ID", help="the workspace's subscription")
    group.add_argument("--resource-group", metavar="NAME", help="the workspace's resource group")
    group.add_argument("--workspace", metavar="NAME", help="the workspace")
    group.add_argument("--rehearse", action="store_true", help=REHEARSE_HELP)


def traffic(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
    parser.add_argument(
        "shares", metavar="DEPLOYMENT=PERCENT", nargs="+", help="such as blue=90 green=10; together 100"
    )
    where(parser)
    json(parser)


def rollback(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
    where(parser)
    json(parser)


def explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the text; - or nothing for stdin")
    json(parser)


def export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", metavar="PLAN", help=PLAN_HELP)
    parser.add_argument("overlays", metavar="OVERLAY", nargs="*", default=[], help=OVERLAY_HELP)
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="sets", help=SET_HELP)
    parser.add_argument(
        "--to",
        metavar="TARGET",
        required=True,
        help="az-yaml, python, notebook, github-actions, azure-pipelines, bicep or docs",
    )
    output(parser, "DIR", "the folder to write to; by default one named like the target, here")
    json(parser)


def import_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="endpoint and deployment YAML, in any order")
    output(parser, "PLAN", "the plan file to write; plan.yml if left out")
    parser.set_defaults(output="plan.yml")


def scoring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", metavar="PLAN", help=PLAN_HELP)
    parser.add_argument("overlays", metavar="OVERLAY", nargs="*", default=[], help=OVERLAY_HELP)
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="sets", help=SET_HELP)
    output(parser, "DIR", "the folder to write to; scoring if left out")
    json(parser)


def bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--python",
        metavar="VERSION",
        action="append",
        default=[],
        help="a Python of the clusters, such as 3.11; may be repeated; all supported ones if left out",
    )
    parser.add_argument(
        "--extra",
        metavar="NAME",
        action="append",
        default=[],
        choices=("mlflow", "databricks", "keyvault"),
        help="also mlflow, databricks or keyvault; may be repeated. The rehearsal is always in it",
    )
    parser.add_argument(
        "--for",
        metavar="PLAN",
        action="append",
        default=[],
        dest="plans",
        help="also what the rehearsal installs for this plan's scoring environment; may be repeated",
    )
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="sets", help=SET_HELP)
    machine(parser)
    output(parser, "DIR", "the folder to write to; aml-deploy-bundle if left out")
    json(parser)


def context(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", metavar="PLAN", help=PLAN_HELP)
    parser.add_argument("overlays", metavar="OVERLAY", nargs="*", default=[], help=OVERLAY_HELP)
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="sets", help=SET_HELP)
    parser.add_argument("--image", metavar="IMAGE", help="the base image, in place of the plan's")
    parser.add_argument(
        "--with-python",
        metavar="FOLDER",
        help="put this installed Python into the context, for a base image that lacks the conda file's",
    )
    machine(parser)
    output(parser, "DIR", "the folder to write to; context if left out")
    json(parser)


def machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--machine", choices=("x86_64", "aarch64"), default="x86_64", help="processor of the target; x86_64"
    )


def output(parser: argparse.ArgumentParser, metavar: str, about: str) -> None:
    parser.add_argument("-o", "--output", metavar=metavar, help=about)
    parser.add_argument("--force", action="store_true", help="replace files that are there already")


def remove(parser: argparse.ArgumentParser) -> None:
    plan(parser)
    parser.add_argument("--deployment", metavar="NAME", help="remove this deployment only, and keep the endpoint")
    parser.add_argument(
        "--failed", action="store_true", help="also remove failed deployments of earlier plans on the endpoint"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask first; needed without a terminal")
    json(parser)


def keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
    which = ("primary", "secondary")
    parser.add_argument("--rotate", action="store_true", help="replace both keys, one after the other, asking between")
    parser.add_argument("--regenerate", metavar="KEY", choices=which, help="replace primary or secondary")
    parser.add_argument(
        "--put", metavar=("KEY", "FILE"), nargs=2, help="write primary or secondary to a new file for your eyes only"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask first; needed without a terminal")
    where(parser)
    json(parser)


def troubleshoot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "endpoint",
        metavar="ENDPOINT",
        nargs="?",
        help="a name, a resource id or a scoring URL; to pick from if left out",
    )
    parser.add_argument("--watch", action="store_true", help="look again and again, and print what changed")
    parser.add_argument("--every", metavar="SECONDS", type=seconds, default=30.0, help="with --watch: how often; 30")
    parser.add_argument("--request", metavar="FILE", help="the body for test calls; else the plan's or the run's")
    parser.add_argument("--no-test", action="store_true", help="make no test call")
    parser.add_argument("--deployment", metavar="NAME", help="make the test call to this deployment only")
    parser.add_argument("--lines", metavar="N", type=count, default=15, help="print so many lines of each log; 15")
    parser.add_argument("--plain", action="store_true", help="print lines, also on a terminal")
    parser.add_argument("--mouse", action="store_true", help="let the screen use the mouse")
    where(parser)
    json(parser)


def rehearsal(parser: argparse.ArgumentParser) -> None:
    from tui.plain.arguments.rehearsal_options import add_options

    add_options(parser)
