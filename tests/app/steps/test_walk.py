"""The walk through the steps with the keyboard, against a real helper process and the rehearsal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.panes import Walk
from tui.app.app import WizardApp
from tui.app.steps.step_texts import ORDER
from tui.plan.load_save.load import load


@pytest.mark.parametrize("size", [pytest.param((80, 24), marks=pytest.mark.smoke), (120, 40)])
async def test_six_steps_with_what_the_rehearsal_answers(
    size: tuple[int, int], rehearsal_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    app = WizardApp(load("churn-xgboost"), environ=rehearsal_env, rehearse=True)
    async with app.run_test(size=size) as pilot:
        walk = Patient(app, pilot)
        await walk.sees("step 1 of 9", "rehearsal", "Sign in with", "✔ ManagedIdentity", "IDENTITY_ENDPOINT is set")
        await walk.tab_to("sign-in")
        await walk.press("enter")
        await walk.sees("✔ Signed in", "a managed identity", rehearsal_env["REHEARSAL_TENANT_ID"], "UTC")

        await walk.next("workspace")
        # The session's workspace has a managed virtual network; the preset sets the flag of the legacy way.
        await walk.sees("= closed-managed-network", "✔ Workspace", "Managed virtual network.", "outbound rules",
                        "The egress flag (disabled) was removed from the plan.")  # fmt: skip

        await walk.next("endpoint")
        await walk.sees("churn-endpoint-01", "preset churn-xgboost", "has no endpoint churn-endpoint-01 yet")
        await walk.press("ctrl+u", *"my_name", "tab")
        await walk.sees("✖ An underscore is not allowed in a name; try my-name.")
        await walk.press("shift+tab", "ctrl+u", *"walked-01", "tab")
        await walk.sees("has no endpoint walked-01 yet", "you")

        await walk.next("model")
        await walk.sees("xgboost", "6 files", "12 columns: Idade", "init() and run() found", "scoring server")

        await walk.next("compute")
        await walk.sees("● Standard_D4as_v4", "✔ fits", "Needs 8 cores")

        await walk.next("network")
        await walk.sees("closed-managed-network has a managed virtual network", "● not set", "● disabled")

        await walk.next("review")
        assert walk.focused == "back"
        assert load("churn-xgboost/churn-xgboost.yml").get("endpoint.name") == "walked-01"


async def test_a_wrong_secret_of_the_practice_principal_is_refused_with_a_sentence(
    rehearsal_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    app = WizardApp(load("churn-xgboost"), environ=rehearsal_env, rehearse=True)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Patient(app, pilot)
        await walk.sees("Sign in with")
        await walk.press("down", "tab", "ctrl+u", *rehearsal_env["REHEARSAL_TENANT_ID"])
        await walk.press("tab", *rehearsal_env["REHEARSAL_CLIENT_ID"], "tab", *"hunter2", "enter", "enter")
        shown = await walk.sees("✖ The client secret is wrong")
        assert "hunter2" not in shown
        await walk.press(
            "shift+tab", "shift+tab", "ctrl+u", *rehearsal_env["REHEARSAL_CLIENT_SECRET"], "enter", "enter"
        )
        await walk.sees("✔ Signed in", "a service principal")


class Patient(Walk):
    """Waits long enough for a helper to start on a busy machine."""

    seconds = 90

    async def next(self, step: str) -> None:
        """Press PgDn and wait for the next step."""
        assert ORDER[ORDER.index(step) - 1] == self.app.screen.step  # type: ignore[attr-defined]
        await self.press("pagedown")
        await self.until(lambda: self.app.screen.step == step, step)  # type: ignore[attr-defined]
