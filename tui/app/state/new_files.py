"""Places and names of new files."""

from __future__ import annotations

import contextlib
import errno
import glob
import itertools
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from tui.app.state.background import in_background, in_thread
from tui.common.typed_path import here, is_file
from tui.common.write_atomic import write_atomic
from tui.plan import presets

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from tui.plan.load_save.document import Document

KEPT = "-unsaved-"  # in the names of files with unsaved edits


def numbered(folder: Path, stem: str, ending: str) -> Iterator[Path]:
    """Yield `stem`, `stem-2`, `stem-3` and so on in a folder, each with the ending."""
    return (
        folder / (f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}") for number in itertools.count(1)
    )


def new_path(folder: Path, stem: str, ending: str = "") -> Path:
    """Return the first path of `numbered` that does not exist."""
    return next(path for path in numbered(folder, stem, ending) if not path.exists())


def stem_of(name: str) -> str:
    """Return a model's name as a file name stem."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "model"


def place_of_copies() -> Path:
    """Return the current folder, or the state folder's plans if that cannot be written. Raises OSError."""
    from tui.engine.journal.state_folder import plans_folder

    return here() if os.access(here(), os.W_OK) else plans_folder()


def copy_of_preset(document: Document, place: Path | None = None) -> tuple[Document, Path]:
    """Copy a preset's files to a new folder in `place` (None: the place of copies), so that they can be changed.

    Returns the plan with the copied files, whose relative paths start from the current folder, and the file that it is
    to be saved to. Raises OSError.
    """
    name = document.origin.partition("preset ")[2]
    own = new_path(place or place_of_copies(), name)
    try:
        shutil.copytree(presets.folder() / name, own, copy_function=shutil.copyfile)  # the package's may be read-only
    except OSError as error:
        shutil.rmtree(own, ignore_errors=True)  # else each try, which is one a letter, would leave one more
        if isinstance(error, shutil.Error):  # a list of all files, each with the reason as text
            raise OSError(errno.EIO, error.args[0][0][2]) from None
        raise
    inside = document.rebased(presets.folder() / name)
    inside.base = own
    return inside.rebased(here()), own / f"{name}.yml"


def new_plan_file(document: Document) -> Path:
    """Return an unused path in the state folder's plans, named after the endpoint."""
    from tui.engine.journal.state_folder import plans_folder

    return new_path(plans_folder(), stem_of(str(document.value("endpoint.name") or "plan")), ".yml")


def saved_in(plan: Path) -> str:
    """Say in which folder a plan was saved."""
    folder = plan.parent
    return f"Saved in ./{folder.relative_to(here())}" if here() in folder.parents else f"Saved in {folder}"


def write_aside(node: DOMNode, name: str, text: Callable[[], str], say: Callable[[str], object]) -> None:
    """Write a text to a file of the state folder, in the background; `say` gets where it is, or why not."""
    from tui.engine.journal.state_folder import state_folder

    def written() -> Path:
        path = state_folder() / name
        write_atomic(path, text(), mode=0o600)
        return path

    async def write() -> None:
        try:
            say(f"Written to {await in_thread(written)}")
        except OSError as error:
            say(f"✖ The file cannot be written: {error.strerror or error}.")

    in_background(node, write, "write-aside")


def content_of(path: Path | None) -> bytes | None:
    """Return a file's content; None if it is not there or cannot be read."""
    with contextlib.suppress(OSError):
        return path.read_bytes() if path is not None and is_file(path) else None
    return None


def kept_edits(plan: Path | None) -> Path:
    """Return a new file for unsaved edits of a plan (None: a preset), in the state folder's plans. Raises OSError."""
    from tui.engine.journal.state_folder import plans_folder

    return new_path(plans_folder(), _stem_of_kept(plan), ".yml")


def has_kept_edits(plan: Path | None) -> bool:
    """Whether edits were kept after the plan was last saved."""
    from tui.engine.journal.state_folder import plans_folder

    try:
        kept = plans_folder().glob(f"{glob.escape(_stem_of_kept(plan))}*.yml")
        return plan is not None and any(path.stat().st_mtime > plan.stat().st_mtime for path in kept)
    except OSError:
        return False


def _stem_of_kept(plan: Path | None) -> str:
    whose = zlib.crc32(str(plan.absolute() if plan else "").encode("utf-8", "replace"))
    return f"{plan.stem if plan else 'plan'}{KEPT}{whose:08x}"
