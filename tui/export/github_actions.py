"""The plan as a GitHub workflow: check, deploy beside what serves, test, shift, roll back on failure.

Sign-in is by federated credential: the job's own token is exchanged by azure/login (Azure/login README, "Login with
OpenID Connect"), and aml-deploy uses the Azure CLI's session. Versions of the actions are those in use in 2026:
actions/checkout@v6, actions/setup-python@v6, azure/login@v3.
"""

from __future__ import annotations

from typing import Any

from tui.export.pipeline_stages import Pipeline, dump, translated
from tui.export.plan_source import Source
from tui.export.targets import Export, ExportedFile


def files(source: Source) -> Export:
    """.github/workflows/deploy-ENDPOINT.yml and the plan as it is applied there. Raises PlanInvalid."""
    plan = Pipeline(source)
    tree = _workflow(plan)
    about = [
        f"Deploys {plan.title} with aml-deploy. Nothing here holds a secret.",
        "",
        "Before the first run:",
        "  1. Give the service principal a federated credential for this repository and environment",
        "     (issuer https://token.actions.githubusercontent.com,",
        f"     subject repo:OWNER/REPOSITORY:environment:{ENVIRONMENT}).",
        f"  2. Repository variables: {', '.join(sorted({'AZURE_CLIENT_ID', 'AZURE_TENANT_ID', *plan.plain}))};",
        "     AML_DEPLOY_PACKAGE: what pip installs as aml-deploy, a name of your index, a URL or a path.",
        *([f"     Repository secrets: {', '.join(plan.hidden)}."] if plan.hidden else []),
        *plan.about_runner("runner"),
        "",
        "Written by aml-deploy; checked against the published schema, not tried on GitHub.",
    ]
    name = f".github/workflows/deploy-{plan.slug}.yml"
    return Export([ExportedFile(name, dump(tree, about)), plan.plan_file], plan.notes)


ENVIRONMENT = "production"


def _workflow(plan: Pipeline) -> dict[str, Any]:
    return {
        "name": f"Deploy {plan.title}",
        "on": {
            "workflow_dispatch": {},
            "push": {"branches": ["main"], "paths": plan.watched},
        },
        "permissions": {"contents": "read", "id-token": "write"},
        "concurrency": {"group": f"deploy-{plan.slug}", "cancel-in-progress": False},
        "env": {
            "PLAN": plan.plan_file.path,
            "ENDPOINT": translated(plan.endpoint, "${{ vars.%s }}"),
            "AZURE_CORE_OUTPUT": "none",
            **{name: f"${{{{ vars.{name} }}}}" for name in plan.plain},
            **{name: f"${{{{ secrets.{name} }}}}" for name in plan.hidden},
        },
        "jobs": {
            "check": _job(plan, [_run("Look for whatever would make it fail", plan.check)], minutes=20),
            "deploy": _job(
                plan,
                [
                    _run("Choose the name beside what serves", plan.choose + _OUTPUT, id="names"),
                    _run("Deploy it, without requests", plan.deploy, _names("steps.names.outputs")),
                ],
                needs=["check"],
                minutes=120,
                outputs={key: f"${{{{ steps.names.outputs.{key} }}}}" for key in ("next", "serving")},
            ),
            "test": _job(
                plan,
                [_run("Call it before anybody else does", plan.test, _names("needs.deploy.outputs"))],
                needs=["deploy"],
                minutes=15,
            ),
            "shift": _job(
                plan,
                [
                    _run("Let it have a tenth, then all", plan.shift, _names("needs.deploy.outputs")),
                    _run("Go back", plan.roll_back, _names("needs.deploy.outputs"), when="failure() || cancelled()"),
                ],
                needs=["deploy", "test"],
                minutes=60,
            ),
        },
    }


_OUTPUT = 'echo "next=$next" >> "$GITHUB_OUTPUT"\necho "serving=$serving" >> "$GITHUB_OUTPUT"\n'


def _names(where: str) -> dict[str, str]:
    return {"NEXT": f"${{{{ {where}.next }}}}", "SERVING": f"${{{{ {where}.serving }}}}"}


def _run(
    name: str, script: str, environ: dict[str, str] | None = None, id: str | None = None, when: str | None = None
) -> dict[str, Any]:
    step: dict[str, Any] = {"name": name}
    if id:
        step["id"] = id
    if when:
        step["if"] = when
    if environ:
        step["env"] = environ
    return {**step, "shell": "bash", "run": script}


def _job(plan: Pipeline, steps: list[dict[str, Any]], minutes: int, **more: Any) -> dict[str, Any]:
    """Each job signs in anew: a federated token lives for minutes, a deployment for longer."""
    return {
        **more,
        "runs-on": ["self-hosted", "linux"] if plan.private else "ubuntu-latest",
        "environment": ENVIRONMENT,
        "timeout-minutes": minutes,
        "steps": [
            {"uses": "actions/checkout@v6"},
            {"uses": "actions/setup-python@v6", "with": {"python-version": "3.12"}},
            {
                "name": "Install aml-deploy",
                "run": 'python -m pip install -q --upgrade pip\npython -m pip install -q "$AML_DEPLOY_PACKAGE"\n',
                "env": {"AML_DEPLOY_PACKAGE": "${{ vars.AML_DEPLOY_PACKAGE || 'aml-deploy' }}"},
            },
            {
                "name": "Sign in with the federated credential",
                "uses": "azure/login@v3",
                "with": {
                    "client-id": "${{ vars.AZURE_CLIENT_ID }}",
                    "tenant-id": "${{ vars.AZURE_TENANT_ID }}",
                    "subscription-id": plan.subscription("${{ vars.%s }}"),
                },
            },
            *steps,
        ],
    }
