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
_sessions: OrderedDict[str, Cloud] = OrderedDict()
_read = secrets.Reader()


def plan_of(sent: Mapping[str, Any]) -> Plan:
    """The plan of a question, `{"document": tree, "base": folder, "secrets": {key: value}}`; may be incomplete."""
    document = Document(tree=dict(sent.get("document") or {}), base=Path(sent.get("base") or "."))
    return resolve(document, os.environ, dict(sent.get("secrets") or {}), lenient=True)


def cloud_of(sent: Mapping[str, Any], workspace: bool = True) -> Cloud:
    """A connection for a question's plan; reused without another sign-in while nothing relevant has changed.

    Secrets that the plan refers to are read once each. Raises CloudError, also if `workspace` is needed and missing.
    """
    plan = secrets.fill(plan_of(sent), _read)
    if workspace:
        _need_workspace(plan)
    key = _key(plan)
    with _lock:
        known = _sessions.get(key)
        if known is None:
            known = connect(plan)
            _sessions[key] = known
            while len(_sessions) > _KEPT:
                _sessions.popitem(last=False)
        _sessions.move_to_end(key)
    return known.for_plan(plan)


def forget(sent: Mapping[str, Any]) -> None:
    """Drop a plan's connection and its secrets, so that the next question signs in again."""
    global _read
    plan = plan_of(sent)
    with contextlib.suppress(CloudError):  # the next question reports the reason
        plan = secrets.fill(plan, _read)
    with _lock:
        _sessions.pop(_key(plan), None)
        _read = secrets.Reader()


def _key(plan: Plan) -> str:
    """A hash of workspace and credential, including secrets; kept in memory only."""
    parts = [vars(plan.workspace), vars(plan.credential)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _need_workspace(plan: Plan) -> None:
    missing = [key for key in ("subscription_id", "resource_group", "name") if not getattr(plan.workspace, key)]
    if missing:
        raise CloudError(
            title="The workspace is not known yet",
            cause=f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing or not valid.",
            remedy="Enter the workspace first.",
            code="WorkspaceMissing",
        )
