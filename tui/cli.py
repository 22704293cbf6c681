"""The command line: which front end runs, with what.

Nothing heavy is imported here: `aml-deploy --help` and every usage error must be there at once, so each command's
module is imported when that command is named.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable, NoReturn

if TYPE_CHECKING:
    import argparse

HELP = """\
usage: aml-deploy [PLAN [OVERLAY ...]] [--preset NAME] [--set KEY=VALUE] [--rehearse]
                  [--plain] [--answers FILE] [--mouse]
       aml-deploy COMMAND ...

Deploys a trained model to a private Azure Machine Learning online endpoint, step by step, and
rehearses it on this machine first.

Without a command the wizard opens. PLAN is a plan file or the name of a preset.

  --preset NAME     start from a preset (see: aml-deploy presets)
  --set KEY=VALUE   change one value of the plan, such as endpoint.name=churn-02; may be repeated
  --rehearse        do everything against a local stand-in for Azure; nothing in Azure is touched
  --scenario NAME   with --rehearse: make a failure happen (aml-deploy rehearsal --list-scenarios)
  --plain           ask line by line; also with ACCESSIBLE=1, with TERM=dumb and without a terminal
  --answers FILE    ask line by line, with the answers from this file: a map of plan keys and values
  --mouse           let the wizard use the mouse; off, text can be selected in a browser's terminal
  --version         print the version
  -h, --help        print this text

commands:
  presets           list the presets
  check PLAN        look for whatever would make a deployment fail, and change nothing
  requests PLAN     write what other people have to do before a plan can work
  apply PLAN        deploy what a plan describes, without the wizard
  runs              list the runs of this machine
  attach [RUN]      follow a run, resuming it when its engine is gone
  invoke ENDPOINT   send a request to an endpoint and print its answer
  traffic ENDPOINT  split an endpoint's requests: blue=90 green=10
  rollback ENDPOINT go back to the split before
  keys ENDPOINT     replace an endpoint's keys without an interruption
  troubleshoot [ENDPOINT]
                    say what is wrong with an endpoint, and mend what can be mended
  explain [FILE]    say what an error text or a log means, and what to do
  export PLAN       write the plan as az ml YAML, Python, notebook, pipeline, Bicep or runbook
  import FILE ...   make a plan of az ml's endpoint and deployment YAML
  remove PLAN       remove what a plan made, and nothing else
  rehearsal         run the local stand-in for Azure for any other client

A command's name wins over a plan's: a plan file called `check` is opened as ./check.
aml-deploy COMMAND --help says more about each.

examples:
  aml-deploy --preset churn-xgboost --rehearse
  aml-deploy plan.yml plan.prod.yml --set deployment.instance_count=3
  aml-deploy apply plan.yml --yes --json

