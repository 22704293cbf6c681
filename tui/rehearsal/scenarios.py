"""Failures that can be made to happen, for practice and for tests. Standard library only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from tui.rehearsal.places import Home
from tui.rehearsal.process import RehearsalError

SCENARIOS = {
    "quota": "No cores are left in any family: a deployment is refused at once.",
    "image-build": "The environment cannot be built: ImageBuildFailure, the registry cannot be reached.",
    "out-of-capacity": "The region has no machines left: the deployment fails with OutOfQuota.",
    "storage-access": "The endpoint's identity may not read the model: the deployment fails with BadArgument.",
    "managed-network-not-ready": "The managed virtual network is not provisioned yet: WorkspaceManagedNetworkNotReady.",
    "operation-canceled": "A higher priority operation takes over: OperationCanceled.",
    "internal-error": "The service fails: InternalServerError.",
    "upload-forbidden": "Uploads answer 403, AuthorizationPermissionMismatch.",
    "endpoint-forbidden": "The identity may not write endpoints: 403, AuthorizationFailed.",
    "signin-forbidden": "The identity has no role at all: Resource Manager answers 403 to everything.",
    "throttling": "Every third request to Resource Manager answers 429 with Retry-After 1.",
    "server-errors": "Every third poll of an operation answers 500.",
    "connection-reset": "Every tenth request to Resource Manager is cut off without an answer.",
    "slow-storage": "Every request to storage takes half a second longer.",
    "short-tokens": "Access tokens are good for five seconds.",
}


def select(home: Home, names: Iterable[str]) -> None:
    """Makes exactly these scenarios happen from now on, also in a rehearsal that runs.

    Raises RehearsalError for a name that is not there, and OSError.
    """
    chosen = sorted(set(names))
    for name in chosen:
        if name not in SCENARIOS:
            raise RehearsalError(f"There is no scenario '{name}'. There are: {', '.join(SCENARIOS)}.")
    path = home.folder / "scenarios.json"
    temporary = path.with_suffix(f".{os.getpid()}.new")
    temporary.write_text(json.dumps(chosen))
    temporary.replace(path)


class Active:
    """The scenarios that happen now: read anew when somebody changed them."""

    def __init__(self, home: Home) -> None:
        self._file = home.folder / "scenarios.json"
        self._seen = (-1, -1)
        self._names: frozenset[str] = frozenset()
        self._counts: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        try:
            status = self._file.stat()
        except OSError:
            return False
        # The inode too: two changes may fall into one tick of the clock.
        if (status.st_mtime_ns, status.st_ino) != self._seen:
            try:
                self._names = frozenset(map(str, json.loads(self._file.read_text())))
            except (OSError, ValueError, TypeError):
                self._names = frozenset()
            self._seen = (status.st_mtime_ns, status.st_ino)
            self._counts.clear()
        return name in self._names

    def every(self, name: str, times: int) -> bool:
        """True for every so-many-th call while the scenario is active."""
        if name not in self:
            return False
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name] % times == 0
