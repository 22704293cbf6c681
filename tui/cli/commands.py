"""The commands: their arguments, functions, descriptions and examples."""

from __future__ import annotations

from typing import NamedTuple

from tui.cli import options
from tui.cli.arguments import Argument
from tui.cli.rehearsal_options import REHEARSAL


class Command(NamedTuple):
    """A command: its arguments, the function that runs it (module:name), and its help texts.

    `short` is shown in the list of all commands, `about` and `examples` in the command's own help.
    """

    arguments: tuple[Argument, ...]
    runs: str
    short: str
    about: str
    examples: str

    @property
    def takes(self) -> str:
        """The first thing that must or may be named, for the list of all commands."""
        for one in self.arguments:
            name, many = str(one.settings.get("metavar")), one.settings.get("nargs")
            if not one.names[0].startswith("-"):
                return {None: name, "?": f"[{name}]", "+": f"{name} ..."}.get(many, "")
        return ""


WIZARD = Command(options.WIZARD, "tui.cli.main:wizard", "", "", "")
"""What runs without a command; its help is the list of all commands."""

COMMANDS = {
    "new": Command(
        options.NEW,
        "tui.plain.commands.new_plan:run",
        "create a plan from a folder with a model",
        "Looks into a folder (a model of MLflow or a library, a scoring script, a conda file, a request), and writes a "
        "plan and, beside it, what the deployment lacks. Reports what it found and what it guessed; no file of the "
        "folder is run or changed. Exit code 0: written; 2: nothing to deploy was found, or the plan exists.",
        "aml-deploy new churn-model\n  aml-deploy new models/iris.joblib -o iris.yml --json",
    ),
    "presets": Command(
        (options.JSON,),
        "tui.plain.commands.presets_and_runs:presets",
        "list the presets",
        "Lists the presets.",
        "aml-deploy presets",
    ),
    "check": Command(
        options.CHECK,
        "tui.plain.commands.check:run",
        "find what would make a deployment fail, and change nothing",
        "Finds what would make a deployment fail, from this machine, and changes nothing in Azure. With "
        "--try-locally it also serves model, code and environment on this machine, and measures start-up time, "
        "memory and latency. "
        "Exit code 0: nothing blocks; 2: the plan is wrong; 3: something blocks.",
        "aml-deploy check plan.yml\n  aml-deploy check plan.yml --fix\n  aml-deploy check plan.yml --try-locally\n"
        "  aml-deploy check churn-xgboost --rehearse --json",
    ),
    "size": Command(
        options.SIZE,
        "tui.plain.commands.size:run",
        "measure the model under load here, and recommend size and instances",
        "Serves model, code and environment on this machine, measures them under load (about 3 minutes), and "
        "recommends size, instances, workers, concurrent requests, request timeout and autoscale: the three cheapest "
        "that hold, and why others do not. Each line says whether it was measured here or is an estimate for Azure's "
        "processors. Quota and region are read from Azure where possible. Exit code 0: recommended; 1: no figure can "
        "be given, or no size holds; 2: the plan or the command line is wrong.",
        "aml-deploy size plan.yml\n  aml-deploy size plan.yml --rps 200 --p95 50 --fix\n"
        "  aml-deploy size churn-xgboost --rehearse --requests golden.jsonl --json",
    ),
    "requests": Command(
        options.REQUESTS,
        "tui.plain.commands.requests:run",
        "write requests to the administrators whose help a plan needs",
        "Writes what administrators must do before a plan can work: one page each for network, identity, Databricks "
        "and machine learning administrators, with what, why, the command, and how to verify it. Only open items are "
        "listed. Exit code 0, also if there is nothing to request.",
        "aml-deploy requests plan.yml\n  aml-deploy requests plan.yml -o tickets",
    ),
    "diff": Command(
        options.DIFF,
        "tui.plain.commands.diff:run",
        "show what apply would change in Azure, and who changed what",
        "Shows what apply would change in Azure, attribute by attribute, and nothing else; what was changed by hand, "
        "by autoscale or by Azure since the last run is told apart. Changes nothing. "
        "Exit code 0: nothing would change; 1: Azure cannot be read; 2: the plan is wrong; 4: something would change.",
        "aml-deploy diff plan.yml\n  aml-deploy diff plan.yml plan.prod.yml -o change.json\n"
        "  aml-deploy diff plan.yml --as green --json",
    ),
    "apply": Command(
        options.APPLY,
        "tui.plain.commands.apply:run",
        "deploy what a plan describes, without the wizard",
        "Deploys what a plan describes. The run is a separate process: Ctrl+C and SIGTERM stop it, "
        "a closed terminal does not. Exit code 0: succeeded; 1: failed; 2: the plan is wrong; "
        "3: blocked by the preflight, or not as approved; 130: interrupted.",
        "aml-deploy apply churn-xgboost --rehearse --yes\n"
        "  aml-deploy apply plan.yml --approved change.json --yes\n"
        "  aml-deploy apply plan.yml plan.prod.yml --set endpoint.name=churn-02 --yes --json\n"
        "  aml-deploy apply plan.yml --as green --set deployment.model.path=model-2\n"
        "  aml-deploy apply plan.yml --yes --detach",
    ),
    "runs": Command(
        (options.JSON,),
        "tui.plain.commands.presets_and_runs:runs",
        "list the runs of this machine",
        "Lists the runs of this machine, newest first.",
        "aml-deploy runs --json",
    ),
    "attach": Command(
        options.ATTACH,
        "tui.cli.main:attach",
        "follow a run; resume it if its engine has stopped",
        "Shows a run from its beginning and follows it; a run whose engine has stopped is resumed. "
        "Exit codes as for apply.",
        "aml-deploy attach\n  aml-deploy attach --json",
    ),
    "invoke": Command(
        options.INVOKE,
        "tui.plain.commands.endpoint_operations.invoke:run",
        "send a request to an endpoint and print the response",
        "Sends one request to an endpoint, and prints the response and the latency. "
        "Exit code 0: status 200 and the body is not an error text; 1: anything else. With --golden, sends the "
        "requests of a file, and tells where the answers are not as expected; 0: nowhere.",
        "aml-deploy invoke churn-endpoint-01 --request sample-request.json\n"
        "  aml-deploy invoke churn-endpoint-01 --request sample-request.json --deployment green --json\n"
        "  aml-deploy invoke churn-endpoint-01 --golden golden.jsonl --deployment green",
    ),
    "traffic": Command(
        options.TRAFFIC,
        "tui.plain.commands.endpoint_operations.traffic:run",
        "show or split an endpoint's traffic: blue=90 green=10",
        "Splits the traffic of an endpoint between its deployments, in per cent, or prints the split; deployments that "
        "are not named get none. On a terminal, it asks first. The endpoint keeps the previous split for aml-deploy "
        "rollback. Exit code 0: done; 1: failed; 2: the split is wrong; 130: not confirmed.",
        "aml-deploy traffic churn-endpoint-01\n  aml-deploy traffic churn-endpoint-01 blue=90 green=10 --yes\n"
        "  aml-deploy traffic churn-endpoint-01 green=100 --plan plan.yml --json",
    ),
    "rollback": Command(
        options.ROLLBACK,
        "tui.plain.commands.endpoint_operations.traffic:rollback",
        "restore the previous traffic split, or an earlier version",
        "Restores the traffic split from before the last change; a second call undoes the first. On a terminal, it "
        "asks first. Exit codes as for traffic. With --to, deploys the plan that a run has kept in the workspace "
        "again, also if its deployment was deleted, and from any machine: shows what changes, asks, and follows the "
        "new run. Exit codes as for apply; 1 also if something that the plan needs is gone.",
        "aml-deploy rollback churn-endpoint-01\n"
        "  aml-deploy rollback churn-endpoint-01 --to 20260901-093000-4f1c\n"
        "  aml-deploy rollback churn-endpoint-01 --to 20260901-093000-4f1c --as blue-2 --yes --json",
    ),
    "history": Command(
        options.HISTORY,
        "tui.plain.commands.endpoint_operations.history:run",
        "tell who changed an endpoint, and when",
        "Tells who deployed, changed, or deleted what of an endpoint, and when: from the plans that runs have kept in "
        "the workspace, the tags of its deployments, and Azure's activity log of 90 days. With --plan-of, writes the "
        "plan of a run. The Reader role is enough, but a plan is read from the workspace's storage. Exit code 0: done; "
        "1: failed; 2: the command line is wrong.",
        "aml-deploy history churn-endpoint-01\n"
        "  aml-deploy history churn-endpoint-01 --plan-of 20260901-093000-4f1c -o earlier.yml",
    ),
    "keys": Command(
        options.KEYS,
        "tui.plain.commands.endpoint_operations.keys:run",
        "replace an endpoint's keys without an interruption",
        "Shows the fingerprints of an endpoint's keys, and replaces the keys without an interruption: callers "
        "move to the secondary key, the primary is regenerated, callers move back, the secondary is regenerated. A key "
        "is never printed. Exit code 0: done; 1: failed; 2: the command line is wrong; 130: nothing was done.",
        "aml-deploy keys churn-endpoint-01\n"
        "  aml-deploy keys churn-endpoint-01 --put secondary key.txt\n"
        "  aml-deploy keys churn-endpoint-01 --rotate\n"
        "  aml-deploy keys churn-endpoint-01 --regenerate primary --yes",
    ),
    "troubleshoot": Command(
        options.TROUBLESHOOT,
        "tui.cli.main:troubleshoot",
        "find out what is wrong with an endpoint, and fix it where possible",
        "Finds out what is wrong with an existing endpoint, also one that was created by another tool: state, traffic, "
        "network path, logs, changes and who made them, the last hour's metrics, test calls. Lists the worst first, "
        "each with evidence and remedy, and offers fixes. The Reader role is enough for most of it. Exit code 0: "
        "nothing is wrong; 1: something is wrong; 2: the endpoint is not known.",
        "aml-deploy troubleshoot churn-endpoint-01\n"
        "  aml-deploy troubleshoot https://churn-endpoint-01.eastus.inference.ml.azure.com/score --plan plan.yml\n"
        "  aml-deploy troubleshoot churn-endpoint-01 --json\n"
        "  aml-deploy troubleshoot churn-endpoint-01 --watch",
    ),
    "endpoints": Command(
        options.ENDPOINTS,
        "tui.cli.main:endpoints",
        "list all endpoints: health, traffic, errors, cost, and what ends",
        "Lists every online endpoint that the identity may see, in all workspaces: health, traffic, requests and "
        "errors of the last hour, cost, age of keys, what ends within six months, and whether it was changed since "
        "its run. The Reader role is enough. Rows are printed as they are complete; with --json, a workspace that "
        "cannot be read is a line without an endpoint. Exit code 0; 1: the sign-in failed; 2: there is no such "
        "subscription or workspace; 4: with --fail-on.",
        "aml-deploy endpoints\n  aml-deploy endpoints --workspace ws-prod --json\n"
        "  aml-deploy endpoints --fail-on unhealthy",
    ),
    "logs": Command(
        options.LOGS,
        "tui.plain.commands.endpoint_operations.logs:run",
        "print the log of a deployment's container, and follow it",
        "Prints the last lines of a container's log. Azure gives the last lines of one instance, and does not say of "
        "which; with --follow they are read repeatedly and joined, and where lines may be missing, a line says so. "
        "Where Log Analytics has the lines of every instance, the query for them is printed. Exit code 0; 1: the log "
        "cannot be read; 2: there is no such endpoint or deployment.",
        "aml-deploy logs churn-endpoint-01 --follow\n"
        "  aml-deploy logs churn-endpoint-01 --deployment green --container storage-initializer\n"
        "  aml-deploy logs churn-endpoint-01 --plan plan.yml --lines 1000 --json",
    ),
    "explain": Command(
        options.EXPLAIN,
        "tui.plain.commands.explain:run",
        "explain an error text or a log, and what to do",
        "Explains an error text, a container log or a build log: cause, remedy, the lines that show it, and the "
        "ids that support asks for. Exit code 0: something was recognised; 1: nothing was.",
        "aml-deploy explain error.txt\n"
        "  az ml online-deployment get-logs -e churn -n blue -g rg -w ws | aml-deploy explain --json",
    ),
    "export": Command(
        options.EXPORT,
        "tui.plain.commands.export_import:run",
        "write the plan as az ml YAML, Python, notebook, pipeline, Bicep or runbook",
        "Writes a plan as files for other tools. References such as ${env:NAME} become references of the target; "
        "no file contains the value of a secret. Exit code 0: written; 2: the target does not support the plan.",
        "aml-deploy export plan.yml --to az-yaml\n"
        "  aml-deploy export plan.yml plan.prod.yml --to github-actions -o ../our-repository",
    ),
    "import": Command(
        options.IMPORT,
        "tui.plain.commands.import_endpoint:run",
        "create a plan from an endpoint that exists, or from az ml's YAML",
        "Creates a plan from an endpoint that exists, whoever made it, or from the YAML files of az ml online-endpoint "
        "and online-deployment. Reports what a plan does not support or Azure does not tell. The code of an endpoint "
        "is copied next to the plan; values that look like secrets become ${env:NAME}. Exit code 0: written; 1: the "
        "endpoint cannot be read; 2: the files cannot be read as one endpoint, or the command line is wrong.",
        "aml-deploy import churn-endpoint-01 -o plan.yml\n"
        "  aml-deploy import churn-endpoint-01 --subscription ID --resource-group rg --workspace ws\n"
        "  aml-deploy import endpoint.yml deployment.yml -o plan.yml",
    ),
    "scoring": Command(
        options.SCORING,
        "tui.plain.commands.scoring:run",
        "write a scoring script and an environment for an MLflow model",
        "Writes a scoring script, a conda file and a sample request for the MLflow model of a plan, and a plan that "
        "uses them, for workspaces where Azure cannot deploy an MLflow model without code. Exit code 0: written; "
        "1: the model cannot be read.",
        "aml-deploy scoring plan.yml\n  aml-deploy scoring plan.yml --set deployment.model.path=models:/churn/3 -o own",
    ),
    "offline-install": Command(
        options.OFFLINE_INSTALL,
        "tui.offline_install.commands:run",
        "write a folder to install aml-deploy without a package index",
        "Writes a folder with wheels to install aml-deploy on a machine without a package index, such as a "
        "Databricks cluster: python3 DIR/install.py. Index, proxy and certificates come from the settings of pip and "
        "uv. Exit code 0: written; 1: something cannot be fetched; 2: the command line or a plan is wrong.",
        "aml-deploy offline-install --python 3.11 --extra mlflow --for plan.yml -o aml-deploy-bundle\n"
        "  python3 aml-deploy-bundle/install.py --to /local_disk0/aml-deploy",
    ),
    "build-context": Command(
        options.BUILD_CONTEXT,
        "tui.offline_install.commands:build_context",
        "write a Docker build context with all wheels inside, for a closed workspace",
        "Writes a folder with a Dockerfile and all wheels of a plan's conda file, for workspaces that cannot reach a "
        "package index, and a plan that uses it (environment: build). The base image must have the conda file's "
        "Python, or --with-python adds one. Azure has never built it. Exit code 0: written; 1: something cannot be "
        "fetched; 2: the command line or the plan is wrong.",
        "aml-deploy build-context plan.yml -o closed\n"
        "  aml-deploy build-context plan.yml --with-python ~/.local/share/uv/python/cpython-3.12-linux-x86_64-gnu",
    ),
    "remove": Command(
        options.REMOVE,
        "tui.plain.commands.endpoint_operations.remove:run",
        "remove what a plan created, and nothing else",
        "Lists what a plan created, asks, and removes it, and nothing else. Without a terminal or --yes, it removes "
        "nothing. Exit code 0: removed, or listed by --dry-run; 1: failed; 2: not confirmed without a terminal; "
        "3: a run works on the endpoint; 130: not confirmed.",
        "aml-deploy remove plan.yml\n  aml-deploy remove plan.yml --dry-run --json\n"
        "  aml-deploy remove churn-xgboost --rehearse --yes",
    ),
    "rehearsal": Command(
        REHEARSAL,
        "tui.plain.commands.rehearsal:run",
        "run the rehearsal (a local Azure) for any client",
        "Runs the rehearsal, a local stand-in for Azure, in the foreground, for any client. It has two workspaces that "
        "are closed to public networks, and an open one; deployments really run, on this machine.",
        'eval "$(aml-deploy rehearsal --env)"\n  aml-deploy rehearsal --scenario quota --scenario throttling\n'
        "  aml-deploy rehearsal --clear-scenarios\n  aml-deploy rehearsal add model churn:3 ./model\n"
        "  aml-deploy rehearsal --stop",
    ),
    "completion": Command(
        options.COMPLETION,
        "tui.cli.completion:run",
        "print a script for bash, zsh or fish that completes commands, options and files",
        "Prints the completion script for a shell. It contains the commands and presets of this version; print it "
        "again after an update.",
        'eval "$(aml-deploy completion bash)"    # in ~/.bashrc\n'
        '  eval "$(aml-deploy completion zsh)"     # in ~/.zshrc, after compinit\n'
        "  aml-deploy completion fish > ~/.config/fish/completions/aml-deploy.fish",
    ),
}

FORMER_NAMES = {"bundle": "offline-install", "context": "build-context"}
"""Former names of commands, by which they can still be called; help and completion show the present ones only."""
