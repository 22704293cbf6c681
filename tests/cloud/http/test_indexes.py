"""Which package index is asked, and what it says of a package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import requests
from scripted_service import Reply, Service

from tui.cloud.http import cache, package_index
from tui.cloud.http.connections import SharingAdapter, _shared, certificates, session
from tui.cloud.http.package_index import PUBLIC, File, Indexes, Unreachable, indexes


@pytest.mark.parametrize(
    ("options", "environ", "urls", "own"),
    [
        ([], {}, [PUBLIC], True),
        ([("--index-url", "https://a/s/")], {"PIP_INDEX_URL": "https://m"}, ["https://a/s"], True),
        ([("-i", "https://a"), ("--index-url", "https://b")], {}, ["https://b"], True),
        ([("--extra-index-url", "https://e")], {}, [PUBLIC, "https://e"], True),
        ([("-i", "https://a"), ("--extra-index-url", "file:///x")], {}, ["https://a"], True),
        ([("--extra-index-url", "https://e")], {"PIP_INDEX_URL": "http://m/"}, ["http://m", "https://e"], False),
        ([], {"PIP_INDEX_URL": PUBLIC + "/"}, [PUBLIC], True),
        ([], {"PIP_INDEX_URL": "file:///x"}, [PUBLIC], True),
        ([("--find-links", "https://x")], {}, [PUBLIC], True),
    ],
)
def test_the_indexes_to_search(options: Any, environ: dict[str, str], urls: list[str], own: bool) -> None:
    assert indexes(options, environ) == Indexes(tuple(urls), own)


def test_pips_own_settings_name_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(package_index.Path, "home", lambda: tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "all"))
    monkeypatch.setattr(package_index.sys, "prefix", str(tmp_path / "venv"))

    def configure(path: Path, section: str, url: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[{section}]\nindex-url = {url}\n")

    configure(tmp_path / "all" / "pip" / "pip.conf", "global", "https://first")
    configure(tmp_path / "config" / "pip" / "pip.conf", "install", "https://second")
    assert indexes([], os.environ) == Indexes(("https://second",), False)
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "pip.conf").write_text("not ini")
    assert indexes([]).urls == ("https://second",)
    configure(tmp_path / "own.conf", "global", "https://third")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "own.conf"))
    assert indexes([]).urls == ("https://third",)
    monkeypatch.setenv("PIP_INDEX_URL", "https://named")
    assert indexes([]).urls == ("https://named",)


def test_hosts_are_shown_without_passwords() -> None:
    assert Indexes(("https://me:pw@a.example/x", "https://b.example", "https://a.example/y"), True).hosts == (
        "a.example, b.example"
    )


@pytest.fixture
def index(service: Service, monkeypatch: pytest.MonkeyPatch) -> Indexes:
    monkeypatch.setattr(package_index, "_known", {})
    package_index._connections.cache_clear()
    return Indexes((f"{service.url}/simple", f"{service.url}/more"), True)


JSON = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
HTML = {"Content-Type": "text/html"}


def test_the_files_of_a_package_come_from_all_indexes(service: Service, index: Indexes) -> None:
    assert index.files("x") is None
    one = {"filename": "x-1.whl", "url": "x-1.whl", "requires-python": ">=3.9", "core-metadata": {"sha256": "0"}}
    two = {"filename": "x-2.whl", "url": "https://f/x-2.whl", "dist-info-metadata": True}
    three = {"filename": "x-3.tar.gz", "url": "x-3", "core-metadata": False, "dist-info-metadata": True}
    service.on(
        "GET", "/simple/y/", Reply(200, {"files": [one, two, three, {"filename": "n", "core-metadata": True}]}, JSON)
    )
    assert index.files("y") == [
        File("x-1.whl", ">=3.9", f"{service.url}/simple/y/x-1.whl.metadata"),
        File("x-2.whl", "", "https://f/x-2.whl.metadata"),
        File("x-3.tar.gz"),
        File("n"),
    ]
    page = b"""<a href="z-1.whl#sha" data-requires-python="&gt;=3.8" data-core-metadata="sha256=0"> z-1.whl </a>
    <A HREF='z-2.whl' data-dist-info-metadata='true'>z-2.whl</A><a href="z-3" data-core-metadata="false">z-3</a>
    <a data-core-metadata="true">z-4</a>"""
    service.on("GET", "/more/z/", Reply(200, page, HTML))
    service.on("GET", "/simple/z/", Reply(404))
    assert index.files("z") == [
        File("z-1.whl", ">=3.8", f"{service.url}/more/z/z-1.whl.metadata"),
        File("z-2.whl", "", f"{service.url}/more/z/z-2.whl.metadata"),
        File("z-3"),
        File("z-4"),
    ]


@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(403), Reply(200, {}, JSON), Reply(200, b"{", JSON), Reply(200, [], JSON)]
)
def test_an_index_that_does_not_answer_rightly(service: Service, index: Indexes, reply: Reply) -> None:
    service.on("GET", "/simple/x/", reply)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        index.files("x")


@pytest.mark.parametrize(("seconds", "asked"), [(599.0, 1), (600.0, 2), (601.0, 2)])
def test_an_answer_is_kept_for_ten_minutes(
    service: Service, index: Indexes, monkeypatch: pytest.MonkeyPatch, seconds: float, asked: int
) -> None:
    now = [1000.0]
    monkeypatch.setattr(package_index.time, "monotonic", lambda: now[0])
    assert package_index._listed(index.urls[0], "x") is None
    now[0] += seconds
    package_index._listed(index.urls[0], "x")
    assert service.count("GET", "/simple/x/") == asked


def test_the_requirements_of_a_file(service: Service, index: Indexes) -> None:
    service.on(
        "GET", "/m", Reply(200, b"Name: x\nRequires-Dist: a>1\nRequires-Dist: b\n\n", {"Content-Type": "text/plain"})
    )
    assert package_index.requirements(File("x", "", f"{service.url}/m")) == ["a>1", "b"]
    assert package_index.requirements(File("x")) == []
    assert package_index.requirements(File("x", "", "https://127.0.0.1:9/m")) == []
    service.on("GET", "/m", Reply(404, b"Requires-Dist: a\n"))
    assert package_index.requirements(File("x", "", f"{service.url}/m")) == []


@pytest.mark.parametrize(("age", "kept"), [(0, True), (59, True), (61, False), (-60, False)])
def test_an_answer_in_a_file_is_kept_for_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float, kept: bool
) -> None:
    place = cache.folder("x", {"AML_DEPLOY_CACHE": str(tmp_path)}) / "y.json"
    assert place == tmp_path / "x" / "y.json" and cache.read(place, 60) is None
    cache.write(place, {"a": 1})
    written = cache.time.time()
    monkeypatch.setattr(cache, "time", type("Clock", (), {"time": staticmethod(lambda: written + age)}))
    assert cache.read(place, 60) == ({"a": 1} if kept else None)
    assert place.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kept": "x"}', "null"])
def test_a_file_that_is_no_answer_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "y.json").write_text(text)
    assert cache.read(tmp_path / "y.json", 60) is None
    (tmp_path / "file").write_text("")
    cache.write(tmp_path / "file" / "y.json", {})  # cannot be written; asked for again next time
    assert "aml-deploy" in str(cache.folder("x", {}))


@pytest.mark.parametrize(
    ("scheme", "verify", "cert", "shared"),
    [("https", True, None, True), ("HTTPS", "/b", None, True), ("http", True, None, False), ("https", False, None,
     False),
     ("https", True, "c", False)],
)  # fmt: skip
def test_connections_share_their_certificates(scheme: str, verify: Any, cert: Any, shared: bool) -> None:
    assert _shared(scheme, verify, cert) is shared


def test_a_bundle_that_changed_is_read_again(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(certificate[0].read_bytes())
    first = certificates(str(bundle))
    assert certificates(str(bundle)) is first
    os.utime(bundle, (1, 1))
    assert certificates(str(bundle)) is not first
    assert certificates(True) is certificates(True)
    certificates(str(tmp_path))
    with pytest.raises(OSError):
        certificates(str(tmp_path / "none"))


def test_a_session_keeps_as_many_connections_as_it_may() -> None:
    made = session(7, 2)
    for url in ("https://x", "http://x"):
        adapter = made.get_adapter(url)
        assert isinstance(adapter, SharingAdapter)
        assert (adapter._pool_maxsize, adapter._pool_connections, adapter.max_retries.total) == (7, 10, 2)
    request = requests.Request("GET", "https://x.example/").prepare()
    adapter = made.get_adapter("https://x")
    assert isinstance(adapter, SharingAdapter)
    _, pool = adapter.build_connection_pool_key_attributes(request, True)
    assert pool["ssl_context"] is certificates(True) and pool["cert_reqs"] == "CERT_REQUIRED"
    _, pool = adapter.build_connection_pool_key_attributes(request, False)
    assert "ssl_context" not in pool
