"""Which part of the preflight belongs to which step of the wizard.

A finding belongs to the step of the field that it is about. Who may do what is also told at the workspace, on which
roles are given; what concerns no field is told with the network.
"""

from __future__ import annotations

from tui.checks.finding import Finding
from tui.checks.model.artifact_findings import SCORING
from tui.plan.fields.all_fields import BY_KEY

# Beside the sign-in and the workspace itself, which everything needs:
#   rights     roles, data role, resource providers          around     registry, vault, storage account
#   reach      every host, and whether storage admits us     login      Resource Manager and the sign-in authority
#   names      endpoint, deployment, traffic                 capacity   sizes and quota
#   files      model, script, conda file, sample request; the step Model shows them from its own look into the files
#   elsewhere  what the model's source, the workspace's registry of models and the package index hold
_PARTS = {
    "credentials": {"rights", "login"},
    "workspace": {"rights", "reach", "around"},
    "endpoint": {"names", "around"},
    "model": {"elsewhere"},
    "compute": {"capacity"},
    "network": {"names"},
}
ALL: frozenset[str] = frozenset({"files"}).union(*_PARTS.values())
_ALSO = {"workspace": {"credentials"}}
_WITHOUT_FIELD = "network"


def parts(step: str) -> frozenset[str]:
    """The parts of the preflight that a step needs; none for a step that has no findings of its own."""
    return frozenset(_PARTS.get(step, ()))


def of(step: str, findings: list[Finding]) -> list[Finding]:
    """The findings that belong to a step."""
    wanted = {step} | _ALSO.get(step, set())
    return [finding for finding in findings if step_of(finding) in wanted or (step == "model" and _of_model(finding))]


def _of_model(finding: Finding) -> bool:
    """A flag that only the model's type makes impossible."""
    return finding.id == "mlflow-network" or (finding.id.startswith("egress-") and finding.commands == (SCORING,))


def step_of(finding: Finding) -> str:
    """The step in which a finding is put right."""
    field = BY_KEY.get(finding.field)
    return field.step if field else _WITHOUT_FIELD
