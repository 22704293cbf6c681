"""The dialog that tests references, opened from the menu, in both sizes."""

from __future__ import annotations

import pytest

from tests.app.panes import home, recorded_answers, wizard  # noqa: F401
from tests.app.recorded import Answers
from tui.helper.client import HelperError

TESTED = [
    {"reference": "${env:AZURE_SUBSCRIPTION_ID}", "keys": ["workspace.subscription_id"], "state": "ok",
     "detail": "The variable is set."},
    {"reference": "${databricks:deploy/sp-secret}", "keys": ["credential.client_secret"], "state": "refused",
     "detail": "The secret deploy/sp-secret of Databricks cannot be read. Databricks hands secrets out in notebooks, "
               "and refuses this call outside of one."},
    {"reference": "${keyvault:churn-kv/token}", "keys": ["deployment.environment_variables.TOKEN"],
     "state": "missing", "detail": "The secret token of churn-kv.vault.azure.net cannot be read."},
]  # fmt: skip


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_menu_lists_references_with_how_they_stand(size: tuple[int, int]) -> None:
    answers: Answers = recorded_answers(references=TESTED)
    async with wizard(answers, size=size) as walk:
        await walk.press("ctrl+o")
        await walk.sees("References")
        while "References" not in str(walk.app.screen.query_one("OptionList").highlighted_option.prompt):  # type: ignore[attr-defined]
            await walk.press("down")
        await walk.press("enter")
        shown = await walk.sees("${databricks:deploy/sp-secret} is refused", "✔ ${env:AZURE_SUBSCRIPTION_ID} can be")
        assert "For Client secret." in shown and "outside of one" in " ".join(shown.split())
        answers.answers["references"] = HelperError("The helper ended", "It was killed.", "Try again.", "")
        await walk.tab_to("references-again")
        await walk.press("enter")
        await walk.sees("✖ The helper ended", "Try again.")
        await walk.press("escape")
        await walk.until(lambda: not walk.app.screen.query("#references-found"))
