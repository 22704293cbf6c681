"""`python -m tui.rehearsal.images.build_request`: prints what an image build would request from uv, as JSON.

For programs that fetch the packages of a scoring environment in advance, so that both read conda files and pip's
settings in the same way. Standard input: `{"conda": text}` or `{"mlflow": folder}` of a local MLflow model without
code, or `{}` for the settings alone. Standard output, one object: `set` and `unset` (variables for uv), `arguments`,
`python`, `packages` and `notes`; or `error`, a sentence. It is for a pipe: addresses of indexes may contain passwords.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from tui.common import uv_program
from tui.common.conda_requirements import CondaFileInvalid, Requirements, parse, read
from tui.rehearsal.images import package_index
from tui.rehearsal.programs import without_secrets


def main() -> int:
    """Answer the request on standard input; return the exit code."""
    asked = json.load(sys.stdin)
    notes: list[str] = []
    try:
        requirements = _requirements(asked, notes)
    except CondaFileInvalid as error:
        print(json.dumps({"error": str(error)}))
        return 0
    pip = asyncio.run(package_index.pip_settings())
    environment = uv_program.environment(pip, requirements.options, without_secrets(os.environ))
    answer = {
        "set": {name: value for name, value in environment.items() if os.environ.get(name) != value},
        "unset": [name for name in os.environ if name not in environment],
        "arguments": uv_program.arguments(requirements.options, pip),
        "python": requirements.python,
        "packages": requirements.packages,
        "notes": [*notes, *requirements.warnings],
    }
    print(json.dumps(answer))
    return 0


def _requirements(asked: dict[str, Any], notes: list[str]) -> Requirements:
    if asked.get("mlflow"):
        return read(parse(_conda_of_model(Path(asked["mlflow"]), notes)))
    return read(parse(asked["conda"])) if asked.get("conda") else Requirements()


def _conda_of_model(folder: Path, notes: list[str]) -> str:
    from tui.rehearsal.serving.mlflow_serving import completed

    try:
        return completed((folder / "conda.yaml").read_text(encoding="utf-8"), notes.append)
    except (OSError, UnicodeDecodeError):
        raise CondaFileInvalid(
            f"The MLflow model {folder} has no readable conda.yaml, so its packages are unknown."
        ) from None


if __name__ == "__main__":
    sys.exit(main())
