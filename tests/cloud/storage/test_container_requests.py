"""Requests to the workspace's container: how they are signed, repeated and given up, and what is sent at all."""

from __future__ import annotations

import base64
import hashlib
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.http.retry_policy import POLICIES, RetryPolicy
from tui.cloud.storage import blob_access, blob_container, folder_files, uploader
from tui.cloud.storage.blob_access import Access
from tui.cloud.storage.blob_container import BlobContainer, block_id
from tui.cloud.storage.blob_transport import StorageAnswer
from tui.cloud.storage.datastore import Datastore, container_of, default_datastore
from tui.cloud.storage.folder_files import LocalFile, digest_of, piece_hash, piece_size, walk
from tui.cloud.storage.uploader import Different, Upload, upload_and_hash

SAS = "sv=1&sig=x"
KEY = base64.b64encode(b"key").decode()


class Storage:
    """Answers in turn in the place of the transport; keeps what was sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.sent = list(answers), []

    def send(self, method: str, url: str, headers: dict[str, str], body: Any) -> StorageAnswer:
        content = body if isinstance(body, bytes) or body is None else b"".join(bytes(part) for part in body)
        self.sent.append((method, url, headers, content))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        pass


def answer(status: int, content: bytes = b"", **headers: str) -> StorageAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return StorageAnswer(status, named, content)


OK, BUSY = answer(201), answer(500)
BROKEN = requests.ConnectionError("reset")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, "upload", RetryPolicy((0.0,), tries=6, longest_hint=0.02))


def container(*answers: Any, credential: Any = SAS, renew: Any = None) -> tuple[BlobContainer, Storage, list[Any]]:
    told: list[tuple[str, float]] = []
    target = Datastore("s", "https://acc.blob.core.windows.net/", "c", credential, renew=renew)
    made = BlobContainer(target, 4, lambda *said: told.append(said), "uploading")
    storage = Storage(*answers)
    made._transport = storage  # type: ignore[assignment]
    return made, storage, told


def put(made: BlobContainer, content: bytes = b"12345") -> list[int]:
    seen: list[int] = []
    made.put_blob("a b", memoryview(content), "digest", seen.append)
    return seen


def test_a_blob_is_sent_whole_and_named_as_in_its_url() -> None:
    made, storage, _ = container(OK)
    assert put(made) == [5]
    method, url, headers, content = storage.sent[0]
    assert (method, url, content) == ("PUT", f"https://acc.blob.core.windows.net/c/a%20b?{SAS}", b"12345")
    assert headers["content-length"] == "5" and headers["x-ms-meta-aml_deploy_digest"] == "digest"
    assert made._access.generation == 0


@pytest.mark.parametrize(("size", "seen"), [(256 * 1024, [262144]), (256 * 1024 + 1, [0, 262144, 262145])])
def test_a_large_body_is_sent_in_slices(size: int, seen: list[int]) -> None:
    made, storage, _ = container(OK)
    assert put(made, bytes(size)) == seen and storage.sent[0][3] == bytes(size)


def test_a_stop_ends_a_body_between_two_slices() -> None:
    made, _, _ = container(OK)
    slices = made._slices(memoryview(bytes(600_000)), lambda count: None)
    assert len(next(slices)) == 262144
    made.close()
    with pytest.raises(Cancelled):
        next(slices)
    with pytest.raises(Cancelled):
        put(made)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_storage_is_asked_again(status: int) -> None:
    made, storage, told = container(answer(status), OK)
    put(made)
    assert len(storage.sent) == 2 and told == [(f"answered {status}", 0.0)]


@pytest.mark.parametrize(("status", "code"), [(400, ""), (403, "Other"), (404, ""), (409, ""), (501, "")])
def test_a_refusal_is_final(status: int, code: str) -> None:
    made, storage, told = container(answer(status, x_ms_error_code=code))
    with pytest.raises(CloudError) as caught:
        put(made)
    assert caught.value.status == status and len(storage.sent) == 1 and told == []


def test_a_damaged_body_is_sent_again() -> None:
    made, storage, _ = container(answer(400, x_ms_error_code="Md5Mismatch"), OK)
    assert put(made) == [5, 0, 5] and len(storage.sent) == 2


@pytest.mark.parametrize(
    ("answers", "tries", "kind"),
    [
        ([BROKEN], 4, requests.ConnectionError),
        ([BUSY], 4, CloudError),
        ([requests.ConnectionError("CERTIFICATE_VERIFY_FAILED")], 1, requests.ConnectionError),
    ],
)
def test_a_storage_that_never_answered_is_given_up_soon(answers: list[Any], tries: int, kind: type[Exception]) -> None:
    made, storage, told = container(*answers)
    with pytest.raises(kind):
        put(made)
    assert len(storage.sent) == tries and len(told) == tries - 1


def test_a_storage_that_has_answered_is_given_more_attempts() -> None:
    made, storage, told = container(OK, *([BROKEN] * 5), OK)
    put(made)
    put(made)
    assert len(storage.sent) == 7 and told[0] == ("did not answer", 0.0)
    made, storage, _ = container(OK, BROKEN)
    put(made)
    with pytest.raises(requests.ConnectionError):
        put(made)
    assert len(storage.sent) == 1 + 6


@pytest.mark.parametrize(("silence", "tries"), [(-1.0, 1), (60.0, 6)])
def test_a_long_silence_ends_the_attempts(monkeypatch: pytest.MonkeyPatch, silence: float, tries: int) -> None:
    monkeypatch.setattr(blob_container, "_SILENCE", silence)
    made, storage, _ = container(OK, BROKEN)
    put(made)
    with pytest.raises(requests.ConnectionError):
        put(made)
    assert len(storage.sent) == 1 + tries


@pytest.mark.parametrize("status", [429, 503])
def test_a_throttled_request_slows_all_down(status: int) -> None:
    made, storage, told = container(answer(status, Retry_After="1"), OK)
    made.pace._limit = 4.0
    put(made)
    assert made.pace.limit == 2 and told == [(f"answered {status}", 0.02)]
    made, _, _ = container(BUSY, OK)
    put(made)
    assert made.pace.limit == 4


@pytest.mark.parametrize(
    ("refusal", "renewing"),
    [
        (answer(401), True),
        (answer(403, x_ms_error_code="AuthenticationFailed"), True),
        (answer(403, x_ms_error_code="AuthorizationFailure"), False),
        (answer(404, x_ms_error_code="AuthenticationFailed"), False),
    ],
)
def test_an_expired_signature_is_renewed(refusal: StorageAnswer, renewing: bool) -> None:
    made, storage, told = container(refusal, OK, renew=lambda: "sv=2&sig=y")
    if not renewing:
        with pytest.raises(CloudError):
            put(made)
        return
    put(made)
    assert told == [] and storage.sent[1][1].endswith("?sv=2&sig=y")


@pytest.mark.parametrize(("refusals", "raised"), [(2, False), (3, True)])
def test_a_credential_that_is_refused_again_and_again_ends_it(refusals: int, raised: bool) -> None:
    made, storage, _ = container(*([answer(401)] * refusals), OK, renew=lambda: "sv=2&sig=y")
    if raised:
        with pytest.raises(CloudError):
            put(made)
    else:
        put(made)
        assert made._refused == 0
    made, storage, _ = container(answer(401))
    with pytest.raises(CloudError):
        put(made)
    assert len(storage.sent) == 1


LIST = b"<EnumerationResults><Blobs>%s</Blobs>%s</EnumerationResults>"
ONE = (
    b'<Blob><Name Encoded="true">p/a%%20b</Name><Properties><Content-Length>3</Content-Length></Properties>'
    b"<Metadata><AML_deploy_digest>d</AML_deploy_digest><x/></Metadata></Blob>"
) % ()
TWO = b"<Blob><Name>p/a%%20b</Name><Properties/></Blob><Blob/>" % ()


def test_every_page_of_a_list_is_read() -> None:
    first = answer(200, LIST % (ONE, b"<NextMarker>next</NextMarker>"))
    made, storage, _ = container(first, answer(200, LIST % (TWO, b"")))
    assert list(made.blobs("p/")) == [
        ("p/a b", 3, {"aml_deploy_digest": "d", "x": ""}), ("p/a%20b", 0, {}), ("", 0, {}),
    ]  # fmt: skip
    assert "marker=next" in storage.sent[1][1] and "marker" not in storage.sent[0][1]


def test_the_blocks_of_an_interrupted_upload() -> None:
    block = b"<BlockList><UncommittedBlocks><Block><Name>id</Name><Size>5</Size></Block></UncommittedBlocks></BlockList>"
    made, _, _ = container(answer(200, block))
    assert made.staged("a") == {"id": 5}
    made, _, _ = container(answer(404))
    assert made.staged("a") == {}


@pytest.mark.parametrize(("status", "ok"), [(200, True), (403, False), (500, False)])
def test_access_is_tested_with_one_request(status: int, ok: bool) -> None:
    made, storage, _ = container(answer(status))
    if ok:
        made.look()
    else:
        with pytest.raises(CloudError):
            made.look()
    assert len(storage.sent) == 1 and "maxresults=1" in storage.sent[0][1]


def test_block_ids_have_one_length_and_their_place() -> None:
    assert block_id(1, bytes(32)) != block_id(2, bytes(32))
    assert len({len(block_id(number, bytes(32))) for number in (0, 255, 49_999)}) == 1


# Signing


@pytest.mark.parametrize(
    ("credential", "query", "text", "scheme"),
    [
        ("sv=1&sig=x", {"comp": "list"}, "comp=list&sv=1&sig=x", None),
        ("sv=1&sig=x", {}, "sv=1&sig=x", None),
        ("sig=x", {}, "sig=x", None),
        (KEY, {"a b": "c/d"}, "a%20b=c%2Fd", "SharedKey acc:"),
    ],
)
def test_a_request_is_signed(credential: str, query: dict[str, str], text: str, scheme: str | None) -> None:
    headers = {"content-length": "0"}
    found = Access("https://acc.blob.core.windows.net", credential).sign("GET", "/c", query, headers)
    assert found == (text, 0) and headers["x-ms-version"] == blob_access.VERSION
    assert headers.get("authorization", "").startswith(scheme or "") and ("authorization" in headers) is bool(scheme)


def test_a_signature_by_key_covers_what_the_storage_reads() -> None:
    access = Access("https://127.0.0.1/acc.blob.x", KEY)
    assert access._account == "acc"
    base = {"x-ms-version": "v", "content-length": "5", "content-type": "t"}
    sign = access._signature
    known = sign(KEY, "PUT", "/c/a", {"comp": "block"}, base)
    assert known == sign(KEY, "PUT", "/c/a", {"comp": "block"}, {**base, "other": "x"})
    for change in ({"content-length": "6"}, {"content-type": "u"}, {"x-ms-version": "w"}):
        assert known != sign(KEY, "PUT", "/c/a", {"comp": "block"}, {**base, **change})
    assert known != sign(KEY, "GET", "/c/a", {"comp": "block"}, base)
    assert known != sign(KEY, "PUT", "/c/a", {"comp": "list"}, base)
    zero = {**base, "content-length": "0"}
    del base["content-length"]
    assert sign(KEY, "PUT", "/c", {}, zero) == sign(KEY, "PUT", "/c", {}, base)


@pytest.mark.parametrize(
    ("left", "later", "asked"),
    [(3600, 599, 1), (3600, 601, 2), (1000, 599, 1), (800, 499, 1), (800, 501, 2), (600, 299, 1), (600, 301, 2),
     (-5, 0, 2)],
)  # fmt: skip
def test_a_token_is_asked_for_again_in_time(
    monkeypatch: pytest.MonkeyPatch, left: float, later: float, asked: int
) -> None:
    now = [1000.0]
    monkeypatch.setattr(blob_access, "time", SimpleNamespace(time=lambda: now[0]))
    scopes: list[str] = []

    class Identity:
        def get_token(self, scope: str) -> Any:
            scopes.append(scope)
            return SimpleNamespace(token="t", expires_on=now[0] + left)

    access = Access("https://acc.blob.x", Identity())
    for _ in range(2):
        headers: dict[str, str] = {}
        access.sign("GET", "/c", {}, headers)
        assert headers["authorization"] == "Bearer t"
        now[0] += later
    assert scopes == [blob_access.SCOPE] * asked
    assert access.renewed(0) and access.generation == 1 and access.renewed(0) and access.generation == 1
    access.sign("GET", "/c", {}, {})
    assert len(scopes) == asked + 1


def test_a_signature_that_cannot_be_renewed() -> None:
    assert not Access("https://acc.blob.x", SAS).renewed(0)
    assert not Access("https://acc.blob.x", SAS, lambda: None).renewed(0)


# The datastore


def datastore(service: Service, properties: dict[str, Any], secret: Reply) -> None:
    service.on("GET", f"{WORKSPACE.id}/datastores/workspaceblobstore",
               Reply(body={"name": "workspaceblobstore", "properties": properties}))  # fmt: skip
    service.on("POST", "/listSecrets", secret)


KEYED = {"accountName": "acc", "containerName": "c", "credentials": {"credentialsType": "AccountKey"}}


@pytest.mark.parametrize(
    ("properties", "secret", "expected"),
    [
        (KEYED, Reply(body={"sasToken": "?sig=x"}), "sig=x"),
        (KEYED, Reply(body={"key": "k"}), "k"),
        (KEYED, Reply(body={"sasToken": "sig=x", "key": "k"}), "sig=x"),
        (KEYED, Reply(body={}), None),
        (KEYED, Reply(401), None),
        (KEYED, Reply(403), None),
        (KEYED, Reply(404), None),
        (KEYED, Reply(405), None),
        ({"accountName": "acc"}, Reply(body={"key": "k"}), None),
        ({"accountName": "acc", "credentials": {"credentialsType": "ServicePrincipal"}}, Reply(body={"key": "k"}), None),
    ],
)
def test_the_credential_of_the_datastore(
    service: Service, cloud: Any, properties: dict[str, Any], secret: Reply, expected: str | None
) -> None:
    datastore(service, properties, secret)
    found = default_datastore(cloud)
    assert found.credential == (expected or cloud.credential)
    assert (found.renew is not None) is (expected is not None) and (found.renew is None or found.renew() == expected)


def test_a_datastore_that_cannot_be_used(service: Service, cloud: Any) -> None:
    datastore(service, KEYED, Reply(400))
    with pytest.raises(CloudError):
        default_datastore(cloud)
    for kind, usable in (("AzureBlob", True), ("AzureDataLakeGen2", True), ("AzureFile", False)):
        datastore(service, {"accountName": "a", "datastoreType": kind}, Reply(403))
        if usable:
            default_datastore(cloud)
        else:
            with pytest.raises(CloudError, match="does not support uploads"):
                default_datastore(cloud)
    service.on("GET", "/datastores", Reply(body={"value": []}))
    service.on("GET", "/datastores/workspaceblobstore", Reply(404, {}))
    with pytest.raises(CloudError, match="no default datastore"):
        default_datastore(cloud)
    assert container_of(cloud, {"accountName": "a", "filesystem": "f"}) == ("https://a.blob.core.windows.net", "f")


# Files and uploads


@pytest.mark.parametrize(
    ("size", "pieces"),
    [(0, 1), (1, 1), (folder_files.PIECE * 50_000, 1), (folder_files.PIECE * 50_000 + 1, 2)],
)
def test_a_file_has_at_most_fifty_thousand_pieces(size: int, pieces: int) -> None:
    assert piece_size(size) == folder_files.PIECE * pieces and folder_files.PIECE == 8 * 1024 * 1024


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of 4 bytes, so that a file of 10 has three."""
    monkeypatch.setattr(folder_files, "PIECE", 4)
    monkeypatch.setattr(folder_files, "_hashes", {})


