"""Which files of a package a Python on Linux can use."""

from __future__ import annotations

import pytest
from packaging.version import Version

from tui.checks.environment.pins import Release
from tui.cloud.http.package_index import File


def release(*names: str, requires: str = "") -> Release:
    return Release(Version("1.0"), [File(name, requires) for name in names])


@pytest.mark.parametrize(
    ("tags", "python", "fits"),
    [
        ("py3-none-any", "3.10", True),
        ("py2-none-any", "3.10", False),
        ("py2.py3-none-any", "3.10", True),
        ("py39-none-any", "3.10", True),
        ("py310-none-any", "3.10", True),
        ("py311-none-any", "3.10", False),
        ("cp310-cp310-manylinux_2_17_x86_64", "3.10", True),
        ("cp310-cp310-manylinux_2_17_x86_64", "3.10.4", True),
        ("cp39-cp39-manylinux_2_17_x86_64", "3.10", False),
        ("cp311-cp311-manylinux_2_17_x86_64", "3.10", False),
        ("cp39-abi3-manylinux_2_17_x86_64", "3.10", True),
        ("cp310-abi3-manylinux_2_17_x86_64", "3.10", True),
        ("cp311-abi3-manylinux_2_17_x86_64", "3.10", False),
        ("cp310-cp310-manylinux_2_17_aarch64", "3.10", False),
        ("cp310-cp310-macosx_11_0_x86_64", "3.10", False),
        ("cp310-cp310-win_amd64", "3.10", False),
        ("pp310-pypy310_pp73-manylinux_2_17_x86_64", "3.10", False),
    ],
)
def test_a_wheel_for_this_python_on_linux(tags: str, python: str, fits: bool) -> None:
    one = release(f"a-1.0-{tags}.whl")
    assert bool(one.taken(python)) is fits
    assert (one.wheel(python) is not None) is fits


@pytest.mark.parametrize(
    ("requires", "python", "fits"),
    [
        ("", "3.10", True),
        (">=3.10", "3.10", True),
        (">=3.11", "3.10", False),
        (">=3.10.5", "3.10", True),  # without the last part, the newest is installed
        (">=3.10.5", "3.10.4", False),
        (">=3.10.4", "3.10.4", True),
        ("not a condition", "3.10", True),
    ],
)
def test_the_python_that_a_file_requires(requires: str, python: str, fits: bool) -> None:
    assert bool(release("a-1.0.tar.gz", requires=requires).taken(python)) is fits


def test_a_source_package_is_usable_and_no_wheel() -> None:
    source = release("a-1.0.tar.gz", "broken.whl")
    assert [file.name for file in source.taken("3.10")] == ["a-1.0.tar.gz"]
    assert source.wheel("3.10") is None
