"""The folders of this machine in which state and caches are kept."""

from __future__ import annotations

from pathlib import Path

from tui.common.typed_path import typed_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def state_folder(environ: Mapping[str, str]) -> Path:
    """The state folder: `AML_DEPLOY_HOME`, else the platform's. Not created."""
    return _folder(environ.get("AML_DEPLOY_HOME"), "user_state_path")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The cache on local disk: `AML_DEPLOY_CACHE`, else the platform's. Not created."""
    return _folder(environ.get("AML_DEPLOY_CACHE"), "user_cache_path")


def _folder(given: str | None, otherwise: str) -> Path:
    if given:
        return typed_path(given)
    # Imported only if no variable is set, since every command loads this module.
    import platformdirs

    return Path(getattr(platformdirs, otherwise)("aml-deploy"))