def files(folder: Path, **contents: bytes) -> list[LocalFile]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return walk(folder)


def test_the_digest_of_a_file_is_that_of_its_pieces(small_pieces: None, tmp_path: Path) -> None:
    local = files(tmp_path, a=b"0123456789", b=b"0123", c=b"")
    told: list[tuple[int, int]] = []
    found = folder_files._hashed(local, lambda: False, lambda *counts: told.append(counts))
    parts = [piece_hash(part).digest() for part in (b"0123", b"4567", b"89")]
    assert found == {"a": digest_of(parts), "b": digest_of(parts[:1]), "c": digest_of([piece_hash().digest()])}
    assert told[-1] == (14, 14) and piece_hash(b"x").digest() == hashlib.blake2b(b"x", digest_size=32).digest()


@pytest.mark.parametrize("size", [9, 11])
def test_a_file_that_has_another_size_now_is_told(small_pieces: None, tmp_path: Path, size: int) -> None:
    local = files(tmp_path, a=b"0123456789")
    (tmp_path / "a").write_bytes(bytes(size))
    with pytest.raises(CloudError, match="changed while it was read"):
        folder_files._hashed(local, lambda: False, lambda done, total: None)
    sending = uploader._Sending(local[0], "a")
    with pytest.raises(CloudError, match="changed while it was read"):
        uploader._read(sending, 2, memoryview(bytearray(2)))
    assert (sending.count, [sending.size(index) for index in range(3)]) == (3, [4, 4, 2])
    assert bytes(uploader._read(sending, 1, memoryview(bytearray(4)))) == bytes(4)


