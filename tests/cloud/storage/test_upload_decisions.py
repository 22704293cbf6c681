"""What an upload sends: pieces, blocks, and nothing that is there already."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.storage import blob_container, folder_files, uploader
from tui.cloud.storage.blob_container import block_id
from tui.cloud.storage.datastore import Datastore
from tui.cloud.storage.folder_files import LocalFile, digest_of, piece_hash, piece_size, walk
from tui.cloud.storage.uploader import Different, Upload, upload_and_hash


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


TARGET = Datastore("s", "https://a", "c", "sig=x")


def run(local: list[LocalFile]) -> tuple[dict[str, str], list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    made = Upload(TARGET, local, "p/").run(lambda *counts: told.append(counts), lambda: False)
    return made, told


def block_ids(*pieces: bytes) -> list[str]:
    return [block_id(index, piece_hash(piece).digest()) for index, piece in enumerate(pieces)]


def test_small_files_are_blobs_and_large_ones_blocks_hashed_on_their_way(blobs: Blobs, tmp_path: Path) -> None:
    local = files(tmp_path, a=b"0123456789", b=b"0123", c=b"")
    expected = folder_files._hashed(local, lambda: False, lambda done, total: None)
    made, told = run(local)
    assert blobs.put == {"p/b": (b"0123", expected["b"]), "p/c": (b"", expected["c"])}
    order = block_ids(b"0123", b"4567", b"89")
    assert [blobs.blocks["p/a"][block] for block in order] == [b"0123", b"4567", b"89"]
    assert blobs.lists == {"p/a": (order, expected["a"])} and blobs.asked == 1
    assert told[0] == (0, 14) and told[-1] == (14, 14) and made == expected


def test_what_is_there_with_the_same_digest_is_not_sent(blobs: Blobs, tmp_path: Path) -> None:
    local = files(tmp_path, a=b"0123456789", b=b"0123", c=b"1", d=b"01234567")
    expected = folder_files._hashed(local, lambda: False, lambda done, total: None)
    whole, cut = block_ids(b"0123", b"4567")
    blobs.there = {"p/a": (10, expected["a"]), "p/b": (4, expected["b"]), "q/c": (1, expected["c"])}
    blobs.kept = {"p/d": {whole: 4, cut: 3}}
    assert run(local)[0] == expected
    assert set(blobs.put) == {"p/c"} and set(blobs.lists) == set(blobs.blocks) == {"p/d"}
    assert list(blobs.blocks["p/d"]) == [cut], "a block that was cut is sent again"


@pytest.mark.parametrize(
    "there", [{"p/b": (4, "other")}, {"p/b": (3, "")}, {"p/b": (5, "other")}, {"p/a": (10, "other")}]
)
def test_a_blob_with_other_content_is_never_overwritten(blobs: Blobs, tmp_path: Path, there: Any) -> None:
    local = files(tmp_path, a=b"0123456789", b=b"0123")
    blobs.there = there
    with pytest.raises(Different):
        run(local)
    assert not set(there) & {*blobs.put, *blobs.lists}


def test_another_place_is_used_beside_other_content(
    monkeypatch: pytest.MonkeyPatch, small_pieces: None, tmp_path: Path
) -> None:
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
