"""Where the wizard saves a plan, and what it leaves out."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from textual.widgets import Input, OptionList

from tests.app.panes import Walk, home, plans, recorded_answers, wizard
from tests.app.steps.test_forms import LEGACY
from tui.app.app import WizardApp
from tui.app.state.store import Store
from tui.plan import presets
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


def contents(folder: Path) -> dict[str, bytes]:
    """The files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_changed_preset_is_copied_to_the_current_folder_when_the_step_is_left(home: Path) -> None:
    shipped = contents(presets.folder())
    async with wizard() as walk:
        await walk.to("endpoint")
        assert "preset" in walk.text().splitlines()[0]
        await walk.press("ctrl+u", *"fraud")
        assert "not saved yet" in walk.text()
        await walk.press("pagedown")
        await walk.until(lambda: walk.app.screen.step == "model")
        assert " saved " in walk.text().splitlines()[0]
        await walk.sees("Saved in ./churn-xgboost ")
        assert walk.store.value("deployment.model.path") == "churn-xgboost/model", "it is shown as before"
        await walk.press("pagedown")
        await walk.until(lambda: walk.app.screen.step == "compute")
        assert "Saved in" not in walk.text(), "it is told once"
    copy = Path.cwd() / "churn-xgboost"
    saved = copy / "churn-xgboost.yml"
    plan = resolve(load(saved), os.environ)
    assert plan.deployment.model.path == copy / "model"
    assert contents(copy / "model") == contents(presets.folder() / "churn-xgboost" / "model")
    assert contents(presets.folder()) == shipped and not os.listdir(plans(home))  # noqa: PTH208
    assert load(saved).get("endpoint.name") == "fraud"
    assert load(saved).get("workspace.name") == "${env:AZURE_ML_WORKSPACE}"


async def test_a_second_copy_of_a_preset_has_a_folder_of_its_own(home: Path) -> None:
    (Path.cwd() / "churn-xgboost").mkdir()
    store = Store(load("churn-xgboost"), environ=dict(os.environ))
    store.set("deployment.code_configuration.code", "mine")
    store.save()
    saved = load("churn-xgboost-2/churn-xgboost.yml")
    assert store.value("deployment.model.path") == "churn-xgboost-2/model"
    assert saved.get("deployment.model.path") == "model"
    assert saved.get("deployment.code_configuration.code") == str(Path.cwd() / "mine"), "it starts where it was typed"


async def test_where_the_current_folder_cannot_be_written_a_preset_is_copied_to_the_state_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path.cwd()
    monkeypatch.setattr("tui.app.state.new_files.os.access", lambda path, mode: path != here)  # root may write anywhere
    store = Store(load("churn-xgboost"), environ=dict(os.environ))
    store.set("deployment.code_configuration.code", "mine")
    store.save()
    saved = load(home / "plans" / "churn-xgboost" / "churn-xgboost.yml")
    assert saved.get("deployment.code_configuration.code") == str(here / "mine") and not os.listdir(here)  # noqa: PTH208
    assert saved.get("deployment.model.path") == "model"


async def test_saved_as_another_file_a_preset_is_copied_beside_it(home: Path) -> None:
    store = Store(load("churn-xgboost"), environ=dict(os.environ))
    store.save_as(home / "mine.yml")
    assert load(home / "mine.yml").get("deployment.model.path") == "churn-xgboost/model"
    assert (home / "churn-xgboost" / "onlinescoring" / "score.py").is_file() and not os.listdir()  # noqa: PTH208


