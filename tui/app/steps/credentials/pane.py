"""The step Credentials: which identity deploys, which ones are found on this machine, and who signs in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.app.state.questions import concerned
from tui.app.steps.form_pane import FormPane
from tui.app.steps.step_findings import StepFindings
from tui.app.widgets.choice import Choice
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.help import HelpButton, Topic

SECRET = "credential.client_secret"
VARIABLES = {
    "credential.tenant_id": "AZURE_TENANT_ID",
    "credential.client_id": "AZURE_CLIENT_ID",
    SECRET: "AZURE_CLIENT_SECRET",
}
VARIABLE, SCOPE, VAULT, TYPED = "variable", "Databricks scope", "Key Vault", "typed"
# The references of a way: where the secret is, and its name there.
REFERENCES = {
    SCOPE: re.compile(r"\$\{databricks:([^/}]+)/([^}]+)\}"),
    VAULT: re.compile(r"\$\{keyvault:([^/}]+)/([^}]+)\}"),
}
RENEW = timedelta(minutes=5)  # a token is renewed this long before it expires, while the step is shown


SIGN_IN_TOPIC = Topic(
    "Sign in",
    "Gets a token from Microsoft Entra ID with the identity selected above, and shows the account.",
    "Optional: the run signs in automatically.",
)


class SecretFrom(Widget):
    """Selects where a service principal's secret comes from; not a plan value, but a way to fill one in."""

    def __init__(self, way: str) -> None:
        super().__init__(id="secret-from", classes="field-row")
        self.choice = Choice((VARIABLE, SCOPE, VAULT, TYPED), way, id="secret-way")

    def compose(self) -> ComposeResult:
        yield Static("Secret from", classes="field-label", markup=False)
        yield self.choice

    def topic(self) -> Topic:
        return Topic(
            "Secret from",
            "Environment variables, a Databricks secret scope, an Azure Key Vault, or typed here: in memory only.",
            "A secret scope is a named store of secrets in Databricks, often backed by an Azure Key Vault. The plan or "
            "a cluster variable refers to it, so that the secret need not be seen or typed.",
            "${databricks:deploy/sp-secret}",
            choices=f"{VARIABLE}, {SCOPE}, {VAULT}, {TYPED}",
            link="https://learn.microsoft.com/azure/databricks/security/secrets/secrets-spark-conf-env-var",
        )


