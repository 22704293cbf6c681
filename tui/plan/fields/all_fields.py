"""Every field of the plan, in the order of the wizard's steps."""

from __future__ import annotations

from tui.plan.fields.compute_and_network import SERVING_FIELDS
from tui.plan.fields.credentials_and_workspace import SIGN_IN_FIELDS
from tui.plan.fields.endpoint import ENDPOINT_FIELDS
from tui.plan.fields.field import Field as Field
from tui.plan.fields.field import Help as Help
from tui.plan.fields.model import MODEL_FIELDS
from tui.plan.fields.rollout import ROLLOUT_FIELDS

STEPS: tuple[tuple[str, str], ...] = (
    ("credentials", "Credentials"),
    ("workspace", "Workspace"),
    ("endpoint", "Endpoint"),
    ("model", "Model"),
    ("compute", "Compute"),
    ("network", "Network"),
    ("review", "Review"),
    ("deploy", "Deploy"),
    ("test", "Test"),
)

FIELDS: tuple[Field, ...] = (*SIGN_IN_FIELDS, *ENDPOINT_FIELDS, *MODEL_FIELDS, *SERVING_FIELDS, *ROLLOUT_FIELDS)

BY_KEY: dict[str, Field] = {field.key: field for field in FIELDS}


def fields_of(step: str, *, advanced: bool = False) -> list[Field]:
    """The fields of a step, in order; with `advanced`, also the advanced ones."""
    return [field for field in FIELDS if field.step == step and (advanced or not field.advanced)]
