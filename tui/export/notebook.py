"""Exports the plan as a Databricks notebook in source format; secrets are read from a scope by dbutils.secrets.

The format (first line, COMMAND and MAGIC marks) is from Databricks, "Export and import Databricks notebooks".
"""

from __future__ import annotations

from itertools import takewhile

from tui.export.fill_template import filled, template
from tui.export.plan_source import Source
from tui.export.python_code import program
from tui.export.targets import Export, ExportedFile

CELL = "\n\n# COMMAND ----------\n\n"
SCOPE = "aml-deploy"


def files(source: Source) -> Export:
    """deploy_notebook.py, to be imported into a Databricks workspace. Raises PlanInvalid."""
    made = program(source, setting="setting_or_secret")
    title = str(source.value("description") or "Deploy a model to a managed online endpoint")
    head = filled(template("deploy_notebook.py"), {**made.values, "title": title, "scope": f'"{SCOPE}"'})
    cells = [head.rstrip("\n")]
    for section in made.sections:
        heading = list(takewhile(lambda line: line.startswith("# "), section.splitlines()))
        cells += [_markdown(heading), section.split("\n", len(heading))[-1].rstrip("\n")]
    return Export([ExportedFile("deploy_notebook.py", CELL.join(cells) + "\n")], [*made.notes, *_secrets(source)])


def _markdown(heading: list[str]) -> str:
    """A Markdown cell from a section's heading: its title, and one line of explanation."""
    title, *about = (line[2:] for line in heading)
    lines = ["%md", f"## {title}", *([" ".join(about)] if about else [])]
    return "\n".join(f"# MAGIC {line}" for line in lines)


def _secrets(source: Source) -> list[str]:
    names = sorted(source.variables())
    if not names:
        return []
    return [f"Add these to the secret scope {SCOPE}, or set them as cluster variables: {', '.join(names)}."]