async def test_paths_typed_into_a_plan_of_the_state_folder_start_from_the_current_one(home: Path) -> None:
    load("churn-xgboost").save(plans(home) / "mine.yml")
    (Path.cwd() / "mymodel").mkdir()
    app = WizardApp(load(plans(home) / "mine.yml"), environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test():
        store = app.store
        assert store is not None
        store.set("deployment.model.path", "mymodel")
        assert store.problem("deployment.model.path") is None
        store.save()
    assert load(plans(home) / "mine.yml").get("deployment.model.path") == str(Path.cwd() / "mymodel")


async def test_an_unchanged_preset_leaves_no_file(home: Path) -> None:
    async with wizard(recorded_answers(workspace=LEGACY)) as walk:
        await walk.press("pagedown", "pagedown")
        await walk.until(lambda: walk.app.screen.step == "endpoint")
    assert not os.listdir(plans(home)) and not os.listdir()  # noqa: PTH208


async def test_a_plan_from_a_file_is_saved_there_without_what_a_rehearsal_changed(home: Path) -> None:
    from tui.rehearsal_client import with_own_identity

    file = home / "plan.yml"
    source = load("churn-xgboost")
    source.set("credential.method", "azure_cli", "test")
    source.save(file)
    app = WizardApp(
        load(file),
        environ=dict(os.environ),
        rehearse=True,
        adopt=lambda document: with_own_identity(document, os.environ),
        helper=recorded_answers(),
    )
    async with app.run_test() as pilot:
        walk = Walk(app, pilot)
        await walk.sees("rehearsal's identity")
        await walk.to("endpoint")
        await walk.press("ctrl+u", *"fraud")
        await walk.to("model")
    written = yaml.safe_load(file.read_text())
    assert written["endpoint"]["name"] == "fraud"
    assert written["credential"] == {"method": "azure_cli"}


PRINCIPAL = {"method": "service_principal", "tenant_id": "contoso", "client_id": "11111111-aaaa-bbbb-cccc-222222222222",
             "client_secret": "${env:OUR_SECRET}"}  # fmt: skip


def rehearsed_store(document: Document) -> Store:
    """The state of a plan that is rehearsed, as the wizard creates it."""
    from tui.rehearsal_client import with_own_identity

    return Store(document, environ={}, rehearse=True, adopt=lambda document: with_own_identity(document, os.environ))


def of_principal(home: Path) -> Path:
    """A plan file that signs in with a service principal."""
    source = load("churn-xgboost")
    for key, value in PRINCIPAL.items():
        source.set(f"credential.{key}", value, "test")
    source.save(home / "plan.yml")
    return home / "plan.yml"


async def test_a_rehearsal_keeps_the_service_principal_of_a_plan_whose_credential_is_edited(home: Path) -> None:
    file = of_principal(home)
    store = rehearsed_store(load(file))
    assert store.value("credential.method") == "default"
    store.set("credential.tenant_id", "fabrikam")
    store.save()
    assert yaml.safe_load(file.read_text())["credential"] == {**PRINCIPAL, "tenant_id": "fabrikam"}
    store.set("credential.method", "azure_cli")
    store.save_as(home / "other.yml")
    assert load(home / "other.yml").get("credential.method") == "azure_cli"
    assert load(home / "other.yml").get("credential.client_id") == PRINCIPAL["client_id"]


async def test_edits_that_a_crash_of_a_rehearsal_keeps_have_the_service_principal(home: Path) -> None:
    store = rehearsed_store(load(of_principal(home)))
    store.set("endpoint.name", "edited-01")
    kept = load(store.keep_edits() or "nothing was kept")
    assert (kept.get("endpoint.name"), kept.tree["credential"]) == ("edited-01", PRINCIPAL)


async def test_what_the_rehearsals_workspace_dictates_or_lists_is_not_saved(home: Path) -> None:
    file = of_principal(home)
    before = load(file)
    egress = "deployment.egress_public_network_access"
    store = rehearsed_store(load(file))
    store.put("workspace.name", "rehearsal", "chosen from the list")
    store.put(egress, None if before.get(egress) else "disabled", "the workspace")
    store.set("endpoint.description", "mine")
    store.save()
    saved = load(file)
    assert [saved.get(key) for key in ("workspace.name", egress)] == [
        before.get(key) for key in ("workspace.name", egress)
    ]
    assert saved.get("endpoint.description") == "mine"
    store.set("workspace.name", "ours")
    store.save()
    assert load(file).get("workspace.name") == "ours", "what the user types is saved"


async def test_what_is_exported_from_a_rehearsal_signs_in_as_the_plan_says(home: Path) -> None:
    from tui.app.steps.as_cli import as_code

    store = rehearsed_store(load(of_principal(home)))
    assert store.payload("export")["document"]["credential"] == PRINCIPAL
    assert store.payload("sign_in")["document"]["credential"] == {"method": "default"}
    assert PRINCIPAL["client_id"] in as_code("credentials", store)
    assert store.value("credential.method") == "default"


async def save_as(walk: Walk, path: str) -> None:
    """Save the plan as a file, from the menu on."""
    await walk.press("ctrl+o")
    options = walk.app.screen.query_one(OptionList)
    labels = [options.get_option_at_index(number).prompt.plain for number in range(options.option_count)]
    position = next(number for number, label in enumerate(labels) if label.startswith("Save the plan as"))
    await walk.press(*["down"] * position, "enter")
    await walk.until(lambda: bool(walk.app.screen.query("#file")))
    walk.app.screen.query_one("#file", Input).value = path
    await walk.press("enter")


async def test_save_as_wants_a_yaml_file_and_writes_it(home: Path) -> None:
    async with wizard() as walk:
        await save_as(walk, str(home / "mine.txt"))
        await walk.sees("a name that ends in .yml")
        walk.app.screen.query_one("#file", Input).value = "~no-such-user-here/mine.yml"
        await walk.press("enter")
        await walk.sees("The file cannot be written: this machine has")
        walk.app.screen.query_one("#file", Input).value = str(home / "mine.yml")
        await walk.press("enter")
        await walk.until(lambda: (home / "mine.yml").exists())
    assert load(home / "mine.yml").get("endpoint.name") == "churn-endpoint-01"


async def test_save_as_asks_before_it_replaces_a_file_once_for_each_name(home: Path) -> None:
    theirs, others = home / "theirs.yml", home / "others.yml"
    for file in (theirs, others):
        file.write_text("endpoint: {name: theirs}\n")
    async with wizard() as walk:
        await save_as(walk, str(theirs))
        await walk.sees("! theirs.yml exists. Replace its content?", "Yes, replace it")
        await walk.press("enter")  # the second Enter in a row is harmless
        await walk.until(lambda: walk.app.screen.name == "wizard", "it is cancelled")
        assert "theirs" in theirs.read_text()
        await save_as(walk, str(theirs))
        await walk.sees("! theirs.yml exists")
        walk.app.screen.query_one("#file", Input).value = str(others)
        await walk.tab_to("save")
        await walk.press("enter")
        await walk.sees("! others.yml exists")
        await walk.tab_to("save")
        await walk.press("enter")
        await walk.until(lambda: load(others).get("endpoint.name") == "churn-endpoint-01", "it is replaced")
        assert "theirs" in theirs.read_text()


@asynccontextmanager
async def changed_outside(home: Path) -> AsyncIterator[tuple[Walk, Path]]:
    """A plan that was edited in the wizard, and meanwhile in an editor, when its step is left."""
    file = home / "plan.yml"
    load("churn-xgboost").save(file)
    app = WizardApp(load(file), environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test() as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set(), "the wizard is ready")
        await walk.to("endpoint")
        await walk.press(*"mine")
        file.write_text(file.read_text().replace("churn-endpoint-01", "theirs"))
        await walk.press("pagedown")
        await walk.sees("another program has changed it", "Reload the file", "! not saved")
        yield walk, file


async def test_what_another_program_wrote_meanwhile_is_replaced_only_if_asked(home: Path) -> None:
    async with changed_outside(home) as (walk, file):
        await walk.press("escape", "pagedown")
        await walk.until(lambda: getattr(walk.app.screen, "step", "") == "compute", "asked once, not at every step")
        assert load(file).get("endpoint.name") == "theirs"
        (kept,) = (home / "plans").glob("plan-unsaved-*.yml")
        assert load(kept).get("endpoint.name") == "mine"
        assert str(kept) in walk.app.plan_kept(), "on quitting it is said where the edits are"
        await save_as(walk, str(file))
        await walk.sees("! plan.yml exists. Replace its content?")
        await walk.tab_to("save")
        await walk.press("enter")
        await walk.until(lambda: load(file).get("endpoint.name") == "mine", "it is replaced")
        await walk.until(lambda: "· saved ·" in walk.text() and "! not saved" not in walk.text(), "it says so")


async def test_a_file_that_another_program_changed_is_reloaded_at_the_same_step(home: Path) -> None:
    async with changed_outside(home) as (walk, file):
        await walk.tab_to("reload")
        await walk.press("enter")
        await walk.sees("step 4 of 9", "· saved ·")
        await walk.press("pageup")
        await walk.sees("step 3 of 9", "theirs")
        assert walk.store.value("endpoint.name") == "theirs" == load(file).get("endpoint.name")
        await walk.press(*"ours", "pagedown")
        await walk.until(lambda: load(file).get("endpoint.name") == "ours", "it is saved as usual")


async def test_a_reload_keeps_the_last_edits_and_shows_the_file_in_the_focused_field_too(home: Path) -> None:
    async with changed_outside(home) as (walk, file):
        await walk.press("escape")
        await walk.to("endpoint")
        row = walk.app.screen.pane.row("endpoint.name")  # type: ignore[attr-defined]
        row.control.focus()
        await walk.until(lambda: row.control.has_focus, "the name has the focus")
        await walk.press("end", *"-too", "ctrl+o", *"save the plan as", "enter")
        await walk.sees("Reload the file")
        await walk.tab_to("reload")
        await walk.press("enter")
        await walk.until(lambda: walk.app.screen.name == "wizard", "it is reloaded")
        await walk.until(lambda: row.control.has_focus and row.control.value == "theirs", "the field shows the file")
        (kept,) = (home / "plans").glob("plan-unsaved-*.yml")
        assert load(kept).get("endpoint.name") == "mine-too"
        await walk.press("end", "2", "escape")
        file.write_text(file.read_text().replace("theirs", "theirs-3"))
        await walk.press("pagedown")
        await walk.sees("another program has changed it")
        names = {load(kept).get("endpoint.name") for kept in (home / "plans").glob("plan-unsaved-*.yml")}
        assert names == {"mine-too", "theirs2"}, "what was kept before is not replaced"


async def test_edits_are_saved_to_a_file_of_their_own(home: Path) -> None:
    async with changed_outside(home) as (walk, file):
        assert walk.app.screen.query_one("#file", Input).value == str(home / "plan-2.yml")
        await walk.press("enter")
        await walk.sees("step 4 of 9", "The plan is")
        assert "! not saved" not in walk.text()
        walk.store.put("endpoint.name", "later", "you")
        assert "/plan-2-unsaved-" in walk.app.keep_edits(), "they are of the file that is saved to now"
    assert load(home / "plan-2.yml").get("endpoint.name") == "mine"
    assert load(file).get("endpoint.name") == "theirs"


async def test_where_the_current_folder_is_removed_a_preset_is_copied_to_the_home_folder(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path_factory.mktemp("own")
    monkeypatch.setenv("HOME", str(own))
    async with wizard() as walk:
        Path.cwd().rmdir()
        await walk.press("ctrl+c")
        await walk.sees("Nothing is running")
        await walk.press("escape")
        await walk.to("endpoint")
        await walk.press(*"fraud", "pagedown")
        await walk.sees("step 4 of 9", "Saved in")
    assert load(own / "churn-xgboost" / "churn-xgboost.yml").get("endpoint.name") == "fraud"


async def test_a_preset_that_cannot_be_copied_leaves_nothing_and_says_why(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    def full(source: str, target: str) -> None:
        if copied:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        copied.append(target)
        Path(target).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr("tui.app.state.new_files.shutil.copyfile", full)
    store = Store(load("churn-xgboost"), environ=dict(os.environ))
    for typed in ("m", "mi", "mine"):
        store.set("deployment.code_configuration.code", typed)
    store.save()
    assert copied and not os.listdir(Path.cwd())  # noqa: PTH208
    assert store.save_problem == "The plan cannot be saved: [Errno 28] No space left on device."
    assert store.keep_edits() is not None
