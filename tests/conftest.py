"""Fixtures for the whole suite: one private rehearsal for a session, started when a test first asks for it."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.calls import unlisted
from tui.common.redact import Secrets

ROOT = Path(__file__).resolve().parents[1]

# Tests of containers choose an engine (tests/rehearsal/container_engine); all others run without, on every machine.
os.environ["AML_DEPLOY_CONTAINER_ENGINE"] = "none"

started_rehearsal: dict[str, Any] = {}  # what `env --json` said, once a test has asked for the session's rehearsal


@pytest.fixture(scope="module", autouse=True)
def endpoints_end_with_their_module(request: pytest.FixtureRequest) -> Iterator[None]:
    """Quota is counted in the rehearsal as on Azure: what one module deploys must not fail the next one."""
    yield
    own = (item for item in request.session.items if item.path == request.path)
    if started_rehearsal and any("rehearsal_home" in getattr(item, "fixturenames", ()) for item in own):
        remove_endpoints(started_rehearsal["set"], started_rehearsal["url"])


@pytest.fixture(autouse=True)
def no_secret_is_known_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test learns as a secret must not be hidden in the texts of the next one."""
    monkeypatch.setattr("tui.common.redact._known", Secrets())


def remove_endpoints(env: dict[str, str], origin: str) -> None:
    """Remove every endpoint of every workspace, and wait until they are gone (two minutes at most)."""
    import requests

    session = requests.Session()
    session.trust_env, session.verify = False, env["REQUESTS_CA_BUNDLE"]
    identity = {"X-IDENTITY-HEADER": env["IDENTITY_HEADER"]}
    asked = {"resource": origin, "api-version": "2019-08-01"}
    token = session.get(env["IDENTITY_ENDPOINT"], params=asked, headers=identity, timeout=30).json()
    session.headers["Authorization"] = f"Bearer {token['access_token']}"

    def listed(path: str) -> list[str]:
        answer = session.get(f"{origin}{path}?api-version=2024-04-01", timeout=30).json()
        return [item["id"] for item in answer.get("value", [])]

    service = "providers/Microsoft.MachineLearningServices/workspaces"
    workspaces = [place for one in listed("/subscriptions") for place in listed(f"{one}/{service}")]
    deadline = time.monotonic() + 120
    while True:
        left = [endpoint for place in workspaces for endpoint in listed(f"{place}/onlineEndpoints")]
        if not left:
            return
        assert time.monotonic() < deadline, f"these do not go: {left}"
        for endpoint in left:
            session.delete(f"{origin}{endpoint}?api-version=2024-04-01", timeout=30)
        time.sleep(0.05)


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
def built_environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was built for one worker of pytest-xdist serves the others: a build takes longer than most tests."""
    base = tmp_path_factory.getbasetemp()
    built = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "environments"
    built.mkdir(exist_ok=True)
    return built


@pytest.fixture(scope="session")
def rehearsal_home(tmp_path_factory: pytest.TempPathFactory, built_environments: Path) -> Iterator[dict[str, str]]:
    """This process's environment with private state and cache folders; the rehearsal there is ended at the end."""
    folder = tmp_path_factory.mktemp("rehearsal")
    (folder / "cache").mkdir()
    (folder / "cache" / "environments").symlink_to(built_environments)
    env = {**os.environ, "AML_DEPLOY_HOME": str(folder / "home"), "AML_DEPLOY_CACHE": str(folder / "cache")}
    yield env
    stopped = rehearsal_command("stop", env=env)
    assert stopped.returncode == 0, stopped.stderr
    logs = [path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("rehearsal.log*")]
    new = {call for log in logs for call in unlisted(log)}
    assert not new, (
        f"calls that tests/hostile/calls.txt does not list, so that nobody answers them badly: {sorted(new)}"
    )


@pytest.fixture(scope="session")
def rehearsal(rehearsal_home: dict[str, str]) -> dict[str, Any]:
    """What `env --json` says of the session's rehearsal."""
    started = rehearsal_command("env", "--json", env=rehearsal_home)
    assert started.returncode == 0, started.stderr
    described: dict[str, Any] = json.loads(started.stdout)
    started_rehearsal.update(described)
    return described


@pytest.fixture(scope="session")
def rehearsal_env(rehearsal_home: dict[str, str], rehearsal: dict[str, Any]) -> dict[str, str]:
    """A whole environment for a child process that talks to the session's rehearsal."""
    env = {name: value for name, value in rehearsal_home.items() if name not in rehearsal["unset"]}
    return {**env, **rehearsal["set"]}


