"""Creates a scoring script for an MLflow model where Azure does not deploy the model without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.app.state.answers import explained
from tui.app.state.background import in_thread
from tui.app.state.new_files import new_path, stem_of
from tui.app.state.store import Store
from tui.app.steps.network.isolation import EGRESS, without_code
from tui.app.steps.step_pane import Pane
from tui.app.widgets.help import Topic

NAME = "deployment.model.name"
MADE = "created from the MLflow model"
REFUSED = "Needs a scoring script: Azure refuses such a model if the deployment's egress is closed, as here."
PATIENCE = 180  # seconds: the small files of a remote model are downloaded


SCRIPT_TOPIC = Topic(
    "Create a scoring script",
    "Azure refuses an MLflow model without a scoring script if the deployment's egress is closed.",
    "This creates score.py, a conda file and a request from the model's MLmodel file, in a folder next to the plan, "
    "and adds them to the plan.",
    link="https://learn.microsoft.com/azure/machine-learning/how-to-deploy-mlflow-models-online-endpoints",
)


def blocked_without_script(store: Store) -> bool:
    """Whether Azure refuses the plan because the model has no script and egress is closed.

    See Microsoft, how-to-troubleshoot-online-endpoints, BadArgument.
    """
    workspace = store.facts.get("workspace") or {}
    closed = workspace.get("isolation") == "legacy" or (
        store.value(EGRESS) == "disabled" and workspace.get("isolation") != "managed_network"
    )
    return without_code(store.value) and closed


async def make_script(pane: Pane) -> None:
    """Create the files with the helper, add them to the plan, and show them."""
    from tui.app.dialogs.text_dialog import TextScreen
    from tui.helper.client import HelperError

    store = pane.store
    pane.say("▸ Creating a scoring script …")
    try:
        folder = await in_thread(folder_for, store)
        made: dict[str, Any] = await store.ask("make_scoring", timeout=PATIENCE, folder=str(folder))
    except (HelperError, OSError) as error:
        cannot = f"The folder cannot be created: {getattr(error, 'strerror', '') or error}."
        pane.say("")
        words = explained(error) if isinstance(error, HelperError) else cannot
        pane.app.push_screen(TextScreen("No scoring script was created", words))
        return
    pane.say("The plan now uses the scoring script.")
    for key, value in made["set"].items():
        store.put(key, value, MADE)
    said = [f"Written to {folder}, and added to the plan:", *(f"  {Path(name).relative_to(folder)}"
            for name in made["files"])]  # fmt: skip
    if made["added"]:
        said += ["", f"Added to the model's own packages: {', '.join(made['added'])}."]
    said += ["", *made["notes"]] if made["notes"] else []
    pane.app.push_screen(TextScreen("A scoring script for the MLflow model", "\n".join(said)))


def folder_for(store: Store) -> Path:
    """Return a new folder next to the plan's file, or in the state folder's plans. Raises OSError."""
    from tui.engine.journal.state_folder import plans_folder

    place = store.file.parent if store.file is not None else plans_folder()
    return new_path(place, f"{stem_of(str(store.value(NAME) or 'model'))}-scoring").resolve()
