"""Reads models of MLflow and Unity Catalog: `runs:/RUN/PATH`, `models:/NAME/VERSION`, `models:/NAME@ALIAS`."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Callable

from tui.cloud.errors import CloudError
from tui.cloud.http.logged_call import logged_command
from tui.cloud.sources.source_listing import Item, Listing

# Without a response, MLflow would retry for minutes while a user waits.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
_MOST_FOLDERS = 2000


def listing(source: str) -> Listing:
    """The files of a run's artifact or of a registered model. Raises CloudError."""
    artifacts = _client(source)
    exact = source
    try:
        with logged_command("python", "-c", f"import mlflow; print(mlflow.artifacts.list_artifacts({source!r}))"):
            exact = _without_alias(source)
            root = "/".join(exact.split("/")[2:]) if exact.startswith("runs:/") else ""
            items = _walk(artifacts, exact, root)
    except Exception as error:
        raise explained(error, source) from None

    def fetch(item: Item, target: Path, progress: Callable[[int], None]) -> None:
        """Fetch a file; MLflow cannot continue a partial file, but complete files are kept."""
        scratch = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
        try:
            uri = f"{exact}/{item.name}"
            with logged_command("mlflow", "artifacts", "download", "--artifact-uri", uri):
                got = artifacts.download_artifacts(artifact_uri=uri, dst_path=str(scratch))
            progress(0)
            Path(got).replace(target)
        except OSError as error:
            raise CloudError(title=f"{item.name} cannot be written", cause=str(error.strerror or error)) from None
        except Exception as error:
            raise (explained(error, source) if _of_mlflow(error) else error) from None
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    leaf = re.sub(r"[^\w.-]", "-", exact.rstrip("/").split("/")[-1]) if exact.startswith("runs:/") else "model"
    return Listing(exact, leaf or "model", tuple(sorted(items, key=lambda item: item.name)), fetch)


def _client(source: str) -> Any:
    """mlflow.artifacts, set up for the server that the environment names."""
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    try:
        import mlflow
        from mlflow import artifacts
    except ImportError:
        raise CloudError(
            title=f"{source} cannot be read",
            cause="The package mlflow-skinny is not installed.",
            remedy="Install it: pip install 'aml-deploy[mlflow]'.",
            code="PackageMissing",
        ) from None
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        if not (os.environ.get("DATABRICKS_RUNTIME_VERSION") or os.environ.get("DATABRICKS_HOST")):
            raise CloudError(
                title=f"The MLflow server of {source} is unknown",
                cause="Neither MLFLOW_TRACKING_URI nor DATABRICKS_HOST is set.",
                remedy="Set MLFLOW_TRACKING_URI to the server's address, or to databricks with DATABRICKS_HOST and "
                "DATABRICKS_TOKEN.",
                code="MlflowServerUnknown",
            )
        mlflow.set_tracking_uri("databricks")
    if not os.environ.get("MLFLOW_REGISTRY_URI"):
        # A model of Unity Catalog has a name of three parts (Databricks, "Manage model lifecycle in Unity Catalog").
        three = bool(re.match(r"models:/[^/@.]+\.[^/@.]+\.[^/@.]+[/@]", source))
        mlflow.set_registry_uri("databricks-uc" if three else mlflow.get_tracking_uri())
    return artifacts


def _without_alias(source: str) -> str:
    """The source with an alias (`models:/NAME@ALIAS`, `models:/NAME/latest`) replaced by its current version."""
    import mlflow

    found = re.fullmatch(r"models:/([^/@]+)@([^/]+)", source)
    if found:
        version = mlflow.MlflowClient().get_model_version_by_alias(found[1], found[2]).version
        return f"models:/{found[1]}/{version}"
    found = re.fullmatch(r"models:/([^/@]+)/latest", source)
    if found:
        versions = [int(one.version) for one in mlflow.MlflowClient().search_model_versions(f"name='{found[1]}'")]
        if versions:
            return f"models:/{found[1]}/{max(versions)}"
    return source.rstrip("/")


def _walk(artifacts: Any, exact: str, root: str) -> list[Item]:
    """Every file of the source, with names relative to it; a run's server names them relative to the run's root."""
    items: list[Item] = []
    folders = [exact]
    for _ in range(_MOST_FOLDERS):
        if not folders:
            return items
        for one in artifacts.list_artifacts(artifact_uri=folders.pop()):
            name = one.path[len(root) + 1 :] if root and one.path.startswith(root + "/") else one.path
            if one.is_dir:
                folders.append(f"{exact}/{name}")
            else:
                items.append(Item(name, int(one.file_size or 0)))
    raise CloudError(title=f"{exact} has too many folders", cause=f"The limit is {_MOST_FOLDERS}.")


def _of_mlflow(error: BaseException) -> bool:
    return type(error).__module__.split(".")[0] in ("mlflow", "requests", "urllib3")


def explained(error: BaseException, source: str) -> CloudError:
    """Turn an exception of MLflow's client into a CloudError; a CloudError is returned unchanged."""
    if isinstance(error, CloudError):
        return error
    code = str(getattr(error, "error_code", "") or "")
    text = str(error).partition("\n")[0]
    status: int | None = None
    if code == "RESOURCE_DOES_NOT_EXIST" or ("alias" in text and "not found" in text):
        cause, remedy, status = text.partition(": ")[2] or text, "Check run, name, version and alias.", 404
    elif code in ("PERMISSION_DENIED", "UNAUTHENTICATED") or "403" in text or "401" in text:
        cause, status = text, 403
        remedy = (
            "Sign in (MLFLOW_TRACKING_TOKEN, or DATABRICKS_HOST and DATABRICKS_TOKEN), and ask for permission to read "
            "the model; in Unity Catalog: EXECUTE on it, USE SCHEMA and USE CATALOG."
        )
    elif "Max retries exceeded" in text or "Connection" in type(error).__name__ or "timed out" in text:
        cause, remedy = "The MLflow server does not answer.", "Check MLFLOW_TRACKING_URI and the network."
    else:
        cause, remedy = text, "Check the address of the model."
    return CloudError(
        title=f"{source} cannot be read",
        cause=cause,
        remedy=remedy,
        raw=str(error),
        code=code or "MlflowRefused",
        status=status,
    )
