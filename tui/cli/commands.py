"""The commands: their arguments, what runs them, what they are for, and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from tui.cli import options

if TYPE_CHECKING:
    import argparse


class Command:
    """A command: its arguments, the function that runs it (module:name), what it is for, and examples."""

    def __init__(
        self, arguments: Callable[[argparse.ArgumentParser], None], runs: str, about: str, examples: str
    ) -> None:
        self.arguments, self.runs, self.about, self.examples = arguments, runs, about, examples


COMMANDS = {
    "presets": Command(
        options.presets, "tui.plain.commands.presets_and_runs:presets", "Lists the presets.", "aml-deploy presets"
    ),
    "check": Command(
        options.check,
        "tui.plain.commands.check:run",
        "Looks for whatever would make a deployment fail, from this machine, and changes nothing in Azure. With "
        "--dress-rehearsal it also serves model, code and environment on this machine: how long they take to be "
        "ready, how much memory, how fast they answer. "
        "Exit code 0: nothing blocks; 2: the plan is wrong; 3: something blocks.",
        "aml-deploy check plan.yml\n  aml-deploy check plan.yml --fix\n  aml-deploy check plan.yml --dress-rehearsal\n"
        "  aml-deploy check churn-xgboost --rehearse --json",
    ),
    "requests": Command(
        options.requests,
        "tui.plain.commands.requests:run",
        "Writes what other people have to do before a plan can work: a page each for the network, identity, Databricks "
        "and machine learning administrators, with what, why, the command, and how it is verified. What is in order is "
        "left out. Exit code 0, also when nobody has anything to do.",
        "aml-deploy requests plan.yml\n  aml-deploy requests plan.yml -o tickets",
    ),
    "apply": Command(
        options.apply,
        "tui.plain.commands.apply:run",
        "Deploys what a plan describes. The run goes on in a process of its own: Ctrl+C and SIGTERM stop it, "
        "a terminal that disappears does not. Exit code 0: succeeded; 1: failed; 2: the plan is wrong; "
        "3: blocked by the preflight; 130: interrupted.",
        "aml-deploy apply churn-xgboost --rehearse --yes\n"
        "  aml-deploy apply plan.yml plan.prod.yml --set endpoint.name=churn-02 --yes --json\n"
        "  aml-deploy apply plan.yml --as green --set deployment.model.path=model-2\n"
        "  aml-deploy apply plan.yml --yes --detach",
    ),
    "runs": Command(
        options.runs,
        "tui.plain.commands.presets_and_runs:runs",
        "Lists the runs of this machine, newest first.",
        "aml-deploy runs --json",
    ),
    "attach": Command(
        options.attach,
        "tui.cli.main:attach",
        "Shows a run from its beginning and follows it; a run whose engine is gone is resumed. "
        "Exit codes as for apply.",
        "aml-deploy attach\n  aml-deploy attach --json",
    ),
    "invoke": Command(
        options.invoke,
        "tui.plain.commands.invoke:run",
        "Sends one request to an endpoint, prints its answer and how long it took. "
        "Exit code 0: status 200 with an answer that is not an error text; 1: anything else.",
        "aml-deploy invoke churn-endpoint-01 --request sample-request.json\n"
        "  aml-deploy invoke churn-endpoint-01 --request sample-request.json --deployment green --json",
    ),
    "traffic": Command(
        options.traffic,
        "tui.plain.commands.traffic:run",
        "Splits the requests of an endpoint between its deployments, in per cent; deployments that are not named get "
        "nothing. The endpoint remembers the split before, for aml-deploy rollback. Exit code 0: done; 1: it did not "
        "work; 2: the split is wrong.",
        "aml-deploy traffic churn-endpoint-01 blue=90 green=10\n"
        "  aml-deploy traffic churn-endpoint-01 green=100 --plan plan.yml --json",
    ),
    "rollback": Command(
        options.rollback,
        "tui.plain.commands.traffic:rollback",
        "Goes back to the split of an endpoint's requests before the last change; once more goes forward again. "
        "Exit codes as for traffic.",
        "aml-deploy rollback churn-endpoint-01",
    ),
    "troubleshoot": Command(
        options.troubleshoot,
        "tui.cli.main:troubleshoot",
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
        options.explain,
        "tui.plain.commands.explain:run",
        "Says what an error text, a container log or a build log means: cause, remedy, the lines that show it, and the "
        "ids that support asks for. Exit code 0: something was recognised; 1: nothing was.",
        "aml-deploy explain error.txt\n  az ml online-deployment get-logs -e churn -n blue | aml-deploy explain --json",
    ),
    "export": Command(
        options.export,
        "tui.plain.commands.export_import:run",
        "Writes a plan as files for other tools. References such as ${env:NAME} become the target's own kind of "
        "reference; a secret's value is in no file. Exit code 0: written; 2: the plan cannot be written that way.",
        "aml-deploy export plan.yml --to az-yaml\n"
        "  aml-deploy export plan.yml plan.prod.yml --to github-actions -o ../our-repository",
    ),
    "import": Command(
        options.import_files,
        "tui.plain.commands.export_import:read",
        "Makes a plan of the YAML files of az ml online-endpoint and online-deployment, and says what a plan has no "
        "place for. Exit code 0: written; 2: the files cannot be read as one endpoint.",
        "aml-deploy import endpoint.yml deployment.yml -o plan.yml",
    ),
    "scoring": Command(
        options.scoring,
        "tui.plain.commands.scoring:run",
        "Writes a scoring script, a conda file and a sample request for the MLflow model of a plan, and a plan that "
        "uses them: for where Azure refuses or cannot serve an MLflow model without code. Exit code 0: written; 1: the "
        "model cannot be read.",
        "aml-deploy scoring plan.yml\n  aml-deploy scoring plan.yml --set deployment.model.path=models:/churn/3 -o own",
    ),
    "bundle": Command(
        options.bundle,
        "tui.offline_install.commands:run",
        "Writes a folder with wheels from which aml-deploy is installed where there is no package index, on a "
        "Databricks cluster for example: python3 DIR/install.py. Index, proxy and certificates are those of pip's and "
        "uv's own settings. Exit code 0: written; 1: something cannot be fetched; 2: the command line or a plan is "
        "wrong.",
        "aml-deploy bundle --python 3.11 --extra mlflow --for plan.yml -o aml-deploy-bundle\n"
        "  python3 aml-deploy-bundle/install.py --to /local_disk0/aml-deploy",
    ),
    "context": Command(
        options.context,
        "tui.offline_install.commands:context",
        "Writes a folder with a Dockerfile and all wheels of a plan's conda file, for workspaces that reach no package "
        "index, and a plan that uses it (environment: build). The base image has to have the conda file's Python, or "
        "--with-python brings one. Never built by Azure. Exit code 0: written; 1: something cannot be fetched; 2: the "
        "command line or the plan is wrong.",
        "aml-deploy context plan.yml -o closed\n"
        "  aml-deploy context plan.yml --with-python ~/.local/share/uv/python/cpython-3.10-linux-x86_64-gnu",
    ),
    "remove": Command(
        options.remove,
        "tui.plain.commands.remove:run",
        "Removes what a plan made, and nothing else, after saying what that is.",
        "aml-deploy remove plan.yml\n  aml-deploy remove churn-xgboost --rehearse --yes",
    ),
    "keys": Command(
        options.keys,
        "tui.plain.commands.keys:run",
        "Shows by their fingerprints which keys an endpoint has, and replaces them without an interruption: callers "
        "move to the secondary key, the primary is made anew, callers move back, the secondary is made anew. A key is "
        "never printed. Exit code 0: done; 1: it did not work; 2: the command line is wrong; 130: nothing was done.",
        "aml-deploy keys churn-endpoint-01\n"
        "  aml-deploy keys churn-endpoint-01 --put secondary key.txt\n"
        "  aml-deploy keys churn-endpoint-01 --rotate\n"
        "  aml-deploy keys churn-endpoint-01 --regenerate primary --yes",
    ),
    "rehearsal": Command(
        options.rehearsal,
        "tui.plain.commands.rehearsal:run",
        "Runs the local stand-in for Azure in the foreground, for any client. It holds two closed workspaces; what "
        "is deployed in it really runs, on this machine.",
        'eval "$(aml-deploy rehearsal --env)"\n  aml-deploy rehearsal --scenario quota --scenario throttling\n'
        "  aml-deploy rehearsal --clear-scenarios\n  aml-deploy rehearsal --stop",
    ),
}
