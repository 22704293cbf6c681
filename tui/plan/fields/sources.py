"""Where values and models may come from, beside the plan's own text and this machine's folders."""

from __future__ import annotations

import re
from pathlib import Path

_MAY_BE_SECRET = ("credential.", "workspace.", "deployment.environment_variables")
NO_SECRET_HERE = (
    "A secret cannot stand here: it is read when the plan is carried out, and this value is needed before. "
    "Write the value, or refer to a variable with ${env:NAME}."
)


def may_be_secret(key: str) -> bool:
    """Whether a field may refer to a secret of a Databricks scope or of a Key Vault."""
    return key.startswith(_MAY_BE_SECRET)


_SOURCES = ("runs:/", "models:/", "abfss://", "https://")
_KNOWN = (
    "A model may lie in a folder of this machine, on a volume (/Volumes/…), in DBFS (dbfs:/… where /dbfs is mounted), "
    "in Azure storage (abfss://… or https://…), on an MLflow server (runs:/… or models:/…), or be registered "
    "(azureml:NAME:VERSION)."
)
DBFS = Path("/dbfs")


def mounted(value: str) -> str:
    """`dbfs:/PATH` as the path under which a cluster mounts it (Databricks, "What is DBFS"); the rest as it is."""
    match = re.match(r"^dbfs:/+(.*)$", value)
    if not match or not DBFS.is_dir():
        return value
    inside = match[1]
    # A volume may be written as dbfs:/Volumes/…, and is not below /dbfs.
    return f"/{inside}" if inside.startswith("Volumes/") else f"{DBFS}/{inside}"


def wrong_source(key: str, value: str) -> tuple[str, str] | None:
    """What is wrong with a path that is no folder of this machine: what happened and what to do, or None."""
    if value.startswith("dbfs:"):
        return (
            f"{value} cannot be reached: DBFS is not mounted at {DBFS} here.",
            "It is mounted on clusters with dedicated access mode; copy the files to a volume (/Volumes/…) or to a "
            "folder of this machine, and name that.",
        )
    if key != "deployment.model.path":
        return f"{value} is not a path of this machine.", "Only the model can be brought from elsewhere; copy the file."
    if not value.startswith(_SOURCES):
        return f"A path that begins with {value.partition(':')[0]}: is not known.", _KNOWN
    if value.startswith("https://") and re.search(r"[?&]sig=", value):
        return (
            "The address carries a signature (SAS), which is a secret.",
            "Leave out what follows the ?; the files are read with the identity that signs in.",
        )
    for start, shape, form in _SHAPES:
        if value.startswith(start) and not re.match(shape, value):
            return f"{value} is not understood.", f"Write {form}."
    return None


_SHAPES = (
    # MLflow's documentation, "MLflow Model Registry" and "Artifact Stores"; Azure's, "Use the Azure Data Lake Storage
    # URI".
    ("runs:/", r"^runs:/[^/]+/.+$", "runs:/RUN/PATH"),
    ("models:/", r"^models:/([^/@]+/[^/@]+|[^/@]+@[^/@]+)$", "models:/NAME/VERSION or models:/NAME@ALIAS"),
    ("abfss://", r"^abfss://[^@/]+@[^/@]+/.+$", "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH"),
    ("https://", r"^https://[^/@]+/[^/]+/.+$", "https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH"),
)
