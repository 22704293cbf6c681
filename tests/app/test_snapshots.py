"""Pictures of every screen in its main states, at 80×24 and 120×40, some in 16 colours, light, and without colour.

To accept what the screens look like now: `ACCEPT_SNAPSHOTS=1 python -m pytest tests/app/test_snapshots.py`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.pictures import contrast, expect, in_16_colours, rows
from tests.app.recorded import BLOCKER, ENDPOINT_ANSWER, FINDINGS, WORKSPACE_ANSWER, Answers, Recording
from tests.app.test_compute_pane import OFFERS
from tests.app.test_lists import WORKSPACES
from tests.app.test_model_pane import COUNTED, INSPECTED, browse
from tests.app.test_network_pane import LEGACY, REACH
from tests.app.test_operating import Calls, endpoint, open_many
from tests.app.test_troubleshoot import REPORT, operating
from tui.app.app import WizardApp
from tui.app.entries import Entry
from tui.app.panes.model import ModelPane
from tui.app.theme import LIGHT
from tui.helper.client import HelperError
from tui.plan.load import load
from tui.plan.presets import presets

__all__ = ["home"]

NOW = datetime(2026, 11, 22, 22, 5, 13)  # UTC
SMALL, LARGE = (80, 24), (120, 40)
DRAWN = [SMALL]  # the size that is drawn now
LEAST_CONTRAST = 3.0  # of words in 16 colours (WCAG 2.1 asks for that of large text)
LEAST_OF_LINES = 1.2  # of lines and bars, which say nothing that words do not
SOURCES = [
    {"source": "Environment", "found": False, "reason": "AZURE_CLIENT_ID, AZURE_TENANT_ID are not set"},
    {"source": "Workload identity", "found": False, "reason": "not configured here"},
    {"source": "Managed identity", "found": True, "reason": "this machine answers for one"},
    {"source": "Azure CLI", "found": False, "reason": "az is not installed"},
    {"source": "Azure PowerShell", "found": False, "reason": "not configured here"},
]
SIGNED_IN = {
    "principal": "churn-deployer", "kind": "service principal", "tenant": "72f988bf-86f1-41af-91ab-2d7cd011db47",
    "client_id": "0f0f0f0f-1111-2222-3333-444444444444", "expires": "2026-11-22T23:04:00Z", "method": "default",
    "source": "Managed identity",
}  # fmt: skip
REFUSED = HelperError(
    "Sign-in was refused", "AADSTS7000215: the client secret is wrong or has expired.",
    "Make a new secret for the application, and set AZURE_CLIENT_SECRET.", "AADSTS7000215: Invalid client secret",
)  # fmt: skip
WORKSPACE = {
    **WORKSPACE_ANSWER, "id": "/subscriptions/1", "public_network_access": "Disabled",
    "managed_network": {"isolation_mode": "AllowOnlyApprovedOutbound", "status": "Active"},
    "private_endpoints": {"pe-ws-churn": "Approved"}, "image_build_compute": "cpu-cluster", "portal_url": "",
    "explain": "",
}  # fmt: skip
NEW_ENDPOINT = {"exists": False, "deployments": [], "traffic": {}}
FREE = {"state": "free", "region": "eastus2", "asked": 2, "silent": 0}


class Stopped(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return NOW.replace(tzinfo=tz)


class Today(date):
    """The day of that clock."""

    @classmethod
    def today(cls) -> date:
        return NOW.date()


class Seconds:
    """The same clock in seconds, in the place of the module `time`."""

    @staticmethod
    def time() -> float:
        return (NOW - datetime(1970, 1, 1)).total_seconds()

    @staticmethod
    def monotonic() -> float:
        return 1000.0


@pytest.fixture(autouse=True)
def always_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing on the screen depends on when and where it is drawn."""
    for module in ("tests.app.recorded", "tui.app.panes.credentials", "tui.app.panes.test"):
        monkeypatch.setattr(f"{module}.datetime", Stopped)
    for module in ("tui.app.follow", "tui.app.panes.asking", "tui.app.widgets.field_row"):
        monkeypatch.setattr(f"{module}.time", Seconds)
    monkeypatch.setattr("tui.plan.sizes.date", Today)
    # Whichever presets there are: the two that have been there from the start.
    offered = [preset for preset in presets() if preset.name in ("churn-xgboost", "mlflow-xgboost")]
    for module in ("tui.app.screens.home", "tui.plan.load"):
        monkeypatch.setattr(f"{module}.presets", lambda: offered)
    monkeypatch.setattr("tui.app.panes.network.platform.node", lambda: "driver-1")
    for name in ("NO_COLOR", "COLORFGBG", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(params=[SMALL, pytest.param(LARGE, marks=pytest.mark.slow)], ids=["80x24", "120x40"])
def sizes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each picture in two sizes; the large ones are drawn where the slow tests run."""
    DRAWN.append(request.param)
    yield
    DRAWN.pop()


def good_answers(**more: Any) -> Answers:
    """Everything goes well, with every question answered."""
    told = {
        "credential_sources": SOURCES, "sign_in": SIGNED_IN, "workspace": WORKSPACE, "endpoint": NEW_ENDPOINT,
        "endpoint_name": FREE, "inspect_model": INSPECTED, "count_files": COUNTED, "sizes": OFFERS, "reach": REACH,
        "workspaces": WORKSPACES,
    }  # fmt: skip
    return recorded_answers(**{**told, **more})


async def pictures(walk: Walk, name: str, *words: str, standard: bool = False) -> None:
    """The screen in the size of this test, small with `standard` in 16 colours too; in those it must be legible."""
    await walk.sees(*words)
    width, height = DRAWN[-1]
    await walk.pilot.resize_terminal(width, height)
    await expect(walk, f"{name}-{width}x{height}")
    legible(walk, name)
    if standard and DRAWN[-1] == SMALL:
        await expect(walk, f"{name}-16-colours", standard=True)


def legible(walk: Walk, name: str) -> None:
    """In 16 colours every letter of the uppermost screen stands out from what is behind it."""
    region = max((child.region for child in walk.app.screen.children), key=lambda found: found.area)
    for y, line in enumerate(in_16_colours(rows(walk.app))):
        x = 0
        for segment in line:
            style = segment.style
            if style is not None and style.color and style.bgcolor and segment.text.strip() and region.contains(x, y):
                words = any(letter.isalnum() for letter in segment.text)
                assert contrast(style.color, style.bgcolor) >= (LEAST_CONTRAST if words else LEAST_OF_LINES), (
                    f"{name}: {segment.text!r} at {x}, {y} has {style.color.number} on {style.bgcolor.number}"
                )
            x += segment.cell_length


@asynccontextmanager
async def first_screen(**options: Any) -> AsyncIterator[Walk]:
    """The wizard without a plan."""
    app = WizardApp(environ=dict(os.environ), helper=good_answers(), **options)
    async with app.run_test(size=SMALL) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Presets")
        yield walk


async def follow(walk: Walk, recording: Recording) -> None:
    """Show a run, as after attaching to it."""
    walk.store.follow(recording.run)
    await walk.to("deploy")


async def choose(walk: Walk, words: str) -> None:
    """Move to an entry of a list of options and press Enter."""
    options = walk.app.screen.query_one(OptionList)
    for _ in range(40):
        marked = options.highlighted_option
        if marked is not None and words in str(marked.prompt):
            await walk.press("enter")
            return
        await walk.press("down")
    raise AssertionError(f"{words} is not offered")


# Home


@pytest.mark.usefixtures("sizes")
async def test_home() -> None:
    async with first_screen() as walk:
        await pictures(walk, "home-first", "churn-xgboost", "Troubleshoot", standard=True)
        await choose(walk, "Open a plan file")
        await pictures(walk, "home-open", "The plan's YAML file")
        await walk.press(*"none/none.yml", "enter")
        await pictures(walk, "home-open-wrong", "✖")


@pytest.mark.usefixtures("sizes")
async def test_home_with_runs_and_plans(home: Path) -> None:
    recording = Recording(home, ago=3600)
    recording.to_failure()
    (home / "plans").mkdir()
    saved = home / "plans" / "fraud.yml"
    load("churn-xgboost").save(saved)
    os.utime(saved, (Seconds.time() - 7200,) * 2)
    async with first_screen(rehearse=True) as walk:
        await pictures(walk, "home-runs", "Runs to come back to", "fraud")
        await walk.press("enter")
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
        await pictures(walk, "endpoint-exists", "exists in this workspace", "Name it green")


@pytest.mark.usefixtures("sizes")
async def test_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(folder: str) -> Iterator[Entry]:
        for name, is_folder in (("model", True), ("onlinescoring", True), ("conda.yml", False), ("Modèle 模型", True)):
            yield Entry(name, f"/usr/lib/{name}", is_folder, None if is_folder else 412)

    monkeypatch.setitem(ModelPane.__init__.__kwdefaults__, "lister", listed)  # type: ignore[index]
    monkeypatch.setattr("tui.app.entries.look", lambda entry: entry)
    answers = good_answers()
    answers.hold("inspect_model")
    async with wizard(answers) as walk:
        await walk.to("model")
        await pictures(walk, "model-loading", "Looking into the files")
        answers.release("inspect_model")
        await pictures(walk, "model-read", "scoring server", standard=True)
        walk.store.set("deployment.model.path", "/usr/lib")
        await browse(walk)
        await pictures(walk, "model-files", "onlinescoring/", "conda.yml")
        await walk.press("escape", "tab", "tab", "end", "!")
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
        await pictures(walk, "compute-sizes", "● Standard_DS3_v2", "✔ fits", standard=True)
        await walk.tab_to("sizes")
        await walk.press("down")
        await pictures(walk, "compute-marked", "Enter takes it")
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
        await pictures(walk, "network-loading", "Looking the hosts up")
        answers.release("reach")
        await pictures(walk, "network-way", "public address", "10.1.0.5", standard=True)
        await walk.tab_to("path")
        await pictures(walk, "network-host", "To do: Link the zone")
    async with wizard(good_answers(reach=REFUSED)) as walk:
        await walk.to("network")
        await pictures(walk, "network-refused", "This cannot be known now")


@pytest.mark.usefixtures("sizes")
async def test_review() -> None:
    answers = good_answers()
    answers.hold("check")
    async with wizard(answers) as walk:
        await walk.to("review")
        await pictures(walk, "review-checking", "▸ asking", "churn-model-adb")
        answers.release("check")
        await pictures(walk, "review-ready", "before", "egress flag", standard=True)
        await walk.tab_to("review-list")
        await walk.press(*["down"] * 9)
        await pictures(walk, "review-rows")
    async with wizard(good_answers(check=[*FINDINGS, BLOCKER])) as walk:
        await walk.to("review")
        await walk.sees("Quota: 8 cores")
        await walk.tab_to("next")
        await walk.press("enter")
        await pictures(walk, "review-blocked", "✖ Not deployed")


# Deploy

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
        await pictures(walk, "deploy-none", "Nothing is deployed yet")
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
        await walk.until(lambda: bool(walk.app.screen.query("#burst-drawn")), "the plot")
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
        await pictures(walk, "dialog-help", "Possible")
        await walk.press("escape", "ctrl+c")
        await pictures(walk, "dialog-leave", "Leave the wizard?")
        await walk.press("escape", "ctrl+o")
        await pictures(walk, "dialog-menu", "Show this step as az CLI", standard=True)
        await choose(walk, "Show this step as az CLI")
        await pictures(walk, "dialog-az", "az ml online-endpoint")
        walk.store.follow(recording.run)
        await walk.press("escape", "ctrl+c")
        await pictures(walk, "dialog-detach", "Stop and clean up", standard=True)


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
        for step, words in (("endpoint", "Region"), ("compute", "✔ fits"), ("network", "10.1.0.5"), ("review", "✖")):
            await walk.to(step)
            await walk.sees(words)
            await expect(walk, f"light-{step}")
            legible(walk, f"light-{step}")
        await walk.press("ctrl+o")
        await walk.sees("Menu")
        await expect(walk, "light-menu")
        legible(walk, "light-menu")


async def test_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with wizard(good_answers(check=[*FINDINGS, BLOCKER])) as walk:
        for step, words in (("endpoint", "Region"), ("compute", "✔ fits"), ("network", "10.1.0.5"), ("review", "✖")):
            await walk.to(step)
            await walk.sees(words)
            await expect(walk, f"no-colour-{step}")
        await walk.press("ctrl+o")
        await walk.sees("Menu")
        await expect(walk, "no-colour-menu")


def test_every_accepted_picture_is_drawn_by_a_test() -> None:
    """A picture that no test draws would be looked at by nobody."""
    from tests.app.pictures import FOLDER

    source = Path(__file__).read_text(encoding="utf-8")
    names = {re.sub(r"-(\d+x\d+|16-colours)$", "", path.stem) for path in FOLDER.glob("*.svg")}
    unknown = [
        name
        for name in names
        if f'"{name}"' not in source
        and f'"{name.partition("-")[0]}-{{step}}"' not in source
        and not name.startswith("no-colour-")
    ]
    assert not unknown
