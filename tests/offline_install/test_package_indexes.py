"""A company's index with its password, authority and proxy: for offline installs and the rehearsal's image build."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import offline
import pytest
from own_index import HOST, PASSWORD, OwnIndex, wheel

from tui.offline_install import package_indexes
from tui.offline_install.wheels import Target, choose, fetch
from tui.plain.failure import Failure
from tui.rehearsal.images import image_build

TARGET = Target("3.10")  # not the Python that runs most of the tests
LINUX = "cp310-cp310-manylinux_2_17_x86_64"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnIndex]:
    """An index that only pip's configuration file names, as on a company's machine."""
    wheels = dict(
        [
            wheel("house_model", "1.0", LINUX, "house-tools>=1; python_version < '3.11'"),
            wheel("house_model", "2.0", "cp310-cp310-manylinux_2_39_x86_64"),
            wheel("house_model", "3.0", "cp310-cp310-macosx_11_0_arm64"),
            wheel("house_tools", "1.5"),
        ]
    )
    with OwnIndex(tmp_path, wheels) as running:
        for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
            monkeypatch.delenv(name)
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        settings = tmp_path / "pip.conf"
        settings.write_text(
            f"[global]\nindex-url = {running.address}\ncert = {running.trusted}\nproxy = {running.proxy}\n",
            encoding="utf-8",
        )
        monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
        monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        monkeypatch.setattr("tui.rehearsal.images.package_index._listings", [])
        yield running


def test_the_wheels_come_from_the_companys_index_only(house: OwnIndex, tmp_path: Path) -> None:
    wanted = package_indexes.needs(conda="dependencies: [python=3.10, {pip: [house-model]}]")
    lines = choose(wanted.packages, TARGET, wanted)
    # The newest that runs on the target, and its dependency whose marker holds for that Python.
    assert [line.partition(" ")[0] for line in lines] == ["house-model==1.0", "house-tools==1.5"]
    folder = tmp_path / "wheels"
    folder.mkdir()
    fetch(lines, TARGET, folder, wanted)
    assert sorted(path.name for path in folder.iterdir()) == [
        f"house_model-1.0-{LINUX}.whl",
        "house_tools-1.5-py3-none-any.whl",
    ]
    assert {line for line in house.asked if line.startswith("CONNECT")} == {f"CONNECT {HOST}:443"}
    assert "/files/house_tools-1.5-py3-none-any.whl" in house.asked


def test_the_rehearsals_image_build_asks_the_same_index(house: OwnIndex, tmp_path: Path) -> None:
    lines: list[str] = []
    conda = f"dependencies: [python={offline.PYTHON}, {{pip: [house-tools]}}]"
    python = asyncio.run(image_build.build(conda, None, cache=tmp_path / "cache", log=lines.append))
    done = subprocess.run(
        [python, "-c", "import house_tools; print(house_tools.version)"], capture_output=True, text=True
    )
    assert done.stdout.strip() == "1.5"
    assert PASSWORD not in "".join(lines)
    assert f"CONNECT {HOST}:443" in house.asked


@pytest.mark.slow
def test_what_the_index_lacks_is_named_without_its_password(house: OwnIndex) -> None:
    wanted = package_indexes.needs()
    with pytest.raises(Failure) as failure:
        choose(["house-secret"], TARGET, wanted)
    assert "house-secret" in str(failure.value)
    assert "Only wheels are used" in str(failure.value)
    assert PASSWORD not in str(failure.value)


@pytest.mark.slow
def test_an_unknown_authority_is_not_trusted(house: OwnIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stranger = OwnIndex(other, {}).trusted
    monkeypatch.setenv("PIP_CERT", str(stranger))
    with pytest.raises(Failure) as failure:
        choose(["house-tools"], TARGET, package_indexes.needs())
    assert "certificate" in str(failure.value).lower()
    assert not [path for path in house.asked if path.startswith("/")]


def test_pip_looks_where_uv_would() -> None:
    uv = {
        "PATH": "/bin",
        "PIP_INDEX_URL": "https://not-this",
        "PYTHONPATH": "/elsewhere",
        "UV_DEFAULT_INDEX": "https://one/simple",
        "UV_INDEX": "corp=https://two/simple https://three/simple?a=b",
        "UV_EXTRA_INDEX_URL": "https://four",
        "UV_FIND_LINKS": "/wheels,https://links",
        "SSL_CERT_FILE": "/house.pem",
        "HTTPS_PROXY": "http://proxy",
    }
    found = package_indexes.for_pip(package_indexes.Wanted([], "", ["--no-index"], [], uv))
    assert found["PIP_INDEX_URL"] == "https://one/simple"
    assert found["PIP_EXTRA_INDEX_URL"] == "https://two/simple https://three/simple?a=b https://four"
    assert found["PIP_FIND_LINKS"] == "/wheels https://links"
    assert (found["PIP_CERT"], found["PIP_NO_INDEX"], found["HTTPS_PROXY"]) == ("/house.pem", "1", "http://proxy")
    assert found["PIP_CONFIG_FILE"] == os.devnull
    assert not {"PYTHONPATH"} & set(found) and not [name for name in found if name.startswith("UV_")]
