"""The conda file beside an image's Dockerfile holds no passwords of package indexes."""

from __future__ import annotations

from pathlib import Path

from tui.offline_install import build_context
from tui.plan.load_save.document import Document


def test_the_copied_conda_file_has_no_index_password(tmp_path: Path) -> None:
    (tmp_path / "conda.yml").write_text("dependencies: [{pip: [--index-url https://me:pass-4711@pypi.x/simple]}]\n")
    document = Document(base=tmp_path)
    document.set("deployment.environment.conda_file", "conda.yml", "you")
    (tmp_path / "out").mkdir()
    build_context._copy_conda(document, tmp_path / "out", "deployment blue")
    copied = (tmp_path / "out/conda.yml").read_text()
    assert "pass-4711" not in copied and "@pypi.x/simple" in copied
