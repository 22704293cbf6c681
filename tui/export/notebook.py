"""The plan as a Databricks notebook in source format; secrets come from a scope, through dbutils.secrets.

The format (first line, COMMAND and MAGIC marks) is that of Databricks, "Export and import Databricks notebooks".
"""

from __future__ import annotations

from tui.export.plan_source import Source
from tui.export.python_code import credential, entities, modules, sections
from tui.export.targets import Export, ExportedFile

CELL = "\n\n# COMMAND ----------\n\n"
SCOPE = "aml-deploy"
_SETTING = f'''\
# The secret scope that holds what is not a variable of the cluster; one backed by a Key Vault will do.
SCOPE = "{SCOPE}"


def setting_or_secret(name):
    """A variable of the cluster, else the secret of that name in the scope; _ is written - in a Key Vault."""
    if os.environ.get(name):
        return os.environ[name]
    try:
        return dbutils.secrets.get(scope=SCOPE, key=name)
    except Exception:
        return dbutils.secrets.get(scope=SCOPE, key=name.replace("_", "-"))'''


def files(source: Source) -> Export:
    """deploy_notebook.py, to be imported into a Databricks workspace. Raises PlanInvalid."""
    made, notes = sections(source, setting="setting_or_secret")
    body = "\n".join(section.code for section in made)
    name, _ = credential(source)
    standard, beside = modules(source)
    cells = [
        _markdown(str(source.value("description") or "Deploy a model to a managed online endpoint"), _ABOUT),
        "# MAGIC %pip install -q azure-ai-ml azure-identity",
        "dbutils.library.restartPython()",
        "\n".join(
            [
                *[f"import {one}" for one in sorted(["os", *standard])],
                "from pathlib import Path",
                "",
                *[f"import {one}" for one in beside],
                "from azure.ai.ml import MLClient",
                entities(source),
                "from azure.core.exceptions import ResourceNotFoundError",
                f"from azure.identity import {name}",
                "",
                "HERE = Path.cwd()  # the folder of this notebook",
                *([_SETTING] if "setting_or_secret(" in body else []),
            ]
        ),
    ]
    for section in made:
        cells += [_markdown(section.title, section.about, level=2), section.code]
    text = "# Databricks notebook source\n" + CELL.join(cells) + "\n"
    notes = [*notes, *_secrets(source)]
    return Export([ExportedFile("deploy_notebook.py", text)], notes)


_ABOUT = "Written by aml-deploy from a plan; it uses Azure's SDK alone. Paths start from this notebook's folder."


def _markdown(title: str, about: str, level: int = 1) -> str:
    lines = ["%md", f"{'#' * level} {title}", *([about] if about else [])]
    return "\n".join(f"# MAGIC {line}" for line in lines)


def _secrets(source: Source) -> list[str]:
    names = sorted(source.variables())
    if not names:
        return []
    return [f"Put these into the secret scope {SCOPE}, or give the cluster variables of the names: {', '.join(names)}."]
