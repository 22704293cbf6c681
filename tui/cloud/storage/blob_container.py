"""Sends requests to one container of Blob storage (lists, blobs, blocks), with retries.

azure-storage-blob needs several milliseconds of processor time for each request and hides its retries; an upload of
thousands of small files would spend most of its time there. So the few requests of an upload are implemented here.
The interface is documented by Microsoft (Blob service REST API: Put Blob, Put Block, Put Block List, Get Block List,
List Blobs).
"""

from __future__ import annotations

import base64
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Callable
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

from tui import __version__
from tui.cloud.error_explanations import from_status
from tui.cloud.errors import Cancelled
from tui.cloud.http.retry_policy import POLICIES, delay, retry_after
from tui.cloud.storage.blob_access import Access
from tui.cloud.storage.blob_transport import StorageAnswer, Transport
from tui.cloud.storage.datastore import Datastore
from tui.cloud.storage.upload_pace import Pace

Sent = Callable[[int], None]  # bytes of a body sent so far

DIGEST = "aml_deploy_digest"  # metadata: the digest of the content (`tui.cloud.storage.folder_files`)

_SLICE = 256 * 1024  # bytes between two checks for cancellation
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_THROTTLED = frozenset({429, 503})
_STRANGER = 4  # attempts while the storage has never answered
_SILENCE = 180.0  # seconds without any successful request


