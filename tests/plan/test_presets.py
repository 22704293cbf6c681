"""Presets: found by name, described by a line of their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.plan import presets


def test_presets_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b.yml").write_text("description: 'What it is.' \nendpoint: {name: e}\n", encoding="utf-8")
    (tmp_path / "a.yml").write_text("# description: none\nendpoint:\n  description: not this\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("description: no plan", encoding="utf-8")
    monkeypatch.setattr(presets, "folder", lambda: tmp_path)
    assert [(one.name, one.description) for one in presets.presets()] == [("a", ""), ("b", "What it is.")]
    assert presets.find("b") == presets.presets()[1] and presets.find("c") is None


@pytest.mark.parametrize("inside", [True, False])
def test_the_folder_is_in_the_package_or_next_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    module = tmp_path / "tui" / "plan" / "presets.py"
    module.parent.mkdir(parents=True)
    if inside:
        (tmp_path / "tui" / "presets").mkdir()
    monkeypatch.setattr(presets, "__file__", str(module))
    assert presets.folder() == (tmp_path / "tui" / "presets" if inside else tmp_path / "presets")
