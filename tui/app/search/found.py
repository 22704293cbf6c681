"""What the menu finds apart from the actions of the current screen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Callable

from tui.app.state.action import Action
from tui.app.steps.step_actions import ALWAYS
from tui.app.steps.step_texts import INTROS, LEADS, ORDER, TITLES
from tui.plan.fields.all_fields import BY_KEY, FIELDS
from tui.plan.problems import PlanInvalid

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface
    from tui.engine.journal.runs import Run

AGAIN = "If the terminal shows something else; another size of the window does so too."
MOST = 30  # runs, the newest
ALSO = {
    "credential.client_id": "username appid",
    "credential.client_secret": "password",
    "deployment.code_configuration.scoring_script": "entry-script score.py",
    "deployment.environment_variables": "env",
    "deployment.instance_count": "scale capacity",
    "deployment.instance_type": "vm sku",
    "deployment.name": "deployment-name",
    "deployment.request_settings.max_concurrent_requests_per_instance": "concurrency",
    "endpoint.name": "endpoint-name",
    "endpoint.public_network_access": "private",
    "workspace.name": "workspace-name",
}
"""Words of `az` and of Azure's portal for fields, where neither the label nor the plan's key has them."""


def steps_and_fields(go: Callable[..., object], shown: str = "") -> list[Action]:
    """Return the steps, the actions that they always have (but of the one `shown`), and all fields.

    `go` takes a step, and a field's key or None, or `then=` with the name of a method of the step's pane.
    """
    found = []
    for number, step in enumerate(ORDER, 1):
        lead = LEADS[step][:1].upper() + LEADS[step][1:]
        label, listed = f"Go to step {number}, {TITLES[step]}", shown not in ("", step)
        found.append(Action(label, f"{lead}.", partial(go, step, None), TITLES[step], listed=listed))
    for step in ORDER:
        for label, about, method in ALWAYS.get(step, ()) if step != shown else ():
            run = partial(go, step, then=method)
            found.append(Action(label, f"Step {TITLES[step]}: {about}", run, listed=False))
    for field in sorted(FIELDS, key=lambda field: field.advanced):  # the common ones first among equals
        name = field.key.rpartition(".")[2]
        words = f"{field.key} {name} {TITLES[field.step]} {' '.join(field.choices)} {ALSO.get(field.key, '')}"
        about = f"{TITLES[field.step]}, {field.key}: {field.help.what}"
        found.append(Action(field.label, about, partial(go, field.step, field.key), words, listed=False))
    return found


def explain(app: AppInterface, step: str, key: str | None = None, then: str = "") -> None:
    """Show what a step or field is about, where no plan is open."""
    from tui.app.dialogs.text_dialog import TextScreen

    title, text = TITLES[step], INTROS[step]
    if key is not None:
        title, text = BY_KEY[key].label, f"{BY_KEY[key].help.what}\n\n{BY_KEY[key].help.why}\n\nIn the plan: {key}"
    where = f"This is at step {ORDER.index(step) + 1}, {TITLES[step]}. Open a plan first, or start a new one at Home."
    app.push_screen(TextScreen(title, f"{text}\n\n{where}"))


def settings(app: AppInterface, at: str) -> list[Action]:
    """Return what every screen has; `at` is the name of the current one."""
    fleet, home = partial(_leave, app, app.fleet), partial(_leave, app, app.go_home)
    places = (
        (("fleet-screen", "home"), Action("Endpoints", "All endpoints that you may see.", fleet)),
        (("home",), Action("Home", "Runs, presets and recent plans.", home)),
        (
            ("home",),
            Action("Runs", "All runs of this machine: attach, edit or discard.", partial(_runs, app), listed=False),
        ),
    )
    return [
        Action("Light or dark theme", "Switches between them.", app.toggle_theme, "colours settings"),
        *(action for without, action in places if at not in without),
        Action("Draw the screen again", AGAIN, app.draw_again, "redraw refresh repaint reset clear garbled"),
        Action("Calls to Azure", "Each as the az or REST command that asks the same.", app.show_calls),
        Action("Quit", "Quit the wizard (ctrl+c).", partial(app.run_action, "leave"), "exit leave"),
    ]


def plans_and_runs(app: AppInterface) -> list[Action]:
    """Return the presets, and the newest saved plans, runs, and endpoints of runs. Reads the disk."""
    from tui.app.home.entries import known, recent_plans
    from tui.engine.journal.runs import runs
    from tui.plan.presets import presets

    found = [
        Action(preset.name, f"Open this preset: {preset.description}", partial(_open, app, preset.name), "preset plan")
        for preset in presets()
    ]
    for plan in recent_plans():
        found.append(Action(plan.title, f"Open this plan, {plan.about}", partial(_open, app, plan.plan), "recent plan"))
    endpoints: dict[tuple[str, bool], Action] = {}
    for run in runs()[:MOST]:
        about = f"Attach to this run: {known(run).in_words()}."
        label = f"Run of {run.endpoint}, {run.deployment}"
        found.append(Action(label, about, partial(attempt, app, partial(app.attach, run)), f"{run.id} attach"))
        there = "in the rehearsal" if run.rehearsed else "in Azure"
        operate = Action(run.endpoint, f"Troubleshoot this endpoint {there}.", partial(_operate, app, run), "endpoint")
        endpoints.setdefault((run.endpoint, run.rehearsed), operate)
    return [*found, *endpoints.values()]


def _leave(app: AppInterface, to: Callable[[], object]) -> None:
    """Go to another screen; the plan is saved first."""
    if app.store is not None:
        app.store.save()
    to()


def _open(app: AppInterface, plan: str) -> None:
    from tui.plan.load_save.load import load

    attempt(app, lambda: app.open(load(plan)))


def _runs(app: AppInterface) -> None:
    from tui.app.home.runs_dialog import RunsScreen

    def edit(run: Run) -> None:
        from tui.plan.load_save.load import load

        app.open(load(str(run.plan)), rehearse=run.rehearsed)

    def answered(answer: tuple[str, Run] | None) -> None:
        if answer is not None:
            what, run = answer
            attempt(app, partial(app.attach if what == "attach" else edit, run))

    app.push_screen(RunsScreen(), answered)


def _operate(app: AppInterface, run: Run) -> None:
    from tui.app.troubleshoot.endpoint_lookup import of_run

    def operate() -> None:
        found = of_run(run)
        app.operate(found.document, found.rehearsed)

    attempt(app, operate)


def attempt(app: AppInterface, to: Callable[[], object]) -> None:
    """Go to what reads a plan, or show why it cannot be read."""
    from tui.app.dialogs.text_dialog import TextScreen

    try:
        _leave(app, to)
    except PlanInvalid as invalid:
        app.push_screen(TextScreen("This plan cannot be opened", str(invalid), export=True))
