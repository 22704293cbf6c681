"""Titles of the steps, and the texts shown about each before a field has the focus."""

from __future__ import annotations

from tui.plan.fields.all_fields import STEPS

TITLES: dict[str, str] = dict(STEPS)
ORDER: tuple[str, ...] = tuple(name for name, _ in STEPS)

LEADS: dict[str, str] = {
    "credentials": "the identity that deploys",
    "workspace": "where the endpoint will live",
    "endpoint": "the address that callers use",
    "model": "what is uploaded, and how it serves requests",
    "compute": "the instances that serve requests",
    "network": "who can reach the endpoint, and what it can reach",
    "review": "the whole plan, before anything is created",
    "deploy": "the run, task by task",
    "test": "a real request to the endpoint",
}

INTROS: dict[str, str] = {
    "credentials": "Azure must know who deploys. Sign in to see which identity is used; secrets are never saved.",
    "workspace": "The endpoint belongs to the workspace and is billed to it. The workspace's network isolation "
    "determines how the endpoint is reached; the following steps apply it.",
    "endpoint": "An endpoint is a stable address. A deployment behind it runs the model; a second one can be tested "
    "alongside the first before it takes traffic.",
    "model": "The model is uploaded and registered in the workspace. The scoring script loads it and handles "
    "requests, in an environment that Azure builds from the conda file.",
    "compute": "Each instance is a virtual machine of the selected size. Quota is counted in cores.",
    "network": "Two flags restrict network access: one for callers of the endpoint, one for what the deployment itself "
    "may reach (its egress). Their values follow from the workspace.",
    "review": "The planned changes, and the preflight findings.",
    "deploy": "The run continues without the wizard: quit at any time, and return with aml-deploy attach.",
    "test": "Requests are sent to the scoring URI with the endpoint's own key or token.",
}

CHOICES: dict[str, dict[str, str]] = {
    "credential.method": {
        "default": "environment, managed identity or Azure CLI",
        "service_principal": "an application with a secret",
        "managed_identity": "the identity of this machine",
        "azure_cli": "the user signed in with az login here",
    },
}
