"""Review: what is shown before anything is created, and what prevents a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.app.panes import home, recorded_answers, wizard
from tests.app.recorded import BLOCKER, CHANGES, FINDINGS, Recording
from tui.app.steps.review.pane import ReviewPane
from tui.app.steps.review.review_list import ReviewList
from tui.app.widgets.field_row import FieldRow
from tui.engine.journal.runs import runs
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


def rows(walk) -> str:
    """Return all rows of the review, visible or not."""
    return "\n".join(row.content.plain for row in walk.app.screen.query_one(ReviewList).rows)


async def test_values_come_with_their_source_and_references_are_resolved() -> None:
    async with wizard() as walk:
        await walk.to("review")
        await walk.until(lambda: "churn-endpoint-01" in rows(walk))
        lines = rows(walk)
        assert "11111111-2222-3333-4444-555555555555" in lines
        assert "$AZURE_SUBSCRIPTION_ID" in lines
        assert "preset churn-xgboost" in lines


async def test_a_typed_secret_is_named_but_never_shown() -> None:
    async with wizard(sets=("credential.method=service_principal",)) as walk:
        walk.store.set("credential.client_secret", "s3cr3t-value")
        await walk.to("review")
        await walk.until(lambda: "kept in memory" in rows(walk))
        assert "s3cr3t-value" not in rows(walk)
        assert "s3cr3t-value" not in walk.text()


async def test_what_is_answered_while_a_row_is_being_opened_does_not_open_another() -> None:
    async with wizard() as walk:
        await walk.to("review")
        await walk.sees("+ create")
        reviewed = walk.app.screen.query_one(ReviewList)
        assert reviewed.pick_field("deployment.instance_type")
        before = len(reviewed.rows)
        reviewed.action_select()  # as Enter does; its message is handled afterwards
        walk.store.states.take("check", [*FINDINGS, BLOCKER, {**BLOCKER, "message": "Another."}])
        walk.app.screen.query_one(ReviewPane).show()
        assert len(reviewed.rows) > before
        wanted = "#row-deployment-instance_type"
        await walk.until(lambda: any(row.has_focus_within for row in walk.app.screen.query(wanted)), "the field")


async def test_findings_stand_worst_first_with_what_to_do() -> None:
    async with wizard(recorded_answers(check=[*FINDINGS, BLOCKER])) as walk:
        await walk.to("review")
        screen = " ".join(
            (
                await walk.sees(
                    "blocker", "warning", "1 blocker, 1 warning", "Enter: edit Size", "+ create", "? not known"
                )
            ).split()
        )
        assert screen.index("Quota: 8 cores") < screen.index("managed virtual network")
        assert "Choose a smaller size, or ask for more quota." in screen, "the marked row is told whole"
        assert screen.index("managed virtual network") < screen.index("+ create") < screen.index("not known")


async def test_a_plan_in_order_says_so_once_and_lists_what_was_checked() -> None:
    fine = [FINDINGS[0], {**FINDINGS[0], "id": "region", "message": "The region is eastus."}]
    async with wizard(recorded_answers(check=fine)) as walk:
        await walk.to("review")
        screen = await walk.sees("Ready.", "✔ 2 checks passed.", "The region is eastus.")
        assert screen.count("Ready") == 1
        assert "Also checked" not in rows(walk)


async def test_every_resource_says_create_change_or_skip_with_before_and_after() -> None:
    async with wizard(size=(100, 30)) as walk:
        await walk.to("review")
        screen = await walk.sees("Creates 2, changes 1, leaves 2")
        for line in ("skip", "create", "change"):
            assert line in screen
        assert "1 → 3" in screen


async def test_the_traffic_is_bars_before_and_after_at_80_columns() -> None:
    shares = [{"field": "blue", "before": 100, "after": 90}, {"field": "green", "before": 0, "after": 10}]
    split = {"resource": "traffic", "name": "churn-endpoint-01", "action": "change", "changes": shares}
    async with wizard(recorded_answers(changes=[*CHANGES, split])) as walk:
        await walk.to("review")
        await walk.sees(
            "blue   ██████████ 100 % → █████████░ 90 %", "green  ░░░░░░░░░░ 0 % → █░░░░░░░░░ 10 %", "changes 2"
        )


async def test_a_variable_or_tag_that_looks_like_a_secret_is_never_shown() -> None:
    async with wizard() as walk:
        walk.store.put("deployment.environment_variables", {
            "WORKERS": "2", "API_TOKEN": "abc-planted-1", "HOST": "${env:HOME_OF_IT}", "NOTE": "sig=planted-2%2Fabc",
        }, "test")  # fmt: skip
        walk.store.put("endpoint.tags", {"team": "risk", "db_password": "planted-3"}, "test")
        await walk.to("review")
        await walk.until(lambda: "WORKERS=2" in rows(walk))
        lines = " ".join(rows(walk).split())
        assert "API_TOKEN=(hidden)" in lines and "NOTE=(hidden)" in lines and "db_password=(hidden)" in lines
        assert "HOST=${env:HOME_OF_IT}" in lines and "team=risk" in lines
        for row in walk.app.screen.query_one(ReviewList).rows:
            assert "planted" not in f"{row.content.plain} {row.topic}"
        await walk.press("ctrl+y")
        assert "planted" not in walk.app.clipboard


async def test_cost_says_what_kind_of_price_it_is() -> None:
    async with wizard() as walk:
        await walk.to("review")
        await walk.sees("0.19 USD an hour, 140 USD a month (1 × Standard_D4as_v4, table of 2026-11-22)")


async def test_cost_is_microsofts_list_price_where_that_is_known() -> None:
    answer = {
        "size": "Standard_D4as_v4", "count": 1, "hour": 0.31, "month": 226.3, "currency": "USD", "source": "api",
        "dated": "list price of 2026-11-23", "extras": ["Private endpoints: by the hour each."],
    }  # fmt: skip
    async with wizard(recorded_answers(cost=answer)) as walk:
        await walk.to("review")
        await walk.sees(
            "0.31 USD an hour, 226 USD a month (1 × Standard_D4as_v4, list price of", "Plus: private endpoints"
        )
        await walk.to("compute")
        walk.store.set("deployment.instance_count", "2")
        await walk.to("review")
        await walk.sees("0.38 USD an hour, 280 USD a month (2 × Standard_D4as_v4, table of 2026-11-22)")


async def test_cost_is_not_guessed_without_a_region() -> None:
    async with wizard(recorded_answers(workspace=HelperError("Refused"))) as walk:
        await walk.to("review")
        await walk.sees("Cost not known: the workspace's region is not read yet")


async def test_what_exists_is_asked_again_after_a_run(home: Path) -> None:
    answers = recorded_answers()
    async with wizard(answers) as walk:
        await walk.to("review")
        await walk.sees("Creates 2, changes 1, leaves 2")
        recording = Recording(home, ago=30)
        recording.to_success()
        walk.store.follow(recording.run)
        answers.answers["changes"] = [{**change, "action": "skip"} for change in CHANGES]
        await walk.to("deploy")
        await walk.to("review")
        await walk.sees("Leaves 5.")


async def test_focus_is_on_back_and_pgdn_never_deploys(home: Path) -> None:
    async with wizard() as walk:
        await walk.to("review")
        assert walk.focused == "back"
        await walk.press("pagedown", "pagedown")
        await walk.sees("press Tab to Deploy, then Enter")
        assert walk.app.screen.step == "review"
        assert runs() == []


async def test_deploy_explains_the_first_blocker_instead_of_starting() -> None:
    async with wizard(recorded_answers(check=[*FINDINGS, BLOCKER])) as walk:
        await walk.to("review")
        await walk.sees("blocker")
        await walk.tab_to("next")
        await walk.press("enter")
        await walk.sees("Not deployed: Quota: 8 cores")
        assert walk.focused == "review-list"
        assert runs() == []


async def test_a_value_that_is_wrong_blocks_without_asking_azure() -> None:
    answers = recorded_answers()
    answers.hold("check")
    async with wizard(answers, sets=("endpoint.name=bad_name",)) as walk:
        await walk.to("review")
        await walk.tab_to("next")
        await walk.press("enter")
        await walk.sees("Not deployed: Endpoint name")
        assert runs() == []
        answers.release("check")


async def test_enter_on_a_row_edits_it_and_comes_back() -> None:
    async with wizard() as walk:
        await walk.to("review")
        await walk.until(lambda: "Instances" in rows(walk))
        reviewed = walk.app.screen.query_one(ReviewList)
        reviewed.focus()
        assert reviewed.pick_field("deployment.instance_count")
        await walk.press("enter")
        await walk.until(lambda: walk.app.screen.step == "compute", "the step of the field is shown")
        walk.store.set("deployment.instance_count", "2")
        await walk.press("escape", "enter")
        await walk.until(lambda: walk.app.screen.step == "review", "the review is shown again")
        await walk.until(lambda: "from you" in rows(walk) or "you" in rows(walk))


async def test_an_answer_for_an_older_plan_is_dropped() -> None:
    answers = recorded_answers()
    answers.hold("changes")
    async with wizard(answers) as walk:
        await walk.to("review")
        await walk.sees("▸ checking", "what exists in Azure")
        walk.store.set("endpoint.name", "another-name")
        answers.answers["changes"] = [{**CHANGES[0], "name": "another-name", "action": "create"}]
        await walk.to("endpoint")
        await walk.to("review")
        await walk.until(lambda: [name for name, _ in answers.asked].count("changes") == 2, "asked again")
        answers.release("changes")
        await walk.sees("Creates 1.")


async def test_reading_a_large_model_is_shown() -> None:
    answers = recorded_answers()
    answers.hold("changes")
    async with wizard(answers) as walk:
        await walk.to("review")
        await walk.until(lambda: "changes" in [name for name, _ in answers.asked], "asked")
        told = dict(answers.asked)["changes"]["progress"]
        told(4_200_000_000, 12_600_000_000)
        await walk.sees("▸ checking", "Reading the model", "4.2 of 12.6 GB")
        answers.release("changes")
        await walk.until(lambda: "Reading the model" not in rows(walk), "the answer is shown")


async def test_a_question_without_answer_is_not_known_and_blocks_nothing() -> None:
    refused = HelperError("The sign-in failed.", "No credential was found.", "Sign in at the first step.")
    async with wizard(recorded_answers(changes=refused, check=refused)) as walk:
        await walk.to("review")
        screen = await walk.sees("? not known", "The sign-in failed.", "The preflight did not complete")
        assert "Sign in at the first step." in " ".join(screen.split())
        assert "blocker" not in screen
        assert "Ready" not in screen


async def test_a_plan_without_code_has_no_scoring_script() -> None:
    async with wizard(sets=("deployment.model.type=mlflow_model", "deployment.code_configuration.code=",
                            "deployment.code_configuration.scoring_script=")) as walk:  # fmt: skip
        await walk.to("review")
        await walk.until(lambda: "Model type" in rows(walk))
        assert "Scoring script" not in rows(walk)
        walk.store.set("deployment.code_configuration.code", "churn-xgboost/onlinescoring")
        await walk.until(lambda: "Scoring script" in rows(walk))


async def test_what_is_created_says_what_it_will_be() -> None:
    created = [{**change, "action": "create", "changes": []} for change in CHANGES]
    async with wizard(recorded_answers(changes=created)) as walk:
        await walk.to("review")
        await walk.until(lambda: "+ create" in rows(walk))
        text = rows(walk)
        assert "1 × Standard_D4as_v4" in text and "key, public access" in text
        assert "churn-xgboost/model" in text


async def test_no_line_of_the_review_is_wider_than_the_screen() -> None:
    async with wizard(recorded_answers(check=[*FINDINGS, BLOCKER])) as walk:
        await walk.to("review")
        await walk.sees("1 blocker")
        assert all(len(text) <= 80 for text in rows(walk).splitlines())


async def test_a_value_of_wide_characters_is_wrapped_inside_its_column() -> None:
    async with wizard(size=(120, 40)) as walk:
        await walk.to("endpoint")
        walk.app.screen.query_one("#row-endpoint-description", FieldRow).control.focus()
        await walk.press("ctrl+u", *"流失预测模型" * 12)
        await walk.to("review")
        listed = walk.app.screen.query_one(ReviewList)
        await walk.until(lambda: "流失" in rows(walk), "the description is listed")
        (row,) = (row for row in listed.rows if "流失" in row.content.plain)
        assert max(map(cell_len, row.content.plain.splitlines())) <= listed.scrollable_content_region.width
        assert row.content.plain.count("型") == 12
