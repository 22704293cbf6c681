"""Pictures of every screen in its main states, at 80×24 and 120×40, some in 16 colours, light, and without colour.

To accept what the screens look like now: `ACCEPT_SNAPSHOTS=1 python -m pytest tests/app/test_snapshots.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.dialogs.test_sizing import Tell, answered, ask_for, load_run, measured, opened
from tests.app.endpoint_operations.test_endpoint_operations import endpoint
from tests.app.panes import follow, home, wizard
from tests.app.pictures import expect
from tests.app.recorded import BLOCKER, ENDPOINT_ANSWER, FINDINGS, Answers, Recording
from tests.app.scenes import (
    DRAWN,
    REFUSED,
    Seconds,
    always_the_same,
    choose,
    first_screen,
    good_answers,
    legible,
    pictures,
    sizes,
)
from tests.app.steps.model.test_model import browse
from tests.app.steps.network.test_network import LEGACY
from tests.app.steps.test.test_load_test_dialog import Calls, open_many
from tests.app.troubleshoot.test_troubleshoot import REPORT, operating
from tui.app.steps.model.pane import ModelPane
from tui.app.theme import LIGHT
from tui.app.widgets.folder_entries import Entry
from tui.common import call_log
from tui.helper.client import HelperError
from tui.plan.load_save.load import load

__all__ = ["always_the_same", "home", "load_run", "sizes"]


# Home


@pytest.mark.usefixtures("sizes")
async def test_home() -> None:
    async with first_screen() as walk:
        await pictures(walk, "home-first", "churn-xgboost", "Troubleshoot", standard=True)
        await choose(walk, "Open a plan file")
        await pictures(walk, "home-open", "The plan's YAML file")
        await walk.press(*"none/none.yml", "enter")
        await pictures(walk, "home-open-wrong", "✖")
        await walk.press("escape")
        await choose(walk, "Start from a folder")
        await pictures(walk, "home-folder", "Create the plan")


@pytest.mark.usefixtures("sizes")
async def test_home_with_runs_and_plans(home: Path) -> None:
    recording = Recording(home, ago=3600)
    recording.to_failure()
    (home / "plans").mkdir()
    saved = home / "plans" / "fraud.yml"
    load("churn-xgboost").save(saved)
    os.utime(saved, (Seconds.time() - 7200,) * 2)
    async with first_screen(rehearse=True) as walk:
        await pictures(walk, "home-runs", "Unfinished runs", "fraud")
        await walk.press("home", "enter")
        await pictures(walk, "home-run", "Attach", "Discard")


# The steps, as they look while they ask, when all is well, and when it is not


@pytest.mark.usefixtures("sizes")
async def test_credentials() -> None:
    answers = good_answers()
    answers.hold("credential_sources")
    async with wizard(answers) as walk:
        await pictures(walk, "credentials-loading", "Looking for identities")
        answers.release("credential_sources")
        await pictures(walk, "credentials-found", "Managed identity", standard=True)
        await walk.tab_to("sign-in")
        answers.hold("sign_in")
        await walk.press("enter")
        await pictures(walk, "credentials-signing-in", "Signing in")
        answers.release("sign_in")
        await pictures(walk, "credentials-signed-in", "churn-deployer", "Expires")
        answers.answers["sign_in"] = REFUSED
        await walk.press("enter")
        await pictures(walk, "credentials-refused", "✖ Sign-in was refused")


@pytest.mark.usefixtures("sizes")
async def test_credentials_of_a_service_principal() -> None:
    async with wizard(good_answers(), sets=("credential.method=service_principal",)) as walk:
        await walk.tab_to("secret-way")
        await pictures(walk, "credentials-principal", "Secret from", "AZURE_TENANT_ID")


@pytest.mark.usefixtures("sizes")
async def test_workspace() -> None:
    answers = good_answers()
    answers.hold("workspace")
    async with wizard(answers) as walk:
        await walk.to("workspace")
        await pictures(walk, "workspace-loading", "Reading the workspace")
        answers.release("workspace")
        await pictures(walk, "workspace-read", "Isolation", "pe-ws-churn")
        walk.app.screen.query_one("#row-workspace-name").control.focus()  # type: ignore[attr-defined]
        await walk.press("down")
        await pictures(walk, "workspace-list", "Workspaces: 2.")
    refused = HelperError("The workspace cannot be read", "The identity may not read it.", "Ask for the role Reader.")
    async with wizard(good_answers(workspace=refused)) as walk:
        await walk.to("workspace")
        await pictures(walk, "workspace-refused", "✖ The workspace cannot be read")


@pytest.mark.usefixtures("sizes")
async def test_endpoint() -> None:
    async with wizard(good_answers()) as walk:
        await walk.to("endpoint")
        await pictures(walk, "endpoint-new", "has no endpoint", "Region")
        await walk.press("end", "_", "tab", "shift+tab")
        await pictures(walk, "endpoint-wrong", "✖", "try")
    async with wizard(good_answers(endpoint=ENDPOINT_ANSWER)) as walk:
        await walk.to("endpoint")
        await pictures(walk, "endpoint-exists", "exists in this workspace", "Deploy as green")


@pytest.mark.usefixtures("sizes")
async def test_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(folder: str) -> Iterator[Entry]:
        for name, is_folder in (("model", True), ("onlinescoring", True), ("conda.yml", False), ("Modèle 模型", True)):
            yield Entry(name, f"/usr/lib/{name}", is_folder, None if is_folder else 412)

    monkeypatch.setitem(ModelPane.__init__.__kwdefaults__, "lister", listed)  # type: ignore[index]
    monkeypatch.setattr("tui.app.widgets.folder_entries.look", lambda entry: entry)
    answers = good_answers()
    answers.hold("inspect_model")
    async with wizard(answers) as walk:
        await walk.to("model")
        await pictures(walk, "model-loading", "Reading the files")
        answers.release("inspect_model")
        await pictures(walk, "model-read", "scoring server", standard=True)
        walk.store.set("deployment.model.path", "/usr/lib")
        await browse(walk)
        await pictures(walk, "model-files", "onlinescoring/", "conda.yml")
        await walk.press("escape", "tab", "end", "!")
        await walk.press("pagedown")
        await pictures(walk, "model-wrong", "✖")


@pytest.mark.usefixtures("sizes")
async def test_compute() -> None:
    answers = good_answers()
    answers.hold("sizes")
    async with wizard(answers) as walk:
        await walk.to("compute")
        await pictures(walk, "compute-loading", "Reading sizes and quota")
        answers.release("sizes")
        await pictures(walk, "compute-sizes", "● Standard_D4as_v4", "✔ fits", standard=True)
        await walk.tab_to("sizes")
        await walk.press("down")
        await pictures(walk, "compute-marked", "Enter selects it")
        await walk.tab_to("extra")
        await walk.press("enter")
        await pictures(walk, "compute-more", "Fewer fields")
    async with wizard(good_answers(sizes=REFUSED)) as walk:
        await walk.to("compute")
        await pictures(walk, "compute-refused", "✖ Sign-in was refused")


@pytest.mark.usefixtures("sizes")
async def test_network() -> None:
    answers = good_answers(workspace=LEGACY)
    answers.hold("reach")
    async with wizard(answers) as walk:
        await walk.to("network")
        await pictures(walk, "network-loading", "Resolving and connecting")
        answers.release("reach")
        await pictures(walk, "network-way", "public address", "10.1.0.5", standard=True)
        await walk.tab_to("path")
        await pictures(walk, "network-host", "To do: Link the zone")
    async with wizard(good_answers(reach=REFUSED)) as walk:
        await walk.to("network")
        await pictures(walk, "network-refused", "✔ OK", "The network path could not be checked")


@pytest.mark.usefixtures("sizes")
async def test_review() -> None:
    answers = good_answers()
    answers.hold("check")
    async with wizard(answers) as walk:
        await walk.to("review")
        await walk.until(lambda: "what exists in Azure" not in walk.text() and "churn-model-adb" in walk.text())
        await pictures(walk, "review-checking", "▸ checking", "churn-model-adb")
        answers.release("check")
        await walk.until(lambda: "▸ checking" not in walk.text(), "nothing is asked any more")
        await pictures(walk, "review-ready", "before", "egress flag", standard=True)
        await walk.tab_to("review-list")
        await walk.press(*["down"] * 9)
        await pictures(walk, "review-rows")
    async with wizard(good_answers(check=[*FINDINGS, BLOCKER])) as walk:
        await walk.to("review")
        await walk.sees("Quota: 8 cores")
        await walk.tab_to("next")
        await walk.press("enter")
        await walk.until(lambda: "▸ checking" not in walk.text(), "nothing is asked any more")
        await pictures(walk, "review-blocked", "✖ Not deployed")


# Deploy

SAID = {"endpoint": "Region", "compute": "✔ fits", "network": "10.1.0.5", "review": "✖"}
RUNS: dict[str, tuple[Callable[[Recording], Any], str]] = {
    "deploy-running": (Recording.to_middle, "1.2 of 3.4 MB"),
    "deploy-building": (Recording.to_deployment, "Resolved 47 packages"),
    "deploy-succeeded": (Recording.to_success, "✔ succeeded"),
    "deploy-failed": (Recording.to_failure, "The environment cannot be built"),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.usefixtures("sizes")
async def test_deploy(home: Path, name: str) -> None:
    play, words = RUNS[name]
    recording = Recording(home, ago=12).engine_lives()
    play(recording)
    async with wizard(good_answers()) as walk:
        await follow(walk, recording)
        await pictures(walk, name, words, standard=name != "deploy-building")


@pytest.mark.usefixtures("sizes")
async def test_deploy_without_a_run_and_without_its_engine(home: Path) -> None:
    async with wizard(good_answers()) as walk:
        await walk.to("deploy")
        await pictures(walk, "deploy-none", "Nothing has been deployed yet")
        recording = Recording(home, ago=600)
        recording.to_deployment()
        await follow(walk, recording)
        await pictures(walk, "deploy-interrupted", "! interrupted")


# Test


@pytest.mark.usefixtures("sizes")
async def test_test() -> None:
    answers = good_answers(endpoint=endpoint({"blue": 90, "green": 10}), burst=Calls())
    async with wizard(answers) as walk:
        await walk.to("test")
        await pictures(walk, "test-before", "JSON: 2 rows in data", "Send")
        await walk.press("enter")
        await walk.until(lambda: "▸ sending" not in walk.text() and "0.9812" in walk.text(), "the answer")
        await pictures(walk, "test-answered", "200", standard=True)
        answers.answers["score"] = {
            **answers.answers["score"], "ok": False, "note": "The body is an error.", "body": '{"error": "no"}',
        }  # fmt: skip
        await walk.press("enter")
        await walk.until(lambda: "▸ sending" not in walk.text() and "body is an error" in walk.text(), "the answer")
        await pictures(walk, "test-error-as-200", "!")
        await walk.tab_to("test-traffic")
        await walk.press("enter")
        await pictures(walk, "test-traffic", "blue", "green", "90")
        await walk.press("escape")
        await open_many(walk)
        await walk.press("enter")
        await walk.sees("p95", "Start")
        await pictures(walk, "test-many", "p95", "429", standard=True)


@pytest.mark.usefixtures("sizes")
async def test_test_without_an_endpoint() -> None:
    async with wizard(good_answers(score=REFUSED)) as walk:
        await walk.to("test")
        await pictures(walk, "test-no-endpoint", "does not exist yet")
        await walk.press("enter")
        await walk.until(lambda: "▸ sending" not in walk.text() and "refused" in walk.text(), "the refusal")
        await pictures(walk, "test-refused", "✖ Sign-in was refused")


# What lies over the steps


@pytest.mark.usefixtures("sizes")
async def test_dialogs(home: Path) -> None:
    recording = Recording(home, ago=12).engine_lives()
    recording.to_middle()
    async with wizard(good_answers()) as walk:
        await walk.to("endpoint")
        await walk.sees("Region")
        await walk.press("ctrl+g")
        await pictures(walk, "dialog-help", "Options")
        await walk.press("escape", "ctrl+c")
        await pictures(walk, "dialog-leave", "Quit the wizard?")
        await walk.press("escape", "ctrl+o")
        await pictures(walk, "dialog-menu", "Show this step as az CLI", standard=True)
        await choose(walk, "Show this step as az CLI")
        await pictures(walk, "dialog-az", "az ml online-endpoint")
        walk.store.follow(recording.run)
        await walk.until(lambda: walk.store.states.of("endpoint").word == "OK", "what the run changes is read again")
        await walk.press("escape", "ctrl+c")
        await pictures(walk, "dialog-detach", "Stop and clean up", standard=True)


@pytest.mark.usefixtures("sizes")
async def test_size_by_measurement(load_run: Tell) -> None:
    load_run(measured())
    async with wizard(good_answers(), size=DRAWN[-1]) as walk:
        await opened(walk)
        await pictures(walk, "dialog-sizing", "Nothing in Azure is touched")
        await ask_for(walk, "20", "200")
        await answered(walk)
        await pictures(walk, "dialog-sized", "hold it, the cheapest first", standard=True)


@pytest.mark.usefixtures("sizes")
async def test_calls_to_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint, where = "https://x/subscriptions/s1/onlineEndpoints/churn", "--workspace-name ws --resource-group rg"
    calls = [
        {"source": "helper", "time": "2026-11-22T22:05:11.100Z", "ms": 31, "method": "GET", "url": endpoint,
         "status": 200, "command": f"az ml online-endpoint show --name churn {where}"},
        {"source": "20261122-220512-28e0", "time": "2026-11-22T22:05:12.000Z", "ms": 1204, "method": "PUT",
         "url": f"{endpoint}/deployments/blue", "status": 409, "command": "az rest --method put --url /s1"},
        {"source": "helper", "time": "2026-11-22T22:05:13.000Z", "ms": 60001, "method": "POST",
         "url": "https://churn.x/score", "error": "ReadTimeout", "command": "curl --request POST https://churn.x/score"},
    ]  # fmt: skip
    told = iter([calls])
    monkeypatch.setattr(call_log.Reader, "new", lambda reader: next(told, []))
    monkeypatch.setattr(call_log, "path", lambda environ: Path("/home/me/.cache/aml-deploy/calls.log"))
    async with wizard(good_answers(), size=DRAWN[-1]) as walk:
        await walk.press("ctrl+o")
        await choose(walk, "Calls to Azure")
        await pictures(walk, "dialog-calls", "3 calls")


async def test_too_small() -> None:
    async with wizard(good_answers()) as walk:
        await walk.pilot.resize_terminal(72, 18)
        await walk.sees("80 × 20")
        await expect(walk, "too-small")
        await walk.pilot.resize_terminal(24, 6)
        await expect(walk, "too-small-by-far")


async def test_side_help() -> None:
    async with wizard(good_answers(), size=(150, 45)) as walk:
        await walk.to("endpoint")
        await walk.sees("Region", "Read more")
        await expect(walk, "side-help")


@pytest.mark.usefixtures("sizes")
async def test_troubleshoot() -> None:
    async with operating(Answers(troubleshoot=REPORT)) as walk:
        await pictures(walk, "troubleshoot-findings", "No requests reach", standard=True)
        await walk.press("enter")
        await pictures(walk, "troubleshoot-finding", "A remedy.")


# Other colours


@pytest.mark.slow
async def test_light() -> None:
    async with wizard(good_answers(check=[*FINDINGS, BLOCKER])) as walk:
        walk.app.theme = LIGHT.name
        for step, words in SAID.items():
            await walk.to(step)
            await walk.sees(words)
            await walk.until(lambda: "▸ checking" not in walk.text(), "nothing is asked any more")
            await expect(walk, f"light-{step}")
            legible(walk, f"light-{step}")
        await walk.press("ctrl+o")
        await walk.sees("Menu")
        await expect(walk, "light-menu")
        legible(walk, "light-menu")


async def test_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with wizard(good_answers(check=[*FINDINGS, BLOCKER])) as walk:
        for step, words in SAID.items():
            await walk.to(step)
            await walk.sees(words)
            await walk.until(lambda: "▸ checking" not in walk.text(), "nothing is asked any more")
            await expect(walk, f"no-colour-{step}")
        await walk.press("ctrl+o")
        await walk.sees("Menu")
        await expect(walk, "no-colour-menu")
