"""Map the parts of the preflight to the steps of the wizard.

A finding belongs to the step of its field. Permissions are also shown at the workspace, on which roles are assigned;
findings without a field are shown with the network.
"""

from __future__ import annotations

from tui.checks.finding import OK, UNKNOWN, Finding
from tui.checks.model.artifact_findings import SCORING
from tui.plan.fields.all_fields import BY_KEY

# Besides the sign-in and the workspace itself, which all parts need:
#   rights     roles, data role, resource providers          around     registry, vault, storage account
#   reach      every host, and access to the storage         login      Resource Manager and the sign-in service
#   names      endpoint, deployment, traffic                 capacity   sizes and quota
#   files      model, script, conda file, sample request; the step Model shows them from its own check of the files
#   elsewhere  the content of the model's source, the workspace's registered models, and the package index
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
_UNREAD = "This was not checked, because the workspace could not be read."


def parts(step: str) -> frozenset[str]:
    """The parts of the preflight that a step needs; empty for a step without its own findings."""
    return frozenset(_PARTS.get(step, ()))


def of(step: str, findings: list[Finding]) -> list[Finding]:
    """The findings that belong to a step, and whether it was not checked for want of the workspace."""
    wanted = {step} | _ALSO.get(step, set())
    found = [finding for finding in findings if step_of(finding) in wanted or (step == "model" and _of_model(finding))]
    if step not in ("credentials", "workspace"):
        found += [Finding("workspace", UNKNOWN, one.field, one.message if one.severity == UNKNOWN else _UNREAD)
                  for one in findings if one.id == "workspace" and one.severity != OK]  # fmt: skip
    return found


def _of_model(finding: Finding) -> bool:
    """A flag that is invalid only because of the model's type."""
    return finding.id == "mlflow-network" or (finding.id.startswith("egress-") and finding.commands == (SCORING,))


def step_of(finding: Finding) -> str:
    """The step in which to fix a finding."""
    field = BY_KEY.get(finding.field)
    return field.step if field else _WITHOUT_FIELD
