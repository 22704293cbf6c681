"""A real MLflow server with a small model, in a virtual environment of its own: its pins are not ours."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# SQLAlchemy 2.1 has lost a name that this release of the server imports.
PACKAGES = ("mlflow==3.4.0", "scikit-learn==1.7.2", "sqlalchemy<2.1")
MAKE = """
import mlflow, pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0, 60.0, 70.0], "balance": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
model = LogisticRegression().fit(rows, [0, 0, 0, 1, 1, 1])
with mlflow.start_run() as run:
    mlflow.sklearn.log_model(
        model, name="model", registered_model_name="churn", input_example=rows[:2],
        signature=infer_signature(rows, model.predict(rows)),
        # The last two are imported by the script that Azure brings, and are not added by Azure.
        pip_requirements=[
            "mlflow-skinny==3.4.0", "scikit-learn==1.7.2", "pandas==2.2.3", "azureml-ai-monitoring==1.0.0",
        ],
    )
mlflow.MlflowClient().set_registered_model_alias("churn", "champion", "1")
print("RUN", run.info.run_id)
"""


def environment() -> Path:
    """The interpreter of the server's environment, made once for a machine."""
    mark = hashlib.sha256("".join(PACKAGES).encode()).hexdigest()[:12]
    folder = (
        Path(os.environ.get("AML_DEPLOY_TEST_CACHE") or Path(tempfile.gettempdir(), "aml-deploy-tests"))
        / f"mlflow-{mark}"
    )
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        uv = _uv()
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(folder)], check=True, timeout=60)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *PACKAGES], check=True, timeout=400)
        (folder / "ready").touch()
    return python


def _uv() -> str:
    from uv import find_uv_bin

    return str(find_uv_bin())


class MlflowServer:
    """A server on loopback; `run` is the id of the run that logged the model `churn`, version 1."""

    def __init__(self, folder: Path) -> None:
        self._python = environment()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "mlflow.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    str(self._python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
                    "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
                    "--artifacts-destination", str(folder / "artifacts"),
                ],
                stdout=log, stderr=log, start_new_session=True, cwd=folder,
            )  # fmt: skip
        self._wait()
        done = subprocess.run(
            [str(self._python), "-c", MAKE],
            env={**os.environ, "MLFLOW_TRACKING_URI": self.url},
            cwd=folder, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        self.run = done.stdout.partition("RUN ")[2].split()[0]

    def _wait(self) -> None:
        import requests

        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log.read_text()[-2000:]
            try:
                if requests.get(f"{self.url}/health", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.2)
        raise AssertionError(self.log.read_text()[-2000:])

    def close(self) -> None:
        """End the server and its workers."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(30)
