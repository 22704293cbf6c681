"""What `rehearsal add` has added: assets that a user's own workspace, or a registry, already holds."""

from __future__ import annotations

import shutil
from typing import Any

from tui.rehearsal.arm.workspaces import REGISTRY, Workspace
from tui.rehearsal.blobs.store import BlobStore
from tui.rehearsal.files import Watched, read_json
from tui.rehearsal.places import Home

FILES = "{files}"
"""In the properties of an added asset: the address of its files, once they are in the storage."""


def known(home: Home) -> list[dict[str, Any]]:
    """All added assets in the order of their addition, without those whose file cannot be read."""
    return [one for one in map(read_json, sorted(home.added.glob("*.json"))) if one]


class AddedAssets:
    """What is added now; a process that adds an asset writes a file (`add_asset`)."""

    def __init__(self, home: Home) -> None:
        self._folder = home.added
        self._known = Watched(home.added, lambda: known(home))

    def of(self, holder: Workspace) -> list[dict[str, Any]]:
        """What a workspace or registry holds of them: every workspace the same, a registry its own."""
        name = holder.name.lower() if holder.isolation == REGISTRY else ""
        return [one for one in self._known.now if one["registry"].lower() == name]

    def take_in(self, stamp: str, blobs: BlobStore) -> str:
        """Move the files of an asset into the storage, unless they are there; return their container."""
        container, folder = f"added-{stamp}", self._folder / stamp
        blobs.create_container(container)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            blobs.take(container, file.relative_to(folder).as_posix(), file, "application/octet-stream")
        shutil.rmtree(folder, ignore_errors=True)
        return container
