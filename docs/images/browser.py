"""A headless Chromium that takes pictures of web pages, without a package of its own.

It is driven by the Chrome DevTools Protocol over two pipes.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Runs through the shadow roots of web components too.
DEEP = """
function deep(selector, root = document) {
    const found = [...root.querySelectorAll(selector)];
    for (const part of root.querySelectorAll('*'))
        if (part.shadowRoot) found.push(...deep(selector, part.shadowRoot));
    return found;
}
"""


class Browser:
    """A window of Chromium, as a context.

    Args:
        width, height: of the window, in CSS pixels.
        scale: device pixels for each.

    Example:
        >>> with Browser(1200, 800) as browser:  # doctest: +SKIP
        ...     browser.open("http://localhost:6006")
        ...     png = browser.picture()
    """

    def __init__(self, width: int, height: int, scale: float = 1.0) -> None:
        self.size = {"width": width, "height": height}
        self.scale = scale
        self._number = 0
        self._rest = b""

    def __enter__(self) -> Browser:
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            raise SystemExit(f"None of {', '.join(NAMES)} is installed: apt-get install chromium")
        self._folder = tempfile.TemporaryDirectory()
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Beyond 9, for Chromium reads from file 3 and writes to file 4.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]
        redirected = f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}'
        command = [program, "--headless", "--no-sandbox", "--remote-debugging-pipe"]
        command += ["--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader"]
        command += ["--enable-unsafe-swiftshader", "--hide-scrollbars", "--no-first-run"]
        command += [f"--user-data-dir={self._folder.name}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", redirected, "bash", *command], pass_fds=ends, stderr=subprocess.DEVNULL
        )
        for end in (theirs_in, theirs_out, *ends):
            os.close(end)
        pages = self.send("Target.getTargets", session=None)["targetInfos"]
        (target,) = [page["targetId"] for page in pages if page["type"] == "page"]
        attach = {"targetId": target, "flatten": True}
        self._session = self.send("Target.attachToTarget", session=None, **attach)["sessionId"]
        metrics = {**self.size, "deviceScaleFactor": self.scale, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(30)
        os.close(self._in)
        os.close(self._out)
        self._folder.cleanup()

    def open(self, url: str) -> None:
        """Go to an address."""
        self.send("Page.navigate", url="about:blank")  # an address that differs behind # alone
        self.send("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression; `deep(selector)` finds in all components."""
        code = f"(() => {{ {DEEP}; return ({script}); }})()"
        found = self.send("Runtime.evaluate", expression=code, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"]["description"])
        return found["result"].get("value")

    def wait(self, script: str, seconds: float = 60) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(script):
                return
            time.sleep(0.5)
        raise TimeoutError(f"not true after {seconds} s: {script}")

    def picture(self, height: int | None = None) -> bytes:
        """Return a PNG of the window, or of its upper part."""
        clip = {"x": 0, "y": 0, **self.size, "scale": 1}
        clip["height"] = height or clip["height"]
        found = self.send("Page.captureScreenshot", format="png", clip=clip)
        return base64.b64decode(found["data"])

    def send(self, method: str, *, session: str | None = "own", **parameters: Any) -> Any:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._in, 1 << 20)
            if not read:
                raise RuntimeError("Chromium has ended.")
            self._rest += read
        text, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(text))
