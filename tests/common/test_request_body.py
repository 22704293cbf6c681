"""The kind of a request's file by its content and its name, and the text that stands for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.common.request_body import BINARY, JSON, RequestBody, as_text, content_type

PNG = b"\x89PNG\r\n\x1a\n\x00"


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.json", b'{"a": 1}', JSON),
        ("a.json", b"\xef\xbb\xbf{}", JSON),
        ("a.json", b"\xff\xfe", JSON),  # wrong, and said by the check
        ("a.json", b"a,b", JSON),
        ("a", b"[1]", JSON),
        ("a.txt", b'{"a": 1', JSON),
        ("a.txt", b'"5"', JSON),
        ("a.txt", b"a text", "text/plain"),
        ("a", b"a text", "text/plain"),
        ("a", b"", JSON),
        ("a.csv", b"a,b\n1,2\n", "text/csv"),
        ("a.csv", b"\xe9", "text/csv"),
        ("a.csv.gz", b"\x1f\x8b", "application/gzip"),
        ("a.png", PNG, "image/png"),
        ("a.json", PNG, "image/png"),
        ("a", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.bin", b"GIF89a", "image/gif"),
        ("a", b"%PDF-1.7", "application/pdf"),
        ("a.webp", b"RIFF\xff", "image/webp"),
        ("a.wav", b"RIFF\xff", "audio/x-wav"),
        ("a.npy", b"\x93NUMPY", BINARY),
        ("a", b'--x-1\r\nContent-Disposition: form-data; name="a"\r\n', "multipart/form-data; boundary=x-1"),
        ("a.txt", b"--x\ncontent-disposition:form-data\n", "multipart/form-data; boundary=x"),
        ("a", b"--x y\r\nContent-Disposition: form-data\r\n", "text/plain"),
        ("a", b"\xff", BINARY),
    ],
)
def test_the_kind_of_a_file(name: str, data: bytes, kind: str) -> None:
    assert content_type(name, data) == kind


@pytest.mark.parametrize(("name", "data", "named"), [("a.json", b'{"a": "\xc3\xa9"}', False), ("a.png", PNG, True),
                                                     ("a.json", b"\xff", True), ("a.csv", b"a,b", True),
                                                     ("a.json", b"@/etc/hostname", True)])  # fmt: skip
def test_the_text_stands_for_the_same_bytes(tmp_path: Path, name: str, data: bytes, named: bool) -> None:
    (tmp_path / name).write_bytes(data)
    text = as_text(tmp_path / name)
    assert text == (f"@{tmp_path / name}" if named else data.decode())
    body = RequestBody.of_text(text)
    assert (body, body.content_type) == (data, content_type(name, data))


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RequestBody.of_text(f"@{tmp_path / 'gone.png'}")
