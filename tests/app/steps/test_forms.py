"""The form steps: validation, sources of values, effects of the helper's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.recorded import WORKSPACE_ANSWER
from tui.app.steps.network import isolation
from tui.app.widgets.choice import Choice
from tui.app.widgets.field_row import FieldRow
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

LEGACY = {**WORKSPACE_ANSWER, "isolation": "legacy", "public_network_access": "Disabled", "managed_network": None,
          "name": "ws-legacy"}  # fmt: skip
MANAGED = {**WORKSPACE_ANSWER, "isolation": "managed_network", "name": "ws-managed"}
SIZES = [
    {"name": "Standard_D4as_v4", "family": "standardDASv4Family", "cores": 4, "memory_gib": 16.0, "gpus": 0,
     "skip_reserve": False, "quota_needed": 8, "quota_left": 48, "fits": True,
     "reason": "Needs 8 cores of standardDASv4Family; 48 are left."},
    {"name": "Standard_F4s_v2", "family": "standardFSv2Family", "cores": 4, "memory_gib": 8.0, "gpus": 0,
     "skip_reserve": False, "quota_needed": 8, "quota_left": 4, "fits": False,
     "reason": "Needs 8 cores of standardFSv2Family; 4 are left."},
]  # fmt: skip


def row(walk: Walk, key: str) -> FieldRow:
    """The row of a field."""
    return walk.app.screen.query_one("#row-" + key.replace(".", "-"), FieldRow)


async def test_a_wrong_name_is_refused_with_what_would_be_right_and_next_goes_back_to_it() -> None:
    async with wizard() as walk:
        await walk.to("endpoint")
        await walk.press("ctrl+u", *"my_name")
        assert "✖" not in walk.text(), "a field is checked when it is left, not while it is first typed"
        await walk.press("tab")
        await walk.sees("✖ An underscore is not allowed in a name; try my-name.")
        await walk.press("pagedown")
        await walk.until(lambda: row(walk, "endpoint.name").control.has_focus)
        assert walk.app.screen.step == "endpoint"
        await walk.press("home", "right", "right", "delete", "minus")
        await walk.until(lambda: "✖" not in walk.text(), "it is checked again while it is corrected")
        await walk.press("pagedown")
        await walk.until(lambda: walk.app.screen.step == "model")


async def test_next_goes_to_the_first_of_several_errors() -> None:
    async with wizard(sets=("deployment.instance_type=large", "deployment.instance_count=0")) as walk:
        await walk.to("compute")
        await walk.press("tab", "tab", "pagedown")
        await walk.until(lambda: row(walk, "deployment.instance_type").control.has_focus)
        await walk.sees("large is not a valid size name", "from 1 to 50")


async def test_values_that_do_not_go_together_are_refused_at_their_step() -> None:
    async with wizard(sets=("deployment.code_configuration.code=", "deployment.model.type=custom_model")) as walk:
        await walk.to("model")
        await walk.press("pagedown")
        await walk.sees("A custom model needs a scoring script")
        assert row(walk, "deployment.code_configuration.code").control.has_focus


async def test_a_path_that_is_not_there_is_refused() -> None:
    async with wizard() as walk:
        await walk.to("model")
        await walk.press("ctrl+u", *"nowhere", "tab")
        await walk.sees("✖ The file or folder", "does not exist. Relative")


async def test_every_value_shows_where_it_comes_from() -> None:
    async with wizard(sets=("endpoint.auth_mode=",)) as walk:
        await walk.to("endpoint")
        assert row(walk, "endpoint.description").note() == "preset churn-xgboost"
        row(walk, "endpoint.description").control.focus()
        await walk.press("end", "x", "tab")
        await walk.until(lambda: row(walk, "endpoint.description").note() == "you")
        await walk.to("compute")
        assert row(walk, "deployment.request_settings.request_timeout_ms").note() == "default"
        await walk.to("workspace")
        assert row(walk, "workspace.name").topic().source == "preset churn-xgboost, from $AZURE_ML_WORKSPACE"
        assert "= ws-churn" in walk.text()


async def test_a_field_that_is_emptied_shows_its_default_again() -> None:
    async with wizard() as walk:
        await walk.to("compute")
        field = row(walk, "deployment.instance_count")
        field.control.focus()
        await walk.press("ctrl+u", "tab")
        await walk.until(lambda: field.control.value == "1")


async def test_a_typed_secret_stays_in_memory(home: Path) -> None:
    async with wizard(sets=("credential.method=service_principal",)) as walk:
        field = row(walk, "credential.client_secret")
        field.control.focus()
        await walk.press(*"hunter2", "tab")
        await walk.until(lambda: field.note() == "typed, memory only")
        assert field.topic().source == "typed, kept in memory only"
        assert "hunter2" not in walk.text()
        field.control.focus()
        await walk.press("ctrl+y")
        await walk.sees("Nothing to copy here")
        walk.store.put("endpoint.description", "changed", "you")
        await walk.to("endpoint")
        assert walk.store.payload()["secrets"] == {"credential.client_secret": "hunter2"}
        assert "hunter2" not in str(walk.store.document.tree)
    assert saved_text(home), "the change was saved"
    assert "hunter2" not in saved_text(home)


def saved_text(home: Path) -> str:
    """Everything that was written."""
    return "".join(file.read_text() for folder in (home, Path.cwd()) for file in folder.rglob("*.yml"))


async def test_service_principal_fields_are_asked_only_for_a_service_principal() -> None:
    async with wizard() as walk:
        assert not walk.app.screen.query("#row-credential-tenant_id")
        await walk.press("down")
        await walk.until(lambda: bool(walk.app.screen.query("#row-credential-tenant_id")))
        labels = [shown.field.label for shown in walk.app.screen.query(FieldRow) if shown.display]
        assert labels == ["Sign in with", "Tenant", "Client id", "Client secret"]
        assert walk.store.value("credential.method") == "service_principal"
        await walk.press("down")
        await walk.until(lambda: not row(walk, "credential.tenant_id").display)


# What the helper answers


async def test_signing_in_shows_who_where_and_until_when() -> None:
    answer = {"principal": "deployer", "kind": "service principal", "tenant": "contoso", "client_id": "x",
              "expires": "2030-01-02T03:04:05Z", "method": "default", "source": "Environment"}  # fmt: skip
    sources = [{"source": "Environment", "found": True, "reason": "variables are set"},
               {"source": "AzureCli", "found": False, "reason": "az is not installed"}]  # fmt: skip
    async with wizard(recorded_answers(sign_in=answer, credential_sources=sources)) as walk:
        await walk.sees("✔ Environment", "variables are set", "· AzureCli", "az is not installed")
        await walk.tab_to("sign-in")
        await walk.press("enter")
        await walk.sees("✔ Signed in", "as deployer, a service principal", "contoso", "2030-01-02 03:04 UTC")


async def test_a_refused_sign_in_is_a_card_with_the_raw_text_folded() -> None:
    error = HelperError(
        "Microsoft Entra refuses the secret", "It is wrong or expired.", "Make a new one.", "AADSTS7000215"
    )
    async with wizard(recorded_answers(sign_in=error)) as walk:
        await walk.tab_to("sign-in")
        await walk.press("enter")
        shown = await walk.sees("✖ Microsoft Entra refuses the secret.", "It is wrong or expired.", "Make a new one.")
        assert "AADSTS7000215" not in shown
        await walk.press("ctrl+o")
        await walk.sees("Show the raw error")
        await walk.press("enter")
        await walk.sees("AADSTS7000215", "Copy", "Write to a file", "Plain view")


async def test_managed_virtual_network_takes_the_egress_flag_out_and_refuses_it() -> None:
    async with wizard(recorded_answers(workspace=MANAGED)) as walk:
        assert walk.store.value(isolation.EGRESS) == "disabled"
        await walk.press("pagedown")
        await walk.sees("ws-managed", "The egress flag (disabled) was removed from the plan.")
        await walk.to("network")
        field = row(walk, isolation.EGRESS)
        assert walk.store.value(isolation.EGRESS) is None
        assert walk.store.provenance(isolation.EGRESS).startswith("workspace isolation")
        field.control.focus()
        await walk.press("right")
        await walk.sees("cannot be selected", "outbound rules")
        assert walk.store.value(isolation.EGRESS) is None


async def test_legacy_isolation_sets_the_egress_flag() -> None:
    async with wizard(recorded_answers(workspace=LEGACY), sets=(f"{isolation.EGRESS}=",)) as walk:
        await walk.press("pagedown")
        await walk.sees("ws-legacy", "The egress flag was set to disabled.")
        assert walk.store.value(isolation.EGRESS) == "disabled"


async def test_an_answer_for_a_name_that_has_changed_since_is_dropped() -> None:
    def endpoint(asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["plan"]["document"]["endpoint"]["name"]
        if name == "old-name":
            return {"exists": True, "provisioning_state": "Succeeded", "auth_mode": "key", "deployments": [],
                    "traffic": {}}  # fmt: skip
        return {"exists": False}

    answers = recorded_answers(endpoint=endpoint)
    answers.hold("endpoint")
    async with wizard(answers, sets=("endpoint.name=old-name",)) as walk:
        await walk.to("endpoint")
        await walk.until(
            lambda: any(name == "endpoint" for name, _ in answers.asked), "the question about the old name"
        )
        await walk.press("ctrl+u", *"new-name")
        answers.release("endpoint")
        await walk.sees("has no endpoint new-name yet")
        assert "old-name" not in walk.text()
        assert walk.store.facts["endpoint"] == {"exists": False}


async def test_typing_pauses_before_azure_is_asked() -> None:
    answers = recorded_answers(endpoint={"exists": False})
    async with wizard(answers) as walk:
        await walk.to("endpoint")
        await walk.sees("has no endpoint churn-endpoint-01 yet")
        await walk.press("ctrl+u", *"fraud-score")
        await walk.sees("has no endpoint fraud-score yet")
        asked = [with_["plan"]["document"]["endpoint"]["name"] for name, with_ in answers.asked if name == "endpoint"]
        assert asked == ["churn-endpoint-01", "fraud-score"]


async def test_another_auth_mode_than_the_endpoint_has_is_said() -> None:
    answer = {"exists": True, "provisioning_state": "Succeeded", "auth_mode": "aml_token", "traffic": {"blue": 100},
              "deployments": [{"name": "blue", "instance_type": "Standard_DS3_v2", "instance_count": 2}]}  # fmt: skip
    async with wizard(recorded_answers(endpoint=answer)) as walk:
        await walk.to("endpoint")
        await walk.sees("exists in this workspace", "It uses aml_token", "2 × Standard_DS3_v2, 100 % of the traffic")


async def test_a_size_is_taken_from_the_table_and_page_keys_scroll_in_it() -> None:
    async with wizard(recorded_answers(sizes=SIZES)) as walk:
        await walk.to("compute")
        await walk.sees("● Standard_D4as_v4", "✔ fits", "Standard_F4s_v2", "✖ no", "48 are left")
        await walk.tab_to("sizes")
        await walk.press("pagedown")
        assert walk.app.screen.step == "compute"
        await walk.press("enter")
        await walk.sees("● Standard_F4s_v2", "4 are left")
        assert walk.store.value("deployment.instance_type") == "Standard_F4s_v2"
        await walk.press("escape")
        assert walk.focused == "next"


async def test_what_is_in_the_files_is_said_with_what_is_missing() -> None:
    answer = {"path": "m", "exists": True, "flavour": "xgboost", "files": 6, "bytes": 140_000, "complete": True,
              "signature": [{"name": "Idade", "type": "long"}], "sample": None,
              "score": {"found": True, "has_init": True, "has_run": False, "problem": None},
              "conda": {"found": True, "python": "3.10", "has_server": False, "problem": None},
              "findings": []}  # fmt: skip
    async with wizard(recorded_answers(inspect_model=answer)) as walk:
        await walk.to("model")
        await walk.sees("xgboost, 6 files, 140 kB", "1 column: Idade", "✖ Script", "run() is missing",
                        "azureml-inference-server-http is missing")  # fmt: skip


async def test_less_usual_fields_appear_on_demand_and_when_one_is_wrong() -> None:
    async with wizard(sets=("deployment.liveness_probe.period=0",)) as walk:
        await walk.to("compute")
        assert not walk.app.screen.query("#row-deployment-liveness_probe-period")
        await walk.press("pagedown")
        await walk.until(lambda: bool(walk.app.screen.query("#row-deployment-liveness_probe-period")))
        await walk.until(lambda: row(walk, "deployment.liveness_probe.period").control.has_focus)
        assert walk.app.screen.step == "compute"
        await walk.tab_to("extra")
        await walk.press("enter")
        await walk.until(lambda: not walk.app.screen.query("#row-deployment-liveness_probe-period"))


async def test_the_arrow_keys_change_a_choice_and_move_between_fields() -> None:
    async with wizard() as walk:
        await walk.to("endpoint")
        row(walk, "endpoint.description").control.focus()
        await walk.press("up")
        choice = row(walk, "endpoint.auth_mode").control
        assert isinstance(choice, Choice) and choice.has_focus
        await walk.press("right")
        assert walk.store.value("endpoint.auth_mode") == "aml_token"
        await walk.press("down")
        assert isinstance(walk.app.screen.focused, Input)
