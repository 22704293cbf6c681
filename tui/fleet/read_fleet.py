"""Reads the fleet: everything concurrently, each row as soon as something is known of it, and again by age.

A workspace that hangs or refuses holds up nobody. What was read is kept between calls, and read again when it is older
than its age; deployments of many endpoints less often, so that refreshing uses a small part of the budget of reads.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Callable

from tui.cloud.endpoints import deployments, endpoints, scaling
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CHANGING, CloudError
from tui.cloud.http import read_budget
from tui.cloud.monitor import activity_log, metrics_batch, resource_graph
from tui.cloud.session import Cloud
from tui.cloud.workspace import listing
from tui.cloud.workspace.workspace import portal_url
from tui.common.deadlines import NoAnswer
from tui.fleet import discover
from tui.fleet.known import AGES, Known, KnownWorkspace, Wish
from tui.fleet.lanes import Lanes
from tui.fleet.row import Facts, Why, row

CHANGING_AGE, UNREAD_AGE = 10.0, 60.0  # of what Azure is changing; of a workspace that hung or refused
DEPLOYMENT_LISTS_A_SECOND = 4.0  # of one subscription, while refreshing
HOUR_SECONDS = 60.0  # where metrics are read one by one
AT_ONCE, WORKSPACES_AT_ONCE = 6, 64  # requests in one workspace, which may hang; all others
_ID_PARTS = 11  # of an endpoint's id, with the empty one before the first slash
_OWN = ("read_at", "changed")
_NOT_COMPARED = (*_OWN, "why", "pending")
_UNREAD = ("refused", "silent")

Body = dict[str, Any]
Part = Callable[[Body], None]


def read(known: Known, cloud: Cloud, wish: Wish, part: Part) -> Body:
    """Read what is due, tell each part, and return the numbers; see `tui.helper.questions.fleet`."""
    reading = _Reading(known, read_budget.budgeted(cloud), wish)
    with known.listening(wish, part):
        if wish.resend:
            known.tell_known(wish, part)
        # A second reading finds nothing due while the first one is under way: it hears what that one finds.
        with contextlib.nullcontext() if wish.endpoints else known.reading:
            return reading.run()


class _Reading:
    def __init__(self, known: Known, cloud: Cloud, wish: Wish) -> None:
        self.known, self.cloud, self.wish, self.part = known, cloud, wish, known.tell
        self.lanes = Lanes()
        self.before = dict(known.rows)
        self.unseen: list[dict[str, str]] = []
        self.begun: set[str] = set()

    def run(self) -> Body:
        began, budget = time.monotonic(), read_budget.of(self.cloud)
        sent = budget.requests
        for one in self.wish.endpoints:
            self._later("", self._again, one)
        if not self.wish.endpoints:
            self._later("", self._subscriptions)
        self.lanes.wait()
        seen = [one for one in self.known.all_workspaces() if self.wish.includes(one.place)]
        for name in self.wish.workspaces:
            if not any(name.lower() in (one.place.name.lower(), one.place.id.lower()) for one in seen):
                self._cannot_see(f"the workspace {name}", "this identity sees none of that name")
        for workspace in seen:
            if workspace.state in _UNREAD:
                self._cannot_see(f"the workspace {workspace.place.name}", workspace.reason)
        return {
            "endpoints": sum(len(one.endpoints) for one in seen),
            "workspaces": len(seen),
            "subscriptions": len({one.place.subscription for one in seen}),
            "unseen": self.unseen,
            "requests": budget.requests - sent,
            "seconds": round(time.monotonic() - began, 2),
        }

    def _later(self, lane: str, work: Callable[..., None], *given: Any) -> None:
        self.lanes.do(lane, AT_ONCE if lane else WORKSPACES_AT_ONCE, work, *given)

    def _due(self, kind: str, name: str, age: float | None = None, found: Any = None) -> bool:
        """Whether to read a part now; sooner again if what was `found` last is why it could not be read."""
        key = f"{kind} {name.lower()}"
        with self.known.lock:
            # What many endpoints have in common is read once, and not because of one endpoint that is read again.
            fresh = self.wish.fresh and key not in self.begun and not (self.wish.endpoints and kind in ("log", "rules"))
            self.begun.add(key)
            return self.known.due(kind, name.lower(), fresh, UNREAD_AGE if isinstance(found, Why) else age)

    def _cannot_see(self, what: str, why: str) -> None:
        self.unseen.append({"what": what, "why": why})

    # What there is

    def _subscriptions(self) -> None:
        if self._due("subscriptions", "", UNREAD_AGE if self.known.shared.get(("subscriptions", "")) else None):
            found = discover.known("the subscriptions", lambda: listing.subscriptions(self.cloud))
            reason = f"Not all may be shown: {found}." if isinstance(found, Why) else found.reason
            if reason:
                self.part({"kind": "note", "text": reason})
            self.known.shared["subscriptions", ""] = reason
            if not isinstance(found, Why) and (found.items or not found.reason):
                self.known.subscriptions = {item.value.lower(): item.label for item in found.items}
            if not reason and not self.wish.subscriptions:
                for workspace in self.known.all_workspaces():
                    if workspace.place.subscription not in self.known.subscriptions:
                        self._drop(workspace, "This identity does not see its subscription any more.")
        reason = self.known.shared.get(("subscriptions", ""), "")
        if reason not in ("", listing.NO_ROLE):
            self._cannot_see("some subscriptions", reason)
        known = self.known.subscriptions
        ids = {text.lower(): one for one, name in known.items() for text in (one, name)}
        # One that is not listed may answer nevertheless.
        chosen = [ids.get(text.lower(), text.lower()) for text in self.wish.subscriptions] or list(known)
        if chosen and self._due("graph", ",".join(chosen)):
            for text in (resource_graph.WORKSPACES, resource_graph.ENDPOINTS, resource_graph.DEPLOYMENTS):
                self._later("", self._graph, chosen, text)
        for one in chosen:
            self._later("", self._workspaces, one)

    def _workspaces(self, subscription: str) -> None:
        if self._due("workspaces", subscription, found=self.known.shared.get(("workspaces", subscription))):
            place = f"/subscriptions/{subscription}"
            found = discover.known("the list", lambda: list(listing.workspaces_below(self.cloud, place)))
            self.known.shared["workspaces", subscription] = found
            if isinstance(found, Why):
                name = self.known.subscriptions.get(subscription, subscription)
                self.part({"kind": "note", "text": f"The workspaces of {name} are not all known: {found}."})
            else:
                self._found(found)
        if isinstance(why := self.known.shared.get(("workspaces", subscription)), Why):
            name = self.known.subscriptions.get(subscription, subscription)
            self._cannot_see(f"the workspaces of the subscription {name}", why)
        for one in self.known.all_workspaces(subscription):
            self._begin(one)

    def _found(self, bodies: Sequence[Body]) -> list[KnownWorkspace]:
        """The workspaces in Resource Manager's or Resource Graph's answer, noted if they are new."""
        right = [body for body in bodies if str(body.get("id")).count("/") >= 8]
        return [self._workspace(str(body["id"]), str(body.get("location") or "")) for body in right]

    def _workspace(self, resource_id: str, location: str = "") -> KnownWorkspace:
        """The workspace of an id, noted if it is new. Raises CloudError if it is no such id."""
        place = discover.place_of(resource_id, location)
        place = replace(place, subscription_name=self.known.subscriptions.get(place.subscription, place.subscription))
        with self.known.lock:
            return self.known.workspaces.setdefault(place.id.lower(), KnownWorkspace(place))

    def _graph(self, subscriptions: list[str], text: str) -> None:
        """What Resource Graph adds: workspaces that lists do not show, and what is in those that cannot be read."""
        graph = discover.known("Resource Graph", lambda: resource_graph.query(self.cloud, text, subscriptions))
        whole = not isinstance(graph, Why) and graph.complete
        if text == resource_graph.WORKSPACES and not whole:
            why = graph if isinstance(graph, Why) else graph.reason.rstrip(".")
            said = f"Workspaces are from lists, since Resource Graph did not tell all: {why}."
            self.part({"kind": "note", "text": said})
        rows = [] if isinstance(graph, Why) else graph.rows
        if text == resource_graph.WORKSPACES:
            for one in self._found(rows):
                self._begin(one)
            return
        found: defaultdict[str, list[Body]] = defaultdict(list)
        for body in rows:
            found[str(body.get("id")).lower().rpartition("/")[0].rpartition("/")[0]].append(body)
        self.known.graph[text] = found
        for one in self.known.all_workspaces():
            if one.state in _UNREAD and self.wish.includes(one.place):
                self._from_graph(one)

    # A workspace

    def _begin(self, workspace: KnownWorkspace) -> None:
        with self.known.lock:
            key = workspace.place.id.lower()
            if key in self.begun or not self.wish.includes(workspace.place):
                return
            self.begun.add(key)
        self._later("", self._endpoints, workspace)

    def _tell(self, workspace: KnownWorkspace, state: str, reason: str = "") -> None:
        place = workspace.place
        told = {
            "kind": "workspace", "id": place.id, "name": place.name, "resource_group": place.resource_group,
            "subscription": place.subscription, "subscription_name": place.subscription_name,
            "location": place.location, "state": state, "reason": reason, "endpoints": len(workspace.endpoints),
        }  # fmt: skip
        with self.known.lock:
            workspace.state, workspace.reason = state, reason
            if told != workspace.told:
                workspace.told = told
                self.part(told, place)

    def _endpoints(self, workspace: KnownWorkspace) -> None:
        place = workspace.place
        changing = any(facts.endpoint.provisioning_state in CHANGING for facts in list(workspace.endpoints.values()))
        age = UNREAD_AGE if workspace.state in _UNREAD else CHANGING_AGE if changing else None
        if self._due("state", place.id, age):
            if not workspace.told:
                self._tell(workspace, "reading")
            try:
                found = discover.limited(lambda: discover.endpoints(self.cloud, place.id), discover.WORKSPACE_LIMIT)
            except (CloudError, NoAnswer) as error:
                if getattr(error, "status", None) == 404:
                    return self._drop(workspace, "It does not exist any more.")
                state, reason = discover.unread_workspace(place.name, error)
                if isinstance(error, discover.UsedUp) and workspace.state == "read":
                    return self._cannot_see(f"the workspace {place.name}", reason)  # what is known stays
                self._tell(workspace, state, reason)
                return self._from_graph(workspace)
            with self.known.lock:
                workspace.state, workspace.reason = "read", ""  # what Resource Graph says now comes too late
            for one in found:
                self._keep(workspace, *one)
            here = {endpoint.id.lower() for endpoint, _ in found}
            self._gone(workspace, [key for key in list(workspace.endpoints) if key not in here])
            self._tell(workspace, "read")
        if workspace.state == "read":
            self._more(workspace, list(workspace.endpoints.values()))

    def _keep(
        self, workspace: KnownWorkspace, found: EndpointInfo, told: dict[str, str], unreachable: str = ""
    ) -> Facts:
        """Note an endpoint as Azure tells it, or as Resource Graph does if it is unreachable, and show its row."""
        with self.known.lock:
            facts = workspace.endpoints.get(found.id.lower())
            if facts is None:
                url = portal_url(self.cloud, found.name, workspace.place.id)
                facts = Facts(workspace.place, found, {}, url, images=self.known.images)
                workspace.endpoints[found.id.lower()] = facts
            facts.endpoint, facts.unreachable = found, unreachable
            facts.told = {**facts.told, "": told}
        self._show(facts)
        return facts

    def _from_graph(self, workspace: KnownWorkspace) -> None:
        """The endpoints of a workspace that could not be read, as Resource Graph or an earlier read has them."""
        reason = Why(f"its workspace could not be read ({workspace.state})")
        graph, key = self.known.graph, workspace.place.id.lower()
        for body in graph.get(resource_graph.ENDPOINTS, {}).get(key, []):
            if str(body.get("id")).lower() not in workspace.endpoints:
                with contextlib.suppress(CloudError):
                    self._keep(workspace, *discover.parsed(body, endpoints.info), workspace.reason)
        for name, facts in list(workspace.endpoints.items()):
            below = graph.get(resource_graph.DEPLOYMENTS, {}).get(name, [])
            with self.known.lock:
                if workspace.state not in _UNREAD:
                    return
                facts.unreachable = workspace.reason
                if facts.deployments is None or (below and isinstance(facts.deployments, Why)):
                    facts.deployments = reason
                    with contextlib.suppress(CloudError):
                        facts.deployments = [deployments.info(body) for body in below] or reason
                facts.hour = reason if facts.hour is None else facts.hour
            self._once(facts.place.subscription)
            self._show(facts)
        self._tell(workspace, workspace.state, workspace.reason)

    def _gone(self, workspace: KnownWorkspace, keys: Sequence[str]) -> None:
        with self.known.lock:
            for key in keys:
                facts = workspace.endpoints.pop(key, None)
                if facts is not None and self.known.rows.pop(key, None) is not None:
                    self.part({"kind": "gone", "id": facts.endpoint.id}, facts.place)

    def _drop(self, workspace: KnownWorkspace, reason: str) -> None:
        """Tell a workspace that is no longer there as read, without endpoints, and forget it."""
        with self.known.lock:
            self.known.workspaces.pop(workspace.place.id.lower(), None)
            self._gone(workspace, list(workspace.endpoints))
            self._tell(workspace, "read", reason)

    # An endpoint

    def _again(self, endpoint_id: str) -> None:
        """One endpoint alone, whatever its age."""
        workspace = self._workspace(endpoint_id)
        found = discover.known("it", lambda: discover.endpoint(self.cloud, endpoint_id), discover.WORKSPACE_LIMIT)
        if isinstance(found, Why):
            self._cannot_see(f"the endpoint {endpoint_id.rpartition('/')[2]}", found)
        elif found is None:
            self._gone(workspace, [endpoint_id.lower()])
        else:
            self._more(workspace, [self._keep(workspace, *found)], always=True)

    def _more(self, workspace: KnownWorkspace, found: list[Facts], always: bool = False) -> None:
        """Everything else that is due about endpoints of a workspace; their own part of it `always`."""
        if not found:
            return
        subscription = workspace.place.subscription
        self._once(subscription)
        due = always or self._due("hour", workspace.place.id)
        if timed := [facts for facts in found if due or facts.hour is None]:
            self._later(workspace.place.id, self._hour, timed)
        usual = max(AGES["deployments"], len(self.known.all(subscription)) / DEPLOYMENT_LISTS_A_SECOND)
        for facts in found:
            below = facts.deployments if isinstance(facts.deployments, list) else []
            states = [facts.endpoint.provisioning_state, *(one.provisioning_state for one in below)]
            changing = any(state in CHANGING for state in states)
            due = self._due("deployments", facts.endpoint.id, CHANGING_AGE if changing else usual)
            if due or always or facts.deployments is None:
                self._later(workspace.place.id, self._deployments, facts)

    def _deployments(self, facts: Facts) -> None:
        found = discover.known("its deployments", lambda: discover.deployments(self.cloud, facts.endpoint.id))
        if found is None:  # the endpoint was removed since it was listed
            workspace = self.known.workspaces.get(facts.place.id.lower())
            return self._gone(workspace, [facts.endpoint.id.lower()]) if workspace else None
        with self.known.lock:
            if isinstance(found, Why):
                facts.deployments = discover.newer(found, facts.deployments)
            else:
                facts.deployments = [one for one, _ in found]
                facts.told = {"": facts.told[""], **{one.name: told for one, told in found}}
        for one in facts.deployments if isinstance(facts.deployments, list) else ():
            name = str(one.environment or "").lower()
            if name and self._due("image", name, found=self.known.images.get(name)):
                self._later(facts.place.id, self._image, one.environment)
        self._show(facts)

    def _image(self, environment: str) -> None:
        found = discover.known("the environment", lambda: discover.image(self.cloud, environment))
        self.known.images[environment.lower()] = found
        for facts in self.known.all():
            below = facts.deployments if isinstance(facts.deployments, list) else []
            if environment.lower() in [str(one.environment).lower() for one in below]:
                self._show(facts)

    def _hour(self, found: list[Facts]) -> None:
        by_region: defaultdict[str, list[Facts]] = defaultdict(list)
        for facts in found:
            by_region[facts.endpoint.location or facts.place.location].append(facts)
        for region, here in by_region.items():
            ids = [facts.endpoint.id for facts in here]
            read = partial(metrics_batch.last_hour, self.cloud, here[0].place.subscription, region, ids)
            answers = discover.known("metrics", read, HOUR_SECONDS)
            for facts in here:
                answer = answers if isinstance(answers, Why) else answers[facts.endpoint.id.lower()]
                answer = discover.why("metrics", answer) if isinstance(answer, Exception) else answer
                facts.hour = discover.newer(answer, facts.hour)
                self._show(facts)

    def _once(self, subscription: str) -> None:
        """What is read once for all endpoints of a subscription."""
        for kind, what, read in (
            ("log", "the activity log", activity_log.of_subscription),
            ("rules", "autoscale rules", scaling.of_subscription),
        ):
            if self._due(kind, subscription, found=self.known.shared.get((kind, subscription))):
                self._later("", self._shared, kind, what, read, subscription)

    def _shared(self, kind: str, what: str, read: Callable[[Cloud, str], Any], subscription: str) -> None:
        found = discover.known(what, lambda: read(self.cloud, subscription))
        found = discover.newer(found, self.known.shared.get((kind, subscription)))
        if isinstance(found, activity_log.SubscriptionLog):
            changes: defaultdict[str, list[activity_log.Change]] = defaultdict(list)
            for change in found.changes:
                changes["/".join(change.resource.lower().split("/")[:_ID_PARTS])].append(change)
            self.known.changes[subscription] = changes
        self.known.shared[kind, subscription] = found
        for facts in self.known.all(subscription):
            self._show(facts)

    # The rows

    def _show(self, facts: Facts) -> None:
        """Send the row of an endpoint if it differs from the one that was sent last."""
        known, key, subscription = self.known, facts.endpoint.id.lower(), facts.place.subscription
        if not self.wish.includes(facts.place):
            return
        with known.lock:
            workspace = known.workspaces.get(facts.place.id.lower())
            if workspace is None or workspace.endpoints.get(key) is not facts:
                return  # it is gone meanwhile
            rules = known.shared.get(("rules", subscription))
            active = rules.get(key, []) if isinstance(rules, dict) else rules
            log = known.shared.get(("log", subscription))
            if isinstance(log, activity_log.SubscriptionLog):
                log = replace(log, changes=known.changes[subscription].get(key, []))
            new = row(replace(facts, log=log, rules=active))
            old, before = known.rows.get(key), self.before.get(key)
            if before is not None:
                skipped = (*_NOT_COMPARED, *before["pending"])
                new["changed"] = [name for name in new if name not in skipped and new[name] != before[name]]
            known.rows[key] = new
            if old is None or any(new[name] != old[name] for name in new if name not in _OWN):
                self.part({**new, "kind": "endpoint"}, facts.place)
