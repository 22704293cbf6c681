"""The folders and files of the rehearsal on local disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from tui.common.own_folders import cache_folder, state_folder


class Home:
    """The private folder of one rehearsal; there is one for each state folder.

    It is in the cache instead of the state folder, since the state folder may be on storage without
    locks, appends and random writes.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        # Process id, port and start time of the current or last server.
        self.server_file = folder / "server.json"
        # Locked while a process starts or stops the server.
        self.start_lock = folder / "start.lock"
        # Locked by the server while it runs: if the lock is free, no server runs.
        self.alive_lock = folder / "alive.lock"
        # What autoscale saw and did, a line of JSON for each run of a setting.
        self.autoscale_file = folder / "autoscale.jsonl"
        # Touched by every command that sets up a client; keeps the rehearsal from ending as idle.
        self.used_mark = folder / "used"
        # The server's own log.
        self.log_file = folder / "rehearsal.log"
        # The seed that the rehearsal's own keys and tokens are derived from (mode 0600).
        self.secrets_file = folder / "identity.json"
        # Certification authority, server certificate and the bundles made for clients.
        self.certificates = folder / "certificates"
        # The certificate of the rehearsal's own certification authority, PEM.
        self.authority_file = self.certificates / "authority.pem"
        # One small file for each workspace added by a client to the built-in ones.
        self.workspaces = folder / "workspaces"
        # What `rehearsal add` adds to every workspace, or to a registry: one small file for each, and its files.
        self.added = folder / "added"
        # Resources, operations and the index of blobs.
        self.database = folder / "resources.sqlite"
        # Contents of blobs.
        self.blobs = folder / "blobs"
        # Working folders of deployments.
        self.containers = folder / "containers"
        # The chosen scenarios, durations, and roles of the practice identities.
        self.scenarios_file = folder / "scenarios.json"
        self.pace_file = folder / "pace.json"
        self.engine_file = folder / "container-engine.json"
        self.rights_file = folder / "rights.json"

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Home:
        """The home for the state folder that `environ` names. Not created."""
        cache = cache_folder(environ)
        digest = hashlib.sha256(os.fsencode(state_folder(environ).resolve())).hexdigest()[:16]
        return cls(cache / "rehearsals" / digest, cache)

    def create(self) -> None:
        """Create the folder, readable by its owner only. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkdir's mode is subject to the umask and not applied to an existing folder.
        if self.folder.stat().st_mode & 0o077:
            self.folder.chmod(0o700)
