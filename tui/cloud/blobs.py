"""Files into the workspace's datastore: several at a time, exact progress, cancelled within a second.

The SDK's own upload cannot be cancelled, reports per file only, and waits 15 s after one broken connection; so
azure-storage-blob is used directly.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from tui.cloud import arm
from tui.cloud.errors import Cancelled, CloudError, explain
from tui.cloud.files import LocalFile
from tui.cloud.retry import report
from tui.cloud.session import Cloud

if TYPE_CHECKING:
    from tui.cloud.recorder import Recorder

Progress = Callable[[int, int], None]  # bytes done, bytes in all

_DATASTORE = "workspaceblobstore"  # the name under which every workspace has its default blob container
_WORKERS = 16
_BLOCK = 4 * 1024 * 1024
_TICK = 0.1  # seconds between two reports of progress and looks at `cancelled`


@dataclass(frozen=True)
class Datastore:
    """Where uploads go; `credential` is a SAS token, an account key or the session's own credential."""

    name: str
    account_url: str
    container: str
    credential: Any
    recorder: Recorder | None = None

    def __repr__(self) -> str:
        return f"Datastore({self.name}, {self.account_url}/{self.container})"


def datastore(cloud: Cloud) -> Datastore:
    """The workspace's default blob datastore with a credential for it. Raises CloudError."""
    doing = "reading the workspace's datastore"
    base = f"{cloud.workspace_id}/datastores"
    found = cloud.arm.find(f"{base}/{_DATASTORE}", arm.DATASTORES, doing=doing)
    if found is None:
        query = {"isDefault": "true"}
        found = next(iter(cloud.arm.items(base, arm.DATASTORES, query=query, doing=doing)), None)
    if found is None:
        raise CloudError(
            title="The workspace has no default datastore",
            cause=f"There is no datastore named {_DATASTORE} and none is marked as default.",
            remedy="Register a blob container as the workspace's default datastore.",
        )
    name, properties = str(found["name"]), found.get("properties") or {}
    kind = str(properties.get("datastoreType") or "AzureBlob")
    if kind not in {"AzureBlob", "AzureDataLakeGen2"}:
        raise CloudError(
            title=f"The default datastore {name} cannot take uploads",
            cause=f"It is of type {kind}; blob storage is needed.",
            remedy="Make a blob container the workspace's default datastore.",
        )
    account = properties.get("accountName")
    return Datastore(
        name=name,
        account_url=f"https://{account}.blob.{cloud.metadata.storage_suffix}",
        container=str(properties.get("containerName") or properties.get("filesystem")),
        credential=_secret(cloud, f"{base}/{name}", properties) or cloud.credential,
        recorder=cloud.recorder,
    )


def _secret(cloud: Cloud, resource: str, properties: dict[str, Any]) -> str | None:
    """A SAS token or key where the datastore has one; None where the caller's own identity is to be used."""
    kind = str((properties.get("credentials") or {}).get("credentialsType") or "None")
    if kind in {"None", "ServicePrincipal"}:
        return None
    try:
        body = {"expirableSecret": True}
        answer = cloud.arm.call("POST", f"{resource}/listSecrets", arm.DATASTORES, body=body).body
    except CloudError as error:
        # Not everybody may read secrets; the identity itself may still be allowed to write blobs.
        if error.status in {401, 403, 404, 405}:
            return None
        raise
    secret = (answer or {}).get("sasToken") or (answer or {}).get("key")
    return str(secret).lstrip("?") if secret else None


def upload(
    target: Datastore,
    files: list[LocalFile],
    prefix: str,
    progress: Progress,
    cancelled: Callable[[], bool],
    what: str = "the model",
) -> None:
    """Uploads files below `prefix`; what is there already with the same size is not sent again.

    The prefix has to be made from the content, so that the same name means the same bytes. `progress` is called from
    this thread about ten times a second. Raises Cancelled within a second after `cancelled()` is true, or CloudError.
    """
    _Upload(target, files, prefix, what).run(progress, cancelled)


