"""The plan as a Python script that needs Azure's SDK and nothing of ours."""

from __future__ import annotations

import textwrap

from tui.export.plan_source import Source
from tui.export.python_code import credential, entities, modules, sections
from tui.export.targets import Export, ExportedFile

_SETTING = '''\
def setting(name):
    """The value of an environment variable; ends the program with a sentence where it is not set."""
    value = os.environ.get(name)
    if not value:
        sys.exit(f"Set the environment variable {name} first.")
    return value
'''


def files(source: Source) -> Export:
    """deploy.py. Raises PlanInvalid."""
    made, notes = sections(source, setting="setting")
    body = "\n".join(section.code for section in made)
    name, _ = credential(source)
    asks = "setting(" in body
    standard, beside = modules(source)
    names = sorted([*standard, *(["os", "sys"] if asks else [])])
    paths = "HERE" in body or "Path(" in body
    head = [
        '"""' + _about(source),
        '"""',
        "",
        *[f"import {name}" for name in names],
        *(["from pathlib import Path"] if paths else []),
        *([""] if names or paths else []),
        *[f"import {name}" for name in beside],
        "from azure.ai.ml import MLClient",
        entities(source),
        *(["from azure.core.exceptions import ResourceNotFoundError"]),
        f"from azure.identity import {name}",
        "",
        *(["HERE = Path(__file__).resolve().parent"] if "HERE" in body else []),
        "",
        *(["", _SETTING, ""] if asks else []),
    ]
    parts = ["\n".join(head)]
    for section in made:
        about = "\n".join(textwrap.wrap(section.about, 110, initial_indent="# ", subsequent_indent="# "))
        parts.append(f"# {section.title}\n" + (f"{about}\n" if about else "") + section.code + "\n")
    return Export([ExportedFile("deploy.py", "\n".join(parts))], notes)


def _about(source: Source) -> str:
    text = source.value("description") or "Deploys a model to a managed online endpoint of Azure Machine Learning."
    lines = textwrap.wrap(str(text).replace('"""', "'''").rstrip(".") + ".", 110)
    return "\n".join(
        [
            *lines,
            "",
            "Written by aml-deploy from a plan; it needs nothing of it:",
            "    pip install azure-ai-ml azure-identity",
            "    python deploy.py",
        ]
    )
