"""Fixtures for the whole suite: one private rehearsal for a session, started when a test first asks for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def rehearsal_command(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs `python -m tui.rehearsal …` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tui.rehearsal", *arguments],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="session")
def rehearsal_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """This process's environment with private state and cache folders; the rehearsal there is ended at the end."""
    folder = tmp_path_factory.mktemp("rehearsal")
    env = {**os.environ, "AML_DEPLOY_HOME": str(folder / "home"), "AML_DEPLOY_CACHE": str(folder / "cache")}
    yield env
    stopped = rehearsal_command("stop", env=env)
    assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="session")
def rehearsal(rehearsal_home: dict[str, str]) -> dict[str, Any]:
    """What `env --json` says of the session's rehearsal."""
    started = rehearsal_command("env", "--json", env=rehearsal_home)
    assert started.returncode == 0, started.stderr
    described: dict[str, Any] = json.loads(started.stdout)
    return described


@pytest.fixture(scope="session")
def rehearsal_env(rehearsal_home: dict[str, str], rehearsal: dict[str, Any]) -> dict[str, str]:
    """A whole environment for a child process that talks to the session's rehearsal."""
    env = {name: value for name, value in rehearsal_home.items() if name not in rehearsal["unset"]}
    return {**env, **rehearsal["set"]}
