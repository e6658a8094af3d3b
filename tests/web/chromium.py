"""Drives a headless Chromium through its DevTools protocol, over a pair of pipes."""

import base64
import json
import os
import pathlib
import select
import signal
import tempfile
import time
from collections.abc import Sequence
from typing import Any

DEADLINE_S = 120.0

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # as root, and in containers, there is none
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


class PageError(Exception):
    """Something failed inside the page; the message is the page's own."""


class Chromium:
    """A browser process; `page` opens tabs, `close` ends it.

    Args:
        command: The program, and flags that this machine needs.
        flags: More flags of Chromium.
        environment: Variables of the process.
    """

    def __init__(
        self,
        command: Sequence[str],
        flags: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        from_us, self._write = os.pipe()
        self._read, to_us = os.pipe()
        arguments = [*command, *FLAGS, f"--user-data-dir={self._folder.name}", *flags]
        log = os.open(pathlib.Path(self._folder.name) / "log.txt", os.O_CREAT | os.O_WRONLY)
        # Chromium reads from descriptor 3 and writes to 4. By way of high numbers, because
        # one of the pipes may already have one of these.
        self._pid = os.posix_spawn(
            command[0],
            arguments,
            os.environ | (environment or {}),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, from_us, 103),
                (os.POSIX_SPAWN_DUP2, to_us, 104),
                (os.POSIX_SPAWN_DUP2, 103, 3),
                (os.POSIX_SPAWN_DUP2, 104, 4),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
        for number in (from_us, to_us, log):
            os.close(number)
        self._received = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Sends a command and returns its result; events go to `events`."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._write, content) :]
        deadline = time.monotonic() + DEADLINE_S
        while True:
            answer = self._next_message(deadline, method)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise PageError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _next_message(self, deadline: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise PageError(f"{method}: no answer within {DEADLINE_S:g} s. {self.log()}")
            content = os.read(self._read, 1 << 20)
            if not content:
                raise PageError(f"{method}: the browser ended. {self.log()}")
            self._received += content
        message, self._received = self._received.split(b"\0", 1)
        return json.loads(message)

    def log(self) -> str:
        """What the process printed last."""
        return (pathlib.Path(self._folder.name) / "log.txt").read_text(errors="replace")[-2000:]

    def page(self, **viewport: Any) -> "Page":
        """Opens an empty tab in a context of its own: no permissions, no cache."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        target = self.send("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        return Page(self, attached["sessionId"], context, **viewport)

    def close(self) -> None:
        """Ends the process and its children, and removes what they wrote."""
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._write)
        os.close(self._read)
        self._folder.cleanup()


class Page:
    """One tab."""

    def __init__(
        self,
        browser: Chromium,
        session: str,
        context: str,
        width: int = 1280,
        height: int = 900,
        scale: float = 1,
        mobile: bool = False,
        dark: bool = False,
    ):
        self.browser, self.session, self.context = browser, session, context
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[feature])

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command to this tab."""
        return self.browser.send(method, self.session, **parameters)

    def go(self, address: str) -> None:
        """Opens an address and waits until the document is there."""
        result = self.send("Page.navigate", url=address)
        if "errorText" in result:
            raise PageError(f"{address}: {result['errorText']}")
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        """Returns the JSON value of an expression, of a promise what it resolves to."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def call(self, function: str, *arguments: Any) -> Any:
        """Calls a JavaScript function with JSON values."""
        return self.evaluate(f"({function})({', '.join(map(json.dumps, arguments))})")

    def wait_for(self, expression: str, deadline_s: float = DEADLINE_S) -> Any:
        """Returns the value of an expression as soon as it is true."""
        until = time.monotonic() + deadline_s
        while not (value := self.evaluate(expression)):
            if time.monotonic() > until:
                shown = self.evaluate("document.body?.innerText")
                raise PageError(f"never true: {expression}. The page shows: {shown}")
            time.sleep(0.02)
        return value

    def text(self, selector: str) -> str:
        """Returns the visible text of an element."""
        return self.call("selector => document.querySelector(selector).innerText", selector)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Moves the pressed mouse from one point of the window to another."""
        points = [start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end]
        kinds = ["mousePressed", "mouseMoved", "mouseMoved", "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*points, end], strict=True):
            button = {"button": "left", "buttons": 1, "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def screenshot(self, path: pathlib.Path, whole: bool = True) -> None:
        """Writes a PNG of the page."""
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def requests(self) -> list[str]:
        """Returns the addresses that this tab asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.browser.events
            if event["method"] == "Network.requestWillBeSent"
            and event.get("sessionId") == self.session
        ]

    def close(self) -> None:
        """Closes the tab and forgets its context."""
        self.browser.send("Target.disposeBrowserContext", browserContextId=self.context)