def test_a_hash_is_kept_until_a_file_changes(small_pieces: None, tmp_path: Path) -> None:
    local = files(tmp_path, a=b"1")
    first = folder_files.content_hash(tmp_path)
    assert folder_files.content_hash(tmp_path, lambda: True) == first, "nothing is read again"
    state = folder_files.fingerprint(tmp_path, local)
    folder_files.remember(tmp_path, local, "other", "wrong")
    assert folder_files.content_hash(tmp_path) == first
    folder_files.remember(tmp_path, local, state, "told")
    assert folder_files.content_hash(tmp_path) == "told"
    (tmp_path / "a").write_bytes(b"12")
    with pytest.raises(Cancelled):
        folder_files.content_hash(tmp_path, lambda: True)
    known = (str(tmp_path.resolve()), state)
    for number in range(folder_files._REMEMBERED - 1):
        folder_files._remember((str(number), ""), "x")
        assert known in folder_files._hashes
    folder_files._remember(("one more", ""), "x")
    assert list(folder_files._hashes) == [("one more", "")]


class Blobs:
    """A container in memory in the place of `BlobContainer`."""

    def __init__(self) -> None:
        self.there: dict[str, tuple[int, str]] = {}
        self.put: dict[str, tuple[bytes, str]] = {}
        self.blocks: dict[str, dict[str, bytes]] = {}
        self.kept: dict[str, dict[str, int]] = {}
        self.lists: dict[str, tuple[list[str], str]] = {}
        self.asked = 0
        self.pace = SimpleNamespace(stopped=False)

    def blobs(self, prefix: str) -> Any:
        for name, (size, digest) in self.there.items():
            if name.startswith(prefix):
                yield name, size, {blob_container.DIGEST: digest} if digest else {}

    def staged(self, name: str) -> dict[str, int]:
        self.asked += 1
        return self.kept.get(name, {})

    def put_blob(self, name: str, content: memoryview, digest: str, sent: Any) -> None:
        self.put[name] = (bytes(content), digest)

    def put_block(self, name: str, block: str, content: memoryview, sent: Any) -> None:
        self.blocks.setdefault(name, {})[block] = bytes(content)

    def put_block_list(self, name: str, blocks: Any, digest: str = "") -> None:
        self.lists[name] = (list(blocks), digest)

    def close(self) -> None:
        self.pace.stopped = True