class BlobContainer:
    """One container. All threads share its connections, pace and credential."""

    def __init__(
        self,
        target: Datastore,
        connections: int,
        told: Callable[[str, float], None],
        doing: str = "",
        seconds: float = 60.0,
    ) -> None:
        """`told` receives the reason and delay of each retry; `doing` completes "while …".

        After `seconds` without a response, a request is considered lost.
        """
        self._base = f"{target.account_url.rstrip('/')}/{target.container}"
        self._path = urlsplit(self._base).path
        self._transport = Transport(self._base, connections, target.recorder, seconds)
        self._access = Access(target.account_url, target.credential, target.renew)
        self._told, self._doing = told, doing
        self._lock = threading.Lock()
        self._arrived = 0.0  # time of the last successful request
        self._refused = 0  # credentials refused since then
        self.pace = Pace(connections)

    def close(self) -> None:
        """End all requests in progress as far as possible, and start no more."""
        self.pace.stop()
        self._transport.close()

    def blobs(self, prefix: str) -> Iterator[tuple[str, int, dict[str, str]]]:
        """Name, size and metadata of the blobs below a prefix. Raises CloudError, Cancelled, and requests' errors."""
        query = {"restype": "container", "comp": "list", "prefix": prefix, "include": "metadata"}
        while True:
            root = ElementTree.fromstring(self._ask("GET", "", query).content)
            for blob in root.iter("Blob"):
                name = blob.find("Name")
                text = (name.text or "") if name is not None else ""
                if name is not None and name.get("Encoded") == "true":
                    text = unquote(text)
                size = int(blob.findtext("Properties/Content-Length") or 0)
                yield text, size, {item.tag.lower(): item.text or "" for item in blob.findall("Metadata/*")}
            marker = root.findtext("NextMarker")
            if not marker:
                return
            query = {**query, "marker": marker}

    def look(self) -> None:
        """Request an empty list, to test access. Raises CloudError, and requests' errors."""
        query = {"restype": "container", "comp": "list", "prefix": "aml-deploy-check/", "maxresults": "1"}
        answer, _ = self._send("GET", "", query, {}, None, lambda count: None)
        if answer.status != 200:
            raise from_status(answer.status, answer.text, answer.headers, self._doing)

    def staged(self, name: str) -> dict[str, int]:
        """Ids and sizes of the uncommitted blocks. Raises as `blobs`."""
        query = {"comp": "blocklist", "blocklisttype": "uncommitted"}
        answer = self._ask("GET", name, query, good=(200, 404))
        if answer.status == 404:
            return {}
        root = ElementTree.fromstring(answer.content)
        return {block.findtext("Name") or "": int(block.findtext("Size") or 0) for block in root.iter("Block")}

    def put_blob(self, name: str, content: memoryview, digest: str = "", sent: Sent = lambda count: None) -> None:
        """Upload a complete blob. Raises as `blobs`."""
        headers = {"x-ms-blob-type": "BlockBlob", "content-type": "application/octet-stream", **_metadata(digest)}
        self._ask("PUT", name, {}, headers, content, sent)

    def put_block(self, name: str, block: str, content: memoryview, sent: Sent) -> None:
        """Upload one block. Raises as `blobs`."""
        headers = {"content-type": "application/octet-stream"}
        self._ask("PUT", name, {"comp": "block", "blockid": block}, headers, content, sent)

    def put_block_list(self, name: str, blocks: Sequence[str], digest: str = "") -> None:
        """Commit the blocks of a blob. Raises as `blobs`."""
        items = "".join(f"<Latest>{block}</Latest>" for block in blocks)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{items}</BlockList>'.encode()
        headers = {"content-type": "application/xml", "x-ms-blob-content-type": "application/octet-stream"}
        self._ask("PUT", name, {"comp": "blocklist"}, {**headers, **_metadata(digest)}, memoryview(body))

    def _ask(
        self,
        method: str,
        name: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        body: memoryview | None = None,
        sent: Sent = lambda count: None,
        good: Sequence[int] = (200, 201),
    ) -> StorageAnswer:
        import requests

        attempt, begun = 0, time.monotonic()
        while True:
            attempt += 1
            epoch = self.pace.enter()
            failure: Exception | None = None
            answer: StorageAnswer | None = None
            generation, pause, throttled = 0, 0.0, False
            try:
                answer, generation = self._send(method, name, dict(query), dict(headers or {}), body, sent)
                throttled = answer.status in _THROTTLED
                pause = retry_after("upload", answer.headers) or 0.0
            except requests.RequestException as error:
                failure = error
            finally:
                self.pace.leave(epoch, answer is not None and answer.status in good, throttled, pause)
            if answer is not None and answer.status in good:
                self._arrived, self._refused = time.monotonic(), 0
                return answer
            sent(0)
            if answer is not None and self._may_renew(answer, generation):
                continue
            final = failure is not None and "CERTIFICATE_VERIFY_FAILED" in str(failure)
            if answer is not None:
                final = answer.status not in _AGAIN and answer.code != "Md5Mismatch"
            if final or self._given_up(attempt, begun):
                if answer is not None:
                    raise from_status(answer.status, answer.text, answer.headers, self._doing)
                assert failure is not None
                raise failure
            seconds = delay("upload", attempt - 1, pause or None)
            self._told("did not answer" if answer is None else f"answered {answer.status}", seconds)
            if not pause:  # with a pause, the pace makes all threads wait
                self.pace.wait(seconds)

    def _given_up(self, attempt: int, begun: float) -> bool:
        if not self._arrived:
            return attempt >= _STRANGER
        return attempt >= POLICIES["upload"].tries or time.monotonic() - max(begun, self._arrived) > _SILENCE

    def _may_renew(self, answer: StorageAnswer, generation: int) -> bool:
        """Whether a refused signature or token was replaced; they can expire during an upload."""
        if answer.status != 401 and not (answer.status == 403 and answer.code == "AuthenticationFailed"):
            return False
        with self._lock:
            if generation == self._access.generation:
                self._refused += 1
            if self._refused > 2:
                return False
        return self._access.renewed(generation)

    def _send(
        self,
        method: str,
        name: str,
        query: dict[str, str],
        headers: dict[str, str],
        body: memoryview | None,
        sent: Sent,
    ) -> tuple[StorageAnswer, int]:
        size = 0 if body is None else len(body)
        headers["content-length"] = str(size)
        headers["x-ms-client-request-id"] = str(uuid.uuid4())
        headers["user-agent"] = f"aml-deploy/{__version__}"
        tail = "/" + quote(name, safe="/~") if name else ""
        text, generation = self._access.sign(method, self._path + tail, query, headers)
        url = f"{self._base}{tail}?{text}" if text else f"{self._base}{tail}"
        content = None if body is None else bytes(body) if size <= _SLICE else self._slices(body, sent)
        answer = self._transport.send(method, url, headers, content)
        sent(size)
        return answer, generation

    def _slices(self, body: memoryview, sent: Sent) -> Iterator[memoryview]:
        for start in range(0, len(body), _SLICE):
            if self.pace.stopped:
                raise Cancelled
            sent(start)
            yield body[start : start + _SLICE]


def block_id(index: int, digest: bytes) -> str:
    """The id of a block: all ids of a blob have the same length, and the same id means the same bytes there."""
    return base64.b64encode(index.to_bytes(4, "big") + digest).decode()


def _metadata(digest: str) -> dict[str, str]:
    return {f"x-ms-meta-{DIGEST}": digest} if digest else {}