class CredentialsPane(FormPane):
    """Shows the credential fields, the identities found, and the signed-in account."""

    step = "credentials"

    def below(self) -> Iterable[Widget]:
        yield SecretFrom(self._way())
        yield Facts(id="secret-facts", column=10)
        yield HelpButton(SIGN_IN_TOPIC, id="sign-in", classes="quiet")
        yield Facts(id="signed-in")
        yield StepFindings(self.store, self.step)
        yield Facts(id="sources")

    def on_mount(self) -> None:
        self._renewed: datetime | None = None
        self._refused = ""  # why the token was not renewed
        self._left: dict[str, str] = {}  # the secret, or the reference to it, by the way that was left
        self.set_interval(30, self._tick)

    def arrive(self) -> None:
        self._show_ways()
        self._show_signed_in()
        self._look_for_sources()

    def changed(self, names: frozenset[str]) -> None:
        if SECRET in names and self._way() in REFERENCES:
            self.query_one("#secret-way", Choice).value = self._way()  # a reference was typed
        if concerned("sign_in", names) or "ready" in names:
            self._show_ways()
        if concerned("sign_in", names):
            self.raw_errors.pop("sign_in", None)
            self._show_signed_in()
        elif "sign_in" in names:
            self._show_signed_in()
        if not names.isdisjoint(("credential.method", "sign_in")):
            self._look_for_sources()

    # Secret source

    def _way(self) -> str:
        if SECRET in self.store.secrets:
            return TYPED
        secret = str(self.store.value(SECRET) or "")
        return next((way for way, reference in REFERENCES.items() if reference.search(secret)), VARIABLE)

    def _show_ways(self) -> None:
        principal = self.store.value("credential.method") == "service_principal"
        self.query_one(SecretFrom).display = principal
        facts = self.query_one("#secret-facts", Facts)
        way = self.query_one("#secret-way", Choice).value
        if SECRET in self.store.secrets:
            way = self.query_one("#secret-way", Choice).value = TYPED
        secret = str(self.store.value(SECRET) or "")
        facts.show(about_way(way, secret, self.store.environ, SECRET in self.store.secrets) if principal else [])

    @on(Choice.Changed, "#secret-way")
    def _way_chosen(self, event: Choice.Changed) -> None:
        """Fill in what this way needs, or what it had before another one was chosen."""
        self._left[self._way()] = self.store.secrets.get(SECRET) or self.store.text(SECRET)
        usual = "" if event.value in (VAULT, TYPED) else f"${{env:{VARIABLES[SECRET]}}}"
        self.store.set(SECRET, self._left.get(event.value, usual))
        for key, variable in VARIABLES.items() if event.value != TYPED else ():
            if not self.store.value(key):
                self.store.put(key, f"${{env:{variable}}}", "you")
        for row in self.rows():
            row.reread()
        self._show_ways()

    # Sources of the default chain

    def _look_for_sources(self) -> None:
        facts = self.query_one("#sources", Facts)
        facts.display = self.store.value("credential.method") == "default"
        if facts.display:
            self._sources()

    @work(group="sources", exclusive=True)
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
    @work(group="sign-in", exclusive=True)
    async def sign_in(self) -> None:
        """Sign in and show the account."""
        problems = {row.field.key: self.store.problem(row.field.key) for row in self.rows() if row.display}
        for row in self.rows():
            row.complain(problems.get(row.field.key))
        wrong = self.first_error()
        if wrong is not None:
            wrong.focus()
            return
        facts = self.query_one("#signed-in", Facts)
        self.store.facts.pop("sign_in", None)
        self._renewed, self._refused = None, ""
        answer = await self.question("sign_in", facts, "Signing in")
        if answer is not None:
            self.store.fresh.azure_changed()  # what could not be checked without signing in can be now
        # With neither an answer nor an error, the query was for older field values.
        if answer is not None or "sign_in" not in self.raw_errors:
            self._show_signed_in()

    def _show_signed_in(self) -> None:
        facts = self.query_one("#signed-in", Facts)
        found: dict[str, Any] | None = self.store.facts.get("sign_in")
        if found:
            facts.show(who(found, datetime.now(timezone.utc), self._renewed, self._refused))
        elif "sign_in" not in self.raw_errors:
            facts.show([Fact("none", "Not signed in yet. Sign in shows your account; runs sign in automatically.")])

    def _tick(self) -> None:
        """Update the remaining time, and renew the token shortly before it expires."""
        found = self.store.facts.get("sign_in")
        if not found or not self.display or not self.is_attached:
            return
        ends = moment(found.get("expires"))
        if ends is not None and ends - datetime.now(timezone.utc) < RENEW and not self._refused:
            self._renew()
        self._show_signed_in()

    @work(group="renew", exclusive=True)
    async def _renew(self) -> None:
        """Renew the token in the background; a refusal is shown, and not retried automatically."""
        before = (self.store.facts.get("sign_in") or {}).get("expires")
        answer = await self.store.answer("sign_in", timeout=60)
        if answer.error:
            self._refused = f"{answer.error.title}. {answer.error.remedy}".strip()
            self.raw_errors["sign_in"] = answer.error.raw
        elif answer.value.get("expires") != before:
            self._renewed = datetime.now(timezone.utc)
        if self.is_attached:
            self._show_signed_in()

    def after_fields(self) -> Widget:
        return self.query_one("#sign-in")