@pytest.fixture
def blobs(monkeypatch: pytest.MonkeyPatch, small_pieces: None) -> Blobs:
    made = Blobs()

    def opened(*args: Any) -> Blobs:
        made.pace.stopped = False
        return made

    monkeypatch.setattr(uploader, "BlobContainer", opened)
    monkeypatch.setattr(uploader, "_TICK", 0.001)
    monkeypatch.setattr(uploader, "_LARGE", 4)  # what has several pieces is large
    return made


TARGET = Datastore("s", "https://a", "c", SAS)


def run(local: list[LocalFile], hashing: bool = False) -> tuple[dict[str, str], list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    made = Upload(TARGET, local, "p/", hashing=hashing).run(lambda *counts: told.append(counts), lambda: False)
    return made, told


def test_small_files_are_blobs_and_large_ones_blocks(blobs: Blobs, tmp_path: Path) -> None:
    made, told = run(files(tmp_path, a=b"0123456789", b=b"0123", c=b""))
    assert blobs.put == {"p/b": (b"0123", ""), "p/c": (b"", "")}
    order = [block_id(index, bytes(32)) for index in range(3)]
    assert [blobs.blocks["p/a"][block] for block in order] == [b"0123", b"4567", b"89"]
    assert blobs.lists == {"p/a": (order, "")} and blobs.asked == 1
    assert told[0] == (0, 14) and told[-1] == (14, 14) and made == {"a": "", "b": "", "c": ""}


def test_what_is_there_with_the_same_size_is_not_sent(blobs: Blobs, tmp_path: Path) -> None:
    blobs.there = {"p/a": (10, ""), "p/b": (3, ""), "q/c": (1, "")}
    blobs.kept = {"p/d": {block_id(0, bytes(32)): 4, block_id(1, bytes(32)): 3}}
    run(files(tmp_path, a=b"0123456789", b=b"0123", c=b"1", d=b"01234567"))
    assert set(blobs.put) == {"p/b", "p/c"} and set(blobs.lists) == {"p/d"}
    assert list(blobs.blocks["p/d"]) == [block_id(1, bytes(32))], "a block that was cut is sent again"
    blobs.put.clear()
    blobs.there = {"p/only": (1, "")}
    (tmp_path / "x").mkdir()
    assert run(files(tmp_path / "x", only=b"1"))[1][-1] == (1, 1) and blobs.put == {}


def test_files_are_hashed_on_their_way(blobs: Blobs, tmp_path: Path) -> None:
    local = files(tmp_path, a=b"0123456789", b=b"0123")
    expected = folder_files._hashed(local, lambda: False, lambda done, total: None)
    made, _ = run(local, hashing=True)
    assert made == expected and blobs.put["p/b"] == (b"0123", expected["b"])
    ids = [block_id(index, piece_hash(part).digest()) for index, part in enumerate((b"0123", b"4567", b"89"))]
    assert blobs.lists["p/a"] == (ids, expected["a"])
    blobs.there = {"p/a": (10, expected["a"]), "p/b": (4, expected["b"])}
    blobs.put, blobs.blocks, blobs.lists = {}, {}, {}
    assert run(local, hashing=True)[0] == expected and (blobs.put, blobs.blocks, blobs.lists) == ({}, {}, {})


@pytest.mark.parametrize("there", [{"p/b": (4, "other")}, {"p/b": (3, "")}, {"p/b": (5, "other")}, {"p/a": (10, "other")}])
def test_a_blob_with_other_content_is_never_overwritten(blobs: Blobs, tmp_path: Path, there: Any) -> None:
    local = files(tmp_path, a=b"0123456789", b=b"0123")
    blobs.there = there
    with pytest.raises(Different):
        run(local, hashing=True)
    assert not set(there) & {*blobs.put, *blobs.lists}


def test_another_place_is_used_beside_other_content(monkeypatch: pytest.MonkeyPatch, small_pieces: None, tmp_path: Path) -> None:
    local = files(tmp_path, b=b"0123")
    there = {"p/folder/b": (3, ""), "p-1/folder/b": (4, "other")}

    def opened(*args: Any) -> Blobs:
        made = Blobs()
        made.there = there
        return made

    monkeypatch.setattr(uploader, "BlobContainer", opened)
    place, digests = upload_and_hash(TARGET, local, "p", "folder", lambda done, total: None, lambda: False)
    assert place == "p-2" and list(digests) == ["b"]
    there.clear()
    assert upload_and_hash(TARGET, local, "p", "", lambda done, total: None, lambda: False)[0] == "p"


def test_a_cancel_and_an_error_end_an_upload(blobs: Blobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    local = files(tmp_path, b=b"0123")
    held = threading.Event()
    monkeypatch.setattr(blobs, "put_blob", lambda *args: held.wait(30))
    with pytest.raises(Cancelled):
        Upload(TARGET, local, "p").run(lambda done, total: None, lambda: True)
    held.set()
    assert blobs.pace.stopped

    def full(*args: Any) -> None:
        raise OSError("broken")

    monkeypatch.setattr(blobs, "put_blob", full)
    with pytest.raises(CloudError) as caught:
        Upload(TARGET, local, "p", "the code").run(lambda done, total: None, lambda: False)
    assert caught.value.title.endswith("while uploading the code")


def test_large_files_go_first_and_few_at_once(blobs: Blobs, tmp_path: Path) -> None:
    made = Upload(TARGET, files(tmp_path, a=b"0", b=b"0123", c=b"0123456789", d=bytes(40)), "p")
    made._spawn = lambda work: None  # type: ignore[method-assign]
    made._begin()
    assert [sending.file.name for sending in made._large] == ["d", "c"]
    assert [sending.file.name for sending in made._small] == ["b", "a"] and made._left == 4
    taken = [made._take() for _ in range(10)]
    assert [(one[0].file.name, one[1]) for one in taken if one] == [
        *(("d", index) for index in range(8)), ("b", 0), ("a", 0),
    ]  # fmt: skip
    made._large_inside = 7
    assert [(one[0].file.name, one[1]) for one in [made._take()] if one] == [("d", 8)]
    made._container.pace.stopped = True
    assert made._take() is None
    empty = replace(TARGET, name="x")
    nothing = Upload(empty, [], "p")
    nothing._begin()
    assert nothing._ended.is_set() and nothing._take() is None
