"""A real Firefox by WebDriver BiDi, without a driver between: it opens pages and evaluates
JavaScript in them.
"""

import json
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from websocket import create_connection

NAMES = ["firefox", "firefox-esr"]
PATIENCE = 180  # seconds


def path():
    return next(filter(None, map(shutil.which, NAMES)), None)


class Firefox:
    def __init__(self, address):
        self.socket = create_connection(address, timeout=PATIENCE, suppress_origin=True)
        self.numbers = count(1)
        self.command("session.new", capabilities={})
        (first,) = self.command("browsingContext.getTree")["contexts"]
        self.context = first["context"]

    def command(self, method, **parameters):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv())).get("id") != number:
            pass
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        return answer["result"]

    def open(self, address):
        self.command("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def evaluate(self, function, *values):
        """What an (async) JavaScript function gives for these values."""
        given = ", ".join(map(json.dumps, values))
        answer = self.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({function})({given})) ?? 'null')()",
            target={"context": self.context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def wait_for(self, function, *values):
        end = time.monotonic() + PATIENCE
        while not (found := self.evaluate(function, *values)):
            if time.monotonic() > end:
                raise TimeoutError(function)
            time.sleep(0.2)
        return found


@contextmanager
def running():
    """A Firefox with a fresh profile, ended with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [path(), "--headless", "--no-remote", "--profile", profile]
        process = subprocess.Popen(
            [*command, "--remote-debugging-port", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Firefox(address(Path(profile) / "WebDriverBiDiServer.json"))
        finally:
            process.terminate()
            process.wait(PATIENCE)


def address(file):
    """Where it listens; it writes that into its profile."""
    end = time.monotonic() + PATIENCE
    while not (file.exists() and file.read_text()):
        if time.monotonic() > end:
            raise TimeoutError("Firefox does not say where it listens")
        time.sleep(0.2)
    about = json.loads(file.read_text())
    return f"ws://{about['ws_host']}:{about['ws_port']}/session"
