"""A headless Chromium, driven through its debugging pipe: no network port, no library.

The browser reads commands on file descriptor 3 and writes answers and events to 4, each a JSON object ended by a zero
byte. It belongs to the value that started it and ends with it.
"""

import base64
import json
import os
import select
import subprocess
import time

PATIENCE_S = 30


class Browser:
    def __init__(self, profile):
        from_us, to_them = os.pipe()
        from_them, to_us = os.pipe()
        # Through a shell, because only it can put our pipes on the numbers that the browser expects.
        os.set_inheritable(from_us, True)
        os.set_inheritable(to_us, True)
        command = (
            f"exec chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
            f"--remote-debugging-pipe --user-data-dir='{profile}' about:blank 3<&{from_us} 4>&{to_us}"
        )
        self.process = subprocess.Popen(
            ["bash", "-c", command],
            pass_fds=(from_us, to_us),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(from_us)
        os.close(to_us)
        self.write, self.read = to_them, from_them
        self.unread = b""
        self.sent = 0
        self.session = None
        self.events = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(domain + ".enable")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def message(self, until):
        """The next message; an error when there is none in time."""
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.read], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self.read, 1 << 16)
            if not piece:
                raise EOFError("the browser ended")
            self.unread += piece
        text, self.unread = self.unread.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **params):
        self.sent += 1
        request = {"id": self.sent, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data) :]
        until = time.monotonic() + PATIENCE_S
        while True:
            message = self.message(until)
            if message.get("id") == self.sent:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def open(self, url):
        self.ask("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, expression):
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression):
        until = time.monotonic() + PATIENCE_S
        # A little later in the page's own time, so that it is not kept from drawing by being asked.
        later = f"new Promise(done => setTimeout(() => done(Boolean({expression})), 10))"
        while not self.evaluate(later):
            if time.monotonic() > until:
                raise TimeoutError(f"never so: {expression}")

    def mouse(self, kind, x, y, **more):
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def place(self, selector):
        """The middle of an element, after it was brought into view."""
        return self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )

    def click(self, selector):
        x, y = self.place(selector)
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)

    def size(self, width, height):
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def prefer(self, scheme):
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        with open(path, "wb") as out:
            out.write(base64.b64decode(shot["data"]))

    def troubles(self):
        """Exceptions, errors in the log, and whatever was fetched beside the page itself."""
        found = []
        for event in self.events:
            method, params = event["method"], event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"].get("exception", params["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(params["args"])
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            elif method == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if not url.endswith("/report.html") and not url.startswith(("about:", "data:")):
                    found.append("fetched " + url)
        return found
