"""Where the rehearsal keeps its things on local disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path


def _platform_folder(kind: str) -> Path:
    # Only imported when no variable says otherwise: every command of the project pays for this module.
    import platformdirs

    if kind == "state":
        return platformdirs.user_state_path("aml-deploy")
    return platformdirs.user_cache_path("aml-deploy")


def state_folder(environ: Mapping[str, str]) -> Path:
    """The state folder that this rehearsal belongs to: `AML_DEPLOY_HOME`, else the platform's. Not created."""
    given = environ.get("AML_DEPLOY_HOME")
    return Path(given).expanduser() if given else _platform_folder("state")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The cache on local disk: `AML_DEPLOY_CACHE`, else the platform's. Not created."""
    given = environ.get("AML_DEPLOY_CACHE")
    return Path(given).expanduser() if given else _platform_folder("cache")


class Home:
    """The private folder of one rehearsal, one for each state folder.

    It lies in the cache and not in the state folder, because the state folder may be on storage without
    locks, appends and random writes.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Home:
        """The home for the state folder that `environ` names. Not created."""
        cache = cache_folder(environ)
        digest = hashlib.sha256(os.fsencode(state_folder(environ).resolve())).hexdigest()[:16]
        return cls(cache / "rehearsals" / digest, cache)

    def create(self) -> None:
        """Makes the folder, readable by its owner only. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkdir's mode is subject to the umask and not applied to a folder that was there.
        if self.folder.stat().st_mode & 0o077:
            self.folder.chmod(0o700)

    @property
    def server_file(self) -> Path:
        """Process id, port and start of the server that runs or ran last."""
        return self.folder / "server.json"

    @property
    def start_lock(self) -> Path:
        """Held while somebody starts or stops the server."""
        return self.folder / "start.lock"

    @property
    def alive_lock(self) -> Path:
        """Held by the server for as long as it lives: who can take it knows that none runs."""
        return self.folder / "alive.lock"

    @property
    def used_mark(self) -> Path:
        """Touched by every command that points a client at the rehearsal; keeps it from ending as idle."""
        return self.folder / "used"

    @property
    def log_file(self) -> Path:
        """The server's own log."""
        return self.folder / "rehearsal.log"

    @property
    def secrets_file(self) -> Path:
        """The seed that the rehearsal's own keys and tokens are derived from (mode 0600)."""
        return self.folder / "identity.json"

    @property
    def certificates(self) -> Path:
        """Certification authority, server certificate and the bundles made for clients."""
        return self.folder / "certificates"

    @property
    def authority_file(self) -> Path:
        """The certificate of the rehearsal's own certification authority, PEM."""
        return self.certificates / "authority.pem"

    @property
    def workspaces(self) -> Path:
        """One small file for each workspace that a client named beyond the two that are built in."""
        return self.folder / "workspaces"

    @property
    def database(self) -> Path:
        """Resources, operations and the index of blobs."""
        return self.folder / "resources.sqlite"

    @property
    def blobs(self) -> Path:
        """Contents of blobs."""
        return self.folder / "blobs"

    @property
    def containers(self) -> Path:
        """Working folders of deployments."""
        return self.folder / "containers"
