"""What a deployment uses that ends: its virtual machine's size, the Ubuntu and the Python of its image.

The dates and their sources are in `tui/plan/sizes.py` and `tui/plan/data/end_of_life.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from tui.plan import sizes

AHEAD = timedelta(days=183)
_TABLE = Path(sizes.__file__).with_name("data") / "end_of_life.yml"
# How names of images and environments (minimal-ubuntu22.04-py39-cpu-inference) and conda files give the versions.
_VERSIONS = {
    "python": re.compile(r"(?<![a-z])py(?:thon)?(?:={1,2}|[:-])?(3)\.?(\d{1,2})(?!\d)"),
    "ubuntu": re.compile(r"ubuntu[:-]?(\d\d)\.?(04)(?!\d)"),
}


def soon(instance_types: Iterable[str], images: Iterable[str], today: date | None = None) -> list[dict[str, str]]:
    """What ends within six months, or has ended: `{"what", "date", "source"}`, the soonest first.

    `images` are texts about environments: names, images, conda files.
    """
    found = []
    for name in dict.fromkeys(instance_types):
        size = sizes.find(name)
        planned = sizes.retirement(size) if size else None
        if planned:
            found.append((planned.on, f"{name} retires", sizes.RETIREMENTS))
    for text in images:
        for kind, pattern in _VERSIONS.items():
            known = _table()[kind]
            for parts in pattern.findall(text.lower()):
                version = ".".join(parts)
                if version in known["ends"]:
                    found.append((known["ends"][version], known["what"].format(version=version), known["source"]))
    until = (today or date.today()) + AHEAD
    return [
        {"what": what, "date": day.isoformat(), "source": source}
        for day, what, source in sorted(set(found))
        if day <= until
    ]


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    import yaml

    loaded: dict[str, Any] = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return loaded