class _Upload:
    """One upload: worker threads take files from a queue, the calling thread watches them.

    The threads are daemons: one that hangs in a dead connection must hold up neither the caller nor the exit.
    """

    def __init__(self, target: Datastore, files: list[LocalFile], prefix: str, what: str) -> None:
        self._files, self._prefix, self._what = files, prefix.rstrip("/"), what
        self._total = sum(file.size for file in files)
        self._sent: dict[str, int] = {}
        self._queue: deque[LocalFile] = deque()
        self._told: deque[str] = deque(maxlen=10)  # retries, for the thread that watches
        self._client = _container(target)
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._working = 0
        self._failure: BaseException | None = None

    def run(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        progress(0, self._total)
        self._spawn(self._begin)
        try:
            while not self._ended.wait(_TICK):
                if cancelled():
                    raise Cancelled
                progress(self._done(), self._total)
                while self._told:
                    report(self._told.popleft(), 1.0)
        finally:
            self._stop.set()
        if self._failure is not None:
            raise explain(self._failure, doing=f"uploading {self._what}") from None
        progress(self._total, self._total)

    def _done(self) -> int:
        return min(self._total, sum(list(self._sent.values())))

    def _spawn(self, work: Callable[[], None]) -> None:
        """Runs `work` in a thread; the upload has ended when the last thread has, or the first has failed."""

        def guarded() -> None:
            try:
                work()
            except Cancelled:
                pass
            except BaseException as error:
                self._failure = self._failure or error
                self._stop.set()
                self._ended.set()
            with self._lock:
                self._working -= 1
                if not self._working:
                    self._ended.set()

        with self._lock:
            self._working += 1
        threading.Thread(target=guarded, name="upload", daemon=True).start()

    def _begin(self) -> None:
        """Looks at what is there already, then starts the workers."""
        listed = self._client.list_blobs(name_starts_with=self._prefix + "/", retry_hook=self._retried)
        there = {blob.name: blob.size for blob in listed}
        # Large files first, so that no worker is left alone with one at the end.
        for file in sorted(self._files, key=lambda file: -file.size):
            if there.get(self._name(file)) == file.size:
                self._sent[file.name] = file.size
            else:
                self._queue.append(file)
        for _ in range(min(_WORKERS, len(self._queue))):
            self._spawn(self._work)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                file = self._queue.popleft()
            except IndexError:
                return
            self._send(file)

    def _send(self, file: LocalFile) -> None:
        def hook(current: int, _total: int | None) -> None:
            if self._stop.is_set():
                raise Cancelled
            self._sent[file.name] = min(current, file.size)

        with file.path.open("rb") as stream:
            self._client.upload_blob(
                self._name(file),
                stream,
                length=file.size,
                overwrite=True,
                max_concurrency=8 if file.size > 4 * _BLOCK else 1,
                progress_hook=hook,
                retry_hook=self._retried,
            )
        self._sent[file.name] = file.size

    def _retried(self, **about: Any) -> None:
        if self._stop.is_set():
            raise Cancelled
        response = about.get("response")
        reason = f"answered {response.status_code}" if response is not None else "did not answer"
        self._told.append(f"The storage {reason}.")

    def _name(self, file: LocalFile) -> str:
        return f"{self._prefix}/{file.name}"


def _container(target: Datastore) -> Any:
    import requests
    from azure.core.pipeline.transport import RequestsTransport
    from azure.storage.blob import ContainerClient, ExponentialRetry
    from requests.adapters import HTTPAdapter

    # One connection a thread; requests keeps ten otherwise and opens the rest anew for each block.
    connections = _WORKERS * 4
    if target.recorder is not None:
        session = target.recorder.session("storage", connections)
    else:
        session = requests.Session()
        session.mount("https://", HTTPAdapter(pool_maxsize=connections))
    return ContainerClient(
        target.account_url,
        target.container,
        credential=target.credential,
        transport=RequestsTransport(session=session, session_owner=False),
        retry_policy=ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=4, random_jitter_range=1),
        max_block_size=_BLOCK,
        max_single_put_size=_BLOCK,
        connection_timeout=10,
        read_timeout=60,
    )
