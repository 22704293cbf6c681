"""Plan files, journals and state folders that were cut, flipped, deleted or replaced: commands never fail themselves.

`python -m tests.hostile.mutations --count 2000 --seed 7` runs many; the suite runs a few of a fixed seed. Each mutant
is given to commands in this process; it fails if one hangs, ends with an exit code that it does not have, or reports
an internal error.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from tui.cli.main import main as command

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 20
"""Seconds after which a command counts as hanging."""
RUN = "20260102-030405-abcd"
TIME = "2026-01-02T03:04:05.678Z"
TOKENS = [
    b"9" * 5000, b"0x" + b"f" * 5000, b"2020-99-99", b'"\\0"', b'"\\ud800"', b"~nobody-here/x", b"?", b"? ", b": ",
    b"{", b"[", b"[" * 200, b"&a [*a]", b"&b {<<: *b}", b"!!python/object:os.system x", b"!!binary 4", b"!!int x",
    b"!!timestamp 1", b"1e999", b"-.inf", b".nan", b"null", b"true", b'"${env:NOT_SET}"', b'"${"', b"\xff\xfe", b"\x00",
    b"\t", b"%", b"@", b"`", b"*c", b"1:2:3", b"0o9", b"x" * 5000, b"/" * 300, b"..", b"azureml://", b"- ", b"'", b'"',
    b"#", b"\r", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"1e308", b"-1", b'{"a": 1}', b'"' + b"a" * 70_000 + b'"',
    b"[" * 100_000, b"NaN", b"18446744073709551616",
]  # fmt: skip


def mutated(text: bytes, chance: random.Random) -> bytes:
    """The text with one to three changes."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        at, end = sorted(chance.randrange(len(text) + 1) for _ in "12")
        kind = chance.choice(("cut", "flip", "delete", "insert", "value", "value", "twice"))
        if kind == "cut":
            text = text[:at]
        elif kind == "flip" and at < len(text):
            text = text[:at] + bytes((text[at] ^ 1 << chance.randrange(8),)) + text[at + 1 :]
        elif kind == "delete":
            text = text[:at] + text[end:]
        elif kind == "insert":
            text = text[:at] + chance.choice(TOKENS) + text[at:]
        elif kind == "twice":
            text = text[:end] + text[at:]
        elif kind == "value":  # what follows a colon
            colons = [place for place, byte in enumerate(text) if byte == ord(":")]
            if colons:
                place = chance.choice(colons) + 1
                ends = [found for found in (text.find(mark, place) for mark in (b"\n", b",", b"}")) if found >= 0]
                text = text[:place] + b" " + chance.choice(TOKENS) + text[min(ends, default=len(text)) :]
    return text


class Fault(Exception):
    """A command failed in a way that it must not."""


def run(arguments: list[str], allowed: tuple[int, ...]) -> int:
    """Run a command in this process; return its exit code. Raises Fault."""

    def hang(*_: object) -> None:
        raise Fault("it hangs")

    out, err = io.StringIO(), io.StringIO()
    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(LONGEST)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command(arguments)
    except Exception as error:
        raise Fault(f"{type(error).__name__}: {error}"[:300]) from error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    said = err.getvalue()
    if code not in allowed or "Internal error" in said or "Traceback" in said:
        raise Fault(f"exit code {code}: {said[-600:]}")
    return code


# Plans


