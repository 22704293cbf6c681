"""Handles SIGTSTP and SIGCONT between two events, where Textual interrupts the interface at any point.

Overrides the handlers set by `LinuxDriver` of Textual 8.2.8, because of two observed problems. They write to the
terminal: if the signal arrives during another write, they wait forever for its lock. And each SIGCONT starts the
application mode, even if nothing was suspended: the kernel sends one after SIGHUP when a terminal disappears.
Textual's issue 6298 also reports a deadlock of the first kind.
"""

from __future__ import annotations

import asyncio
import signal


def suspend_between_events() -> None:
    """Make Textual suspend and resume between two events, and resume only after a suspend.

    Resuming without a suspend starts a second thread that reads keys. If the wizard is quitting, nothing stops that
    thread: the process stays alive and polls the vanished terminal without pause. Call this in the main thread, in the
    event loop, after Textual has set its handlers.
    """
    suspends, continues = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    if not callable(suspends) or not callable(continues):
        return  # without a terminal Textual sets none
    suspended = False

    def suspend() -> None:
        nonlocal suspended
        suspended = True
        suspends(signal.SIGTSTP, None)

    def go_on() -> None:
        nonlocal suspended
        if suspended:
            suspended = False
            continues(signal.SIGCONT, None)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTSTP, suspend)
    loop.add_signal_handler(signal.SIGCONT, go_on)
