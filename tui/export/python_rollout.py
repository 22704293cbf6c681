"""The plan's rollout as Python: copies, steps that are watched, and the split of before when one does not hold up.

As `aml-deploy apply` does it (Microsoft, how-to-safely-rollout-managed-endpoints), without Azure's own metrics.
"""

from __future__ import annotations

from tui.export.plan_source import Source
from tui.export.python_literals import path, value
from tui.plan.model import Rollout
from tui.plan.rules.durations import seconds_of
from tui.plan.rules.value_rules import steps_of

NOTE = (
    "rollout: the program goes the steps, judges its own test calls and goes back by itself; Azure's own metrics and "
    "what somebody else changes meanwhile are looked at by aml-deploy apply only."
)
ABOUT = (
    "The new deployment is tested alone, gets copies where the plan says so, then a share that grows. When too many "
    "of its answers fail or come late, and when this is interrupted, the split of before comes back."
)

_SHIFT = '''\
def shift(traffic, mirrored=None):
    """Set the whole split and wait until Azure has it."""
    endpoint = client.online_endpoints.get(ENDPOINT)
    endpoint.traffic, endpoint.mirror_traffic = traffic, mirrored or {}
    client.online_endpoints.begin_create_or_update(endpoint)
    while True:
        time.sleep(2)
        state = client.online_endpoints.get(ENDPOINT).provisioning_state
        if state == "Succeeded":
            break
        if state in ("Failed", "Canceled"):
            raise RuntimeError(f"The traffic of {ENDPOINT} could not be set: {state}.")
    print(f"Requests go to {traffic}; copies to {mirrored or 'nobody'}.")


def split(share):
    """The split in which the new deployment gets so many per cent, and the others keep their proportions."""
    rest = 100 - share
    found = {name: part * rest // sum(before.values()) for name, part in before.items()}
    found[max(found, key=found.get)] += rest - sum(found.values())
    return {**found, NEW: share}
'''

_WATCH = '''\
def call():
    """Send the sample request to the new deployment alone; the status (or what went wrong) and milliseconds."""
    headers = {**authorization, "Content-Type": "application/json", "azureml-model-deployment": NEW}
    begun = time.monotonic()
    try:
        status = requests.post(endpoint.scoring_uri, data=body, headers=headers, timeout=TIMEOUT).status_code
    except requests.RequestException as error:
        status = type(error).__name__
    return status, (time.monotonic() - begun) * 1000


def watch(seconds, at_least):
    """Call for so long, and until enough answers came; raises where too many of them fail or come late."""
    answers = []
    end = time.monotonic() + seconds
    while not answers or time.monotonic() < end or len(answers) < at_least:
        if answers:
            time.sleep(EVERY)
        answers.append(call())
        failed = [status for status, _ in answers if status != 200]
        if 100 * len(failed) > MAX_ERROR_PERCENT * max(len(answers), at_least):
            raise RuntimeError(f"{len(failed)} of {len(answers)} test calls to {NEW} failed: {failed[-1]}.")
        latencies = sorted(milliseconds for _, milliseconds in answers)
        p95 = latencies[math.ceil(0.95 * len(latencies)) - 1]
        if MAX_P95_MS is not None and len(answers) >= at_least and p95 > MAX_P95_MS:
            raise RuntimeError(f"95 of 100 answers of {NEW} came within {p95:.0f} ms; {MAX_P95_MS} ms are allowed.")
    print(f"{NEW}: {len(answers)} test calls, {len(failed)} failed, 95 of 100 within {p95:.0f} ms.")
'''

_REST = '''\
def watch(seconds, at_least):
    """The plan has no test.request, so nothing is called."""
    time.sleep(seconds)
'''

_KEY = """\
endpoint = client.online_endpoints.get(ENDPOINT)
given = client.online_endpoints.get_keys(ENDPOINT)
authorization = {"Authorization": f"Bearer {getattr(given, 'primary_key', None) or given.access_token}"}
"""

_CARRY_OUT = """\
before = {{name: share for name, share in (client.online_endpoints.get(ENDPOINT).traffic or {{}}).items() if share}}
if before == FINAL:
    print(f"{{NEW}} has taken over already: {{FINAL}}.")
elif not [name for name in before if name != NEW]:
    shift(FINAL)  # nobody else serves, so there is nothing to go back to
else:
    before = {{name: share for name, share in before.items() if name != NEW}}
    try:
        watch(0, 1)
{mirror}        for step in STEPS:
            shift(FINAL if step == STEPS[-1] else split(step))
            watch(PAUSE, MIN_REQUESTS)
    except BaseException as trouble:
        whole = sum(before.values())
        back = {{name: share * 100 // whole for name, share in before.items()}}
        back[max(back, key=back.get)] += 100 - sum(back.values())
        print(f"Going back to {{back}}: {{trouble or type(trouble).__name__}}")
        shift(back)
        raise
endpoint = client.online_endpoints.get(ENDPOINT)
print(f"Requests go to {{endpoint.traffic}}: {{endpoint.scoring_uri}}")"""


def planned(source: Source) -> bool:
    """Whether the plan has a rollout."""
    return bool(source.document.get("rollout"))


def code(source: Source, setting: str) -> str:
    """The section's lines; they need `client` and ENDPOINT, and `time`, `math` and `requests`."""

    def seconds(key: str, otherwise: float) -> str:
        given = source.value(f"rollout.{key}")
        found = None if given is None else seconds_of(given)
        return f"{otherwise if found is None else found:g}"

    def number(key: str, otherwise: int | None) -> str:
        given = source.value(f"rollout.{key}")
        return value(otherwise if given is None else given, setting)

    target = source.deployments()[-1].value("deployment.name")
    request = source.path("test.request")
    mirrored = source.value("mirror_traffic")
    shares = {name: share for name, share in source.traffic().items() if share}
    lines = [
        f"NEW = {value(target, setting)}",
        f"FINAL = {value(shares, setting)}",
        f"STEPS = {value(steps_of(source.value('rollout.steps') or Rollout.steps) or Rollout.steps, setting)}",
        f"PAUSE, EVERY = {seconds('pause', Rollout.pause)}, {seconds('probe_every', Rollout.probe_every)}  # seconds",
        f"MIN_REQUESTS = {number('min_requests', Rollout.min_requests)}",
        f"MAX_ERROR_PERCENT = {number('max_error_percent', Rollout.max_error_percent)}",
        f"MAX_P95_MS = {number('max_p95_ms', None)}",
        "",
    ]
    if request:
        timeout = source.value("deployment.request_settings.request_timeout_ms")
        limit = value(timeout, setting) if isinstance(timeout, int) else "60_000"
        lines += [
            f"TIMEOUT = {limit} / 1000 + 5  # seconds",
            f"body = ({path(source, 'test.request')}).read_bytes()",
            _KEY,
        ]
    copies = ""
    if mirrored:
        copies = (
            f"        shift(before, {value(mirrored, setting)})  # copies; nobody sees the answers\n"
            "        watch(PAUSE, MIN_REQUESTS)\n"
        )
    return "\n".join([*lines, "", _SHIFT, "", _WATCH if request else _REST, "", _CARRY_OUT.format(mirror=copies)])
