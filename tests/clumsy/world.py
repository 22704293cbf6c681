"""The world of the in-process episodes: a state folder, recorded answers that come late or fail, recorded runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from tests.app.endpoint_operations.test_endpoint_operations import endpoint
from tests.app.fleet.rows import SOME, WORKSPACES, Fleet
from tests.app.fleet.test_row_actions import DIFF, HISTORY
from tests.app.panes import VARIABLES
from tests.app.recorded import CHANGES, FINDINGS, SCORE_ANSWER, Recording
from tests.app.scenes import FREE, SIGNED_IN, SOURCES, WORKSPACE
from tests.app.state.test_field_lists import GROUPS, SUBSCRIPTIONS
from tests.app.state.test_field_lists import WORKSPACES as LISTED
from tests.app.steps.compute.test_compute import OFFERS
from tests.app.steps.deploy.test_rollout import shifting
from tests.app.steps.model.test_model import COUNTED, INSPECTED
from tests.app.steps.network.test_network import REACH
from tests.app.steps.test.test_load_test_dialog import Calls
from tests.app.troubleshoot.test_troubleshoot import REPORT
from tui.app.app import WizardApp
from tui.engine.journal.runs import Run, write_engine
from tui.helper.client import HelperError
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load

SECRET = "planted-Zx81~secret~value"  # typed into masked fields, and in the environment of the process
DELAYS = (0.0, 0.0, 0.0, 0.05, 0.4, 1.3)  # seconds until an answer comes
FAILS = 0.15  # the share of answers that are errors, once the place is reached


class Told(Fleet):
    """Recorded answers; each comes after a time, or is an error, as the seed and its number among its kind say."""

    def __init__(self, seed: str) -> None:
        parts = [*WORKSPACES, *SOME]
        told: dict[str, Any] = {
            "inspect_model": INSPECTED, "count_files": COUNTED, "sizes": OFFERS, "reach": REACH, "sign_in": SIGNED_IN,
            "credential_sources": SOURCES, "endpoint": endpoint({"blue": 90, "green": 10}), "endpoint_name": FREE,
            "changes": CHANGES, "check": FINDINGS, "workspace": WORKSPACE, "score": SCORE_ANSWER, "step_findings": [],
            "troubleshoot": REPORT, "diff_of_endpoint": DIFF, "history": HISTORY, "workspaces": LISTED,
            "subscriptions": SUBSCRIPTIONS, "resource_groups": GROUPS, "burst": Calls(),
            "traffic": {"before": {"blue": 90}, "after": {"blue": 100}}, "rollback": {"after": {"blue": 100}},
            "inventory": {"items": [], "currency": "USD", "price_note": ""},
        }  # fmt: skip
        super().__init__(parts, **told)
        self.seed = seed
        self.counts: dict[str, int] = {}
        self.moody = False

    async def ask(self, name: str, /, timeout: float = 120.0, **with_: Any) -> Any:
        self.counts[name] = self.counts.get(name, 0) + 1
        chance = random.Random(f"{self.seed}:{name}:{self.counts[name]}")
        if self.moody:
            await asyncio.sleep(chance.choice(DELAYS))
            if chance.random() < FAILS:
                raise HelperError("The service did not answer", "It was busy.", "Try again.", "503 ServerBusy")
        return await super().ask(name, timeout, **with_)


class World:
    """A folder of its own: the state, the working directory, the home of the user, and what is recorded there."""

    def __init__(self, folder: Path, seed: str) -> None:
        self.folder, self.state, self.here = folder, folder / "state", folder / "a" / "b" / "c" / "d" / "work"
        for path in (self.state / "plans", self.here, folder / "cache", folder / "user"):
            path.mkdir(parents=True, exist_ok=True)
        self.told = Told(seed)
        self.runs = 0
        self.environ = {
            **os.environ, **VARIABLES, "AML_DEPLOY_HOME": str(self.state), "AML_DEPLOY_CACHE": str(folder / "cache"),
            "HOME": str(folder / "user"), "AZURE_CLIENT_SECRET": SECRET,
        }  # fmt: skip

    def recording(self, *, typed: bool = False, **options: Any) -> Recording:
        """A new run in the state folder, with its plan."""
        self.runs += 1
        recording = Recording(self.state, run=f"20261122-2205{self.runs:02}-ab12", **options)
        document = load("churn-xgboost")
        if typed:
            recording.about["typed"] = ["credential.client_secret"]
            document.set("credential.method", "service_principal", "test")
            document.set("credential.tenant_id", VARIABLES["AZURE_SUBSCRIPTION_ID"], "test")
            document.set("credential.client_id", VARIABLES["AZURE_SUBSCRIPTION_ID"], "test")
        document.save(recording.folder / "plan.yml")
        (recording.folder / "run.json").write_text(json.dumps(recording.about), encoding="utf-8")
        return recording

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This process in that folder and environment; no engine is started, what it would do is recorded."""
        before = Path.cwd()
        with mock.patch.dict(os.environ, self.environ, clear=True), self._engine():
            os.chdir(self.here)
            try:
                yield
            finally:
                os.chdir(before)

    @contextlib.contextmanager
    def _engine(self) -> Iterator[None]:
        def start(document: Document, **_: Any) -> Run:
            recording = self.recording(ago=3).engine_lives()
            recording.to_middle()
            return recording.run

        def resume(run: Run, **_: Any) -> None:
            write_engine(run.folder, os.getpid())

        def heard(run: Run, **_: Any) -> bool:
            return True

        with mock.patch.multiple("tui.engine.start_stop", start=start, resume=resume, stop=heard, roll_back=heard):
            yield

    # How the wizard begins

    def app(self, begins: str, kind: type[WizardApp] = WizardApp) -> WizardApp:
        """The wizard as it begins: home, plan, registered, fleet, trouble, or a run: middle, failed, rollout, typed."""
        options: dict[str, Any] = {"environ": self.environ, "helper": self.told}
        if begins == "home":
            self.recording(ago=12).to_failure()
            load("churn-xgboost").save(self.state / "plans" / "earlier.yml")
            return kind(**options)
        if begins in ("plan", "registered"):
            document = load("churn-xgboost")
            if begins == "registered":  # its local trial ends at once
                document.set("deployment.model.path", "azureml:churn:3", "test")
            return kind(document, **options)
        if begins == "fleet":
            return kind(**options, begin=lambda app: app.fleet())
        if begins == "trouble":
            document = Document()
            document.set("endpoint.name", "churn-01", "test")
            return kind(**options, begin=lambda app: app.operate(document))
        recording = self.recording(ago=20, typed=begins == "typed")
        if begins in ("middle", "rollout"):
            recording.engine_lives()
        {"middle": recording.to_middle, "failed": recording.to_failure, "typed": recording.to_middle,
         "rollout": lambda: shifting(recording)}[begins]()  # fmt: skip
        return kind(**options, begin=lambda app: app.attach(recording.run))
