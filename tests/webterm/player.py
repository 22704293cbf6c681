"""What a person does at a browser's terminal: look, wait, press keys, paste, lose the connection, come back."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.webterm.browser import Browser, Failed
from tests.webterm.keys import MODIFIERS, RESERVED, Mistake, read_key
from tests.webterm.server import WebTerm

IN_PAGE = """
window.drive = {
  changed: performance.now(),
  lines(first, last) {
    const buffer = term.buffer.active, lines = [];
    for (let i = first; i < Math.min(last, buffer.length); i++) lines.push(buffer.getLine(i).translateToString(true));
    return lines.join('\\n');
  },
  screen() { const top = term.buffer.active.baseY; return this.lines(top, top + term.rows); },
  all() { return this.lines(0, Infinity); },
  count(c) { return this.lines(this.row, this.row + 1).split(c).length - 1; },
  // this.echo: the milliseconds from the next key press until xterm.js has drawn one more `c` in the cursor's row.
  arm(c) {
    this.row = term.buffer.active.baseY + term.buffer.active.cursorY;
    const before = this.before = this.count(c);
    let pressed;
    addEventListener('keydown', event => { pressed = event.timeStamp; }, {capture: true, once: true});
    this.echo = new Promise(resolve => {
      const end = value => { watch.dispose(); resolve(value); };
      const watch = term.onRender(() => { if (this.count(c) > before) end(performance.now() - pressed); });
      setTimeout(end, 5000, null);
    });
  },
  // The window for `columns` x `rows`, going by the present one.
  window(columns, rows) {
    const cells = document.querySelector('.xterm-screen').getBoundingClientRect();
    return [Math.ceil(innerWidth + (columns - term.cols) * cells.width / term.cols),
            Math.ceil(innerHeight + (rows - term.rows) * cells.height / term.rows)];
  },
};
(term.onWriteParsed || term.onRender)(() => { drive.changed = performance.now(); });
"""


class Player:
    """One person at one browser. Every method either does something or waits for something; Failed says what did
    not come, with the screen."""

    def __init__(self, browser: Browser, server: WebTerm, size: tuple[int, int]) -> None:
        self.browser, self.server, self.size = browser, server, size
        self.tab: str | None = None
        self.target = ""
        self.touched = 0.0  # when the screen was last given a reason to change

    @property
    def session(self) -> Any:
        """The newest process at a terminal."""
        return self.server.sessions[-1] if self.server.sessions else None

    # The tab

    async def open(self) -> None:
        """Open a tab, and with it a new process."""
        self.target = (await self.browser.call("Target.createTarget", url=self.server.url + "?hold"))["targetId"]
        attached = await self.browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.tab = attached["sessionId"]
        await self.browser.call(
            "Browser.grantPermissions",
            origin=self.server.url[:-1],
            permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
        )
        await self._call("Emulation.setFocusEmulationEnabled", enabled=True)
        loaded = "document.readyState == 'complete' && location.search != ''"
        await self._until(lambda: self.evaluate(loaded), 20, "the page did not load")
        await self.evaluate(IN_PAGE)
        await self._set_size()
        before = len(self.server.sessions)
        await self.evaluate("connect()")

        async def connected() -> bool:
            return len(self.server.sessions) > before

        await self._until(connected, 10, "the page got no connection")
        self.touched = time.monotonic()

    async def drop(self) -> None:
        """The connection goes without a goodbye, and the tab with it."""
        transport = self.server.transports.get(self.session)
        if transport is not None:
            transport.abort()
        await self._close()

    async def reopen(self) -> None:
        """A new tab, and so a new process."""
        await self._close()
        await self.open()

    async def resize(self, columns: int, rows: int) -> None:
        """The browser's window, to exactly that many columns and rows."""
        self.size = (columns, rows)
        await self._set_size()
        self.touched = time.monotonic()

    # Keys

    async def press(self, *names: str) -> None:
        """Keys by their names: Tab, Enter, PageDown, ctrl+o. Raises Mistake for what a browser keeps to itself."""
        for name in names:
            modifiers, fields = read_key(name)
            if "+".join([*sorted(modifiers), fields["code"]]) in RESERVED:
                raise Mistake(f"a browser keeps {name} to itself")
            await self._press(modifiers, fields)

    async def type(self, text: str) -> None:
        """Text, key by key."""
        for character in text:
            try:
                await self.press(character)
            except Mistake:  # not on the US keyboard
                await self._call("Input.insertText", text=character)
        self.touched = time.monotonic()

    async def paste(self, text: str) -> None:
        """Text from the browser's clipboard."""
        await self.evaluate(f"navigator.clipboard.writeText({json.dumps(text)})")
        await self.press("Control+Shift+V")

    # Looking

    async def screen(self) -> str:
        """What the terminal shows."""
        return str(await self.evaluate("drive.screen()"))

    async def gone(self, pattern: str, seconds: float = 10) -> None:
        """Wait until a regular expression matches the screen no more."""

        async def hidden() -> bool:
            return not re.search(pattern, await self.screen(), re.MULTILINE)

        await self._until(hidden, seconds, f"still there after {seconds} s: {pattern}")

    async def everything(self) -> str:
        """What the terminal holds, its scrollback too."""
        return str(await self.evaluate("drive.all()"))

    async def sees(self, pattern: str, seconds: float = 10) -> str:
        """Wait until a regular expression matches the screen; returns the screen."""

        async def shown() -> bool:
            if re.search(pattern, await self.screen(), re.MULTILINE):
                return True
            if self.session is not None and self.session.status is not None:
                await self.settle()
                if not re.search(pattern, await self.screen(), re.MULTILINE):
                    raise Failed(f"not seen: {pattern}; the command has ended with {self.session.status}")
            return False

        await self._until(shown, seconds, f"not seen within {seconds} s: {pattern}")
        return await self.screen()

    async def copied(self) -> str:
        """What the browser's clipboard holds (OSC 52 puts it there)."""
        await self.settle()
        return str(await self.evaluate("navigator.clipboard.readText()"))

    async def picture(self, file: Path) -> None:
        """Write what the tab shows as PNG."""
        await self.settle()
        taken = (await self._call("Page.captureScreenshot", format="png"))["data"]
        await asyncio.to_thread(file.write_bytes, base64.b64decode(taken))

    async def settle(self) -> None:
        """Wait until nothing has changed for 0.2 s; 3 s at most."""

        async def settled() -> bool:
            quiet = await self.evaluate("performance.now() - drive.changed > 200")
            return time.monotonic() - self.touched > 0.2 and bool(quiet)

        with contextlib.suppress(Failed):
            await self._until(settled, 3, "")

    async def ended(self, seconds: float = 10) -> int | None:
        """The exit status of the newest process once it has ended (-N: by signal N); None if it has not."""
        await asyncio.wait([self.session.ended], timeout=seconds)
        status: int | None = self.session.status
        return status

    async def echo(self, letter: str) -> float | None:
        """Milliseconds from pressing a letter in the field with the focus until it is drawn; then it is removed."""
        await self.evaluate(f"drive.arm('{letter}')")
        await self.press(letter)
        milliseconds: float | None = await self.evaluate("drive.echo")
        await self.press("Backspace")
        await self._until(
            lambda: self.evaluate(f"drive.count('{letter}') == drive.before"), 5, f"Backspace does not remove {letter}"
        )
        return milliseconds

    # Below

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page, where `term` is the xterm.js object."""
        answer = await self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        problem = answer.get("exceptionDetails")
        if problem:
            raise Failed(problem.get("exception", {}).get("description") or problem["text"])
        return answer["result"].get("value")

    async def _call(self, method: str, **parameters: Any) -> Any:
        if not self.tab:
            raise Failed("there is no tab")
        return await self.browser.call(method, self.tab, **parameters)

    async def _close(self) -> None:
        if self.tab:
            await self.browser.call("Target.closeTarget", targetId=self.target)
            self.tab = None

    async def _set_size(self) -> None:
        has = "new Promise(done => requestAnimationFrame(() => done([term.cols, term.rows])))"
        for _ in range(5):
            columns, rows = self.size
            width, height = await self.evaluate(f"drive.window({columns}, {rows})")
            await self._call(
                "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=0, mobile=False
            )
            if await self.evaluate(has) == [*self.size]:
                return
        raise Failed(f"the terminal cannot be made {self.size}")

    async def _press(self, modifiers: list[str], fields: dict[str, Any]) -> None:
        bits = 0
        for modifier in modifiers:
            bits |= MODIFIERS[modifier][0]
            await self._modifier("rawKeyDown", modifier, bits)
        kind = "keyDown" if "text" in fields else "rawKeyDown"
        await self._call("Input.dispatchKeyEvent", type=kind, modifiers=bits, **fields)
        without_text = {name: value for name, value in fields.items() if name != "text"}
        await self._call("Input.dispatchKeyEvent", type="keyUp", modifiers=bits, **without_text)
        for modifier in reversed(modifiers):
            bits &= ~MODIFIERS[modifier][0]
            await self._modifier("keyUp", modifier, bits)
        self.touched = time.monotonic()

    async def _modifier(self, kind: str, name: str, bits: int) -> None:
        await self._call(
            "Input.dispatchKeyEvent",
            type=kind,
            key=name,
            code=f"{name}Left",
            location=1,
            windowsVirtualKeyCode=MODIFIERS[name][1],
            modifiers=bits,
        )

    async def _until(self, condition: Callable[[], Awaitable[Any]], seconds: float, complaint: str) -> None:
        deadline = time.monotonic() + seconds
        while not await condition():
            if time.monotonic() > deadline:
                shown = await self.screen() if self.tab and complaint else ""
                raise Failed(f"{complaint}\n{shown}")
            await asyncio.sleep(0.03)


@asynccontextmanager
async def terminal(
    command: list[str], environ: dict[str, str], size: tuple[int, int] = (80, 24), chromium: str = "chromium"
) -> AsyncIterator[Player]:
    """A browser tab with a terminal in which `command` runs."""
    async with WebTerm(command, environ) as server:
        browser = Browser()
        try:
            await browser.start(chromium)
            player = Player(browser, server, size)
            await player.open()
            yield player
        finally:
            await browser.stop()
