"""The plan as a pipeline of Azure Pipelines: check, deploy beside what serves, test, shift, roll back on failure.

Sign-in is by a service connection with workload identity federation; the task AzureCLI@2 opens the Azure CLI's session
with it (Microsoft, azure-pipelines/tasks/reference/azure-cli-v2), and aml-deploy uses that session.
"""

from __future__ import annotations

from typing import Any

from tui.export.pipeline_stages import Pipeline, dump, translated
from tui.export.plan_source import Source
from tui.export.targets import Export, ExportedFile

CONNECTION = "aml-deploy-federated"


def files(source: Source) -> Export:
    """azure-pipelines-ENDPOINT.yml and the plan as it is applied there. Raises PlanInvalid."""
    plan = Pipeline(source)
    about = [
        f"Deploys {plan.title} with aml-deploy. Nothing here holds a secret.",
        "",
        "Before the first run:",
        f"  1. A service connection {CONNECTION} (Azure Resource Manager, workload identity federation).",
        f"  2. Pipeline variables: {', '.join(['AML_DEPLOY_PACKAGE', *plan.plain])};",
        "     AML_DEPLOY_PACKAGE is what pip installs as aml-deploy: a name of your index, a URL or a path.",
        *([f"     Secret variables: {', '.join(plan.hidden)}."] if plan.hidden else []),
        *plan.about_runner("agent"),
        "",
        "Written by aml-deploy; checked against the published schema, not tried on Azure Pipelines.",
    ]
    made = ExportedFile(f"azure-pipelines-{plan.slug}.yml", dump(_pipeline(plan), about))
    return Export([made, plan.plan_file], plan.notes)


def _pipeline(plan: Pipeline) -> dict[str, Any]:
    names = {key: f"$[ stageDependencies.Deploy.deploy.outputs['names.{key}'] ]" for key in ("next", "serving")}
    known = {"NEXT": names["next"], "SERVING": names["serving"]}
    return {
        "trigger": {
            "branches": {"include": ["main"]},
            "paths": {"include": [path.replace("/**", "") for path in plan.watched]},
        },
        "pool": {"name": "private-network"} if plan.private else {"vmImage": "ubuntu-latest"},
        "variables": {"PLAN": plan.plan_file.path, "ENDPOINT": translated(plan.endpoint, "$(%s)")},
        "stages": [
            _stage(plan, "Check", [("Look for whatever would make it fail", None, plan.check)], minutes=20),
            _stage(
                plan,
                "Deploy",
                [
                    ("Choose the name beside what serves", "names", plan.choose + _OUTPUT),
                    ("Deploy it, without requests", None, _FROM_TASK + plan.deploy),
                ],
                ["Check"],
                minutes=120,
            ),
            _stage(plan, "Test", [("Call it before anybody else does", None, plan.test)], ["Deploy"], known, 15),
            _stage(plan, "Shift", [("Let it have a tenth, then all", None, plan.shift)], ["Deploy", "Test"], known, 60),
            {
                **_stage(plan, "RollBack", [("Go back", None, plan.roll_back)], ["Deploy", "Shift"], known, 30),
                "condition": "in(dependencies.Shift.result, 'Failed', 'Canceled')",
            },
        ],
    }


_OUTPUT = (
    'echo "##vso[task.setvariable variable=next;isOutput=true]$next"\n'
    'echo "##vso[task.setvariable variable=serving;isOutput=true]$serving"\n'
)
_FROM_TASK = 'NEXT="$(names.next)"\nSERVING="$(names.serving)"\n'


def _stage(
    plan: Pipeline,
    name: str,
    steps: list[tuple[str, str | None, str]],
    needs: list[str] | None = None,
    variables: dict[str, str] | None = None,
    minutes: int = 60,
) -> dict[str, Any]:
    job: dict[str, Any] = {"job": name.lower(), "timeoutInMinutes": str(minutes)}
    if variables:
        job["variables"] = variables
    job["steps"] = [
        {"checkout": "self"},
        {"task": "UsePythonVersion@0", "inputs": {"versionSpec": "3.12"}},
        {
            "script": 'python -m pip install -q --upgrade pip\npython -m pip install -q "$(AML_DEPLOY_PACKAGE)"\n',
            "displayName": "Install aml-deploy",
        },
        *[_step(plan, *step) for step in steps],
    ]
    return {"stage": name, **({"dependsOn": needs} if needs else {}), "jobs": [job]}


def _step(plan: Pipeline, label: str, name: str | None, script: str) -> dict[str, Any]:
    step: dict[str, Any] = {"task": "AzureCLI@2", "displayName": label}
    if name:
        step["name"] = name
    step["inputs"] = {
        "azureSubscription": CONNECTION,
        "scriptType": "bash",
        "scriptLocation": "inlineScript",
        "inlineScript": script,
    }
    environ = {item: f"$({item})" for item in plan.hidden}
    return {**step, "env": environ} if environ else step
