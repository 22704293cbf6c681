"""Saving a plan changes its values, but keeps comments and order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load

WRITTEN = """\
# Churn, production. Ask Ana before changing the size.
$schema: https://example.com/plan.json
workspace: {subscription_id: "${env:SUB}", resource_group: rg, name: ws}   # the closed one

endpoint:
  # the name is in the callers' configuration
  name: 'churn-01'      # never change
  tags:
    team: churn         # who pays
    old: yes
deployment:
  endpoint_name: churn-01
  model: azureml:churn:3   # registered by the training job
  instance_type: Standard_DS3_v2
  instance_count: 1
traffic: {blue: 100}
"""


@pytest.fixture
def document(tmp_path: Path) -> Document:
    (tmp_path / "plan.yml").write_text(WRITTEN, encoding="utf-8")
    return load(tmp_path / "plan.yml")


def test_one_changed_value_changes_one_line(document: Document, tmp_path: Path) -> None:
    document.set("deployment.instance_count", 3, "you")
    document.save(tmp_path / "plan.yml")
    before, after = WRITTEN.splitlines(), (tmp_path / "plan.yml").read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(before, after) if old != new]
    assert changed == [("  instance_count: 1", "  instance_count: 3")]
    assert len(before) == len(after)


def test_keys_come_and_go_and_comments_stay(document: Document, tmp_path: Path) -> None:
    document.set("endpoint.tags", {"team": "churn", "new": "no"}, "you")
    document.set("endpoint.auth_mode", "aml_token", "you")
    document.set("deployment.instance_type", None, "you")
    document.set("deployment.model.path", "models/churn", "you")
    document.save(tmp_path / "plan.yml")
    text = (tmp_path / "plan.yml").read_text(encoding="utf-8")
    for kept in ("# Churn, production.", "# the closed one", "'churn-01'", "# never change", "# who pays", "$schema:"):
        assert kept in text
    read = yaml.safe_load(text)
    assert read["endpoint"]["tags"] == {"team": "churn", "new": "no"}  # quoted: `no` alone would be false
    assert read["endpoint"]["auth_mode"] == "aml_token"
    assert "instance_type" not in read["deployment"]
    assert load(tmp_path / "plan.yml").get("deployment.model.path") == "models/churn"


def test_saving_elsewhere_takes_the_comments_along_and_turns_the_paths(document: Document, tmp_path: Path) -> None:
    document.set("deployment.model.path", "models/churn", "you")
    (tmp_path / "elsewhere").mkdir()
    document.save(tmp_path / "elsewhere" / "copy.yml")
    text = (tmp_path / "elsewhere" / "copy.yml").read_text(encoding="utf-8")
    assert "# never change" in text
    assert load(tmp_path / "elsewhere" / "copy.yml").get("deployment.model.path") == str(tmp_path / "models" / "churn")
    assert (tmp_path / "plan.yml").read_text(encoding="utf-8") == WRITTEN


def test_a_file_that_was_broken_meanwhile_is_written_anew(document: Document, tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text("endpoint: [", encoding="utf-8")
    document.save(tmp_path / "plan.yml")
    assert load(tmp_path / "plan.yml").get("endpoint.name") == "churn-01"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=30), st.integers(1, 50))
def test_whatever_is_typed_reads_back_as_typed(tmp_path_factory, typed: str, count: int) -> None:
    folder = tmp_path_factory.mktemp("plan")
    (folder / "plan.yml").write_text(WRITTEN, encoding="utf-8")
    document = load(folder / "plan.yml")
    document.set("endpoint.description", typed, "you")
    document.set("deployment.instance_count", count, "you")
    document.save(folder / "plan.yml")
    again = load(folder / "plan.yml")
    assert again.get("endpoint.description") == typed
    assert again.get("deployment.instance_count") == count
    assert "# who pays" in (folder / "plan.yml").read_text(encoding="utf-8")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12))
@example("why? because")
@example("a: b, {c}")
@example("? x")
def test_a_text_set_inside_a_map_in_braces_is_saved_as_it_is(text: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "plan.yml"
        path.write_text("endpoint: {name: churn, tags: {a: b}}  # kept\ndeployment: {name: blue}\n")
        document = load(path)
        document.set("endpoint.description", text, "test")
        document.set("endpoint.tags", {"a": text}, "test")
        document.save(path)
        saved = load(path)
        assert (saved.get("endpoint.description"), saved.get("endpoint.tags")) == (text, {"a": text})
        assert "# kept" in path.read_text(encoding="utf-8")
