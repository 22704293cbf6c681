"""What an ignore file leaves out: the SDK uploads those files of a folder that we list, and no others."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.cloud.errors import CloudError
from tui.cloud.http.sdk_import import import_sdk
from tui.cloud.session import connect
from tui.cloud.storage.datastore import default_datastore
from tui.cloud.storage.folder_files import walk
from tui.plan.model import Plan, Workspace

NASTY = """\
# a comment, and a blank line with spaces

   \t
*.log
!keep.log
**/cache/
/anchored.txt
data/*.csv
!data/**/important.csv
build/
**/deep/**/x.bin
out/**
!/out/kept.txt
\\#number
\\!bang
 leading and trailing  \n\
naïve-*.txt
[ab]?.dat
[!a-y]only.dat
[^z]caret.dat
unclosed[.dat
!*/
docs/**/*.md
!docs/README.md
/**/
"""
FILES = [
    "a.log", "keep.log", "sub/b.log", "sub/keep.log", "cache/x", "sub/cache/y", "cachex", "anchored.txt",
    "sub/anchored.txt", "data/a.csv", "data/in/b.csv", "data/important.csv", "data/in/important.csv", "build/x",
    "sub/build/y", "buildx", "deep/x.bin", "deep/a/b/x.bin", "s/deep/x.bin", "out/a", "out/in/b", "out/kept.txt",
    "#number", "sub/#number", "!bang", "a1.dat", "b2.dat", "c3.dat", "zonly.dat", "bonly.dat", "^caret.dat",
    "zcaret.dat", "acaret.dat", "unclosed[.dat", "unclosed.dat", "docs/README.md", "docs/a/b.md", "docs/c.md",
    "plain.txt", ".hidden/x", "naïve-é.txt", "leading and trailing", "sub/leading and trailing", "with space.log",
    "sub/naïve-ü.txt",
]  # fmt: skip


@pytest.fixture
def client(rehearsed: dict[str, Any]) -> Any:
    """The unmodified client of a workspace of the rehearsal, and our own connection to it."""
    cloud = connect(Plan(workspace=Workspace(**rehearsed["workspaces"]["managed"])))
    import_sdk()
    from azure.ai.ml import MLClient

    where = cloud.plan.workspace
    return MLClient(cloud.credential, where.subscription_id, where.resource_group, where.name), cloud


def folder_with(place: Path, rules: bytes, names: list[str], *, ignore_file: str = ".amlignore") -> Path:
    """A folder whose content no other has: the SDK does not send again what the workspace has already."""
    root = place / f"f{uuid.uuid4().hex[:8]}"
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{root.name}/{name}", encoding="utf-8")
    (root / ignore_file).write_bytes(rules)
    return root


def uploaded(client: Any, root: Path) -> list[str]:
    """The names below the folder that a model's registration by the SDK leaves in the workspace's storage."""
    from azure.ai.ml.entities import Model
    from azure.storage.blob import ContainerClient

    ml_client, cloud = client
    made = ml_client.models.create_or_update(Model(name=f"m-{root.name}", path=str(root)))
    prefix = made.path.partition("/paths/")[2].rstrip("/") + "/"
    target = default_datastore(cloud)
    container = ContainerClient(target.account_url, target.container, credential=target.credential)
    return sorted(blob.name[len(prefix) :] for blob in container.list_blobs(name_starts_with=prefix))


def listed(root: Path) -> list[str]:
    """The same by our own rules."""
    return [file.name for file in walk(root)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_sdk_uploads_what_is_listed(client: Any, tmp_path: Path, line_end: str, mark: bytes) -> None:
    root = folder_with(tmp_path, mark + NASTY.replace("\n", line_end).encode(), FILES)
    left = listed(root)
    assert uploaded(client, root) == left
    assert 10 < len(left) < len(FILES) - 10


def test_amlignore_comes_before_gitignore_for_the_sdk_too(client: Any, tmp_path: Path) -> None:
    root = folder_with(tmp_path, b"*.txt\n", ["a.txt", "b.bin", "in/c.txt"], ignore_file=".gitignore")
    assert uploaded(client, root) == listed(root) == [".gitignore", "b.bin"]
    again = folder_with(tmp_path, b"*.txt\n", ["a.txt", "b.bin", "in/c.txt"], ignore_file=".gitignore")
    (again / ".amlignore").write_text("*.bin\n")
    assert uploaded(client, again) == listed(again) == [".amlignore", ".gitignore", "a.txt", "in/c.txt"]


PIECES = st.sampled_from(
    ["a", "b", "*", "**", "/", "!", "\\", "[", "]", "[ab]", "[!a]", "[^a]", "?", " ", "#", ".", "é"]
)
LINES = st.lists(PIECES, max_size=6).map("".join)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=st.lists(LINES, min_size=1, max_size=4))
def test_whatever_the_lines_are_the_sdk_uploads_what_is_listed(client: Any, tmp_path: Path, rules: list[str]) -> None:
    names = ["a", "b/a", "b/b/a", "ab", "é/[", "#", "a b", "^", "b/.a/é"]
    root = folder_with(tmp_path, "\n".join(rules).encode(), names)
    try:
        left = listed(root)
    except CloudError:
        with pytest.raises(Exception):  # noqa: B017 - of many kinds: the SDK lets its own library's errors through
            uploaded(client, root)
    else:
        assert uploaded(client, root) == left
