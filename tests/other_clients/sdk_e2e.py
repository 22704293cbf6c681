"""The end-to-end tests in the source distribution of azure-ai-ml, unmodified, run live against the rehearsal.

The distribution has the tests and not the files that they read; those come from its public repository at the release's
tag, or from a folder.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.other_clients.setting import NotRunError, Outcome, environment, read_report

REPOSITORY = "https://github.com/Azure/azure-sdk-for-python"
TESTS = (
    "online_services/e2etests",
    "test_online_endpoint_operations_gaps.py",
    "model/e2etests",
    "code_asset/e2etests",
    "environment/e2etests",
    "dataset/e2etests/test_data.py",
    "workspace/e2etests/test_workspace.py::TestWorkspace::test_workspace_diagnosis",
)


def _unpacked_tests(python: Path, release: str, folder: Path) -> None:
    """Puts the distribution's `tests` into the folder. Raises CalledProcessError."""
    command = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "azure-ai-ml"]
    subprocess.run([*command, "--dest", folder, f"azure-ai-ml=={release}"], check=True)
    with tarfile.open(next(folder.glob("azure_ai_ml-*.tar.gz"))) as archive:
        for member in archive.getmembers():
            # Without the top folder; the SDK itself stays packed: the installed one is tested.
            member.name = member.name.partition("/")[2]
            if member.name.startswith("tests/") and member.isfile():
                archive.extract(member, folder)


def _cloned_configs(release: str, folder: Path) -> Path:
    """The tests' own files, from the repository. Raises NotRunError."""
    inside = "sdk/ml/azure-ai-ml/tests/test_configs"
    clone = ["git", "clone", "--quiet", "--depth", "1", "--filter=blob:none", "--sparse"]
    try:
        subprocess.run([*clone, "--branch", f"azure-ai-ml_{release}", REPOSITORY, folder], check=True)
        subprocess.run(["git", "-C", folder, "sparse-checkout", "set", inside], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotRunError(
            f"{REPOSITORY} cannot be cloned; give the tests' own files with --test-configs FOLDER"
        ) from error
    return folder / inside


def run(env: dict[str, str], folder: Path, test_configs: Path | None) -> Outcome:
    """Runs them in an environment of their own. Raises NotRunError, CalledProcessError."""
    release = version("azure-ai-ml")
    python = environment(folder / "venv", f"azure-ai-ml=={release}", "pytest", "pytest-mock", "azure-mgmt-msi")
    _unpacked_tests(python, release, folder)
    with tempfile.TemporaryDirectory() as clone:
        configs = test_configs or _cloned_configs(release, Path(clone))
        shutil.copytree(configs, folder / "tests" / "test_configs", dirs_exist_ok=True)
    with (folder / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        # Theirs signs in at the public cloud by name, with a service principal or the Azure CLI.
        conftest.write("\n\nfrom recording_stand_in import auth, client\n")
    report = folder / "report.xml"
    pytest = [
        python,
        "-m",
        "pytest",
        "-v",
        "-p",
        "recording_stand_in",
        "-p",
        "no:cacheprovider",
        "--tb=short",
        "--disable-warnings",
    ]
    subprocess.run(
        [*pytest, f"--junitxml={report}", *(f"tests/{name}" for name in TESTS)],
        cwd=folder,
        env={**env, "PYTHONPATH": str(Path(__file__).parent), "TQDM_DISABLE": "1"},
        check=False,
    )
    outcome = Outcome("azure-ai-ml, its end-to-end tests", release)
    read_report(report, outcome)
    return outcome
