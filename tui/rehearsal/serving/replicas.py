"""Runs the instances of one deployment: starts, probes and restarts them, and gives up as Azure does."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import deque
from dataclasses import replace

from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.serving.container import Container, Runner
from tui.rehearsal.serving.container_log import DeploymentLog
from tui.rehearsal.serving.deployment_spec import DeploymentSpec

POLL = 0.1
"""Seconds between two probes of a starting container; Azure would wait `initial_delay` first."""
RESTARTS = 2
"""How often a container that ends during its start is restarted before the deployment fails."""
BACKOFF = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds before each restart of a container that was ready; the last one is repeated."""
LAST_LINES = 30
"""Lines of the container's log in an error message."""
WORKER_DEATHS = 4
"""Workers that the server may lose before it is ready; it would replace them forever."""
LOOK_BACK = 400
_SCRIPT_ERROR = re.compile(r"\bE \[\d+\] azmlinfsrv - ")
CRASH_MEMORY = 30
"""Seconds during which a scoring request does not restart a crashed deployment."""


class ContainerCrashed(OperationFailed):
    """The deployment's containers cannot serve. `code` ("ResourceNotReady") and `message` are Azure's."""


class NoReadyInstance(Exception):
    """All instances of the deployment have ended or are restarting."""


def _crashed(reason: str, last_lines: list[str]) -> ContainerCrashed:
    message = (
        f"User container has crashed or terminated: {reason}. "
        "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-resourcenotready"
    )
    telling = telling_lines(last_lines)
    if telling:
        message += "\nThe container's last lines:\n" + "\n".join(telling)
    return ContainerCrashed("ResourceNotReady", message)


def _exit(ended: tuple[int, str]) -> str:
    code, reason = ended
    return f"code {code} ({reason})" if reason else f"code {code}"


def telling_lines(lines: list[str]) -> list[str]:
    """The lines of a crashed container's output that show the reason, at most LAST_LINES.

    The inference server logs the user's exception first and then about thirty lines about its own end: so from the
    last start's first error on, else the last lines.
    """
    starts = [number for number, line in enumerate(lines) if "| gunicorn/run | AzureML Inference Server" in line]
    lines = lines[starts[-1] :] if starts else lines
    for number, line in enumerate(lines):
        if _SCRIPT_ERROR.search(line):
            return lines[number : number + LAST_LINES]
    return lines[-LAST_LINES:]