exit codes: 0 done, 1 failed, 2 the plan or the command line is wrong, 3 blocked by the preflight,
130 interrupted.
"""

PLAN_HELP = "a plan file or the name of a preset"
OVERLAY_HELP = "files laid over the plan, the last one wins"
SET_HELP = "change one value of the plan, such as endpoint.name=churn-02; may be repeated"
REHEARSE_HELP = "use a local stand-in for Azure; nothing in Azure is touched"
SCENARIO_HELP = "with --rehearse: make a failure happen from now on (see: aml-deploy rehearsal --list-scenarios)"
JSON_HELP = "print one JSON object a line on stdout, and nothing else there"


def _plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", metavar="PLAN", help=PLAN_HELP)
    parser.add_argument("overlays", metavar="OVERLAY", nargs="*", default=[], help=OVERLAY_HELP)
    _changes(parser)


def _changes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="sets", help=SET_HELP)
    parser.add_argument("--rehearse", action="store_true", help=REHEARSE_HELP)
    parser.add_argument("--scenario", metavar="NAME", action="append", default=[], help=SCENARIO_HELP)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help=JSON_HELP)


def _wizard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", metavar="PLAN", nargs="?")
    parser.add_argument("overlays", metavar="OVERLAY", nargs="*", default=[])
    parser.add_argument("--preset", metavar="NAME")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--answers", metavar="FILE")
    parser.add_argument("--mouse", action="store_true")
    _changes(parser)


def _presets(parser: argparse.ArgumentParser) -> None:
    _json(parser)


def _check(parser: argparse.ArgumentParser) -> None:
    _plan(parser)
    parser.add_argument("--fix", action="store_true", help="write into the plan's files what the check would correct")
    parser.add_argument(
        "--dress-rehearsal",
        action="store_true",
        help="also serve model, code and environment on this machine, call them, and say how it went",
    )
    _json(parser)


def _requests(parser: argparse.ArgumentParser) -> None:
    _plan(parser)
    parser.add_argument("-o", dest="out", metavar="DIR", help="write a Markdown file for each administrator into DIR")
    _json(parser)


def _apply(parser: argparse.ArgumentParser) -> None:
    _plan(parser)
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
    _json(parser)


def _runs(parser: argparse.ArgumentParser) -> None:
    _json(parser)


def _attach(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", help="a run's id, or how it begins; the latest if left out")
    parser.add_argument("--plain", action="store_true", help="follow in lines, not on the wizard's live screen")
    parser.add_argument("--mouse", action="store_true", help="let the live screen use the mouse")
    _json(parser)


def _invoke(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
    parser.add_argument("--request", metavar="FILE", required=True, help="the body to send, a JSON file; - for stdin")
    parser.add_argument("--deployment", metavar="NAME", help="ask this deployment, whatever the traffic says")
    _where(parser)
    _json(parser)


def _where(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "where the endpoint is", "Without these, the endpoint's latest run on this machine says where it is."
    )
    group.add_argument("--plan", metavar="PLAN", help="the plan that names the workspace and the credential")
    group.add_argument("--run", metavar="RUN", help="the run that made it")
    group.add_argument("--subscription", metavar="ID", help="the workspace's subscription")
    group.add_argument("--resource-group", metavar="NAME", help="the workspace's resource group")
    group.add_argument("--workspace", metavar="NAME", help="the workspace")
    group.add_argument("--rehearse", action="store_true", help=REHEARSE_HELP)


def _traffic(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
    parser.add_argument(
        "shares", metavar="DEPLOYMENT=PERCENT", nargs="+", help="such as blue=90 green=10; together 100"
    )
    _where(parser)
    _json(parser)


def _rollback(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
    _where(parser)
    _json(parser)


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the text; - or nothing for stdin")
    _json(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", metavar="PLAN", help=PLAN_HELP)
    parser.add_argument("overlays", metavar="OVERLAY", nargs="*", default=[], help=OVERLAY_HELP)
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="sets", help=SET_HELP)
    parser.add_argument(
        "--to",
        metavar="TARGET",
        required=True,
        help="az-yaml, python, notebook, github-actions, azure-pipelines, bicep or docs",
    )
    _output(parser, "DIR", "the folder to write to; by default one named like the target, here")
    _json(parser)


def _import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="endpoint and deployment YAML, in any order")
    _output(parser, "PLAN", "the plan file to write; plan.yml if left out")
    parser.set_defaults(output="plan.yml")


def _output(parser: argparse.ArgumentParser, metavar: str, about: str) -> None:
    parser.add_argument("-o", "--output", metavar=metavar, help=about)
    parser.add_argument("--force", action="store_true", help="replace files that are there already")


def _remove(parser: argparse.ArgumentParser) -> None:
    _plan(parser)
    parser.add_argument("--deployment", metavar="NAME", help="remove this deployment only, and keep the endpoint")
    parser.add_argument(
        "--failed", action="store_true", help="also remove failed deployments of earlier plans on the endpoint"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask first; needed without a terminal")
    _json(parser)


def _keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
    which = ("primary", "secondary")
    parser.add_argument("--rotate", action="store_true", help="replace both keys, one after the other, asking between")
    parser.add_argument("--regenerate", metavar="KEY", choices=which, help="replace primary or secondary")
    parser.add_argument(
        "--put", metavar=("KEY", "FILE"), nargs=2, help="write primary or secondary to a new file for your eyes only"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask first; needed without a terminal")
    _where(parser)
    _json(parser)


def _troubleshoot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "endpoint",
        metavar="ENDPOINT",
        nargs="?",
        help="a name, a resource id or a scoring URL; to pick from if left out",
    )
    parser.add_argument("--watch", action="store_true", help="look again and again, and print what changed")
    parser.add_argument("--every", metavar="SECONDS", type=float, default=30.0, help="with --watch: how often; 30")
    parser.add_argument("--request", metavar="FILE", help="the body for test calls; else the plan's or the run's")
    parser.add_argument("--no-test", action="store_true", help="make no test call")
    parser.add_argument("--deployment", metavar="NAME", help="make the test call to this deployment only")
    parser.add_argument("--lines", metavar="N", type=int, default=15, help="print so many lines of each log; 15")
    parser.add_argument("--plain", action="store_true", help="print lines, also on a terminal")
    parser.add_argument("--mouse", action="store_true", help="let the screen use the mouse")
    _where(parser)
    _json(parser)


def _rehearsal(parser: argparse.ArgumentParser) -> None:
    from tui.plain.rehearsal_options import add_options

    add_options(parser)


class Command:
    """A command: its arguments, the function that runs it (module:name), what it is for, and examples."""

    def __init__(
        self, arguments: Callable[[argparse.ArgumentParser], None], runs: str, about: str, examples: str
    ) -> None:
        self.arguments, self.runs, self.about, self.examples = arguments, runs, about, examples


COMMANDS = {
    "presets": Command(_presets, "tui.plain.listing:presets", "Lists the presets.", "aml-deploy presets"),
    "check": Command(
        _check,
        "tui.plain.check:run",
        "Looks for whatever would make a deployment fail, from this machine, and changes nothing in Azure. With "
        "--dress-rehearsal it also serves model, code and environment on this machine: how long they take to be "
        "ready, how much memory, how fast they answer. "
        "Exit code 0: nothing blocks; 2: the plan is wrong; 3: something blocks.",
        "aml-deploy check plan.yml\n  aml-deploy check plan.yml --fix\n  aml-deploy check plan.yml --dress-rehearsal\n"
        "  aml-deploy check churn-xgboost --rehearse --json",
    ),
    "requests": Command(
        _requests,
        "tui.plain.requests:run",
        "Writes what other people have to do before a plan can work: a page each for the network, identity, Databricks "
        "and machine learning administrators, with what, why, the command, and how it is verified. What is in order is "
        "left out. Exit code 0, also when nobody has anything to do.",
        "aml-deploy requests plan.yml\n  aml-deploy requests plan.yml -o tickets",
    ),
    "apply": Command(
        _apply,
        "tui.plain.apply:run",
        "Deploys what a plan describes. The run goes on in a process of its own: Ctrl+C and SIGTERM stop it, "
        "a terminal that disappears does not. Exit code 0: succeeded; 1: failed; 2: the plan is wrong; "
        "3: blocked by the preflight; 130: interrupted.",
        "aml-deploy apply churn-xgboost --rehearse --yes\n"
        "  aml-deploy apply plan.yml plan.prod.yml --set endpoint.name=churn-02 --yes --json\n"
        "  aml-deploy apply plan.yml --as green --set deployment.model.path=model-2\n"
        "  aml-deploy apply plan.yml --yes --detach",
    ),
    "runs": Command(
        _runs, "tui.plain.listing:runs", "Lists the runs of this machine, newest first.", "aml-deploy runs --json"
    ),
    "attach": Command(
        _attach,
        "tui.cli:attach",
        "Shows a run from its beginning and follows it; a run whose engine is gone is resumed. "
        "Exit codes as for apply.",
        "aml-deploy attach\n  aml-deploy attach --json",
    ),
    "invoke": Command(
        _invoke,
        "tui.plain.invoke:run",
        "Sends one request to an endpoint, prints its answer and how long it took. "
        "Exit code 0: status 200 with an answer that is not an error text; 1: anything else.",
        "aml-deploy invoke churn-endpoint-01 --request sample-request.json\n"
        "  aml-deploy invoke churn-endpoint-01 --request sample-request.json --deployment green --json",
    ),
    "traffic": Command(
        _traffic,
        "tui.plain.traffic:run",
        "Splits the requests of an endpoint between its deployments, in per cent; deployments that are not named get "
        "nothing. The endpoint remembers the split before, for aml-deploy rollback. Exit code 0: done; 1: it did not "
        "work; 2: the split is wrong.",
        "aml-deploy traffic churn-endpoint-01 blue=90 green=10\n"
        "  aml-deploy traffic churn-endpoint-01 green=100 --plan plan.yml --json",
    ),
    "rollback": Command(
        _rollback,
        "tui.plain.traffic:rollback",
        "Goes back to the split of an endpoint's requests before the last change; once more goes forward again. "
        "Exit codes as for traffic.",
        "aml-deploy rollback churn-endpoint-01",
    ),
    "troubleshoot": Command(
        _troubleshoot,
        "tui.cli:troubleshoot",
        "Says what is wrong with an endpoint that is there, whoever made it: state, traffic, the way to it, its logs, "
        "what was changed and by whom, the last hour's metrics, test calls; the worst first, each with its evidence "
        "and remedy, and what can be mended from here. A reader's role is enough for most of it. Exit code 0: nothing "
        "is wrong; 1: something is; 2: it is not known which endpoint is meant.",
        "aml-deploy troubleshoot churn-endpoint-01\n"
        "  aml-deploy troubleshoot https://churn-endpoint-01.eastus.inference.ml.azure.com/score --plan plan.yml\n"
        "  aml-deploy troubleshoot churn-endpoint-01 --json\n"
        "  aml-deploy troubleshoot churn-endpoint-01 --watch",
    ),
    "explain": Command(
        _explain,
        "tui.plain.explain:run",
        "Says what an error text, a container log or a build log means: cause, remedy, the lines that show it, and the "
        "ids that support asks for. Exit code 0: something was recognised; 1: nothing was.",
        "aml-deploy explain error.txt\n  az ml online-deployment get-logs -e churn -n blue | aml-deploy explain --json",
    ),
    "export": Command(
        _export,
        "tui.plain.export:run",
        "Writes a plan as files for other tools. References such as ${env:NAME} become the target's own kind of "
        "reference; a secret's value is in no file. Exit code 0: written; 2: the plan cannot be written that way.",
        "aml-deploy export plan.yml --to az-yaml\n"
        "  aml-deploy export plan.yml plan.prod.yml --to github-actions -o ../our-repository",
    ),
    "import": Command(
        _import,
        "tui.plain.export:read",
        "Makes a plan of the YAML files of az ml online-endpoint and online-deployment, and says what a plan has no "
        "place for. Exit code 0: written; 2: the files cannot be read as one endpoint.",
        "aml-deploy import endpoint.yml deployment.yml -o plan.yml",
    ),
    "remove": Command(
        _remove,
        "tui.plain.remove:run",
        "Removes what a plan made, and nothing else, after saying what that is.",
        "aml-deploy remove plan.yml\n  aml-deploy remove churn-xgboost --rehearse --yes",
    ),
    "keys": Command(
        _keys,
        "tui.plain.keys:run",
        "Shows by their fingerprints which keys an endpoint has, and replaces them without an interruption: callers "
        "move to the secondary key, the primary is made anew, callers move back, the secondary is made anew. A key is "
        "never printed. Exit code 0: done; 1: it did not work; 2: the command line is wrong; 130: nothing was done.",
        "aml-deploy keys churn-endpoint-01\n"
        "  aml-deploy keys churn-endpoint-01 --put secondary key.txt\n"
        "  aml-deploy keys churn-endpoint-01 --rotate\n"
        "  aml-deploy keys churn-endpoint-01 --regenerate primary --yes",
    ),
    "rehearsal": Command(
        _rehearsal,
        "tui.plain.rehearsal:run",
        "Runs the local stand-in for Azure in the foreground, for any client. It holds two closed workspaces; what "
        "is deployed in it really runs, on this machine.",
        'eval "$(aml-deploy rehearsal --env)"\n  aml-deploy rehearsal --scenario quota --scenario throttling\n'
        "  aml-deploy rehearsal --clear-scenarios\n  aml-deploy rehearsal --stop",
    ),
}


def _parser(name: str, command: Command) -> argparse.ArgumentParser:
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            sentence = message[:1].upper() + message[1:].rstrip(".")
            self.exit(2, f"{sentence}.\nUsage and examples: {self.prog} --help\n")

        def format_help(self) -> str:
            return super().format_help() if name else HELP

    parser = Parser(
        prog=f"aml-deploy {name}".strip(),
        description=command.about,
        epilog=f"examples:\n  {command.examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.description = _wrapped(command.about)
    command.arguments(parser)
    if not name:
        parser.add_argument("--version", action="store_true")
    return parser


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, 98)


def _misplaced(argv: Sequence[str]) -> str | None:
    """The command that stands after options, where it would be taken for a plan."""
    after_value_option = False
    for item in argv:
        if not item.startswith("-") and not after_value_option:
            return item if item in COMMANDS and not os.path.exists(item) else None  # noqa: PTH110
        after_value_option = item in ("--set", "--preset", "--scenario", "--answers")
    return None


def wizard(arguments: argparse.Namespace) -> int:
    """Open the wizard, or its line mode where there is no screen for it. Raises Failure, PlanInvalid."""
    from tui.plain.choice import chosen_document
    from tui.plain.practice import practise
    from tui.plain.terminal import wants_lines

    practise(arguments)
    document = chosen_document(arguments)
    if arguments.plain or arguments.answers or wants_lines():
        from tui.plain.prompts import walk

        return walk(document, rehearse=arguments.rehearse, answers_file=arguments.answers)
    from tui.live import run

    return run(document, rehearse=arguments.rehearse, mouse=arguments.mouse)


def attach(arguments: argparse.Namespace) -> int:
    """Show a run on the live screen, or in lines. Raises Failure, PlanInvalid."""
    from tui.plain import attach as lines
    from tui.plain.terminal import wants_lines

    if arguments.json or arguments.plain or wants_lines():
        return lines.run(arguments)
    from tui.live import run

    chosen = lines.choose(arguments.run)
    return run(None, attach_run=chosen, rehearse=chosen.rehearsed, mouse=arguments.mouse)


def troubleshoot(arguments: argparse.Namespace) -> int:
    """Show what is wrong with an endpoint, on the screen or in lines. Raises Failure, PlanInvalid."""
    from tui.plain.terminal import wants_lines

    if arguments.json or arguments.plain or arguments.watch or wants_lines():
        from tui.plain.troubleshoot import run

        return run(arguments)
    from tui.live import troubleshoot as show

    return show(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (without the program's name); returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given in (["--help"], ["-h"]):
        sys.stdout.write(HELP)
        return 0
    if given == ["--version"]:
        from tui import __version__

        sys.stdout.write(f"aml-deploy {__version__}\n")
        return 0
    name = given[0] if given and given[0] in COMMANDS else ""
    command = COMMANDS[name] if name else Command(_wizard, "tui.cli:wizard", "", "")
    if not name and (late := _misplaced(given)):
        rest = " ".join(item for item in given if item != late)
        sys.stderr.write(f"The command comes first: aml-deploy {late} {rest}\n")
        return 2
    parser = _parser(name, command)
    try:
        arguments = parser.parse_intermixed_args(given[1:] if name else given)
    except SystemExit as stop:  # argparse has said everything
        return stop.code if isinstance(stop.code, int) else 2
    if getattr(arguments, "version", False):
        return main(["--version"])
    from tui.plain.guard import guarded

    return guarded(command.runs, arguments)


if __name__ == "__main__":
    sys.exit(main())
