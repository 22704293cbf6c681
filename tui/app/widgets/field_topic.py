"""Builds a plan field's help: what it is, why it matters, its value and source, its default."""

from __future__ import annotations

from tui.app.state.store import Store
from tui.app.widgets.help import Topic
from tui.plan.fields import why_it_matters
from tui.plan.fields.all_fields import Field
from tui.plan.load_save.references import has_reference


def field_topic(field: Field, store: Store, noun: str = "", *, keys: bool = False) -> Topic:
    """Return a field's help, with the keys if it is typed; `noun` is the plural noun for its list, if it has one."""
    value = store.text(field.key)
    stands_for = store.resolved(field.key)
    if stands_for:
        value = f"{value} = {stands_for}"
    return Topic(
        field.label,
        field.help.what,
        why_it_matters.why(field),
        why_it_matters.example(field),
        value="" if field.kind == "secret" and not has_reference(value) else value,
        source=store.provenance(field.key),
        choices=f"Down, or the button ▾, opens the list of {noun}; you can also type a value."
        if noun
        else ", ".join(choice for choice in field.choices),
        link=why_it_matters.link(field),
        default=default_of(field),
        keys=("Down: list · " if noun else "") + "Enter: next · ^u: clear" if keys else "",
    )


def default_of(field: Field) -> str:
    """Return the default, as text."""
    if field.kind == "secret":
        return ""
    if field.default is not None and field.show(field.default):
        return field.show(field.default)
    return "none: required" if field.required else "none: omitted"


def short_source(source: str) -> str:
    """Shorten a value's source for the column next to it; the help shows it in full."""
    if source == "typed, kept in memory only":
        return "typed, memory only"
    shorter = source.partition(", from $")[0].partition(", left empty")[0]
    return shorter.replace("rehearsal's own identity", "rehearsal's identity")
