"""Exports the plan as a GitHub workflow: check, deploy alongside, test, shift traffic, roll back on failure.

The workflow signs in with a federated credential: azure/login exchanges the job's own token (Azure/login README, "Login
with OpenID Connect"), and aml-deploy uses the Azure CLI's session. Each job signs in again, since a federated token is
valid for minutes and a deployment takes longer. Versions of the actions are those of 2026.
"""

from __future__ import annotations

from tui.export.fill_template import filled, sections, template
from tui.export.pipeline_stages import Pipeline, as_yaml
from tui.export.plan_source import Source
from tui.export.targets import Export, ExportedFile


def files(source: Source) -> Export:
    """.github/workflows/deploy-ENDPOINT.yml and the plan for the workflow. Raises PlanInvalid."""
    plan = Pipeline(source)
    parts = sections(template("github-workflow.yml"))
    values = plan.values("${{ vars.%s }}")
    known = {
        **{name: f"${{{{ vars.{name} }}}}" for name in plan.plain},
        **{name: f"${{{{ secrets.{name} }}}}" for name in plan.hidden},
    }
    values.update(
        variables=", ".join(sorted({"AZURE_CLIENT_ID", "AZURE_TENANT_ID", *plan.plain})),
        environment=as_yaml(known) if known else None,
        runs_on="[self-hosted, linux]" if plan.private else "ubuntu-latest",
        begin=filled(parts["begin"], values).rstrip(),
    )
    made = ExportedFile(f".github/workflows/deploy-{plan.slug}.yml", filled(parts["workflow"], values))
    return Export([made, plan.plan_file], plan.notes)
