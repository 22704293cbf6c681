"""Turns the measurements of a local trial into findings like those of the preflight."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tui.plan import sizes
from tui.plan.model import Deployment, ProbeSettings

MODEL = "deployment.model.path"
SCRIPT = "deployment.code_configuration.scoring_script"
SIZE = "deployment.instance_type"
TIMEOUT = "deployment.request_settings.request_timeout_ms"
SAMPLE = "test.request"
GIB = 1024**3
# Estimates: what should be left for the host and for larger requests than the sample.
TIGHT, TOO_MUCH = 0.7, 1.0
SLOW = 0.5
_CODES = "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints"
# Build messages if this machine cannot reach a package index; then nothing is known about the plan.
_NO_INDEX = re.compile(
    r"dns error|failed to lookup address|name or service not known|temporary failure in name resolution"
    r"|connection refused|network is unreachable|error sending request|tunnel error|timed out",
    re.IGNORECASE,
)

# Folders of this machine in a container's log; the rest of the path is as on Azure.
_HERE = re.compile(r"[^\s\"']*/containers/[0-9a-f]+/\d+(?=/var/)")
LONGEST_LINE = 400
# Fields of the service's own JSON, which add nothing to the lines that matched.
_FRAGMENT = re.compile(r'\s*"\w+":')

Finding = dict[str, Any]


@dataclass
class Figures:
    """The measurements of one deployment in seconds, bytes and milliseconds; None if unknown.

    `built` is the whole task: build (or cached environment), download and start; `ready` is only the container's start.
    `calls` are the milliseconds of successful calls, `bad` is the number of failed ones.
    """

    name: str
    built: float | None = None
    ready: float | None = None
    peak: int | None = None
    processes: int = 0
    calls: list[float] = field(default_factory=list)
    bad: int = 0
    first_bad: str = ""

    def percentile(self, share: float) -> float | None:
        """The percentile of the calls' latency in milliseconds (nearest rank)."""
        if not self.calls:
            return None
        ordered = sorted(self.calls)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON data."""
        return {
            "deployment": self.name,
            "deployed_seconds": _rounded(self.built, 1),
            "ready_seconds": _rounded(self.ready, 2),
            "peak_bytes": self.peak,
            "processes": self.processes,
            "calls": len(self.calls),
            "failed_calls": self.bad,
            "p50_ms": _rounded(self.percentile(0.5), 1),
            "p95_ms": _rounded(self.percentile(0.95), 1),
        }


def finding(id: str, severity: str, key: str, message: str, remedy: str = "", docs: str = "", **more: Any) -> Finding:
    """A finding in the preflight's form; `more` are figures or the card of a failure."""
    return {"id": id, "severity": severity, "field": key, "message": message, "remedy": remedy, "docs": docs,
            "looked_at": "this machine", **more}  # fmt: skip


def served(wanted: Deployment, figures: Figures) -> list[Finding]:
    """The findings about a deployment that became ready: start, memory, latency."""
    return [ready(wanted, figures), memory(wanted, figures), *latency(wanted, figures)]


def ready(wanted: Deployment, figures: Figures) -> Finding:
    """The finding about the container's start-up time, compared with its probes."""
    shown, ready = figures.as_dict(), figures.ready
    after = "" if ready is None else f", ready {in_seconds(ready)} after its container was started"
    took = "" if figures.built is None else f" In total it took {in_seconds(figures.built)}."
    message = f"{wanted.name} was served on this machine from the plan's files{after}.{took}"
    allowed = min(_allowed(wanted.liveness_probe), _allowed(wanted.readiness_probe))
    if ready is None or ready <= SLOW * allowed:
        return finding("trial-ready", "ok", MODEL, message, figures=shown)
    remedy = (
        "Increase initial_delay or failure_threshold of liveness_probe and readiness_probe: an Azure instance may "
        "be slower than this machine."
    )
    return finding("trial-ready", "warning", "deployment.liveness_probe.initial_delay",
                   f"{message} The probes allow {in_seconds(allowed)}.", remedy, figures=shown)  # fmt: skip


def memory(wanted: Deployment, figures: Figures) -> Finding:
    """The finding about the peak memory of the serving processes, compared with the size's memory."""
    size = sizes.find(wanted.instance_type)
    if not figures.peak:
        text = f"The memory that {wanted.name} uses is unknown: this system does not report the memory of processes."
        return finding("trial-memory", "unknown", SIZE, text)
    took = f"Serving {wanted.name} used at most {in_bytes(figures.peak)} of memory"
    limits = {"peak_bytes": figures.peak, "processes": figures.processes}
    if size is None or not size.memory_gib:
        text = f"{took}; the memory of {wanted.instance_type} is unknown."
        return finding("trial-memory", "unknown", SIZE, text, "Compare it with the size's memory.", figures=limits)
    has = size.memory_gib * GIB
    limits["size_bytes"] = int(has)
    share = figures.peak / has
    compared = f"{took}, {_percent(share)} of the {size.memory_gib:g} GiB of {size.name}."
    if size.gpus:
        compared += " GPU memory was not measured; this is main memory only."
    larger = "Choose a size with more memory, or load a smaller model."
    if share <= TIGHT:
        return finding("trial-memory", "ok", SIZE, compared, figures=limits)
    severity, why = "warning", "That leaves little for larger requests, more workers, and the system."
    if share > TOO_MUCH:
        severity, why = "blocker", "The container would be killed, and the deployment would fail with OutOfMemory."
    docs = f"{_CODES}#error-outofmemory"
    return finding("trial-memory", severity, SIZE, f"{compared} {why}", larger, docs, figures=limits)