def pytest_configure(config: pytest.Config) -> None:
    """Compiles our modules once: the tests start hundreds of processes, also where Python may not write its caches."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(str(ROOT / "tui"), quiet=2)


# Files whose tests take more than ten seconds each, or minutes together. They are marked here, in one place, so that
# the suite without slow tests stays within ten minutes on two cores; CI runs them too.
SLOW_FILES = {
    "app/dialogs/test_covered.py",
    "app/dialogs/test_local_trial.py",
    "app/dialogs/test_quit_every_state.py",
    "app/endpoint_operations/test_endpoint_operations.py",
    "app/fleet/test_operator_stories.py",
    "app/home/test_import_dialog.py",
    "app/home/test_own_model.py",
    "app/search/test_search_screen.py",
    "app/state/test_field_lists.py",
    "app/steps/compute/test_compute.py",
    "app/steps/credentials/test_credentials.py",
    "app/steps/deploy/test_run_card.py",
    "app/steps/deploy/test_run_log.py",
    "app/steps/model/test_model.py",
    "app/steps/model/test_scoring_script.py",
    "app/steps/model/test_typed_paths.py",
    "app/steps/network/test_network.py",
    "app/steps/review/test_review.py",
    "app/steps/test/test_load_test_dialog.py",
    "app/steps/test_as_cli.py",
    "app/steps/test_first_error.py",
    "app/steps/test_late_answers.py",
    "app/steps/test_typed_ahead.py",
    "app/steps/test_visible_focus.py",
    "app/steps/test_walk.py",
    "app/terminal/test_real_terminal.py",
    "app/terminal/test_terminal_sizes.py",
    "app/test_signs_of_life.py",
    "app/test_snapshots.py",
    "app/textual_patches/test_changed_cells.py",
    "app/troubleshoot/test_troubleshoot.py",
    "app/widgets/test_field_help.py",
    "app/widgets/test_keys.py",
    "app/widgets/test_pasting.py",
    "app/widgets/test_tab_and_enter.py",
    "checks/network/test_connectivity.py",
    "clumsy/test_clumsy.py",
    "checks/network/test_network_checks.py",
    "engine/test_disk_full.py",
    "engine/test_elsewhere.py",
    "engine/test_outage_retry.py",
    "checks/test_rehearsal_limits.py",
    "helper/questions/test_fleet_question.py",
    "cloud/http/test_call_log_of_a_run.py",
    "cloud/http/test_read_limits_kept.py",
    "plain/commands/test_any_deployment.py",
    "plain/commands/test_autoscale_applied.py",
    "plain/commands/test_golden.py",
    "plain/commands/test_rows_tell_what_azure_tells.py",
    "plain/commands/test_diff.py",
    "plain/commands/endpoint_operations/test_history.py",
    "plain/commands/test_endpoint_identity.py",
    "plain/commands/test_rehearsal_add.py",
    "plain/commands/test_import_endpoint.py",
    "plain/commands/endpoint_operations/test_logs_command.py",
    "plain/commands/test_new_plan_serves.py",
    "plain/commands/test_requests.py",
    "rehearsal/arm/test_operations_concurrent.py",
    "rehearsal/arm/test_operations_diagnose.py",
    "rehearsal/compare/test_compare.py",
    "rehearsal/compare/test_record.py",
    "rehearsal/container_engine/test_container_usage.py",
    "rehearsal/container_engine/test_deployment_network.py",
    "rehearsal/container_engine/test_engine.py",
    "rehearsal/container_engine/test_engine_commands.py",
    "rehearsal/container_engine/test_images.py",
    "rehearsal/container_engine/test_mlflow_containers.py",
    "rehearsal/container_engine/test_nothing_left.py",
    "rehearsal/container_engine/test_own_images.py",
    "rehearsal/container_engine/test_scaled.py",
    "rehearsal/container_engine/test_size.py",
    "rehearsal/scenarios/test_practice.py",
    "rehearsal/serving/test_closed_network.py",
    "rehearsal/serving/test_replicas.py",
    "rehearsal/serving/test_resize.py",
    "rehearsal/serving/test_scoring_scripts.py",
    "rehearsal/test_server_process.py",
    "sources/test_secrets.py",
}


# The wizard's screens, Azure's SDK, and the files for other tools, which are tried with these: a second a test.
NOT_QUICK_FOLDERS = {"app", "cloud", "export", "hostile", "printed_commands"}


# What they measure would be another program's work if one ran beside them.
ALONE_FILES = {"local_trial/load/test_load_run.py", "rehearsal/monitor/test_autoscale_at_work.py"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the slow files, and as quick what is not slow and asks for no rehearsal."""
    here = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(here)
        if path.as_posix() in SLOW_FILES:
            item.add_marker(pytest.mark.slow)
        if path.as_posix() in ALONE_FILES or item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.alone)
            item.add_marker(pytest.mark.slow)
        fixtures = getattr(item, "fixturenames", ())
        if not (item.get_closest_marker("slow") or "rehearsal_home" in fixtures or path.parts[0] in NOT_QUICK_FOLDERS):
            item.add_marker(pytest.mark.quick)
