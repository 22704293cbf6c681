"""The load run's generator against independent ones, and the server's socket against the rehearsal's front end.

`python -m tests.bench.load` starts a server that answers one request at a time, each after 10 ms, and calls it by turns
with the generator and with Debian's hey and wrk (apt install hey wrk), server and generator on a processor each. It
prints answers a second, p50 and p95 of each.

`python -m tests.bench.load front-end [PRESET]` serves a preset in a local trial, and calls it by turns at its socket
and through the rehearsal's front end, with server and generator on a processor each.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import aiohttp

from tui.common.request_body import RequestBody
from tui.local_trial import trial
from tui.local_trial.load import arrivals, processors
from tui.local_trial.load.arrivals import Caller
from tui.plan.load_save.load import load

TURNS = 5
SECONDS = 2
ANSWER_SECONDS = 0.01
Row = tuple[float, float, float]
"""Answers a second, p50 and p95 in milliseconds."""


def serve() -> None:
    """Answer one request at a time, each after ANSWER_SECONDS."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(ANSWER_SECONDS)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None: ...

    class Server(HTTPServer):
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """A generator that has ended does not wait for its last answers."""

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


async def ours(url: str, connections: int, rate: float) -> Row:
    """The generator's figures."""
    async with arrivals.session(url.removesuffix("/score")) as session:
        caller = Caller(session, [RequestBody(b"{}")])
        if rate:
            due = arrivals.due_times(rate, SECONDS, poisson=False)
            answers = await arrivals.open_loop(caller, due, SECONDS, 100)
        else:
            answers = await arrivals.closed_loop(caller, SECONDS, connections)
    assert not answers.failed, answers.first_bad
    return answers.rate, answers.percentile(0.5), answers.percentile(0.95)


def heys(url: str, connections: int, rate: float) -> Row:
    """The figures of hey; `rate` makes it wait between the requests of one connection."""
    told = _told("hey", "-z", f"{SECONDS}s", "-c", str(connections), "-m", "POST", "-d", "{}", "-disable-keepalive",
                 *(["-q", str(rate)] if rate else []), url)  # fmt: skip
    assert "[200]" in told and "Error distribution" not in told, told
    times = [float(found) * 1000 for found in re.findall(r"(?:50|95)% in ([\d.]+) secs", told)]
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", told)[0]), times[0], times[1]


def wrks(url: str, connections: int) -> Row:
    """The figures of wrk, which tells p50 and, by a script, p95."""
    script = (
        'wrk.method="POST" wrk.body="{}" wrk.headers["Connection"]="close" '
        'done=function(s,l,r) print("P", l:percentile(50)/1000, l:percentile(95)/1000) end'
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        told = _told("wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", file.name, url)
    p50, p95 = map(float, re.findall(r"P\s+([\d.]+)\s+([\d.]+)", told)[0])
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", told)[0]), p50, p95


def _told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def generators() -> None:
    """Print the figures of each generator, of the least disturbed of TURNS turns."""
    kept = processors.shared(1)
    with kept.serving():
        server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = f"http://127.0.0.1:{server.stdout.readline().strip()}/score"
    rows: dict[str, list[Row]] = {}
    try:
        for _ in range(TURNS):
            for what, connections, rate in (("1 at once", 1, 0.0), ("4 at once", 4, 0.0), ("50 a second", 1, 50.0)):
                rows.setdefault(f"{what}: ours", []).append(asyncio.run(ours(url, connections, rate)))
                rows.setdefault(f"{what}: hey", []).append(heys(url, connections, rate))
                if not rate:
                    rows.setdefault(f"{what}: wrk", []).append(wrks(url, connections))
    finally:
        server.kill()
        server.wait()
    _print(rows)


async def scoring(served: trial.Served) -> tuple[str, str]:
    """The address of a served plan's endpoint in its rehearsal, and its key."""
    from tui.helper.client import HelperClient

    sent: dict[str, Any] = {"document": served.document.tree, "base": str(served.document.base), "secrets": {}}
    key_file = Path(served.environ["AML_DEPLOY_HOME"], "key")
    client = HelperClient()
    await client.start(dict(served.environ))
    try:
        await client.ask("put_key", plan=sent, which="primary", path=str(key_file))
        found = await client.ask("troubleshoot", timeout=60, plan=sent)
    finally:
        await client.close()
    return found["endpoint"]["scoring_uri"], key_file.read_text().strip()  # noqa: ASYNC240


def front_end(preset: str) -> None:
    """Print the figures of both ways to a preset's server, of the least disturbed of TURNS turns."""
    rows: dict[str, list[Row]] = {}

    async def both(served: trial.Served) -> None:
        name = served.plan.deployment.name
        body = RequestBody.of_file(served.plan.test.request) if served.plan.test.request else RequestBody(b"{}")
        uri, key = await scoring(served)
        socket = served.memory.now(name)["place"]
        secure = ssl.create_default_context(cafile=served.environ["REQUESTS_CA_BUNDLE"])
        through = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=secure, limit=0),
            headers={"Authorization": f"Bearer {key}"},
        )
        async with arrivals.session(socket) as direct, through:
            ways = {
                "socket": Caller(direct, [body]),
                "front end": Caller(through, [body], uri),
            }
            for _ in range(TURNS):
                for way, caller in ways.items():
                    before = served.memory.now(name)["cpu"]
                    answers = await arrivals.closed_loop(caller, SECONDS, 1)
                    used = (served.memory.now(name)["cpu"] - before) * 1000 / len(answers.latencies)
                    rows.setdefault(f"1 at once: {way}", []).append(
                        (answers.rate, answers.percentile(0.5), answers.percentile(0.95))
                    )
                    print(f"  {way}: {used:.2f} ms of the server's processor a request", flush=True)

    def measure(served: trial.Served) -> dict[str, Any]:
        asyncio.run(both(served))
        return {}

    kept = processors.shared(1)
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        environ = {**os.environ, "AML_DEPLOY_HOME": folder}
        report = trial.perform(
            load(preset, [], []), environ, print, threading.Event(), measure=measure, starting=kept.serving()
        )
    assert not report["findings"], report["findings"]
    _print(rows)


def _print(rows: dict[str, list[Row]]) -> None:
    for what, turns in rows.items():
        # Other work on the machine only adds to latencies: the turn with the least is the least disturbed.
        rate, p50, p95 = min(turns, key=lambda turn: turn[2])
        print(f"{what:>24}: {rate:7.1f} answers a second, p50 {p50:6.2f} ms, p95 {p95:6.2f} ms")
    print(
        f"the least disturbed of {TURNS} turns of {SECONDS} s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve()
    elif sys.argv[1:2] == ["front-end"]:
        front_end((sys.argv[2:] or ["sklearn-iris"])[0])
    else:
        generators()
