"""Caches the connection of questions while workspace, credential and secrets stay the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.cloud.auth import secrets
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud, connect
from tui.plan.load_save.document import Document
from tui.plan.load_save.resolve import resolve
from tui.plan.model import Plan

_KEPT = 8
_lock = threading.Lock()
_sessions: OrderedDict[tuple[str, str], Cloud] = OrderedDict()
_read = secrets.Reader()


def plan_of(sent: Mapping[str, Any]) -> Plan:
    """The plan of a question, `{"document": tree, "base": folder, "secrets": {key: value}}`; may be incomplete."""
    document = Document(tree=dict(sent.get("document") or {}), base=Path(sent.get("base") or "."))
    return resolve(document, os.environ, dict(sent.get("secrets") or {}), lenient=True)


def cloud_of(sent: Mapping[str, Any], workspace: bool = True) -> Cloud:
    """A connection for a question's plan; reused while workspace and credential stay the same.

    Connections to several workspaces with one credential share its tokens: choosing another workspace is no further
    sign-in. Secrets that the plan refers to are read once each. Raises CloudError, also if `workspace` is needed and
    missing.
    """
    plan = secrets.fill(plan_of(sent), _read)
    if workspace:
        _need_workspace(plan)
    key = _key(plan)
    with _lock:
        known = _sessions.get(key)
        if known is None:
            same = next((one.credential for (_, who), one in _sessions.items() if who == key[1]), None)
            known = connect(plan, credential=same)
            _sessions[key] = known
            while len(_sessions) > _KEPT:
                _sessions.popitem(last=False)
        _sessions.move_to_end(key)
    return known.for_plan(plan)


def forget(sent: Mapping[str, Any]) -> None:
    """Drop all connections with a plan's credential, and its secrets, so that the next question signs in again."""
    global _read
    plan = plan_of(sent)
    with contextlib.suppress(CloudError):  # the next question reports the reason
        plan = secrets.fill(plan, _read)
    _, credential = _key(plan)
    with _lock:
        for key in [key for key in _sessions if key[1] == credential]:
            del _sessions[key]
        _read = secrets.Reader()


def _key(plan: Plan) -> tuple[str, str]:
    """Hashes of workspace and of credential, including secrets; kept in memory only."""
    workspace, credential = (
        hashlib.sha256(json.dumps(vars(part), sort_keys=True, default=str).encode()).hexdigest()
        for part in (plan.workspace, plan.credential)
    )
    return workspace, credential


def _need_workspace(plan: Plan) -> None:
    missing = [key for key in ("subscription_id", "resource_group", "name") if not getattr(plan.workspace, key)]
    if missing:
        raise CloudError(
            title="The workspace is not known yet",
            cause=f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing or not valid.",
            remedy="Enter the workspace first.",
            code="WorkspaceMissing",
        )
