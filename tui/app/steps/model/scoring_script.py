"""A scoring script for an MLflow model, made where Azure does not deploy such a model without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.app.state.answers import explained
from tui.app.state.background import in_thread
from tui.app.state.new_files import new_path, stem_of
from tui.app.state.store import Store
from tui.app.steps.network.isolation import EGRESS
from tui.app.steps.step_pane import Pane
from tui.app.widgets.help import Topic

TYPE = "deployment.model.type"
CODE = "deployment.code_configuration.code"
NAME = "deployment.model.name"
MADE = "made from the MLflow model"
REFUSED = "Not without a scoring script: Azure refuses such a model where the deployment's egress is closed, as here."
PATIENCE = 180  # seconds: of a model that lies elsewhere the small files are fetched


SCRIPT_TOPIC = Topic(
    "Make a scoring script for it",
    "An MLflow model without a scoring script is refused where the deployment's egress is closed.",
    "This writes score.py, a conda file and a request from what the model's MLmodel file says, into a folder "
    "beside the plan, and names them in the plan.",
    link="https://learn.microsoft.com/azure/machine-learning/how-to-deploy-mlflow-models-online-endpoints",
)


def may_have_script(store: Store) -> bool:
    """Whether the model is of MLflow and has no script."""
    return store.value(TYPE) == "mlflow_model" and not store.value(CODE)


def blocked_without_script(store: Store) -> bool:
    """Whether the plan cannot be deployed as it is: no script, and an egress that is closed (Microsoft,
    how-to-troubleshoot-online-endpoints, BadArgument)."""
    workspace = store.facts.get("workspace") or {}
    closed = workspace.get("isolation") == "legacy" or (
        store.value(EGRESS) == "disabled" and workspace.get("isolation") != "managed_network"
    )
    return may_have_script(store) and closed


async def make_script(pane: Pane) -> None:
    """Ask for the files, put them into the plan, and show what was made."""
    from tui.app.dialogs.text_dialog import TextScreen
    from tui.helper.client import HelperError

    store = pane.store
    pane.say("Making a scoring script …")
    try:
        folder = await in_thread(folder_for, store)
        made: dict[str, Any] = await store.ask("make_scoring", timeout=PATIENCE, folder=str(folder))
    except (HelperError, OSError) as error:
        cannot = f"The folder for it cannot be made: {getattr(error, 'strerror', '') or error}."
        pane.say("")
        words = explained(error) if isinstance(error, HelperError) else cannot
        pane.app.push_screen(TextScreen("No scoring script was made", words))
        return
    pane.say("The plan uses the scoring script now.")
    for key, value in made["set"].items():
        store.put(key, value, MADE)
    said = [f"Written to {folder}, and named in the plan:", *(f"  {Path(name).relative_to(folder)}"
            for name in made["files"])]  # fmt: skip
    if made["added"]:
        said += ["", f"Added to the model's own packages: {', '.join(made['added'])}."]
    said += ["", *made["notes"]] if made["notes"] else []
    pane.app.push_screen(TextScreen("A scoring script for the MLflow model", "\n".join(said)))


def folder_for(store: Store) -> Path:
    """A folder that is not there yet, beside the plan's file, or among the plans of the state folder. May raise
    OSError."""
    from tui.engine.journal.state_folder import plans_folder

    place = store.file.parent if store.file is not None else plans_folder()
    return new_path(place, f"{stem_of(str(store.value(NAME) or 'model'))}-scoring").resolve()