def plan_mutant(chance: random.Random, folder: Path) -> list[tuple[list[str], tuple[int, ...]]]:
    """A mutated plan, and commands to give it to."""
    source = chance.choice(sorted((ROOT / "presets").glob("*.yml")))
    data = mutated(source.read_bytes(), chance)
    for beside in source.parent.iterdir():
        if beside.is_dir():
            (folder / beside.name).symlink_to(beside)
    flow = b"test: {request: sample.json, name: x}\ndeployment: {name: blue, model: {name: m, path: .}}\n"
    (folder / "plan.yml").write_bytes(data if chance.random() < 0.8 else mutated(flow, chance))
    arguments = ["export", str(folder / "plan.yml"), "--to", "az-yaml", "-o", str(folder / "out")]
    if chance.random() < 0.4:
        key = chance.choice(
            ("endpoint.description", "endpoint.tags", "deployment.instance_count", "endpoint", "traffic")
        )
        text = chance.choice(TOKENS[:40]).decode("utf-8", "surrogateescape").replace("\0", "")
        arguments += ["--set", f"{key}={text}" if chance.random() < 0.5 else f"{key}={{a: {text}}}"]
    return [(arguments, (0, 2))]


# State folders


def state(home: Path) -> Path:
    """A state folder with one finished run; returns the run's folder."""
    folder = home / "runs" / RUN
    (folder / "journal").mkdir(parents=True)
    about = {
        "run": RUN, "endpoint": "churn", "deployment": "blue", "started": TIME, "rehearsed": False, "record": None,
        "user": "ann@vm", "plan_hash": "0" * 12, "typed": [],
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "engine.json").write_text(json.dumps({"pid": 4_000_000, "started": "1", "host": "vm"}))
    beat = {"machine": "vm b", "host": "vm", "pid": 7, "token": "t", "count": 3, "time": 1.0}
    (folder / "alive.json").write_text(json.dumps(beat))
    (folder / "engine.log").write_text("started\n")
    shutil.copy(ROOT / "presets" / "churn-xgboost.yml", folder / "plan.yml")
    split = {"before": {"blue": 100}, "after": {"blue": 90, "green": 10}, "why": "step 1", "step": 1, "steps": 2}
    card = {"id": "x", "title": "T", "cause": "C", "remedy": "R", "docs": "", "evidence": ["l"], "request_ids": []}
    events = [
        {"event": "run_started", "endpoint": "churn", "deployment": "blue", "workspace": {"name": "ws"},
         "rehearsed": False,
         "tasks": [{"name": "endpoint", "needs": [], "typical_seconds": 60.0},
                   {"name": "rollout", "needs": ["endpoint"]}],
         "rollout": {"deployment": "green", "steps": [10, 100], "pause": 60, "min_requests": 3}, "principal": "p"},
        {"event": "finding", "id": "size", "severity": "warning", "field": "f", "message": "m", "remedy": "r"},
        {"event": "task_started", "task": "endpoint", "action": "create", "detail": "churn"},
        {"event": "task_progress", "task": "endpoint", "done": 10, "total": 200, "unit": "bytes"},
        {"event": "task_log", "task": "endpoint", "line": "hello", "source": "engine"},
        {"event": "task_retrying", "task": "endpoint", "reason": "busy", "delay": 3.0},
        {"event": "task_finished", "task": "endpoint", "status": "succeeded", "seconds": 1.5, "detail": "created",
         "result": {"id": "/e", "scoring_uri": "https://s", "portal_url": "https://p"}},
        {"event": "traffic_shift", "task": "rollout", **split},
        {"event": "rollout_watch", "task": "rollout", "deployment": "green", "step": 1, "steps": 2, "requests": 4,
         "traffic": split["after"], "left": 3.0, "errors": 1, "statuses": {"200": 3, "424": 1}, "p95_ms": 12.5,
         "callers": {"requests": 5, "errors": 0, "p95_ms": None}},
        {"event": "needs_attention", "task": "rollout", "card": card},
        {"event": "run_finished", "status": "failed", "endpoint": "churn", "deployment": "blue", "scoring_uri": None,
         "portal_url": None, "test": None, "message": "It failed.", "left_behind": ["endpoint churn"]},
    ]  # fmt: skip
    lines = [json.dumps({"seq": number, "time": TIME, "run": RUN, **event}) for number, event in enumerate(events, 1)]
    for first, last in ((1, 4), (5, 9), (10, len(lines))):
        text = "\n".join(lines[first - 1 : last]) + "\n"
        (folder / "journal" / f"{first:08d}.jsonl").write_text(text)
    return folder


