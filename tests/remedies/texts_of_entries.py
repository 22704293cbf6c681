"""The texts that must bring an entry of the catalogue first: the files of the folder texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

TEXTS: list[dict[str, Any]] = [
    text
    for file in sorted((Path(__file__).parent / "texts").glob("*.yml"))
    for text in yaml.safe_load(file.read_text(encoding="utf-8"))
]
