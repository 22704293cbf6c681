"""The preflight: all checks that are possible before anything is changed, in parallel where possible.

Each step of the wizard runs its own part with `of_step`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple, TypeVar

from tui.checks import each_deployment, rehearsal_limits, sdk_version, steps
from tui.checks.ask_azure import ask
from tui.checks.capacity import autoscale, size_and_quota
from tui.checks.environment import pins, resolution
from tui.checks.finding import BLOCKER, UNKNOWN, Finding, ordered
from tui.checks.identity import endpoint_identity, identity, required_permissions
from tui.checks.model import artifact_findings, artifacts, registered, source
from tui.checks.network import connectivity, network_flags, outbound_rules, private_endpoints
from tui.checks.workspace import endpoint_names, storage, workspace, workspace_diagnose
from tui.cloud.auth import permissions
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.http.hosts import Store
from tui.cloud.session import Cloud
from tui.cloud.workspace.sizes import SizeOffer
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.deadlines import NoAnswer, Question
from tui.plan.model import Deployment, Plan

T = TypeVar("T")

LIMIT = 9.0
"""Seconds for the whole preflight."""


def run(plan: Plan, cloud: Cloud, *, limit: float = LIMIT, with_diagnose: bool = False) -> list[Finding]:
    """Check the plan as it would run now; the findings are blockers first, then warnings, unknown and OK.

    It ends after about `limit` seconds; queries without an answer by then give findings of severity unknown. With
    `with_diagnose`, Azure also diagnoses the workspace, which takes some seconds. Changes nothing and never raises for
    errors from Azure.
    """
    return Preflight(plan, cloud, limit, with_diagnose).findings()


def of_step(plan: Plan, cloud: Cloud, step: str, *, limit: float = LIMIT) -> list[Finding]:
    """The findings of one step of the wizard, from its own queries only; otherwise as `run`.

    Fields of later steps can still be empty in the plan.
    """
    found = Preflight(plan, cloud, limit, step == "workspace", steps.parts(step)).findings()
    return steps.of(step, found)


class _Early(NamedTuple):
    """The queries that do not need the workspace."""

    files: list[Question[list[Finding]]]
    endpoint: Question[EndpointInfo | None]
    who: Question[SignedIn]
    store: Question[Store | None] | None
    source: list[tuple[Plan, Question[Any]]]
    pins: list[Question[list[Finding]]]


class Preflight:
    """One preflight: a query starts as soon as its inputs are known; all end together.

    `parts` are those of `tui.checks.steps`, all of them by default. `who` and `workspace` are set once the findings are
    complete.
    """

    def __init__(
        self,
        plan: Plan,
        cloud: Cloud,
        limit: float = LIMIT,
        with_diagnose: bool = False,
        parts: frozenset[str] = steps.ALL,
    ) -> None:
        self._plan, self._cloud, self._with_diagnose, self._parts = plan, cloud, with_diagnose, parts
        self._ends = time.monotonic() + limit
        self._limit = limit
        self._board = connectivity.Board(self._ends)
        self.who: SignedIn | None = None
        self.workspace: WorkspaceInfo | None = None

    def _ask(self, what: Callable[[], T]) -> Question[T]:
        """Start a query; its answer is waited for until the end of the preflight."""
        return Question(what, max(0.0, self._ends - time.monotonic()))

    def _wants(self, *parts: str) -> bool:
        return not self._parts.isdisjoint(parts)

    def findings(self) -> list[Finding]:
        """Run all queries, in the order in which their answers are needed."""
        from tui.cloud.auth import sign_in
        from tui.cloud.endpoints import endpoints
        from tui.cloud.http import hosts
        from tui.cloud.workspace import workspace as workspaces

        plan, cloud = self._plan, self._cloud
        files = []
        if self._wants("files"):
            reads = [functools.partial(artifacts.check, one, limit=self._limit) for one in each_deployment.plans(plan)]
            files = [Question(read, self._limit + 0.5) for read in reads]
        if self._wants("reach", "login"):
            self._board.add(hosts.of_cloud(cloud.metadata))
        if self._wants("reach", "elsewhere"):
            self._board.add_source(plan)
        asked_who = self._ask(lambda: sign_in.sign_in(cloud))
        # Started together with the sign-in: each query signs in itself if necessary, so none waits for another.
        asked_info = self._ask(lambda: workspaces.read(cloud))
        asked_endpoint = self._ask(lambda: endpoints.read(cloud, plan.endpoint.name) if plan.endpoint.name else None)
        asked_store = self._ask(lambda: hosts.store(cloud)) if self._wants("rights", "reach") else None
        asked_source = self._sources() if self._wants("elsewhere") else []
        asked_pins = self._pins() if self._wants("elsewhere") else []

        found = [identity.signed_in(asked_who), *(sdk_version.check() if self._wants("files") else [])]
        self.who = _quietly(asked_who)
        if found[0].severity in (BLOCKER, UNKNOWN):
            why = "This was not checked, because the sign-in failed."
            info: Any = Finding("workspace", UNKNOWN, workspace.FIELD, why)
        else:
            info = ask(asked_info, "workspace", workspace.FIELD, "The workspace", needed=True)
        if isinstance(info, Finding):
            size = each_deployment.each(plan, _sized) if self._wants("capacity") else []
            elsewhere = self._elsewhere(asked_source, asked_pins)
            return ordered([*found, info, *self._reach(), *size, *self._files(files), *elsewhere])

        self.workspace = info
        early = _Early(files, asked_endpoint, asked_who, asked_store, asked_source, asked_pins)
        return ordered([*found, *self._in_workspace(info, early)])

    def _in_workspace(self, info: WorkspaceInfo, early: _Early) -> list[Finding]:
        """Run the queries that need only the workspace, and collect all findings."""
        from tui.cloud.endpoints.endpoint_names import elsewhere
        from tui.cloud.workspace import limits, sizes

        plan, cloud = self._plan, self._cloud
        around = connectivity.Around(cloud, info, max(0.0, self._ends - time.monotonic() - 1.0), self._wants("around"))
        counts = (
            {one.deployment.instance_count for one in each_deployment.plans(plan)} if self._wants("capacity") else set()
        )
        asked_sizes = {count: self._ask(functools.partial(sizes.offers, cloud, count)) for count in counts}
        asked_usage = self._ask(lambda: limits.usage(cloud)) if self._wants("capacity", "names") else None
        names_too = self._wants("names") and bool(plan.endpoint.name)
        asked_owner = self._ask(lambda: elsewhere(cloud, plan.endpoint.name)) if names_too else None
        if self._wants("rights"):
            asked_rights = self._ask(lambda: permissions.granted(cloud, info.id))
            asked_providers = self._ask(lambda: required_permissions.providers(cloud))
        looked = self._ask(self._look) if self._with_diagnose else None
        uploads = self._wants("reach") and any(_uploads(one.deployment) for one in each_deployment.plans(plan))
        asked_storage = self._ask(lambda: _storage(cloud)) if uploads else None

        named = endpoint_identity.asked(plan, cloud, info, self._ask) if self._wants("names") else {}
        assets = each_deployment.plans(plan) if self._wants("elsewhere") else []
        asked_assets = {one.deployment.name: registered.asked(one, cloud, self._ask) for one in assets}
        rehearsed = each_deployment.plans(plan) if rehearsal_limits.applies(cloud) else []
        asked_limits: list[Question[Any]] = [
            self._ask(
                functools.partial(rehearsal_limits.of_plan, one, asked_assets.get(one.deployment.name, {}), cloud)
            )
            for one in rehearsed
        ]

        existing = ask(early.endpoint, "endpoint", "endpoint.name", f"Whether {plan.endpoint.name} exists")
        endpoint = None if isinstance(existing, Finding) else existing
        store = _quietly(early.store) if early.store else None
        if self._wants("reach"):
            unread = existing.message if isinstance(existing, Finding) else ""
            connectivity.add_workspace(self._board, plan, cloud, around, store, endpoint, "", unread)

        def rights(one: Plan) -> Iterator[Finding]:
            return required_permissions.findings(
                one, cloud, info, asked_rights, asked_providers, self.who, store, endpoint
            )

        return [
            *identity.tenants(early.who, info.tenant),
            *(each_deployment.each(plan, rights) if self._wants("rights") else []),
            workspace.there(info),
            *workspace.version_two(info),
            *self._network(info, around),
            *(self._names(info, existing, asked_owner) if asked_owner else []),
            *endpoint_identity.findings(plan, info, named, self.who, endpoint),
            *(self._capacity(asked_sizes, asked_usage, endpoint) if asked_usage else []),
            *([storage.open_to_us(asked_storage)] if asked_storage else []),
            *self._reach(),
            # The check of the files does not know the workspace, so it can only warn about MLflow and the network.
            *(finding for finding in self._files(early.files) if finding.id != "mlflow-network"),
            *self._elsewhere(early.source, early.pins),
            *each_deployment.each(plan, lambda one: artifact_findings.about_mlflow_network(one, info.isolation)),
            *each_deployment.each(
                plan, lambda one: registered.findings(one, asked_assets.get(one.deployment.name, {}))
            ),
            *each_deployment.merged(plan, [_quietly(one) or () for one in asked_limits]),
            *(workspace_diagnose.noticed(looked, info) if looked else []),
        ]

    def _sources(self) -> list[tuple[Plan, Question[Any]]]:
        """For each deployment with a model in another location, the query about its content."""
        return [
            (one, self._ask(functools.partial(source.held, one, self._cloud)))
            for one in each_deployment.plans(self._plan)
            if one.deployment.model.source
        ]

    def _pins(self) -> list[Question[list[Finding]]]:
        """For each deployment, the check of its packages."""

        def ask_index(one: Plan) -> list[Finding]:
            asked = pins.wanted(one)
            seconds = max(0.0, self._ends - time.monotonic() - 0.5)
            found = resolution.check(one, asked, seconds) if asked else []
            # In a container, the base image's conda installs what is not on PyPI.
            bare = any(f.id == resolution.REHEARSAL for f in found) and rehearsal_limits.why_no_containers(self._cloud)
            return [f for f in found if bare or f.id != resolution.REHEARSAL]

        return [self._ask(functools.partial(ask_index, one)) for one in each_deployment.plans(self._plan)]

    def _elsewhere(
        self, asked_source: list[tuple[Plan, Question[Any]]], asked_pins: list[Question[list[Finding]]]
    ) -> list[Finding]:
        found = [finding for one, question in asked_source for finding in source.findings(one, question)]
        found += [finding for question in asked_pins for finding in _quietly(question) or []]
        return list({(finding.id, finding.message): finding for finding in found}.values())

    def _look(self) -> Any:
        from tui.cloud.workspace.diagnose import diagnose

        return diagnose(self._cloud, stopped=lambda: time.monotonic() > self._ends)

    def _reach(self) -> list[Finding]:
        return connectivity.findings(self._board.hops(self._cloud.metadata.built_in))

    def _network(self, info: WorkspaceInfo, around: connectivity.Around) -> list[Finding]:
        plan = self._plan
        environments = [one.deployment.environment for one in each_deployment.plans(plan)]
        builds = any(one.conda_file is not None or one.build is not None for one in environments)
        return [
            *each_deployment.each(plan, lambda one: network_flags.check(one, info)),
            *private_endpoints.approvals(plan, info),
            *private_endpoints.registry(info, around.of(info.container_registry), builds),
            *private_endpoints.vault(plan, info, around.of(info.key_vault)),
            *private_endpoints.storage(info, around.of(info.storage_account)),
            *each_deployment.each(plan, lambda one: outbound_rules.check(one, info)),
        ]

    def _names(self, info: WorkspaceInfo, existing: Any, asked_owner: Question[Any]) -> list[Finding]:
        if isinstance(existing, Finding):
            return [existing]
        if existing is not None:
            return each_deployment.each(self._plan, lambda one: endpoint_names.check(one, existing, info))
        elsewhere = _quietly(asked_owner)
        asked = elsewhere.asked if elsewhere else None
        taken = endpoint_names.taken(self._plan, elsewhere, info) if elsewhere else []
        return taken or each_deployment.each(self._plan, lambda one: endpoint_names.check(one, None, info, asked))

    def _capacity(
        self,
        asked_sizes: dict[int, Question[list[SizeOffer]]],
        asked_usage: Question[Any],
        endpoint: EndpointInfo | None,
    ) -> list[Finding]:
        plan = self._plan
        needs: list[size_and_quota.Need] = []

        def left(one: Plan) -> list[Finding]:
            question = asked_sizes[one.deployment.instance_count]
            offers = ask(question, "quota", size_and_quota.TYPE, "The quota left", blocks=False)
            if isinstance(offers, Finding):
                return [offers]
            existing = size_and_quota.existing(one, endpoint)
            needs.extend(size_and_quota.need(one, offers, existing))
            return size_and_quota.quota(one, offers, existing)

        usage = ask(asked_usage, "room", size_and_quota.COUNT, "The number of endpoints left", blocks=False)
        room = [usage] if isinstance(usage, Finding) else []
        if not isinstance(usage, Finding):
            room = each_deployment.each(plan, lambda one: size_and_quota.room(one, usage, endpoint))
        quota = each_deployment.each(plan, left) if asked_sizes else []
        return [
            *each_deployment.each(plan, _sized),
            *quota,
            *size_and_quota.all_together(needs),
            *room,
            *self._autoscale(endpoint),
        ]

    def _autoscale(self, endpoint: EndpointInfo | None) -> list[Finding]:
        """The autoscale rules of deployments whose instance count is not the plan's."""
        from tui.cloud.endpoints.scaling import with_rules

        wanted = {one.name: one.instance_count for one in self._plan.every_deployment}
        there = endpoint.deployments if endpoint else []
        if endpoint is None or all(wanted.get(one.name, one.instance_count) == one.instance_count for one in there):
            return []
        question = self._ask(lambda: with_rules(self._cloud, endpoint.id, there, self._plan))
        field = size_and_quota.COUNT
        rules = ask(
            question, "autoscale", field, "Whether an autoscale rule sets the number of instances", blocks=False
        )
        return [rules] if isinstance(rules, Finding) else size_and_quota.autoscaled(rules, wanted)

    def _files(self, questions: list[Question[list[Finding]]]) -> list[Finding]:
        return each_deployment.merged(self._plan, [_files(question) for question in questions])


def _sized(one: Plan) -> list[Finding]:
    return [*size_and_quota.size(one), *autoscale.about(one)]


def _uploads(deployment: Deployment) -> bool:
    return deployment.model.path is not None or deployment.code_configuration is not None


def _storage(cloud: Cloud) -> str:
    from tui.cloud.storage.storage_probe import list_nothing

    return list_nothing(cloud)


def _quietly(question: Question[T]) -> T | None:
    """The answer, or None if there is none, for optional details of other findings."""
    try:
        return question.answer()
    except Exception:
        return None


def _files(question: Question[list[Finding]]) -> list[Finding]:
    try:
        return question.answer()
    except NoAnswer as late:
        return [Finding("artifacts", UNKNOWN, "deployment.model.path", f"The plan's files were not read. {late}")]
