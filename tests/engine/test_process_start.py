"""When a process began, which tells an engine from a later process with its id: from /proc, elsewhere from psutil."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import pytest

from tui.engine.journal.runs import _start_time, _start_time_with_psutil


@pytest.mark.parametrize("start_time", [_start_time, _start_time_with_psutil])
def test_the_start_of_a_process_stays_and_is_none_when_it_has_ended(start_time: Callable[[int], str | None]) -> None:
    if start_time is _start_time and not Path("/proc/self/stat").exists():
        pytest.skip("this system has no /proc")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = start_time(child.pid)
    assert began is not None
    assert began == start_time(child.pid) != start_time(os.getpid())
    assert child.stdin is not None
    child.stdin.close()
    # Nobody has waited for it yet: it has ended all the same.
    until = time.monotonic() + 20
    while start_time(child.pid) is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert start_time(child.pid) is None
    child.wait()
    assert start_time(child.pid) is None
