"""The arguments of each command; `tui.cli.commands` says which command has which."""

from __future__ import annotations

from tui.cli.arguments import ALONE, Argument, argument, count, flag, milliseconds, per_second, repeated, seconds

JSON = flag("--json", help="print only JSON on stdout, one object per line")
YES = flag("--yes", help="do not ask for confirmation; required without a terminal")
REHEARSE = flag("--rehearse", help="use a local stand-in for Azure; nothing in Azure is changed")
SET = repeated(
    "--set",
    metavar="KEY=VALUE",
    dest="sets",
    help="change one value of the plan, such as endpoint.name=churn-02; may be repeated",
)
ENGINES = ("auto", "none", "docker", "podman")
REHEARSING = (
    SET,
    REHEARSE,
    repeated(
        "--scenario",
        metavar="NAME",
        help="with --rehearse: make a failure happen from now on (see: aml-deploy rehearsal --list-scenarios)",
    ),
    argument(
        "--container-engine",
        metavar="ENGINE",
        choices=ENGINES,
        help="with --rehearse: what runs containers from now on: auto, none, docker or podman",
    ),
)
FILES = (
    argument("plan", metavar="PLAN", help="a plan file or the name of a preset"),
    argument(
        "overlays", metavar="OVERLAY", nargs="*", default=[], help="files that override the plan; the last one wins"
    ),
)
PLAN = (*FILES, *REHEARSING)
ENDPOINT = argument("endpoint", metavar="ENDPOINT", help="a name, a resource id or a scoring URL")
PLACE = ("where the endpoint is", "Without these, the endpoint's latest run on this machine is used.")
WHERE = (
    argument("--plan", metavar="PLAN", group=PLACE, help="the plan with the workspace and the credential"),
    argument("--run", metavar="RUN", group=PLACE, help="the run that created it"),
    argument("--subscription", metavar="ID", group=PLACE, help="the workspace's subscription"),
    argument("--resource-group", metavar="NAME", group=PLACE, help="the workspace's resource group"),
    argument("--workspace", metavar="NAME", group=PLACE, help="the workspace"),
    REHEARSE._replace(group=PLACE),
    JSON,
)
FORCE = flag("--force", help="replace existing files")
MACHINE = argument(
    "--machine", choices=("x86_64", "aarch64"), default="x86_64", help="processor of the target (default: x86_64)"
)


def output(metavar: str, about: str, default: str | None = None) -> Argument:
    """The option for the file or folder to write."""
    return argument("-o", "--output", metavar=metavar, default=default, help=about)


