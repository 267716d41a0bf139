"""A real Chromium, driven by its DevTools protocol over a pipe: pages, clicks, keys, sizes, screenshots."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

BINARY = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
"""The browser on this machine; None if there is none."""
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "ArrowDown": (40, ""), "ArrowUp": (38, ""), "ArrowRight": (39, ""),
        "ArrowLeft": (37, ""), "Tab": (9, "")}  # fmt: skip


class Chromium:
    """A headless browser with one page; use it as a context manager. It reaches 127.0.0.1 only."""

    def __init__(self, profile: Path, timeout: float = 120.0):
        self.timeout = timeout
        self._ours_out, theirs_in = _pipe()
        theirs_out, self._ours_in = _pipe()
        command = [
            BINARY, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--user-data-dir={profile}", "about:blank",
        ]  # fmt: skip

        def three_and_four() -> None:  # the browser reads commands from descriptor 3 and writes answers to 4
            read, write = os.dup(theirs_out), os.dup(theirs_in)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=three_and_four,
            pass_fds=(3, 4, theirs_out, theirs_in), start_new_session=True,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.messages: list[str] = []
        """Errors and warnings of the page's console, and violations of its policy."""
        page = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._ours_in)
        os.close(self._ours_out)

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of one command. Raises RuntimeError for an error."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._ours_in, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + self.timeout
        while True:
            found = self._next(until)
            if found.get("id") == number:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']}")
                return found["result"]
            self._note(found)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"].get("description", str(found)))
        return found["result"].get("value")

    def open(self, url: str) -> None:
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)

    def wait(self, script: str, seconds: float = 30.0) -> Any:
        """The value of an expression once it is true. Raises AssertionError."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if value := self.run(f"(value => value instanceof Node || value)({script})"):
                    return value
            except RuntimeError:
                pass  # the page is being changed
            time.sleep(0.03)
        raise AssertionError(f"never true: {script}\n{self.run('document.body.innerText')[:2000]}\n{self.messages}")

    def click(self, selector: str) -> None:
        """Click the middle of the first element that a selector finds, with the mouse."""
        self.wait(f"!!document.querySelector({json.dumps(selector)})")
        x, y = self.run(
            f"(async () => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'});"
            "for (const _ of [1, 2]) await new Promise(requestAnimationFrame);"  # the scroll has been drawn
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, *keys: str) -> None:
        for key in keys:
            code, text = KEYS.get(key, (ord(key.upper()[0]), key))
            about = {"key": key, "windowsVirtualKeyCode": code}
            self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
            self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def look(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """The size of the window, and the colour scheme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)

    def picture(self, path: str | Path, whole: bool = False) -> None:
        """Write a PNG of the window, or of the whole page."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(found["data"]))

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._ours_out], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise RuntimeError("the browser does not answer")
            data = os.read(self._ours_out, 1 << 20)
            if not data:
                raise RuntimeError("the browser has ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found

    def _note(self, found: dict[str, Any]) -> None:
        parameters = found.get("params", {})
        if found.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.messages.append(details.get("exception", {}).get("description") or details["text"])
        elif found.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.messages.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")


def _pipe() -> tuple[int, int]:
    read, write = os.pipe()
    # above 4, so that the child's descriptors 3 and 4 are free
    return tuple(_above(each) for each in (read, write))  # type: ignore[return-value]


def _above(descriptor: int) -> int:
    import fcntl

    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved
