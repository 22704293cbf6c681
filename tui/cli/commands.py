"""The commands: their arguments, what runs them, what they are for, and examples."""

from __future__ import annotations

from typing import NamedTuple

from tui.cli import options


class Command(NamedTuple):
    """A command: its arguments, the function that runs it (module:name), and what help says of it.

    `takes` and `short` stand in the list of all commands, `about` and `examples` in the command's own help.
    """

    arguments: tuple[options.Argument, ...]
    runs: str
    takes: str
    short: str
    about: str
    examples: str


WIZARD = Command(options.WIZARD, "tui.cli.main:wizard", "", "", "", "")
"""What runs without a command; its help is the list of all commands."""

COMMANDS = {
    "presets": Command(
        (options.JSON,),
        "tui.plain.commands.presets_and_runs:presets",
        "",
        "list the presets",
        "Lists the presets.",
        "aml-deploy presets",
    ),
    "check": Command(
        options.CHECK,
        "tui.plain.commands.check:run",
        "PLAN",
        "look for whatever would make a deployment fail, and change nothing",
        "Looks for whatever would make a deployment fail, from this machine, and changes nothing in Azure. With "
        "--try-locally it also serves model, code and environment on this machine: how long they take to be "
        "ready, how much memory, how fast they answer. "
        "Exit code 0: nothing blocks; 2: the plan is wrong; 3: something blocks.",
        "aml-deploy check plan.yml\n  aml-deploy check plan.yml --fix\n  aml-deploy check plan.yml --try-locally\n"
        "  aml-deploy check churn-xgboost --rehearse --json",
    ),
    "requests": Command(
        options.REQUESTS,
        "tui.plain.commands.requests:run",
        "PLAN",
        "write what other people have to do before a plan can work",
        "Writes what other people have to do before a plan can work: a page each for the network, identity, Databricks "
        "and machine learning administrators, with what, why, the command, and how it is verified. What is in order is "
        "left out. Exit code 0, also when nobody has anything to do.",
        "aml-deploy requests plan.yml\n  aml-deploy requests plan.yml -o tickets",
    ),
    "apply": Command(
        options.APPLY,
        "tui.plain.commands.apply:run",
        "PLAN",
        "deploy what a plan describes, without the wizard",
        "Deploys what a plan describes. The run goes on in a process of its own: Ctrl+C and SIGTERM stop it, "
        "a terminal that disappears does not. Exit code 0: succeeded; 1: failed; 2: the plan is wrong; "
        "3: blocked by the preflight; 130: interrupted.",
        "aml-deploy apply churn-xgboost --rehearse --yes\n"
        "  aml-deploy apply plan.yml plan.prod.yml --set endpoint.name=churn-02 --yes --json\n"
        "  aml-deploy apply plan.yml --as green --set deployment.model.path=model-2\n"
        "  aml-deploy apply plan.yml --yes --detach",
    ),
    "runs": Command(
        (options.JSON,),
        "tui.plain.commands.presets_and_runs:runs",
        "",
        "list the runs of this machine",
        "Lists the runs of this machine, newest first.",
        "aml-deploy runs --json",
    ),
    "attach": Command(
        options.ATTACH,
        "tui.cli.main:attach",
        "[RUN]",
        "follow a run, resuming it when its engine is gone",
        "Shows a run from its beginning and follows it; a run whose engine is gone is resumed. "
        "Exit codes as for apply.",
        "aml-deploy attach\n  aml-deploy attach --json",
    ),
    "invoke": Command(
        options.INVOKE,
        "tui.plain.commands.invoke:run",
        "ENDPOINT",
        "send a request to an endpoint and print its answer",
        "Sends one request to an endpoint, prints its answer and how long it took. "
        "Exit code 0: status 200 with an answer that is not an error text; 1: anything else.",
        "aml-deploy invoke churn-endpoint-01 --request sample-request.json\n"
        "  aml-deploy invoke churn-endpoint-01 --request sample-request.json --deployment green --json",
    ),
    "traffic": Command(
        options.TRAFFIC,
        "tui.plain.commands.traffic:run",
        "ENDPOINT",
        "split an endpoint's requests: blue=90 green=10",
        "Splits the requests of an endpoint between its deployments, in per cent; deployments that are not named get "
        "nothing. The endpoint remembers the split before, for aml-deploy rollback. Exit code 0: done; 1: it did not "
        "work; 2: the split is wrong.",
        "aml-deploy traffic churn-endpoint-01 blue=90 green=10\n"
        "  aml-deploy traffic churn-endpoint-01 green=100 --plan plan.yml --json",
    ),
    "rollback": Command(
        (options.ENDPOINT, *options.WHERE),
        "tui.plain.commands.traffic:rollback",
        "ENDPOINT",
        "go back to the split before",
        "Goes back to the split of an endpoint's requests before the last change; once more goes forward again. "
        "Exit codes as for traffic.",
        "aml-deploy rollback churn-endpoint-01",
    ),
    "keys": Command(
        options.KEYS,
        "tui.plain.commands.keys:run",
        "ENDPOINT",
        "replace an endpoint's keys without an interruption",
        "Shows by their fingerprints which keys an endpoint has, and replaces them without an interruption: callers "
        "move to the secondary key, the primary is made anew, callers move back, the secondary is made anew. A key is "
        "never printed. Exit code 0: done; 1: it did not work; 2: the command line is wrong; 130: nothing was done.",
        "aml-deploy keys churn-endpoint-01\n"
        "  aml-deploy keys churn-endpoint-01 --put secondary key.txt\n"
        "  aml-deploy keys churn-endpoint-01 --rotate\n"
        "  aml-deploy keys churn-endpoint-01 --regenerate primary --yes",
    ),
    "troubleshoot": Command(
        options.TROUBLESHOOT,
        "tui.cli.main:troubleshoot",
        "[ENDPOINT]",
        "say what is wrong with an endpoint, and mend what can be mended",
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
        options.EXPLAIN,
        "tui.plain.commands.explain:run",
        "[FILE]",
        "say what an error text or a log means, and what to do",
        "Says what an error text, a container log or a build log means: cause, remedy, the lines that show it, and the "
        "ids that support asks for. Exit code 0: something was recognised; 1: nothing was.",
        "aml-deploy explain error.txt\n  az ml online-deployment get-logs -e churn -n blue | aml-deploy explain --json",
    ),
    "export": Command(
        options.EXPORT,
        "tui.plain.commands.export_import:run",
        "PLAN",
        "write the plan as az ml YAML, Python, notebook, pipeline, Bicep or runbook",
        "Writes a plan as files for other tools. References such as ${env:NAME} become the target's own kind of "
        "reference; a secret's value is in no file. Exit code 0: written; 2: the plan cannot be written that way.",
        "aml-deploy export plan.yml --to az-yaml\n"
        "  aml-deploy export plan.yml plan.prod.yml --to github-actions -o ../our-repository",
    ),
    "import": Command(
        options.IMPORT,
        "tui.plain.commands.export_import:read",
        "FILE ...",
        "make a plan of az ml's endpoint and deployment YAML",
        "Makes a plan of the YAML files of az ml online-endpoint and online-deployment, and says what a plan has no "
        "place for. Exit code 0: written; 2: the files cannot be read as one endpoint.",
        "aml-deploy import endpoint.yml deployment.yml -o plan.yml",
    ),
    "scoring": Command(
        options.SCORING,
        "tui.plain.commands.scoring:run",
        "PLAN",
        "write what an MLflow model needs to be deployed with code",
        "Writes a scoring script, a conda file and a sample request for the MLflow model of a plan, and a plan that "
        "uses them: for where Azure refuses or cannot serve an MLflow model without code. Exit code 0: written; 1: the "
        "model cannot be read.",
        "aml-deploy scoring plan.yml\n  aml-deploy scoring plan.yml --set deployment.model.path=models:/churn/3 -o own",
    ),
    "offline-install": Command(
        options.OFFLINE_INSTALL,
        "tui.offline_install.commands:run",
        "",
        "write what installs aml-deploy where there is no package index",
        "Writes a folder with wheels from which aml-deploy is installed where there is no package index, on a "
        "Databricks cluster for example: python3 DIR/install.py. Index, proxy and certificates are those of pip's and "
        "uv's own settings. Exit code 0: written; 1: something cannot be fetched; 2: the command line or a plan is "
        "wrong.",
        "aml-deploy offline-install --python 3.11 --extra mlflow --for plan.yml -o aml-deploy-bundle\n"
        "  python3 aml-deploy-bundle/install.py --to /local_disk0/aml-deploy",
    ),
    "build-context": Command(
        options.BUILD_CONTEXT,
        "tui.offline_install.commands:build_context",
        "PLAN",
        "write a Docker build context with all wheels inside, for a closed workspace",
        "Writes a folder with a Dockerfile and all wheels of a plan's conda file, for workspaces that reach no package "
        "index, and a plan that uses it (environment: build). The base image has to have the conda file's Python, or "
        "--with-python brings one. Never built by Azure. Exit code 0: written; 1: something cannot be fetched; 2: the "
        "command line or the plan is wrong.",
        "aml-deploy build-context plan.yml -o closed\n"
        "  aml-deploy build-context plan.yml --with-python ~/.local/share/uv/python/cpython-3.10-linux-x86_64-gnu",
    ),
    "remove": Command(
        options.REMOVE,
        "tui.plain.commands.remove:run",
        "PLAN",
        "remove what a plan made, and nothing else",
        "Removes what a plan made, and nothing else, after saying what that is.",
        "aml-deploy remove plan.yml\n  aml-deploy remove churn-xgboost --rehearse --yes",
    ),
    "rehearsal": Command(
        options.REHEARSAL,
        "tui.plain.commands.rehearsal:run",
        "",
        "run the local stand-in for Azure for any other client",
        "Runs the local stand-in for Azure in the foreground, for any client. It holds two closed workspaces; what "
        "is deployed in it really runs, on this machine.",
        'eval "$(aml-deploy rehearsal --env)"\n  aml-deploy rehearsal --scenario quota --scenario throttling\n'
        "  aml-deploy rehearsal --clear-scenarios\n  aml-deploy rehearsal --stop",
    ),
    "completion": Command(
        options.COMPLETION,
        "tui.cli.completion:run",
        "SHELL",
        "print what lets bash, zsh or fish complete commands, options and files",
        "Prints the completion script of a shell. It knows the commands and presets of this version: print it anew "
        "after an update.",
        'eval "$(aml-deploy completion bash)"    # in ~/.bashrc\n'
        '  eval "$(aml-deploy completion zsh)"     # in ~/.zshrc, after compinit\n'
        "  aml-deploy completion fish > ~/.config/fish/completions/aml-deploy.fish",
    ),
}

FORMER_NAMES = {"bundle": "offline-install", "context": "build-context"}
"""Former names of commands, by which they can still be called; help and completion show the present ones only."""
