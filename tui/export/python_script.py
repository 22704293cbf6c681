"""Exports the plan as a Python script that uses Azure's SDK and does not need aml-deploy."""

from __future__ import annotations

import textwrap

from tui.export.fill_template import filled
from tui.export.plan_source import Source
from tui.export.python_code import program
from tui.export.targets import Export, ExportedFile


def files(source: Source) -> Export:
    """The script, deploy.py. Raises PlanInvalid."""
    made = program(source, setting="setting")
    text = source.value("description") or "Deploys a model to a managed online endpoint of Azure Machine Learning."
    about = textwrap.fill(str(text).replace('"""', "'''").rstrip(".") + ".", 110)
    head = filled(made.head, {**made.values, "about": about})
    return Export([ExportedFile("deploy.py", (head + "".join(made.sections)).rstrip("\n") + "\n")], made.notes)
