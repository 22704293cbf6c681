"""Stands in for `devtools_testutils`, which records tests of Azure's SDKs, and is on no index: nothing is recorded.

A plugin of pytest, loaded with `-p` in the environment that runs the SDK's own tests.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Callable

import pytest

NOT_APPLICABLE = "not applicable: "
_CURATED = "test_environment_get"

for _module in ("", ".helpers", ".fake_credentials", ".proxy_fixtures"):
    sys.modules[f"devtools_testutils{_module}"] = sys.modules[__name__]


def __getattr__(name: str) -> Callable[..., None]:
    """Everything that prepares recordings does nothing."""
    if name.startswith(("add_", "set_", "remove_")):
        return lambda *_, **__: None
    raise AttributeError(name)


def is_live() -> bool:
    """Whether requests go to a service."""
    return True


def is_live_and_not_recording() -> bool:
    """Whether assets get made-up hashes; they keep their own, as when the tests are recorded."""
    return False


class AzureRecordedTestCase:
    """Base of test classes."""


class FakeTokenCredential:
    """Imported, and used in playback only."""


class VariableRecorder(dict[str, str]):
    """Names that a recording would keep."""

    def get_or_record(self, variable: str, default: str) -> str:
        """The value of a variable, its default the first time."""
        return self.setdefault(variable, default)


class Environment:
    """Environment variables, which a recording would hide."""

    def sanitize_batch(self, variables: dict[str, str]) -> dict[str, str]:
        """Their values."""
        return {name: os.environ.get(name, "") for name in variables}


@pytest.fixture(scope="session")
def test_proxy() -> None:
    """No recording proxy is started."""


@pytest.fixture
def recorded_test() -> dict[str, Any]:
    """No test is recorded."""
    return {"variables": {}}


@pytest.fixture(scope="session")
def environment_variables() -> Environment:
    """The environment as it is."""
    return Environment()


@pytest.fixture
def variable_recorder() -> VariableRecorder:
    """Variables of one test."""
    return VariableRecorder()


@pytest.fixture
def auth() -> Any:
    """The credential that finds the rehearsal's managed identity by its environment variables."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


@pytest.fixture
def client(auth: Any) -> Any:
    """The client of the cloud that the environment variables name."""
    from azure.ai.ml import MLClient

    names = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_ML_WORKSPACE")
    # Between two looks at an operation the SDK waits for half a minute.
    return MLClient(auth, *(os.environ[name] for name in names), polling_interval=0.5)


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Leaves out what needs another service, and waits that are for Azure's index of assets, which is minutes late."""
    import test_utilities.utils as theirs

    theirs.time = type("Clock", (), {"sleep": staticmethod(lambda seconds: None), "time": staticmethod(time.time)})
    for item in items:
        if item.name == _CURATED or any("registry" in fixture for fixture in item.fixturenames):
            what = "curated environments" if item.name == _CURATED else "registries"
            item.add_marker(pytest.mark.skip(reason=NOT_APPLICABLE + what))