def latency(wanted: Deployment, figures: Figures) -> list[Finding]:
    """The findings about the latency of the sample's calls, compared with the deployment's request timeout."""
    slow = figures.percentile(0.95)
    if slow is None:
        return []
    usual = figures.percentile(0.5) or slow
    allowed = wanted.request_settings.request_timeout_ms
    shown = {"calls": len(figures.calls), "p50_ms": round(usual, 1), "p95_ms": round(slow, 1), "allowed_ms": allowed}
    message = (
        f"{len(figures.calls)} calls of {wanted.name} with the sample, one after another: p50 {usual:,.0f} ms, "
        f"p95 {slow:,.0f} ms; request_timeout_ms is {allowed:,}."
    )
    if slow <= SLOW * allowed:
        return [finding("trial-latency", "ok", TIMEOUT, message, figures=shown)]
    severity, why = "warning", "A slower machine or a larger request would exceed the timeout."
    remedy = "Increase request_timeout_ms, or make run() faster."
    if slow > allowed:
        severity, why = "blocker", "Azure would end such a request with 408 or 504."
        remedy = "Increase request_timeout_ms (at most 180,000), make run() faster, or send smaller requests."
    return [finding("trial-latency", severity, TIMEOUT, f"{message} {why}", remedy, _CODES, figures=shown)]


def answered(test: Mapping[str, Any] | None, all_figures: Sequence[Figures]) -> Finding:
    """The finding about the responses to the sample; `test` is the result of the run's test call, None without one."""
    if test is None:
        text = "No sample request was sent, so the response of run() is unknown."
        return finding("trial-answer", "unknown", SAMPLE, text, "Set test.request to a sample.")
    bad = next((one for one in all_figures if one.bad), None)
    if bad is not None:
        text = f"{bad.bad} of {bad.bad + len(bad.calls)} calls of {bad.name} failed: {bad.first_bad}"
        return finding(
            "trial-answer", "warning", SAMPLE, text.strip(), "Read the scoring script's log for these calls."
        )
    said = " ".join(str(test.get("response") or "").split())
    shown = said if len(said) <= 120 else f"{said[:119]}…"
    text = f"Response to the sample, status {test.get('status_code')}: {shown}"
    return finding("trial-answer", "ok", SAMPLE, text)


def not_served(card: Mapping[str, Any] | None, message: str, task: str, names: str) -> Finding:
    """The finding for a failed run, from its card; it blocks if the plan itself is the reason."""
    if card is None:
        text = f"{names} could not be served on this machine: {message}"
        return finding("trial-ready", "unknown", MODEL, text, "Try again; if it fails again, read the run's log.")
    card = of_here(card)
    tested = task.partition(":")[0] == "test"
    code, evidence = str(card.get("code") or ""), "\n".join(card["evidence"])
    title, cause = str(card.get("title") or "").rstrip("."), str(card.get("cause") or "").partition("\n")[0]
    why = f"{title}. {cause}".strip()
    severity, text = "unknown", f"{names} could not be served on this machine: {why}"
    if tested:
        sent = "The golden requests" if code == "golden-requests" else "The call with the sample"
        severity, text = "blocker", f"{sent} failed: {why}"
    elif code in ("ResourceNotReady", "BadArgument") or (
        code == "ImageBuildFailure" and not _NO_INDEX.search(f"{cause}\n{evidence}")
    ):
        severity, text = "blocker", f"Serving {names} on this machine failed, as it would on Azure: {why}"
    return finding(
        "trial-answer" if tested else "trial-ready",
        severity,
        str(card.get("field") or (SAMPLE if tested else SCRIPT)),
        text,
        str(card.get("remedy") or ""),
        str(card.get("docs") or ""),
        card=card,
    )


def of_here(card: Mapping[str, Any]) -> dict[str, Any]:
    """A run's card without the rehearsal's details: commands for the removed endpoint, ids, folders."""
    commands = {str(command) for command in card.get("commands") or ()}
    remedy = [line for line in str(card.get("remedy") or "").splitlines() if line not in commands]
    if card.get("id") == "internal":
        remedy = ["Reproduce it with aml-deploy apply PLAN --rehearse --yes, which keeps its log, and report it."]
    lines = [_HERE.sub("", str(line)) for line in card.get("evidence") or () if not _FRAGMENT.match(str(line))]
    evidence = [line for line in lines if len(line) <= LONGEST_LINE] or [line[:LONGEST_LINE] for line in lines]
    return {**card, "remedy": "\n".join(remedy), "commands": [], "evidence": evidence, "request_ids": []}


def _allowed(probe: ProbeSettings) -> float:
    """The seconds that a probe waits for the container."""
    return probe.initial_delay + probe.period * max(1, probe.failure_threshold)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share >= 0.01 else "less than 1 %"


def in_bytes(count: int) -> str:
    """Memory in GiB, as sizes have it, or in MiB."""
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / 1024**2:.0f} MiB"


def in_seconds(value: float) -> str:
    """A duration in seconds or minutes."""
    if value < 10:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"
