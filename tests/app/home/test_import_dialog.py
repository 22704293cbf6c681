"""Importing an endpoint at home: the name of one that exists is taken where files are."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid

import pytest

from tests.app.home.test_home import choose_on_home
from tests.app.panes import Walk
from tui.app.app import WizardApp
from tui.rehearsal_client import prepare, with_own_identity


async def test_an_endpoint_is_imported_by_its_name(
    rehearsal_home: dict[str, str], rehearsal: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"home-{uuid.uuid4().hex[:8]}"
    command = [sys.executable, "-m", "tui", "apply", "own-score", "--rehearse", "--yes", "--set"]
    made = await asyncio.to_thread(
        subprocess.run, [*command, f"endpoint.name={name}"], env=rehearsal_home, capture_output=True, timeout=300
    )
    assert made.returncode == 0, made.stderr
    monkeypatch.setenv("AML_DEPLOY_HOME", rehearsal_home["AML_DEPLOY_HOME"])
    app = WizardApp(
        environ=rehearsal_home,
        rehearse=False,  # the endpoint is in the rehearsal whatever Home's mode is
        prepare=lambda document: prepare(document, rehearsal_home),  # type: ignore[arg-type]
        adopt=lambda document: with_own_identity(document, rehearsal_home),
    )
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Your own model")  # with other tests' unfinished runs above it, the entry is further down
        await choose_on_home(walk, "Import into a plan")
        await walk.sees("The name, resource ID or scoring URL of an endpoint")
        await walk.press(*"nobodys-endpoint", "enter")
        await walk.sees("The workspace of nobodys-endpoint is not known")
        await walk.press("ctrl+u", *name, "enter")
        await walk.sees("Imported with omissions", "code_configuration.code")
        await walk.press("enter")
        await walk.sees("step 1 of 9", "rehearsal")
        assert walk.store.value("endpoint.name") == name
        assert not any(key.startswith("deployment.") for key in walk.store.problems()), "the copied code is there"
