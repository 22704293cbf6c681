"""Credentials: all states of the sign-in, the sources of a secret, and that a typed secret is never written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.steps.test_forms import row
from tui.app.app import WizardApp
from tui.app.steps.credentials.pane import lasting, who
from tui.helper.client import HelperError
from tui.plan.load_save.load import load

__all__ = ["home"]

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
PRINCIPAL = "credential.method=service_principal"
SECRET = "credential.client_secret"


def signed_in(seconds: float) -> dict[str, Any]:
    """Return an answer whose token expires in so many seconds."""
    ends = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return {"principal": "deployer", "kind": "service principal", "tenant": "contoso", "client_id": "app-1",
            "expires": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "method": "default", "source": "Environment"}  # fmt: skip


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(minutes=42, seconds=10), "in 42 min, at 2030-01-02 03:46 UTC; renewed automatically"),
        (timedelta(hours=23, minutes=59), "in 23 h, at 2030-01-03 03:03 UTC; renewed automatically"),
        (timedelta(minutes=-3), "3 min ago, at 2030-01-02 03:01 UTC. The next request to Azure gets a new token; "
                                "Sign in gets one now."),
    ],
)  # fmt: skip
def test_how_long_a_sign_in_lasts_is_said_in_words(left: timedelta, words: str) -> None:
    assert lasting(NOW + left, NOW) == words


def test_a_renewed_token_says_when() -> None:
    assert lasting(NOW + timedelta(hours=1), NOW, NOW).endswith("renewed at 03:04 UTC")


def test_an_expired_token_is_a_state_of_its_own_with_words() -> None:
    found = {"principal": "deployer", "kind": "user", "expires": "2030-01-02T03:00:00Z"}
    facts = who(found, NOW)
    assert (facts[0].kind, facts[0].name) == ("warn", "Expired")
    assert "the token has expired" in facts[0].text


@pytest.mark.usefixtures("home")
async def test_before_while_and_after_signing_in() -> None:
    answers = recorded_answers(sign_in=signed_in(42 * 60 + 30), credential_sources=[])
    answers.hold("sign_in")
    async with wizard(answers) as walk:
        await walk.sees("· Not signed in yet.")
        await walk.tab_to("sign-in")
        await walk.press("enter")
        await walk.sees("▸ Signing in …")
        await walk.press("tab")
        assert walk.focused != "sign-in", "nothing waits for the sign-in"
        answers.release("sign_in")
        await walk.sees("✔ Signed in", "as deployer, a service principal", "through Environment", "contoso", "app-1",
                        "in 42 min")  # fmt: skip


@pytest.mark.usefixtures("home")
async def test_a_token_near_its_end_is_renewed_in_the_background() -> None:
    given = [signed_in(120), signed_in(3600)]
    answers = recorded_answers(sign_in=lambda with_: given.pop(0), credential_sources=[])
    async with wizard(answers) as walk:
        await walk.tab_to("sign-in")
        await walk.press("enter")
        await walk.sees("✔ Signed in")
        walk.app.screen.query_one("#pane-credentials")._tick()
        await walk.sees("renewed at", "in 59 min")


@pytest.mark.usefixtures("home")
async def test_a_renewal_that_is_refused_is_said_and_not_repeated() -> None:
    given: list[Any] = [signed_in(120), HelperError("The client secret has expired", "x", "Make a new secret.", "raw")]

    def answer(with_: dict[str, Any]) -> Any:
        return given.pop(0)

    answers = recorded_answers(sign_in=answer, credential_sources=[])
    async with wizard(answers) as walk:
        await walk.tab_to("sign-in")
        await walk.press("enter")
        await walk.sees("✔ Signed in")
        pane = walk.app.screen.query_one("#pane-credentials")
        pane._tick()
        await walk.sees("✖ Not renewed", "The client secret has expired", "Make a new secret.")
        pane._tick()
        await walk.pilot.pause()
        assert [name for name, _ in answers.asked].count("sign_in") == 2


@pytest.mark.usefixtures("home")
async def test_the_ways_of_a_secret_each_say_what_they_need() -> None:
    async with wizard(sets=(PRINCIPAL,)) as walk:
        await walk.sees("Secret from", "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are not")
        await walk.tab_to("secret-way")
        await walk.press("right")
        shown = " ".join((await walk.sees("A scope is a named store of secrets")).split())
        said = " ".join(fact.text for fact in walk.app.screen.query_one("#secret-facts").facts)
        assert "AZURE_CLIENT_SECRET={{secrets/SCOPE/KEY}}" in said and "${databricks:SCOPE/KEY}" in said, shown
        assert walk.store.value("credential.client_id") == "${env:AZURE_CLIENT_ID}"
        await walk.press("right")
        await walk.sees("Type ${keyvault:VAULT/NAME} above")
        await walk.press("right")
        await walk.sees("you must enter it")


@pytest.mark.usefixtures("home")
async def test_a_scope_reference_names_its_scope_and_key() -> None:
    async with wizard(sets=(PRINCIPAL, f"{SECRET}=${{databricks:deploy/sp-secret}}")) as walk:
        await walk.until(lambda: bool(walk.app.screen.query("#secret-facts")))
        await walk.sees("● Databricks scope")
        facts = walk.app.screen.query_one("#secret-facts").facts
        assert any("The key sp-secret of the scope deploy is used" in fact.text for fact in facts)


@pytest.mark.slow
async def test_a_typed_secret_signs_in_for_real_and_is_in_no_written_file(
    rehearsal_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    document = load("churn-xgboost")
    for key, value in (
        ("method", "service_principal"),
        ("tenant_id", rehearsal_env["REHEARSAL_TENANT_ID"]),
        ("client_id", rehearsal_env["REHEARSAL_CLIENT_ID"]),
    ):
        document.set(f"credential.{key}", value, "test")
    secret = rehearsal_env["REHEARSAL_CLIENT_SECRET"]
    app = WizardApp(document, environ=rehearsal_env, rehearse=True)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Client secret")
        row(walk, SECRET).control.focus()
        await walk.press(*secret, "enter")
        assert walk.focused == "sign-in"
        await walk.press("enter")
        await walk.until(lambda: "sign_in" in walk.store.facts, "signed in", 90)
        shown = await walk.sees("✔ Signed in", "a service principal", "In memory only", "● typed")
        assert secret not in shown
        walk.store.put("endpoint.description", "changed", "you")
        await walk.to("workspace")
        await walk.until(lambda: "workspace" in walk.store.facts, "the workspace is read with it", 90)
        assert secret not in repr(walk.store.facts)
    written = {**contents(tmp_path), **contents(Path.cwd())}
    assert any(name.endswith(".yml") for name in written)
    assert not [name for name, content in written.items() if secret.encode() in content]


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.usefixtures("home")
async def test_a_reference_to_a_key_vault_is_named_and_comes_back_when_its_way_does() -> None:
    reference = "${keyvault:ours/sp-secret}"
    async with wizard(sets=(PRINCIPAL, f"{SECRET}={reference}")) as walk:
        await walk.sees("● Key Vault", "○ typed", "The secret sp-secret of the Key Vault ours is used")
        await walk.tab_to("secret-way")
        await walk.press("right")
        await walk.sees("● typed")
        assert walk.store.value(SECRET) == reference
        await walk.press("left", "left")
        await walk.sees("● Databricks scope")
        assert walk.store.value(SECRET) == "${env:AZURE_CLIENT_SECRET}"
        await walk.press("right")
        await walk.sees("● Key Vault", "The secret sp-secret of the Key Vault ours is used")
        assert walk.store.value(SECRET) == reference


@pytest.mark.usefixtures("home")
async def test_another_secret_is_not_signed_in_yet() -> None:
    typed = ("credential.tenant_id=contoso.com", "credential.client_id=11111111-aaaa-bbbb-cccc-222222222222")
    async with wizard(recorded_answers(sign_in=signed_in(3000)), sets=(PRINCIPAL, *typed)) as walk:
        row(walk, SECRET).control.focus()
        await walk.press(*"first", "enter")
        await walk.tab_to("sign-in")
        await walk.press("enter")
        await walk.sees("✔ Signed in")
        row(walk, SECRET).control.focus()
        await walk.press(*"second")
        assert walk.store.secrets == {SECRET: "second"}
        await walk.sees("· Not signed in yet.")
        await walk.tab_to("sign-in")
        await walk.press("enter")
        await walk.sees("✔ Signed in")
        await walk.tab_to("secret-way")  # the variable takes the place of what was typed
        await walk.press("left", "left", "left")
        await walk.sees("· Not signed in yet.")
        assert not walk.store.secrets
