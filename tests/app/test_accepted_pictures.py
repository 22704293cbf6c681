"""Accepted pictures that no test draws any more are found."""

from __future__ import annotations

import re
from pathlib import Path

from tests.app.pictures import FOLDER


def test_every_accepted_picture_is_drawn_by_a_test() -> None:
    """Check that every accepted picture is drawn by a test."""
    here = Path(__file__).parent
    files = [here / "test_snapshots.py", *here.glob("*/test_*_pictures.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    accepted = [path for path in FOLDER.glob("*.svg") if not path.stem.endswith(".new")]
    names = {re.sub(r"-(\d+x\d+|16-colours)$", "", path.stem) for path in accepted}
    unknown = [
        name
        for name in names
        if f'"{name}"' not in source
        and f'"{name.partition("-")[0]}-{{step}}"' not in source
        and not name.startswith("no-colour-")
    ]
    assert not unknown
