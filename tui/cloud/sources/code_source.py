"""Copies registered code to this machine. azure-ai-ml offers this in no public class."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from tui.cloud.assets.code import snapshot_hash
from tui.cloud.errors import CloudError, reading
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.cloud.sources import blob_source, staging
from tui.cloud.storage.datastore import default_datastore
from tui.cloud.storage.folder_files import walk


def download(cloud: Cloud, identifier: str, folder: Path, name: str) -> Path:
    """Copy the code with a resource id to the folder `name` in `folder`; return where it is.

    A folder of that name with the same files is kept; one with other files too, and the copy gets a number. Raises
    CloudError if the code or its storage cannot be read, or the folder cannot be written.
    """
    if not identifier.lower().startswith("/subscriptions/"):
        raise CloudError(f"{identifier} is not code of a workspace", "Code of registries is not read.")
    uri = _address(cloud.arm.call("GET", identifier, arm.CODES, doing="reading the registered code").body)
    found = staging.listing(cloud, uri, place=_place(cloud, uri))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder))
        try:
            made = scratch / name
            made.mkdir()
            staging.only(found, tuple(item.name for item in found.items), made)
            return _put(made, folder / name)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise CloudError(f"{folder / name} cannot be written", f"{error.strerror or error}.") from None


@reading("the registered code")
def _address(body: dict[str, Any]) -> str:
    return str(body["properties"]["codeUri"])


def _put(made: Path, target: Path) -> Path:
    """Move a folder to a place that is free or has the same files."""
    content, number, wanted = snapshot_hash(walk(made)), 1, target
    while target.exists():
        if target.is_dir() and snapshot_hash(walk(target)) == content:
            return target
        number += 1
        target = wanted.with_name(f"{wanted.name}-{number}")
    return made.rename(target)


def _place(cloud: Cloud, uri: str) -> blob_source.Place:
    """The code's place; with the default datastore's credential if it is in that account, as in azure-ai-ml 1.35."""
    place = blob_source.parse(uri)
    with contextlib.suppress(CloudError):
        store = default_datastore(cloud)
        if place.account_url == store.account_url:
            return replace(place, credential=store.credential)
    return place
