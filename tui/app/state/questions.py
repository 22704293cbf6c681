"""The queries about a plan: which fields an answer depends on, and which are refused where nothing may be changed."""

from __future__ import annotations

from collections.abc import Iterable

# An answer is discarded when a plan key with one of these prefixes changes.
DEPENDS: dict[str, tuple[str, ...]] = {
    "credential_sources": (),
    "sign_in": ("credential.",),
    "references": ("",),
    "workspace": ("credential.", "workspace."),
    "endpoint": ("credential.", "workspace.", "endpoint.name"),
    "inspect_model": ("deployment.model.", "deployment.code_configuration.", "deployment.environment.", "test."),
    "sizes": ("credential.", "workspace."),
    # Not asked of the helper: what the dialog Size by measurement keeps.
    "measured": ("deployment.model.", "deployment.code_configuration.", "deployment.environment", "deployment.name",
                 "test."),
    "reach": ("credential.", "workspace.", "endpoint.name", "endpoint.public_network_access", "test."),
    "subscriptions": ("credential.",),
    "resource_groups": ("credential.", "workspace.subscription_id"),
    "workspaces": ("credential.", "workspace.subscription_id", "workspace.resource_group"),
    "endpoints": ("credential.", "workspace."),
    "endpoint_name": ("credential.", "workspace.", "endpoint.name"),
    "deployments": ("credential.", "workspace.", "endpoint.name"),
    "registered_models": ("credential.", "workspace."),
    "model_versions": ("credential.", "workspace.", "deployment.model.path", "deployment.model.name"),
    "environments": ("credential.", "workspace."),
    "curated_images": ("credential.",),
    "cost": ("credential.", "workspace.", "deployment.instance_", "endpoint.public_network_access"),
    "changes": ("",),
    "check": ("",),
    # The keys that the preflight findings of each step depend on.
    "step:credentials": ("credential.", "workspace."),
    "step:workspace": ("credential.", "workspace."),
    "step:endpoint": ("credential.", "workspace.", "endpoint.name", "endpoint.auth_mode", "deployment.name"),
    "step:model": ("credential.", "workspace.", "deployment.model.", "deployment.code_configuration.",
                   "deployment.environment.", "deployment.egress_public_network_access"),
    "step:compute": ("credential.", "workspace.", "endpoint.name", "deployment.name", "deployment.instance_"),
    "step:network": ("credential.", "workspace.", "endpoint.name", "endpoint.public_network_access", "traffic",
                     "deployment.name", "deployment.egress_public_network_access"),
}  # fmt: skip


OF_ONE = ("inspect_model", "count_files", "sizes", "make_scoring", "cost")
"""Queries about the deployment shown, in a plan with several."""

CHANGING = ("traffic", "rollback", "remove", "regenerate_key", "put_key", "apply_fix")  # refused where read-only
READONLY = "Read-only, by --readonly: nothing can be changed here."


def concerned(question: str, names: Iterable[str]) -> bool:
    """Whether an answer to the query depends on one of the fields with these keys."""
    return any(name.startswith(DEPENDS[question]) for name in names)
