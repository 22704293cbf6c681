"""Controls the rehearsal's speed: full speed, or durations like Azure's; latency and bandwidth.

Microsoft's how-to-deploy-online-endpoints gives the orders of magnitude: an endpoint takes about a minute and a half,
a first deployment 6 to 12 minutes, most of it for the image and the start. The shares of the steps are assumed.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time

from tui.rehearsal.files import Watched
from tui.rehearsal.places import Home
from tui.rehearsal.settings import AZURE, pace_of

ENDPOINT_SECONDS = 90.0
TRAFFIC_SECONDS = 15.0
DELETE_SECONDS = 60.0
DEPLOYMENT_SECONDS = (360.0, 720.0)
SCALE_SECONDS = 240.0
"""Until another instance serves: the share of a deployment that starts it."""
FAST_FACTOR = 60.0
"""How fast Azure's minutes pass for autoscale at full speed: one a second."""
# The share of a deployment's time at the end of each step.
_SHARES = {"submitted": 0.05, "image": 0.55, "download": 0.65, "start": 1.0}
_SLICE = 0.2


class Pace:
    """Waits according to the settings, which may change at any time, also during a wait."""

    def __init__(self, home: Home) -> None:
        self._settings = Watched(home.pace_file, lambda: pace_of(home))
        self._link_free = 0.0
        self._clock = (time.monotonic(), 0.0)

    @property
    def factor(self) -> float:
        """How many of Azure's seconds pass in one."""
        return float(self._settings.now["speed"]) if self._settings.now["pace"] == AZURE else FAST_FACTOR

    def now(self) -> float:
        """Azure's seconds since the rehearsal began, at the speed that was set all the while."""
        before, passed = self._clock
        now = time.monotonic()
        self._clock = (now, passed + (now - before) * self.factor)
        return self._clock[1]

    async def until(self, begun: float, seconds: float, otherwise: float = 0.0) -> None:
        """Wait for Azure's duration `seconds` since `begun` (time.monotonic); at full speed for `otherwise`."""
        while True:
            like_azure = self._settings.now["pace"] == AZURE
            wanted = seconds / float(self._settings.now["speed"]) if like_azure else otherwise
            left = begun + wanted - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(_SLICE, left))

    async def deployed(self, step: str, begun: float, name: str) -> None:
        """Wait until a deployment's step would end on Azure; `name` determines the total, from 6 to 12 minutes."""
        least, most = DEPLOYMENT_SECONDS
        place = int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:2], "big") / 0xFFFF
        await self.until(begun, (least + (most - least) * place) * _SHARES[step])

    async def latency(self) -> None:
        """Wait for one round trip."""
        milliseconds = float(self._settings.now["latency_ms"])
        if milliseconds:
            await asyncio.sleep(milliseconds / 1000)

    def token_seconds(self) -> int:
        """The chosen lifetime of access tokens in whole seconds, at least 1; 0: lifetimes like Azure's."""
        return math.ceil(float(self._settings.now["token_seconds"]))

    async def transfer(self, size: int) -> None:
        """Wait until `size` bytes have been transferred over the line that all transfers share."""
        rate = float(self._settings.now["bandwidth_mbps"])
        if not rate:
            return
        now = time.monotonic()
        self._link_free = max(self._link_free, now) + size * 8 / (rate * 1e6)
        # Each transfer waits for its own bytes; later ones queue behind it.
        await asyncio.sleep(self._link_free - now)
