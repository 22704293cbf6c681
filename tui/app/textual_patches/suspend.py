"""SIGCONT, which the kernel sends after SIGHUP when a terminal goes, to a process that was never suspended.

Wraps the handlers of SIGTSTP and SIGCONT that `LinuxDriver` of Textual 8.2.8 sets, for what is observed there: it
starts the application mode at every SIGCONT. No report of it is known upstream.
"""

from __future__ import annotations

import signal
from types import FrameType


def only_after_suspending() -> None:
    """Let Textual take the terminal again on SIGCONT only where SIGTSTP had let it give it back.

    Otherwise it starts a second thread that reads keys. Where the wizard is just leaving nobody ends that one: the
    process stays, and asks a terminal that is gone without a pause. Call it in the main thread, once Textual has set
    its handlers.
    """
    suspends, continues = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    if not callable(suspends) or not callable(continues):
        return  # without a terminal Textual sets none
    suspended = False

    def suspend(number: int, frame: FrameType | None) -> None:
        nonlocal suspended
        suspended = True
        suspends(number, frame)

    def go_on(number: int, frame: FrameType | None) -> None:
        nonlocal suspended
        if suspended:
            suspended = False
            continues(number, frame)

    signal.signal(signal.SIGTSTP, suspend)
    signal.signal(signal.SIGCONT, go_on)
