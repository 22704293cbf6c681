"""The command `compare FILE`: reports where the rehearsal's responses differ from a recording of the service.

A recording (`aml-deploy apply --record`) contains requests and responses with placeholders for names. Its requests are
sent, in order, to a rehearsal that is started for this purpose; statuses, headers, and fields of JSON bodies with their
types are compared, but not values.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from tui.rehearsal.client_environment import describe
from tui.rehearsal.compare.bindings import Bindings
from tui.rehearsal.compare.replay import Found, Outcome, Replay, Target
from tui.rehearsal.compare.shapes import SEVERITY, Difference
from tui.rehearsal.places import Home
from tui.rehearsal.process import RehearsalError, UsageError, ensure_running, stop

FORMAT = "aml-deploy recording 1"


def compare(path: Path, environ: Mapping[str, str], as_json: bool) -> int:
    """Print the differences, worst first; return 0 if there are none, else 1. Raises RehearsalError."""
    about, exchanges = load(path)
    if not exchanges:
        raise RehearsalError(f"{path} contains no exchanges to compare.")
    if not as_json:
        print(f"Sending {len(exchanges)} recorded requests to a separate rehearsal.", file=sys.stderr)
    outcome = _replay(exchanges, environ)
    print("\n".join(_as_json(outcome) if as_json else _as_text(outcome, about)))
    return 1 if outcome.found else 0


def load(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The first line of a recording, and its exchanges. A truncated line of a killed run is omitted.

    Raises UsageError for a missing file or one that is not a recording, RehearsalError if it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RehearsalError(f"{path} cannot be read: {error}.") from error
    read: list[dict[str, Any]] = []
    for line in lines:
        with contextlib.suppress(ValueError):
            item = json.loads(line)
            if isinstance(item, dict):
                read.append(item)
    if not read or read[0].get("format") != FORMAT:
        raise UsageError(f"{path} is not a recording of `aml-deploy apply --record`.")
    exchanges = []
    for item in read[1:]:
        if item.get("format") or "unrecorded" in item:
            continue
        missing = {"seq", "service", "method", "url", "request", "response"} - item.keys()
        if missing:
            raise RehearsalError(f"{path}: an exchange has no {', '.join(sorted(missing))}.")
        exchanges.append(item)
    return read[0], exchanges


def _replay(exchanges: list[dict[str, Any]], environ: Mapping[str, str]) -> Outcome:
    def ended(*_: object) -> None:
        sys.exit(130)

    signal.signal(signal.SIGTERM, ended)
    with tempfile.TemporaryDirectory(prefix="aml-deploy-compare-") as folder:
        own = {**environ, "AML_DEPLOY_HOME": folder}
        home = Home.of(own)
        try:
            server = ensure_running(home, own)
            described = describe(home, server, own)
            variables = described["set"]
            workspace = described["workspaces"]["managed" if _has_managed_network(exchanges) else "legacy"]
            target = Target(described["url"], variables, variables["REHEARSAL_TENANT_ID"])
            bindings = Bindings(
                described["url"],
                {
                    "{subscription}": workspace["subscription_id"],
                    "{resource-group}": workspace["resource_group"],
                    "{workspace}": workspace["name"],
                    "{tenant}": target.tenant,
                },
            )
            return Replay(target, bindings, exchanges).run()
        except requests.RequestException as error:
            raise RehearsalError(
                f"The rehearsal did not answer a recorded request: {type(error).__name__}. Try again; if it happens "
                "again, the recording contains a request that the rehearsal does not support."
            ) from error
        finally:
            stop(home)
            shutil.rmtree(home.folder, ignore_errors=True)


def _has_managed_network(exchanges: list[dict[str, Any]]) -> bool:
    """Whether the recorded workspace has a managed virtual network; if it was not read, by the egress flag."""
    for item in exchanges:
        body = (item.get("response") or {}).get("body")
        network = (body.get("properties") or {}).get("managedNetwork") if isinstance(body, dict) else None
        if isinstance(network, dict):
            return str(network.get("isolationMode", "Disabled")).lower() not in ("disabled", "none", "")
    sent = [item["request"].get("body") or {} for item in exchanges]
    return not any("egressPublicNetworkAccess" in (body.get("properties") or {}) for body in sent)


def _unique(outcome: Outcome) -> list[tuple[Found, int]]:
    """Each difference of an operation once, with its number of occurrences, worst first."""
    seen: dict[tuple[str, Difference], list[Found]] = {}
    for found in outcome.found:
        seen.setdefault((found.operation, found.difference), []).append(found)
    ordered = sorted(seen.values(), key=lambda same: (SEVERITY.index(same[0].difference.kind), same[0].seq))
    return [(same[0], len(same)) for same in ordered]


def _as_json(outcome: Outcome) -> list[str]:
    lines = [
        {
            "kind": found.difference.kind,
            "operation": found.operation,
            "where": found.difference.where,
            "recorded": found.difference.recorded,
            "rehearsal": found.difference.rehearsal,
            "exchange": found.seq,
            "times": times,
        }
        for found, times in _unique(outcome)
    ]
    last = {
        "differences": len(lines),
        "compared": outcome.compared,
        "operations": len(outcome.operations),
        "not_compared": outcome.skipped,
    }
    return [json.dumps(line, ensure_ascii=False) for line in (*lines, last)]


def _as_text(outcome: Outcome, about: Mapping[str, Any]) -> list[str]:
    versions = about.get("versions") or {}
    made = f" with azure-ai-ml {versions['azure-ai-ml']}" if versions.get("azure-ai-ml") else ""
    lines = [
        f"Recorded {str(about.get('started', ''))[:10]}{made}: compared {outcome.compared} exchanges, "
        f"{len(outcome.operations)} operations."
    ]
    found = _unique(outcome)
    for item, times in found:
        difference = item.difference
        where = f" {difference.where}" if difference.where else ""
        often = f", {times} times" if times > 1 else ""
        lines.append(f"{difference.kind}{where}: {item.operation} (exchange {item.seq}{often})")
        lines.append(f"    recorded: {difference.recorded}; rehearsal: {difference.rehearsal}")
    if not found:
        lines.append("No differences.")
    else:
        lines.append(f"{len(found)} {'difference' if len(found) == 1 else 'differences'}.")
    lines += [f"Not compared, {count}: {reason}." for reason, count in sorted(outcome.skipped.items())]
    return lines
