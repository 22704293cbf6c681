"""Shows facts from Azure and the files between the prompts; a failed question only prints a line."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from tui.helper.client import HelperClient, HelperError
from tui.helper.diff_report import before_after
from tui.plain.ask_helper import Asker, sentences
from tui.plain.commands.check import CHECK_SECONDS, finding_lines, verdict, worst_first
from tui.plain.output.event_lines import amount
from tui.plain.prompts.field_prompt import Form
from tui.plain.terminal import say
from tui.plan.sizes import cost_words
from tui.rehearsal_client import WORKSPACE, CannotRehearse, prepare, with_own_identity, without_assumed

ANSWER_SECONDS = 60
SILENT_SECONDS = 2
"""After which a line says that an answer is awaited; more lines would only make a screen reader talk."""
CHECKED = ("workspace", "endpoint", "model", "compute", "network")  # permissions are shown with the workspace


class Facts:
    """Asks one helper about the form; `close` ends the helper."""

    def __init__(self, form: Form, *, rehearse: bool) -> None:
        self._form = form
        self._rehearse = rehearse
        self._place = self._workspace()
        self._loop = asyncio.new_event_loop()
        self._client: HelperClient | None = None
        self._said: set[str] = set()

    def close(self) -> None:
        """End the helper, and a question that Ctrl+C has interrupted."""
        self._loop.set_exception_handler(lambda loop, context: None)  # nobody waits for these answers any more
        try:
            self._loop.run_until_complete(self._end())
        finally:
            self._loop.close()

    async def _end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def after(self, step: str) -> None:
        """Print what follows from a step's fields."""
        if step == "credentials":
            self._say_identity()
        elif step == "workspace":
            if self._workspace() != self._place:
                self.rehearsed_again()
            answer = self._ask("workspace")
            if answer:
                self._said.add(str(answer.get("explain")))
                say(f"  {answer.get('name')} in {answer.get('location')}: {answer.get('explain')}")
        elif step == "endpoint":
            self._say_endpoint()
        elif step == "model":
            self._say_model()
        if step in CHECKED:
            # The preflight's problems of this step; findings that are OK are shown at the end.
            _say_wrong(worst_first(self._ask("step_findings", step=step) or []))

    def review(self) -> None:
        """Print the cost, the planned changes and the preflight's findings."""
        cost = self._ask("cost")
        if cost is not None:
            say(f"  Cost: {_cost(cost)}")
        for change in self._ask("changes") or []:
            what = f"{change.get('action', ''):<7} {change.get('resource')} {change.get('name')}"
            say(f"  {what}  {change.get('why') or ''}".rstrip())
            for item in change.get("changes") or []:
                say(f"          {item.get('field')}: {before_after(item)}")
        findings = self._ask("check", CHECK_SECONDS)
        if findings is not None:
            _say_wrong(worst_first(findings))
            say(f"  {verdict(findings)}")

    def rehearsed_again(self) -> None:
        """Add a typed workspace to the rehearsal, and replace a credential that it does not know."""
        if not self._rehearse:
            return
        try:
            self._form.environ = prepare(self._form.document, os.environ)
        except CannotRehearse as reason:
            say(f"  {reason}")
            return
        self._form.written = without_assumed(self._form.document, self._form.written)
        self._form.document = with_own_identity(self._form.document, self._form.environ)
        self._place = self._workspace()

    def _workspace(self) -> list[Any]:
        return [self._form.document.value(key) for key in WORKSPACE]

    def _say_identity(self) -> None:
        for source in self._ask("credential_sources") or []:
            found = "found" if source.get("found") else "not found"
            say(f"  {found}: {source.get('source')}. {source.get('reason') or ''}".rstrip())
        answer = self._ask("sign_in")
        if answer:
            say(f"  Signed in as {answer.get('principal')} ({answer.get('kind')}), tenant {answer.get('tenant')}.")

    def _say_endpoint(self) -> None:
        answer = self._ask("endpoint")
        if answer is not None and answer.get("exists"):
            names = ", ".join(str(item.get("name")) for item in answer.get("deployments") or []) or "none"
            say(f"  The endpoint exists ({answer.get('provisioning_state')}); its deployments: {names}.")
        elif answer is not None:
            say("  The workspace has no endpoint of that name yet; it will be created.")

    def _say_model(self) -> None:
        answer = self._ask("inspect_model")
        if not answer:
            return
        if answer.get("exists"):
            flavour = f"{answer['flavour']}, " if answer.get("flavour") else ""
            files = "1 file" if answer.get("files") == 1 else f"{answer.get('files')} files"
            say(f"  The model: {flavour}{files}, {amount(answer.get('bytes') or 0, None, 'bytes')}.")
        _say_wrong(answer.get("findings") or [])

    def say_network(self) -> None:
        """Print the workspace's network isolation, on which the fields of the step Network depend."""
        answer = self._ask("workspace")
        if not answer:
            return
        if answer.get("explain") not in self._said:
            say(f"  {answer.get('explain')}")
        if answer.get("isolation") == "managed_network" and self._form.document.get(
            "deployment.egress_public_network_access"
        ):
            say("  Leave the egress flag empty (answer -): under a managed virtual network Azure ignores it.")

    def _ask(self, question: str, timeout: float = ANSWER_SECONDS, **with_: Any) -> Any:
        """An answer, or None after printing why there is none; the same reason is printed in full only once."""
        try:
            return self._loop.run_until_complete(self._answer(question, timeout, **with_))
        except HelperError as error:
            text = sentences(error)
            lines = [f"Unknown, as above: {error.title}."] if text in self._said else text.splitlines()
            self._said.add(text)
            for line in lines:
                say(f"  {line}")
            return None

    async def _answer(self, question: str, timeout: float, **with_: Any) -> Any:
        if self._client is None:
            self._client = HelperClient()
            await self._client.start(self._form.environ)
        asking = asyncio.ensure_future(
            Asker(self._client).ask(self._form.document, question, secrets=self._form.secrets, timeout=timeout, **with_)
        )
        try:
            if not (await asyncio.wait([asking], timeout=SILENT_SECONDS))[0]:
                say(f"  Waiting for Azure, at most {timeout:.0f} s.")
            return await asking
        finally:
            asking.cancel()


def _cost(answer: dict[str, Any]) -> str:
    if answer["hour"] is None:
        return f"not known. {answer['note']}"
    what = f"{answer['count']} × {answer['size']}"
    return cost_words(answer["hour"], answer["month"], answer["currency"], what, answer["dated"], answer["extras"])


def _say_wrong(findings: list[dict[str, Any]]) -> None:
    """Print the findings that are not OK."""
    for line in finding_lines([item for item in findings if item.get("severity") != "ok"]):
        say(f"  {line}")
