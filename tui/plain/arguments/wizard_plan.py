"""The plan that the wizard begins with."""

from __future__ import annotations

from argparse import Namespace

from tui.plain.failure import Failure
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.presets import find, presets


def chosen_document(arguments: Namespace) -> Document | None:
    """The document that the arguments name; None where they name none. Raises Failure, PlanInvalid."""
    if arguments.preset:
        # Other files that are named beside a preset are laid over it.
        overlays = [item for item in (arguments.plan, *arguments.overlays) if item]
        return load(_preset_path(arguments.preset), overlays, arguments.sets)
    if arguments.plan:
        return load(arguments.plan, arguments.overlays, arguments.sets)
    if arguments.sets:
        raise Failure("--set changes a plan: name one, or a preset.", 2)
    return None


def _preset_path(name: str) -> str:
    preset = find(name)
    if preset is None:
        offered = ", ".join(item.name for item in presets()) or "none"
        raise Failure(f"There is no preset {name}. Presets: {offered}.", 2)
    return str(preset.path)
