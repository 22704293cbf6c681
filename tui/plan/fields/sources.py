"""Sources of values and models other than the plan's text and local folders."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_MAY_BE_SECRET = ("credential.", "workspace.", "deployment.environment_variables")
NO_SECRET_HERE = (
    "A secret reference is not allowed here: secrets are read when the plan runs, but this value is needed earlier. "
    "Enter the value, or refer to a variable with ${env:NAME}."
)


def may_be_secret(key: str) -> bool:
    """Whether a field may refer to a secret in a Databricks scope or a Key Vault."""
    return key.startswith(_MAY_BE_SECRET)


_SOURCES = ("runs:/", "models:/", "abfss://", "https://", "azureml://")
_NO_DBFS = (
    "{value} cannot be reached: DBFS is not mounted at /dbfs here.",
    "It is mounted on clusters with dedicated access mode; copy the files to a volume (/Volumes/…) or to a local "
    "folder, and use that path.",
)
_KNOWN = (
    "A model can be in a local folder, on a volume (/Volumes/…), in DBFS (dbfs:/… if /dbfs is mounted), in Azure "
    "storage (abfss://… or https://…), on an MLflow server (runs:/… or models:/…), or registered "
    "(azureml:NAME:VERSION)."
)
DBFS = Path("/dbfs")
SIGNED = (
    "The value contains a shared access signature (SAS), which is a secret.",
    "Remove the part from the ? on; files are read with the identity that is signed in. For a variable of the "
    "container, use a reference such as ${env:NAME}.",
)


def signed(value: object) -> bool:
    """Whether a text, or any text in a map or list, contains a signature; a reference in its place is none."""
    return re.search(r"[?&]sig=(?!\$\{)", str(value), re.IGNORECASE) is not None


IN_AZUREML = re.compile(r"^azureml://(?:subscriptions/.+/)?(?:datastores/[^/]+/paths|jobs/[^/]+/outputs/[^/]+)(?:/|$)")
"""Files in a datastore or of a job's output, which the workspace reads in place (azure-ai-ml 1.35, `ModelSchema`)."""


def is_registered(value: object) -> bool:
    """Whether a model's path refers to a registered model: `azureml:NAME:VERSION`, or one of a registry."""
    return isinstance(value, str) and value.startswith("azureml:") and not IN_AZUREML.match(value)


def mounted(value: str) -> str:
    """`dbfs:/PATH` as the path at which a cluster mounts it (Databricks, "What is DBFS"); others unchanged."""
    match = re.match(r"^dbfs:/+(.*)$", value)
    if not match or not DBFS.is_dir():
        return value
    inside = match[1]
    # A volume can be written as dbfs:/Volumes/…, but is not below /dbfs.
    return f"/{inside}" if inside.startswith("Volumes/") else f"{DBFS}/{inside}"


def not_here(path: str) -> tuple[str, str] | None:
    """For an absolute path of Databricks on a machine without that file system: (what is wrong, what to do)."""
    root = next((root for root in (str(DBFS), "/Volumes", "/Workspace") if path.startswith(f"{root}/")), None)
    # macOS mounts its disks at /Volumes.
    if root is None or (Path(root).is_dir() and sys.platform != "darwin"):
        return None
    if root == str(DBFS):
        return _NO_DBFS[0].format(value=path), _NO_DBFS[1]
    return (
        f"{path} cannot be reached: {root} is Databricks' own, and there only on its clusters.",
        "Run aml-deploy on a cluster, or copy the files to a local folder (databricks fs cp, databricks workspace "
        "export-dir), and use that path.",
    )


def wrong_source(key: str, value: str) -> tuple[str, str] | None:
    """Validate a path that is not local: (what is wrong, what to do), or None."""
    if signed(value):
        return SIGNED
    if value.startswith("dbfs:"):
        return _NO_DBFS[0].format(value=value), _NO_DBFS[1]
    if key != "deployment.model.path":
        return f"{value} is not a local path.", "Only the model can come from elsewhere; copy the file to this machine."
    if not value.startswith(_SOURCES):
        return f"Paths that start with {value.partition(':')[0]}: are not supported.", _KNOWN
    for start, shape, form in _SHAPES:
        if value.startswith(start) and not re.match(shape, value):
            return f"{value} is not valid.", f"Use {form}."
    return None


_SHAPES = (
    # MLflow's documentation, "MLflow Model Registry" and "Artifact Stores"; Azure's, "Use the Azure Data Lake Storage
    # URI".
    ("runs:/", r"^runs:/[^/]+/.+$", "runs:/RUN/PATH"),
    ("models:/", r"^models:/([^/@]+/[^/@]+|[^/@]+@[^/@]+)$", "models:/NAME/VERSION or models:/NAME@ALIAS"),
    ("abfss://", r"^abfss://[^@/]+@[^/@]+/.+$", "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH"),
    ("https://", r"^https://[^/@]+/[^/]+/.+$", "https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH"),
)