# Used for usage errors and completion of the wizard; its help is _HELP in cli.main.
WIZARD = (
    argument("plan", metavar="PLAN", nargs="?"),
    FILES[1],
    argument("--preset", metavar="NAME", help="start from a preset"),
    flag("--plain", help="ask line by line"),
    argument("--answers", metavar="FILE", help="ask line by line, with answers from this file"),
    flag("--mouse", help="let the wizard use the mouse"),
    *REHEARSING,
    flag("--version", help="print the version"),
)
FIX_YES = flag("--yes", help="with --fix: do not ask for confirmation")
CHECK = (
    *PLAN,
    flag("--fix", help="apply the corrections that the check proposes to the plan's files; asks on a terminal"),
    FIX_YES,
    flag(
        "--try-locally",
        help="also serve model, code and environment on this machine, call them, and report the results",
    ),
    flag("--dress-rehearsal", dest="try_locally"),
    JSON,
)
SIZE = (
    *PLAN,
    argument("--rps", metavar="N", type=per_second, help="requests a second (default: what one instance answers)"),
    argument(
        "--p95", metavar="MS", type=milliseconds, help="the limit of the p95 in ms (default: twice the p95 at rest)"
    ),
    argument("--requests", metavar="FILE", help="a file of requests to send (default: the plan's, or its sample)"),
    argument("--seconds", metavar="N", type=seconds, help="how long to measure (default: 150)"),
    flag("--fix", help="write the cheapest choice into the plan's files; asks on a terminal"),
    FIX_YES,
    JSON,
)
REQUESTS = (
    *PLAN,
    argument("-o", dest="out", metavar="DIR", help="write a Markdown file for each administrator into DIR"),
    JSON,
)
AS = argument(
    "--as",
    metavar="NAME",
    dest="as_name",
    help="deploy under this name alongside the current deployment, and shift traffic step by step (rollout:)",
)
DIFF = (
    *PLAN,
    AS,
    argument("-o", "--output", metavar="FILE", help="write the changes to FILE, for a second person to approve"),
    JSON,
)
APPLY = (
    *PLAN,
    YES,
    flag("--detach", help="start the run and leave it running"),
    AS,
    argument(
        "--approved",
        metavar="FILE",
        help="make only the changes in this file of diff -o; refuse if plan or Azure have moved since",
    ),
    argument(
        "--record",
        metavar="FILE",
        help="record all exchanges with Azure in this new file, without secrets and names (see rehearsal --compare)",
    ),
    JSON,
)
ATTACH = (
    argument("run", metavar="RUN", nargs="?", help="a run's id, or its beginning (default: the latest run)"),
    flag("--plain", help="follow line by line, not on the live screen"),
    flag("--mouse", help="let the live screen use the mouse"),
    JSON,
)
INVOKE = (
    ENDPOINT,
    argument("--request", metavar="FILE", group=ALONE, help="the file to send, of any kind; - for JSON on stdin"),
    argument(
        "--golden",
        metavar="FILE",
        group=ALONE,
        nargs="?",
        const="",
        help="send the requests of this file, or of the plan's test.requests, and compare the answers",
    ),
    argument("--deployment", metavar="NAME", help="call this deployment, regardless of the traffic split"),
    *WHERE,
)
TRAFFIC = (
    ENDPOINT,
    argument(
        "shares",
        metavar="DEPLOYMENT=PERCENT",
        nargs="*",
        help="the new split, such as blue=90 green=10; the total must be 100. Without it, the split is printed",
    ),
    flag("--yes", help="do not ask for confirmation on a terminal"),
    *WHERE,
)
ROLLBACK = (
    ENDPOINT,
    argument("--to", metavar="RUN", help="deploy the version of this run again (see history)"),
    argument("--as", metavar="NAME", dest="as_name", help="with --to: deploy it under this name alongside the others"),
    flag("--yes", help="do not ask for confirmation; with --to, required without a terminal"),
    flag("--detach", help="with --to: start the run and leave it running"),
    *WHERE,
)
HISTORY = (
    ENDPOINT,
    argument("--plan-of", metavar="RUN", help="write the plan that this run has kept"),
    output("PLAN", "with --plan-of: the plan file to write (default: plan.yml)", "plan.yml"),
    FORCE,
    *WHERE,
)
KEYS = (
    ENDPOINT,
    flag("--rotate", help="replace both keys, one after the other, asking in between"),
    argument("--regenerate", metavar="KEY", choices=("primary", "secondary"), help="replace primary or secondary"),
    argument(
        "--put",
        metavar=("KEY", "FILE"),
        nargs=2,
        help="write the primary or secondary key to a new file that only you can read",
    ),
    YES,
    *WHERE,
)
TROUBLESHOOT = (
    argument(
        "endpoint",
        metavar="ENDPOINT",
        nargs="?",
        help="a name, a resource id or a scoring URL (default: choose from a list)",
    ),
    flag("--watch", help="refresh repeatedly, and print what changed"),
    argument("--every", metavar="SECONDS", type=seconds, default=30.0, help="with --watch: the interval (default: 30)"),
    argument("--request", metavar="FILE", help="the body of test calls (default: the plan's or the run's)"),
    flag("--no-test", help="make no test call"),
    argument("--deployment", metavar="NAME", help="make the test call to this deployment only"),
    argument("--lines", metavar="N", type=count, default=15, help="print N lines of each log (default: 15)"),
    flag("--plain", help="print line by line, also on a terminal"),
    flag("--mouse", help="let the screen use the mouse"),
    *WHERE,
)
LOGS = (
    ENDPOINT,
    argument("--deployment", metavar="NAME", help="the deployment (default: the one with most traffic)"),
    argument(
        "--container",
        metavar="NAME",
        choices=("inference-server", "storage-initializer"),
        default="inference-server",
        help="inference-server (the default: your code) or storage-initializer (downloads of model and code)",
    ),
    flag("--follow", help="read again and again, and print new lines; Ctrl+C ends it"),
    argument("--every", metavar="SECONDS", type=seconds, default=5.0, help="with --follow: the interval (default: 5)"),
    argument("--lines", metavar="N", type=count, default=200, help="print the last N lines first (default: 200)"),
    *WHERE,
)
ENDPOINTS = (
    repeated("--subscription", metavar="S", help="only this subscription, by name or id; may be repeated"),
    repeated("--workspace", metavar="W", help="only this workspace, by name or id; may be repeated"),
    flag("--watch", help="refresh repeatedly, and print what changed; Ctrl+C ends it"),
    argument("--every", metavar="SECONDS", type=seconds, default=60.0, help="with --watch: the interval (default: 60)"),
    argument(
        "--fail-on",
        metavar="WHAT",
        choices=("unhealthy",),
        help="unhealthy: exit code 4 if an endpoint is failing, degraded or unreachable, or cannot be seen",
    ),
    argument("--plan", metavar="PLAN", help="the plan with the credential"),
    flag("--readonly", help="the screen offers nothing that changes an endpoint"),
    flag("--plain", help="print a line for each endpoint that names every value, also on a terminal"),
    flag("--mouse", help="let the screen use the mouse"),
    REHEARSE,
    JSON,
)
EXPLAIN = (argument("file", metavar="FILE", nargs="?", default="-", help="the text; - or omitted: stdin"), JSON)
EXPORT = (
    *FILES,
    SET,
    argument(
        "--to",
        metavar="TARGET",
        required=True,
        help="az-yaml, python, notebook, github-actions, azure-pipelines, bicep or docs",
    ),
    output("DIR", "the folder to write to (default: the target's name)"),
    FORCE,
    JSON,
)
IMPORT = (
    argument(
        "files",
        metavar="ENDPOINT|FILE",
        nargs="+",
        help="an endpoint's name, resource id or scoring URL; or endpoint and deployment YAML, in any order",
    ),
    output("PLAN", "the plan file to write (default: plan.yml)", "plan.yml"),
    argument("--endpoint-name", metavar="NAME", default="", help="the endpoint, whatever the files say, as for az ml"),
    repeated(
        "--set",
        metavar="KEY=VALUE",
        dest="sets",
        help="replace a value of the deployment's file, such as instance_count=2, as for az ml; may be repeated",
    ),
    FORCE,
    *WHERE,
)
NEW = (
    argument("folder", metavar="FOLDER", help="the folder of a model with what belongs to it, or a model's file"),
    output("PLAN", "the plan file to write (default: plan.yml, or the next free name)"),
    JSON,
)
SCORING = (*FILES, SET, output("DIR", "the folder to write to (default: scoring)"), FORCE, JSON)
OFFLINE_INSTALL = (
    repeated(
        "--python",
        metavar="VERSION",
        help="a Python version of the clusters, such as 3.11; may be repeated (default: all supported versions)",
    ),
    repeated(
        "--extra",
        metavar="NAME",
        choices=("mlflow", "databricks", "keyvault"),
        help="also include mlflow, databricks or keyvault; may be repeated. The rehearsal is always included",
    ),
    repeated(
        "--for",
        metavar="PLAN",
        dest="plans",
        help="also include the packages of this plan's scoring environment for the rehearsal; may be repeated",
    ),
    SET,
    MACHINE,
    output("DIR", "the folder to write to (default: aml-deploy-bundle)"),
    FORCE,
    JSON,
)
BUILD_CONTEXT = (
    *FILES,
    SET,
    argument("--image", metavar="IMAGE", help="the base image, instead of the plan's"),
    argument(
        "--with-python",
        metavar="FOLDER",
        help="include this installed Python, for a base image without the conda file's version",
    ),
    MACHINE,
    output("DIR", "the folder to write to (default: context)"),
    FORCE,
    JSON,
)
REMOVE = (
    *PLAN,
    argument("--deployment", metavar="NAME", help="remove only this deployment, and keep the endpoint"),
    flag("--failed", help="also remove failed deployments of earlier plans on the endpoint"),
    flag("--dry-run", help="list what would be removed, and remove nothing"),
    YES,
    JSON,
)
COMPLETION = (argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish"),)
