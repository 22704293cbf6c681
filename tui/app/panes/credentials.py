"""Credentials: which identity deploys, what is found on this machine, and who that really is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual import on
from textual.widget import Widget
from textual.widgets import Button

from tui.app.panes.asking import AskingPane
from tui.app.panes.pane import Action
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.help import Topic


class SignInButton(Button):
    """Signs in."""

    def topic(self) -> Topic:
        """Help for the button."""
        return Topic(
            "Sign in",
            "Gets a token from Microsoft Entra with the identity chosen above, and shows whom it was given to.",
            "The step can be left without it; the run signs in by itself.",
        )


class CredentialsPane(AskingPane):
    """Which identity deploys."""

    step = "credentials"

    def below(self) -> Iterable[Widget]:
        yield SignInButton("Sign in", id="sign-in", compact=True, classes="quiet")
        yield Facts(id="signed-in")
        yield Facts(id="sources")

    def arrive(self) -> None:
        self._show_signed_in()
        self._look()

    def changed(self, name: str) -> None:
        if name == "credential.method":
            self._look()
        elif name == "sign_in":
            self._show_signed_in()
            self._look()

    # What the default chain finds

    def _look(self) -> None:
        facts = self.query_one("#sources", Facts)
        facts.display = self.store.value("credential.method") == "default"
        if facts.display:
            self.run_worker(self._sources, group="sources", exclusive=True)

    async def _sources(self) -> None:
        facts = self.query_one("#sources", Facts)
        answer = self.store.facts.get("credential_sources")
        if answer is None:
            answer = await self.question("credential_sources", facts, "Looking for identities on this machine")
        if answer is not None:
            facts.show(grouped(answer, only_found="sign_in" in self.store.facts))
            facts.display = self.store.value("credential.method") == "default"

    # Signing in

    @on(Button.Pressed, "#sign-in")
    def sign_in(self) -> None:
        """Sign in and show who that is."""
        self.run_worker(self._sign_in, group="sign-in", exclusive=True)

    async def _sign_in(self) -> None:
        problems = {row.field.key: self.store.problem(row.field.key) for row in self.rows() if row.display}
        for row in self.rows():
            row.complain(problems.get(row.field.key))
        wrong = self.first_error()
        if wrong is not None:
            wrong.focus()
            return
        facts = self.query_one("#signed-in", Facts)
        self.store.facts.pop("sign_in", None)
        if await self.question("sign_in", facts, "Signing in") is not None:
            self._show_signed_in()

    def _show_signed_in(self) -> None:
        facts = self.query_one("#signed-in", Facts)
        found: dict[str, Any] | None = self.store.facts.get("sign_in")
        facts.show(who(found) if found else [])

    def actions(self) -> list[Action]:
        return [*super().actions(), Action("Sign in", "Get a token and show whom it was given to.", self.sign_in)]


def who(found: dict[str, Any]) -> list[Fact]:
    """Who signed in, until when, found where."""
    kind = found.get("kind") or "identity"
    article = "an" if kind[0] in "aeiou" else "a"
    expires = str(found.get("expires") or "").replace("T", " ").replace("Z", " UTC")
    facts = [Fact("ok", "Signed in", f"as {found.get('principal')}, {article} {kind}")]
    if found.get("tenant"):
        facts.append(Fact("", "Tenant", str(found["tenant"])))
    if expires:
        facts.append(Fact("", "Until", f"{expires}; a new token is then taken by itself"))
    return facts


def grouped(sources: list[dict[str, Any]], only_found: bool = False) -> list[Fact]:
    """The sources of the default chain: those that are there, then those that are not, by reason."""
    there = [Fact("ok", source["source"], source["reason"]) for source in sources if source["found"]]
    reasons: dict[str, list[str]] = {}
    for source in sources:
        if not source["found"]:
            reasons.setdefault(source["reason"], []).append(source["source"])
    absent = [Fact("none", names[0], reason) for reason, names in reasons.items() if len(names) == 1]
    several = [
        Fact("none", "Not used", f"{', '.join(names)}: {reason}") for reason, names in reasons.items() if len(names) > 1
    ]
    if only_found and there:
        return there
    heading = Fact("", "Found here:" if there else "No identity was found here:")
    return [heading, *there, *absent, *several]