class ReplicaSet:
    """All containers of one deployment. Belongs to one event loop."""

    def __init__(self, spec: DeploymentSpec, log: DeploymentLog, runner: Runner) -> None:
        self.spec = spec
        self.log = log
        self._runner = runner
        self.instances: list[Container] = [Container(spec, n, log, runner) for n in range(spec.instance_count)]
        self.isolation = ""
        """What isolates the instances, in a sentence."""
        self.pending = 0
        """Accepted requests that are not answered yet, including waiting ones."""
        self._starting: asyncio.Task[None] | None = None
        self._watchers: dict[Container, asyncio.Task[None]] = {}
        self._leaving: set[Container] = set()
        self._crash: ContainerCrashed | None = None
        self._crashed_at = 0.0
        self._turn = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._stopped = True

    @property
    def capacity(self) -> int:
        """The limit of concurrent requests: 2 × max_concurrent × instances (how-to-troubleshoot, 429)."""
        return 2 * self.spec.max_concurrent * max(1, self.spec.instance_count)

    async def start(self) -> None:
        """Start all instances and wait until they are ready.

        Raises ContainerCrashed; then nothing runs. Cancelling ends what was started.
        """
        task = self._begin()
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def ensure_running(self) -> None:
        """Start the instances if they do not run (after a restart of the rehearsal); raises ContainerCrashed.

        After a crash the same error is raised for 30 seconds before the next attempt.
        """
        starting = self._starting is not None and not self._starting.done()
        if self._stopped or starting:
            if self._crash is not None and not starting and time.monotonic() - self._crashed_at < CRASH_MEMORY:
                raise self._crash
            await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[None]:
        if self._starting is None or self._starting.done():
            self._starting = asyncio.ensure_future(self._start())
            # The waiting caller may have been cancelled, and then no one would retrieve the error.
            self._starting.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._starting

    async def stop(self) -> None:
        """End all instances and wait for them. Does nothing if none runs."""
        self._stopped = True
        tasks = [*self._watchers.values(), *([self._starting] if self._starting else [])]
        self._watchers = {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stop_all()
        self._wake()

    async def _stop_all(self) -> None:
        await asyncio.gather(*(instance.stop() for instance in (*self.instances, *self._leaving)))
        await self._runner.close()

    async def _start(self) -> None:
        # Image and model already exist; the events are those of Azure's deployments.
        self.log.event("Downloading", "Start downloading models")
        self.log.event("Pulling", "Start pulling container image")
        self.log.event("Pulled", "Container image is pulled successfully")
        self.log.event("Downloaded", "Models are downloaded successfully")
        for step in ("SystemSetup", "UserContainerImagePull", "ModelDownload"):
            self.log.step(step, "Succeeded")
        self.log.step("UserContainerStart", "Running")
        self._stopped = False
        tasks: list[asyncio.Task[None]] = []
        try:
            self.isolation = await self._open()
            self.log.write(self.isolation)
            tasks = [asyncio.ensure_future(self._until_ready(instance)) for instance in self.instances]
            await asyncio.gather(*tasks)
        except BaseException as error:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._stopped = True
            await self._stop_all()
            if isinstance(error, ContainerCrashed):
                self._crash, self._crashed_at = error, time.monotonic()
                self.log.step("UserContainerStart", "Failed")
            raise
        self.log.step("UserContainerStart", "Succeeded")
        self.log.event("ContainerReady", "Container is ready")
        self._watch_all()

    def _watch_all(self) -> None:
        for instance in self.instances:
            if instance not in self._watchers:
                self._watchers[instance] = asyncio.ensure_future(self._watch(instance))

    async def resize(self, count: int) -> None:
        """Grow or shrink to `count` instances while the others serve; those that leave answer their requests first.

        Raises ContainerCrashed if a new instance does not start; then there are as many as before.
        """
        if self._starting is not None and not self._starting.done():
            await asyncio.shield(self._starting)
        kept, leaving = self.instances[:count], self.instances[count:]
        taken = {instance.number for instance in kept}
        free = [number for number in range(count) if number not in taken][: count - len(kept)]
        new = [Container(self.spec, number, self.log, self._runner) for number in free]
        if self._stopped:
            self.spec, self.instances = replace(self.spec, instance_count=count), [*kept, *new]
            return
        tasks = [asyncio.ensure_future(self._until_ready(instance)) for instance in new]
        self.instances = [*kept, *new]  # an instance that is not ready gets no request
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.instances = kept
            await asyncio.gather(*map(self._retire, new))
            raise
        self.spec = replace(self.spec, instance_count=count)
        self._watch_all()
        self._wake()
        self.log.write(f"Scaled to {count} instance{'' if count == 1 else 's'}.")
        await asyncio.gather(*map(self._leave, leaving))

    async def _leave(self, instance: Container) -> None:
        """Let an instance, which gets no new requests, answer those it has, and end it."""
        watcher = self._watchers.pop(instance, None)
        if watcher is not None:
            watcher.cancel()
        self._leaving.add(instance)
        try:
            await asyncio.wait_for(self._answered(instance), self.spec.request_timeout)
        except asyncio.TimeoutError:
            pass
        finally:
            await self._retire(instance)
            self._leaving.discard(instance)

    async def _answered(self, instance: Container) -> None:
        while instance.in_flight:
            await self._released()

    async def _retire(self, instance: Container) -> None:
        await instance.stop()
        await self._runner.retire(instance.number)

    async def processor_seconds(self) -> dict[int, float]:
        """The processor time that each ready instance has used, by its number; without those that cannot be read."""
        ready = [instance for instance in self.instances if instance.ready and instance.running]
        used = await asyncio.gather(*(instance.processor_seconds() for instance in ready))
        return {instance.number: seconds for instance, seconds in zip(ready, used) if seconds is not None}

    @property
    def ready(self) -> int:
        """How many instances serve."""
        return sum(instance.ready and instance.running for instance in self.instances)

    @property
    def cores(self) -> float:
        """The cores of each instance, once it has started."""
        return self._runner.cores

    async def _open(self) -> str:
        try:
            return await self._runner.open()
        except OSError as error:
            raise self._not_started(error, []) from None

    def _not_started(self, error: OSError, lines: list[str]) -> ContainerCrashed:
        reason = f"the container can't be started ({error.strerror or error})"
        self.log.write(f"ERROR: {reason}")
        return _crashed(reason, lines)

    async def _until_ready(self, instance: Container) -> None:
        """Start one container, and restart it if it ends, until its readiness probe succeeds."""
        for attempt in range(RESTARTS + 1):
            await self._launch(instance)
            failure = await self._becomes_ready(instance)
            if failure is None:
                return
            if instance.running:
                # Alive but not healthy within the probe's limit: a restart would take just as long.
                break
            instance.restarts += 1
            if attempt < RESTARTS:
                self.log.event("BackOff", "Back-off restarting failed container inference-server", "Warning")
        assert failure is not None
        raise _crashed(failure, self.log.tail(LOOK_BACK))

    async def _launch(self, instance: Container) -> None:
        self.log.event("Created", "Created container inference-server")
        try:
            await instance.start()
        except OSError as error:
            raise self._not_started(error, self.log.tail(LOOK_BACK)) from None
        self.log.event("Started", "Started container inference-server")

    async def _becomes_ready(self, instance: Container) -> str | None:
        """Wait for the first readiness; return None, or the probe failure that ended the waiting.

        The container is probed continuously, so that a healthy one is ready at once; failures are counted as
        documented for the settings.
        """
        spec, begun, successes = self.spec, time.monotonic(), 0
        probes = {"Liveness": spec.liveness_probe, "Readiness": spec.readiness_probe}
        counted = dict.fromkeys(probes, 0)
        ended = asyncio.ensure_future(instance.wait())
        try:
            while True:
                reason = await instance.probe(spec.readiness, max(0.1, spec.readiness_probe.timeout))
                reasons = {"Readiness": reason, "Liveness": reason}
                if spec.liveness != spec.readiness:
                    reasons["Liveness"] = await instance.probe(spec.liveness, max(0.1, spec.liveness_probe.timeout))
                if reason is None:
                    successes += 1
                    if successes >= max(1, spec.readiness_probe.success_threshold):
                        instance.ready = True
                        return None
                else:
                    successes = 0
                if ended.done() or instance.worker_deaths >= WORKER_DEATHS:
                    exited = f"Container exited with {_exit(ended.result())}" if ended.done() else ""
                    self.log.event("Terminated", exited or "The server's workers end before they are ready", "Warning")
                    if ended.done() and ended.result()[1]:
                        return exited
                    return "Liveness probe failed: HTTP probe failed with statuscode: 502"
                elapsed = time.monotonic() - begun
                for name, settings in probes.items():
                    due = int((elapsed - settings.initial_delay) // max(0.1, settings.period))
                    if reasons[name] is not None and due > counted[name]:
                        counted[name] = due
                        self.log.event(f"{name}ProbeFailed", f"{name} probe failed: {reasons[name]}", "Warning")
                        if due >= max(1, settings.failure_threshold):
                            return f"{name} probe failed: {reasons[name]}"
                await asyncio.wait([ended], timeout=POLL)
        finally:
            ended.cancel()

    async def _watch(self, instance: Container) -> None:
        """Restart a container that was ready if it ends or its liveness probe fails."""
        crashes = 0
        while True:
            since = time.monotonic()
            why = await self._fails(instance)
            instance.ready = False
            self._wake()
            instance.restarts += 1
            if time.monotonic() - since > 60:
                crashes = 0
            self.log.event("BackOff", f"Restarting container inference-server: {why}", "Warning")
            while True:
                await asyncio.sleep(BACKOFF[min(crashes, len(BACKOFF) - 1)])
                crashes += 1
                try:
                    await self._launch(instance)
                except ContainerCrashed:
                    continue
                if await self._becomes_ready(instance) is None:
                    break
            self.log.event("ContainerReady", "Container is ready")
            self._wake()

    async def _fails(self, instance: Container) -> str:
        """Probe a ready container at the liveness probe's interval; return why it must be restarted."""
        settings, failures = self.spec.liveness_probe, 0
        ended = asyncio.ensure_future(instance.wait())
        try:
            while True:
                await asyncio.wait([ended], timeout=max(0.1, settings.period))
                if ended.done():
                    return f"it exited with {_exit(ended.result())}"
                reason = await instance.probe(self.spec.liveness, max(0.1, settings.timeout))
                failures = failures + 1 if reason else 0
                if reason:
                    self.log.event("LivenessProbeFailed", f"Liveness probe failed: {reason}", "Warning")
                if failures >= max(1, settings.failure_threshold):
                    return f"Liveness probe failed: {reason}"
        finally:
            ended.cancel()

    async def acquire(self) -> Container:
        """Wait for a ready instance with a free slot, in turn; the caller returns it with `release`.

        Raises NoReadyInstance if no instance is ready.
        """
        while True:
            for step in range(len(self.instances)):
                instance = self.instances[(self._turn + step) % len(self.instances)]
                if instance.ready and instance.running and instance.in_flight < self.spec.max_concurrent:
                    self._turn = (self._turn + step + 1) % len(self.instances)
                    instance.in_flight += 1
                    return instance
            if not any(instance.ready and instance.running for instance in self.instances):
                raise NoReadyInstance
            await self._released()

    async def _released(self) -> None:
        """Wait until a slot was returned, or the instances have changed."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            with contextlib.suppress(ValueError):
                self._waiters.remove(waiter)

    def release(self, instance: Container) -> None:
        """Return an instance's slot."""
        instance.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        """Wake all waiting requests, in order of arrival."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
