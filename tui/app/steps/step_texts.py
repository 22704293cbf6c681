"""What the steps are called and what is said about each before a field has the focus."""

from __future__ import annotations

from tui.plan.fields.all_fields import STEPS

TITLES: dict[str, str] = dict(STEPS)
ORDER: tuple[str, ...] = tuple(name for name, _ in STEPS)

LEADS: dict[str, str] = {
    "credentials": "the identity that deploys",
    "workspace": "where the endpoint will live",
    "endpoint": "the address that callers use",
    "model": "what is uploaded, and how it answers",
    "compute": "the machines that serve",
    "network": "who can reach the endpoint, and what it can reach",
    "review": "everything before anything is created",
    "deploy": "the run, task by task",
    "test": "a real request to the endpoint",
}

INTROS: dict[str, str] = {
    "credentials": "Azure must know who deploys. Sign in here to see which identity is used; no secret is ever saved.",
    "workspace": "The workspace owns the endpoint and pays for it. Its network isolation decides how the endpoint is "
    "reached, and is applied from here on.",
    "endpoint": "An endpoint is a stable address. Behind it a deployment runs the model; a second one can be tried "
    "beside the first before it takes traffic.",
    "model": "The model is uploaded and registered in the workspace. The scoring script loads it and answers "
    "requests, in an environment that Azure builds from the conda file.",
    "compute": "Each instance is a virtual machine of the size chosen. Quota is counted in cores.",
    "network": "Two flags close the endpoint: one for those who call it, one for what the deployment itself may reach "
    "(its egress). They follow from the workspace.",
    "review": "What will be created, changed or left alone, and what was found before the start.",
    "deploy": "The run goes on by itself: it can be left and come back to with aml-deploy attach.",
    "test": "A request goes to the scoring URI with the endpoint's own key or token.",
}

CHOICES: dict[str, dict[str, str]] = {
    "credential.method": {
        "default": "environment, managed identity or Azure CLI, as found",
        "service_principal": "an application with a secret",
        "managed_identity": "the identity of this machine",
        "azure_cli": "whoever ran az login here",
    },
}