def spoil(path: Path, chance: random.Random) -> None:
    """Change one file of a state folder, or put something else in its place."""
    kind = chance.choice(
        ("text", "text", "text", "delete", "fifo", "dangling", "loop", "folder", "unreadable", "empty")
    )
    text = path.read_bytes()
    if kind == "text":
        path.write_bytes(mutated(text, chance))
        return
    if kind == "unreadable":
        path.chmod(0)
        return
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.write_bytes(b"")


def state_mutant(chance: random.Random, folder: Path) -> list[tuple[list[str], tuple[int, ...]]]:
    """A spoiled state folder, and commands that read it."""
    place = state(Path(os.environ["AML_DEPLOY_HOME"]))
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.name != "plan.yml")
    for _ in range(chance.choice((1, 1, 2))):
        target = chance.choice(files)
        if target.is_file() and not target.is_symlink():
            spoil(target, chance)
    several = (0, 1, 2, 3, 130)
    return [
        (["runs"], (0,)),
        (["runs", "--json"], (0,)),
        (["attach", "--plain"], several),
        (["attach", "--json"], several),
    ]


KINDS: dict[str, Callable[[random.Random, Path], list[tuple[list[str], tuple[int, ...]]]]] = {
    "plan": plan_mutant,
    "state": state_mutant,
}


@contextlib.contextmanager
def place(kind: str, seed: str) -> Iterator[tuple[Path, list[tuple[list[str], tuple[int, ...]]]]]:
    """A folder with one mutant, which is removed afterwards, and the commands for it. No engine is started."""
    folder = Path(tempfile.mkdtemp(prefix="mutant-"))
    environ = {
        "AML_DEPLOY_HOME": str(folder / "home"), "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
        "AZURE_RESOURCE_GROUP": "rg", "AZURE_ML_WORKSPACE": "ws", "COLUMNS": "100",
    }  # fmt: skip
    (folder / "home").mkdir(mode=0o700)
    try:
        with contextlib.ExitStack() as patches:
            patches.enter_context(mock.patch.dict(os.environ, environ))
            patches.enter_context(mock.patch("tui.engine.start_stop._spawn"))
            for name in ("heartbeat_and_takeover.BEAT_SECONDS", "heartbeat_and_takeover.TICK_SECONDS"):
                patches.enter_context(mock.patch(f"tui.engine.{name}", 0.001))
            patches.enter_context(mock.patch("tui.plain.output.follow.FIRST_SIGN_SECONDS", 0.0))
            yield folder, KINDS[kind](random.Random(f"{kind} {seed}"), folder)
    finally:
        for path in folder.rglob("*"):
            if not path.is_symlink() and not path.is_dir():
                path.chmod(0o600)
        shutil.rmtree(folder)


def trial(kind: str, seed: str) -> Counter[int]:
    """Give one mutant to its commands; return their exit codes. Raises Fault."""
    codes: Counter[int] = Counter()
    with place(kind, seed) as (_, commands):
        for arguments, allowed in commands:
            try:
                codes[run(arguments, allowed)] += 1
            except Fault as fault:
                raise Fault(f"{kind} {seed}: {' '.join(arguments)[:300]}: {fault}") from fault
    return codes


def main() -> int:
    """Run many mutants; print each fault and the counts of exit codes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--count", type=int, default=1000, help="mutants of each kind")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--kind", choices=sorted(KINDS))
    given = parser.parse_args()
    faults = 0
    for kind in [given.kind] if given.kind else sorted(KINDS):
        codes: Counter[int] = Counter()
        for number in range(given.count):
            try:
                codes += trial(kind, f"{given.seed}-{number}")
            except Fault as fault:
                faults += 1
                print(fault, file=sys.stderr)
        print(f"{kind}: {given.count} mutants, exit codes {dict(sorted(codes.items()))}")
    print(f"{faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
