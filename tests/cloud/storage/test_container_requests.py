"""Requests to the workspace's container: how they are signed, repeated and given up, and what is sent at all."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.http.retry_policy import POLICIES, RetryPolicy
from tui.cloud.storage import blob_container
from tui.cloud.storage.blob_container import BlobContainer, block_id
from tui.cloud.storage.blob_transport import StorageAnswer
from tui.cloud.storage.datastore import Datastore

SAS = "sv=1&sig=x"


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
    made, _, told = container(answer(status, Retry_After="1"), OK)
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
    block = (
        b"<BlockList><UncommittedBlocks><Block><Name>id</Name><Size>5</Size></Block></UncommittedBlocks></BlockList>"
    )
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
