"""SIGTSTP and SIGCONT, which Textual takes in the middle of whatever the interface is doing.

Overrides the handlers that `LinuxDriver` of Textual 8.2.8 sets, for two things that are observed there. They write to
the terminal: where the signal comes in the middle of another write, they wait for ever for its lock. And each SIGCONT
starts the application mode, also where nothing was suspended: the kernel sends one after SIGHUP when a terminal goes.
Issue 6298 of Textual tells of a deadlock in the first of them, too.
"""

from __future__ import annotations

import asyncio
import signal


def suspend_between_events() -> None:
    """Let Textual give the terminal back, and take it again only where it has given it back, between two events.

    Taken again without that, a second thread reads keys. Where the wizard is just leaving nobody ends that one: the
    process stays, and asks a terminal that is gone without a pause. Call it in the main thread, in the event loop, once
    Textual has set its handlers.
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