def about_way(way: str, secret: str, environ: Mapping[str, str], typed: bool) -> list[Fact]:
    """Explain what this secret source needs, and whether it is available; never shows the secret itself."""
    if way == TYPED:
        if typed:
            return [Fact("ok", "Typed", "In memory only; you must enter it again to resume a run.")]
        return [
            Fact("none", "Typed", "Type it above. It is kept in memory only; you must enter it again to resume a run.")
        ]
    found = REFERENCES[way].search(secret) if way in REFERENCES else None
    if found:
        place, name = found.groups()
        whose = f"key {name} of the scope {place}" if way == SCOPE else f"secret {name} of the Key Vault {place}"
        checked = "ctrl+o, References, checks it without showing it."
        return [Fact("ok", "Scope" if way == SCOPE else way, f"The {whose} is used to sign in; {checked}")]
    if way == VAULT:
        return [Fact("", "Key Vault", "Type ${keyvault:VAULT/NAME} above to use a secret of an Azure Key Vault.")]
    if way == SCOPE:
        there = bool(environ.get("AZURE_CLIENT_SECRET"))
        return [
            Fact("", "Scope", "A scope is a named store of secrets. Type ${databricks:SCOPE/KEY} above to use one."),
            Fact("", "Or", "the cluster's owner adds a variable under Compute, Advanced, Spark: "
                 "AZURE_CLIENT_SECRET={{secrets/SCOPE/KEY}}"),
            Fact("ok", "Variable", "AZURE_CLIENT_SECRET is set here.") if there else
            Fact("none", "Variable", "AZURE_CLIENT_SECRET is not set here; a cluster reads it on restart."),
        ]  # fmt: skip
    variables = re.findall(r"\$\{env:([^}]+)\}", secret) or ["AZURE_CLIENT_SECRET"]
    names = [*(variable for key, variable in VARIABLES.items() if key != SECRET), *variables]
    missing = [name for name in names if not environ.get(name)]
    if not missing:
        return [Fact("ok", "Variables", f"{', '.join(names)} are set here.")]
    verb = "is" if len(missing) == 1 else "are"
    return [Fact("none", "Variables", f"{', '.join(missing)} {verb} not set here.")]


def who(found: Mapping[str, Any], now: datetime, renewed: datetime | None = None, refused: str = "") -> list[Fact]:
    """Describe the signed-in account, its source, and the token's lifetime."""
    kind = str(found.get("kind") or "identity")
    article = "an" if kind[0] in "aeiou" else "a"
    ends = moment(found.get("expires"))
    over = ends is not None and ends <= now
    through = f", through {found['source']}" if found.get("source") and found.get("method") == "default" else ""
    person = f"as {found.get('principal')}, {article} {kind}{through}"
    facts = [Fact("warn", "Expired", f"{person}; the token has expired") if over else Fact("ok", "Signed in", person)]
    if found.get("tenant"):
        facts.append(Fact("", "Tenant", str(found["tenant"])))
    if found.get("client_id") and found.get("client_id") != found.get("principal"):
        facts.append(Fact("", "Client ID", str(found["client_id"])))
    if ends is not None:
        facts.append(Fact("warn" if over else "", "Expires", lasting(ends, now, renewed)))
    if refused:
        facts.append(Fact("bad", "Not renewed", refused))
    return facts


def lasting(ends: datetime, now: datetime, renewed: datetime | None = None) -> str:
    """Format a token's expiry: `in 42 min, at 2030-01-02 03:04 UTC`, and how it is renewed."""
    at = f"{ends:%Y-%m-%d %H:%M} UTC"
    left = ends - now
    minutes = int(abs(left).total_seconds() // 60)
    words = (
        f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // 1440} days"
    )
    if left <= timedelta(0):
        return f"{words} ago, at {at}. The next request to Azure gets a new token; Sign in gets one now."
    again = f"renewed at {renewed:%H:%M} UTC" if renewed else "renewed automatically"
    return f"in {words}, at {at}; {again}"


def moment(text: Any) -> datetime | None:
    """Parse a time in the helper's format (ISO 8601, UTC); None if it is not one."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def grouped(sources: list[dict[str, Any]], only_found: bool = False) -> list[Fact]:
    """List the sources of the default chain: those found, then the others, grouped by reason."""
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
