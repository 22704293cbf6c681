"""Exports the plan for Azure Pipelines: check, deploy alongside, test, shift traffic, roll back on failure.

The pipeline signs in with a service connection with workload identity federation; the task AzureCLI@2 signs the Azure
CLI in with it (Microsoft, azure-pipelines/tasks/reference/azure-cli-v2), and aml-deploy uses the CLI's session.
"""

from __future__ import annotations

from tui.export.fill_template import filled, sections, template
from tui.export.pipeline_stages import Pipeline, as_yaml
from tui.export.plan_source import Source
from tui.export.targets import Export, ExportedFile


def files(source: Source) -> Export:
    """azure-pipelines-ENDPOINT.yml and the plan for the pipeline. Raises PlanInvalid."""
    plan = Pipeline(source)
    parts = sections(template("azure-pipelines.yml"))
    values = plan.values("$(%s)")
    values.update(
        variables=", ".join(["AML_DEPLOY_PACKAGE", *plan.plain]),
        environment=as_yaml({name: f"$({name})" for name in plan.hidden}) if plan.hidden else None,
    )
    values.update({name: filled(parts[name], values).rstrip() for name in ("begin", "names", "azure_cli")})
    made = ExportedFile(f"azure-pipelines-{plan.slug}.yml", filled(parts["pipeline"], values))
    return Export([made, plan.plan_file], plan.notes)
