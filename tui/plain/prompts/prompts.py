"""The wizard in line mode, with the same steps, fields, rules and texts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

from tui.common.typed_path import UnusablePath, is_folder, typed_path
from tui.plain.arguments.plan_and_environment import rehearsal_place
from tui.plain.commands import new_plan
from tui.plain.commands.apply import deploy
from tui.plain.failure import Failure
from tui.plain.guard import INTERRUPTED
from tui.plain.prompts import live_facts
from tui.plain.prompts.answers_file import DEPLOY, NO, YES, read_answers
from tui.plain.prompts.field_prompt import KEYS, Answers, Back, Form, ask_field
from tui.plain.terminal import say
from tui.plan.fields.all_fields import BY_KEY, FIELDS, STEPS, fields_of
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.presets import find, presets
from tui.plan.problems import PlanInvalid
from tui.rehearsal_client import without_assumed

FORM_STEPS = ("credentials", "workspace", "endpoint", "model", "compute", "network")


def walk(document: Document | None, *, rehearse: bool, answers_file: str | None = None) -> int:
    """Ask for every step, deploy, show the result; return the exit code of the run. `answers_file` replaces typed
    answers. Raises Failure, PlanInvalid."""
    answers = _from_file(answers_file) if answers_file else Answers()
    if document is None:
        document = _chosen_plan(answers)
    if document.problems:
        raise PlanInvalid(document.problems)
    environ: Mapping[str, str] = os.environ
    written = document
    if rehearse:
        say("This is a rehearsal: a local Azure on this machine answers, and nothing in Azure is changed.")
        document, environ = rehearsal_place(document)
    form = Form(document, environ, written)
    with contextlib.closing(live_facts.Facts(form, rehearse=rehearse)) as known:
        say(KEYS)
        for step in FORM_STEPS:
            say(_title(step, rehearse))
            _step(form, step, answers, known)
        for key in answers.left:
            if key in BY_KEY:
                say(f"\n{answers.places[key]}, {key}: not used, since other values make the question unnecessary.")
        say(_title("review", rehearse))
        _review(form, answers, known)
        known.rehearsed_again()
    _offer_to_save(form, answers)
    return deploy(form.document, form.environ, rehearse=rehearse, secrets=form.secrets)


def _from_file(file: str) -> Answers:
    try:
        return read_answers(typed_path(file))
    except PlanInvalid as invalid:
        raise Failure("\n  ".join(["The answers are not valid.", *map(str, invalid.problems)]), 2) from None


def _chosen_plan(answers: Answers) -> Document:
    """Ask for a plan file or preset, or for a folder to make a plan from; the default is the first preset."""
    offered = presets()
    say("\n".join(["Presets:", *(f"  {preset.name}: {preset.description}" for preset in offered)]))
    first = offered[0].name if offered else ""
    while True:
        typed = answers.line(f"Plan file, preset, or a folder with your model [{first}]:", "plan") or first
        try:
            folder = typed and find(typed) is None and is_folder(typed_path(typed))
            return _of_folder(typed) if folder else load(typed)
        except (PlanInvalid, Failure, UnusablePath) as invalid:
            if answers.ended or not typed:
                raise
            say(f"  {invalid}")


def _of_folder(typed: str) -> Document:
    """Make a plan from a folder, and say what it rests on. Raises Failure."""
    made = new_plan.make(typed)
    say("\n".join([*new_plan.in_words(made), "Written:", *(f"  {path}" for path in made["written"])]))
    return load(made["plan"])


def _title(step: str, rehearse: bool) -> str:
    titles = dict(STEPS)
    where = "rehearsal" if rehearse else "AZURE"
    return f"\nStep {[*titles].index(step) + 1} of {len(titles)}: {titles[step]}  [{where}]"


def _step(form: Form, step: str, answers: Answers, known: live_facts.Facts) -> None:
    """Ask for the fields of a step, then show Azure's answers about them."""
    if step == "network":
        known.say_network()
    fields = [field for field in fields_of(step, advanced=True) if not field.advanced or field.key in answers.places]
    place = 0
    while place < len(fields):
        try:
            if form.document.asked(fields[place].key):
                ask_field(form, fields[place], answers)
            place += 1
        except Back:
            before = [at for at in range(place) if form.document.asked(fields[at].key)]
            place = before[-1] if before else place
    known.after(step)


def _review(form: Form, answers: Answers, known: live_facts.Facts) -> None:
    """Show the plan with the source of every value, the planned changes and the findings; ask whether to deploy.

    Raises Failure if the answer is no; with exit code 2 at the end of the input.
    """
    while True:
        _print_values(form)
        invalid = _invalid(form)
        if invalid is not None:
            for problem in invalid.problems:
                say(f"blocks   {problem.key}: {problem.message} {problem.remedy}".rstrip())
        else:
            known.review()
        typed = answers.line("Deploy now? y, n, or the key of a field to change [n]:", "deploy")
        while typed in BY_KEY:
            with contextlib.suppress(Back):
                ask_field(form, BY_KEY[typed], answers)
            typed = answers.line("Deploy now? y, n, or the key of a field to change, Enter shows the plan again [n]:")
            if not typed and not answers.ended:
                break
        else:
            if typed.lower() in YES:
                if invalid is None and _invalid(form) is None:
                    return
                say("Not deployed: the plan is not valid yet.")
                if answers.ended:
                    raise invalid or PlanInvalid([])
                continue
            if answers.ended and DEPLOY not in answers.places:
                raise Failure(
                    "The input ended before the confirmation. Answer y, or deploy without questions: "
                    "aml-deploy apply PLAN --yes",
                    2,
                )
            if typed.lower() in ("", *NO):
                _offer_to_save(form, answers)
                raise Failure("Nothing was deployed.", INTERRUPTED)
            say(f"  {typed} is not the key of a field; keys look like deployment.instance_count.")


def _invalid(form: Form) -> PlanInvalid | None:
    try:
        resolve(form.document, form.environ, form.secrets)
    except PlanInvalid as invalid:
        return invalid
    return None


def _print_values(form: Form) -> None:
    for field in FIELDS:
        value: Any = form.document.get(field.key)
        written = value is not None or field.key in form.secrets
        if form.document.asked(field.key) and (written or (field.default is not None and not field.advanced)):
            say(f"  {field.key}: {form.resolved(field)}  ({form.source(field)})")


def _agreed(answers: Answers, file: str) -> bool:
    return answers.line(f"{file} exists. Replace its content? y or n [n]:").lower() in YES


def _offer_to_save(form: Form, answers: Answers) -> None:
    """Ask for a file in which to save a changed plan; by default it is not saved."""
    if not form.changed:
        return
    while True:
        typed = answers.line("Save the changed plan as (a file name; Enter: do not save) []:", "save_as")
        if not typed:
            return
        try:
            path = typed_path(typed)
            # Answers from a file are given once for all runs of it, so what they name is replaced.
            if path.exists() and not answers.ended and not _agreed(answers, typed):
                continue
            without_assumed(form.document, form.written).save(path)
        except OSError as error:
            say(f"  {typed} cannot be written: {error.strerror}.")
        else:
            say(f"  Saved as {typed}. Secrets are not in it.")
            return
