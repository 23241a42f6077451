"""Simulate students on a JupyterHub of this machine: `python docs/hub/simulate.py 5`

Each logs in, starts a server and a kernel, and runs notebook 01; when all have run, their memory is
measured. `simulate.py 30 10` has them come one after the other, ten seconds apart. In an
environment with requirements.txt, jupyterhub and aiohttp, and with npm's
configurable-http-proxy on the PATH. It listens on 127.0.0.1 only, and ends what it started.
"""

import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import aiohttp
import nbformat

ROOT = Path(__file__).resolve().parents[2]
HUB = "http://127.0.0.1:8899"
CONFIGURATION = """
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "x"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/{{username}}"
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {{"PYTHONPATH": "{root}", "OPENBLAS_NUM_THREADS": "1"}}
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
c.JupyterHub.bind_url = "{hub}"
c.JupyterHub.hub_port = 8898
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8897"
"""


async def student(name, cells, times, everybody, wait):
    """One student's lesson, after `wait` seconds; `times` gets the seconds since its begin."""
    await asyncio.sleep(wait)
    begin = time.perf_counter()

    def mark(what):
        times.setdefault(what, []).append(time.perf_counter() - begin)

    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await log_in(session, name)
        while not await is_there(session, f"/user/{name}/lab"):
            await asyncio.sleep(0.3)
        mark("server")
        kernels = f"{HUB}/user/{name}/api/kernels"
        headers = {"X-XSRFToken": token(session, f"/user/{name}")}
        async with session.post(kernels, json={"name": "python3"}, headers=headers) as answer:
            kernel = (await answer.json())["id"]
        channel, seen = Channel(session, f"{kernels}/{kernel}/channels"), False
        for cell in cells:
            shown = await channel.run(cell)
            if "proved" in shown and not seen:
                seen = True
                mark("first derivation")
        mark("whole notebook")
        times.setdefault("reconnected", []).append(channel.lost)
        await everybody.wait()  # until the memory is measured


async def log_in(session, name):
    async with session.get(f"{HUB}/hub/login") as page:
        await page.read()
    xsrf = token(session, "/hub")
    form = {"username": name, "password": "x", "_xsrf": xsrf}
    async with session.post(f"{HUB}/hub/login?_xsrf={xsrf}", data=form) as answer:
        await answer.read()


def token(session, path):
    cookies = [cookie for cookie in session.cookie_jar if cookie.key == "_xsrf"]
    return next(cookie.value for cookie in cookies if cookie["path"].startswith(path))


async def is_there(session, path):
    with contextlib.suppress(aiohttp.ClientConnectionError):
        async with session.get(HUB + path) as page:
            await page.read()
            return page.status == 200 and page.url.path.startswith(path)
    return False


class Channel:
    """The messages of one kernel. A lost connection is opened again, as JupyterLab does: the
    server keeps for a session what came in between."""

    def __init__(self, session, address):
        self.session, self.name, self.lost, self.socket = session, uuid.uuid4().hex, -1, None
        self.address = f"{address}?session_id={self.name}"

    async def connect(self):
        self.lost += 1
        for attempt in range(20):
            with contextlib.suppress(aiohttp.ClientError):
                self.socket = await self.session.ws_connect(self.address, max_msg_size=0)
                return
            await asyncio.sleep(attempt)
        raise ConnectionError(f"no connection to {self.address}")

    async def run(self, code):
        """All that a cell shows, as one string; an error in it ends the simulation."""
        number, shown = uuid.uuid4().hex, []
        header = {"msg_id": number, "msg_type": "execute_request",
                  "username": "", "session": self.name, "version": "5.3"}  # fmt: skip
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        message = {"channel": "shell", "header": header, "parent_header": {},
                   "metadata": {}, "content": content, "buffers": []}  # fmt: skip
        if self.socket is None or self.socket.closed:
            await self.connect()
        await self.socket.send_json(message)
        while True:
            message = await self.socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                await self.connect()
                continue
            message = json.loads(message.data)
            if message["parent_header"].get("msg_id") != number:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "error":
                raise RuntimeError(f"{content['ename']}: {content['evalue']}")
            if kind == "status" and content["execution_state"] == "idle":
                return "\n".join(shown)
            shown.append(json.dumps(content))


def megabytes(word, folder):
    """The memory of each of our processes with this word in its command line.

    Counted are its own pages, and its share of those that it shares with others.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "environ").read_text() + os.readlink(process / "cwd")
            if str(folder) in about and word in (process / "cmdline").read_text():
                lines = (process / "smaps_rollup").read_text().splitlines()
                found += [int(line.split()[1]) / 1000 for line in lines if line.startswith("Pss:")]
        except OSError:
            continue
    return found


async def simulate(number, apart, folder):
    notebook = nbformat.read(ROOT / "notebooks" / "01_linear_regression.ipynb", 4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    times, everybody = {}, asyncio.Barrier(number + 1)
    async with aiohttp.ClientSession() as session:
        while not await is_there(session, "/hub/login"):
            await asyncio.sleep(0.5)
    async with asyncio.TaskGroup() as group:
        for place in range(number):
            group.create_task(student(f"student{place}", cells, times, everybody, place * apart))
        while len(times.get("whole notebook", [])) < number:
            await asyncio.sleep(0.5)
        servers, kernels = megabytes("singleuser", folder), megabytes("ipykernel", folder)
        assert len(servers) == len(kernels) == number, (servers, kernels)
        print(f"{number} students: {statistics.mean(servers):.0f} MB a server, "
              f"{statistics.mean(kernels):.0f} MB a kernel")  # fmt: skip
        print(f"connections lost and opened again: {sum(times.pop('reconnected'))}")
        for what, seconds in times.items():
            middle, last = statistics.median(seconds), max(seconds)
            print(f"{what}: median {middle:.1f} s, slowest {last:.1f} s")
        await everybody.wait()


def main(number, apart):
    with tempfile.TemporaryDirectory() as name:
        configuration = CONFIGURATION.format(folder=name, root=ROOT, hub=HUB)
        (Path(name) / "jupyterhub_config.py").write_text(configuration)
        with open(Path(name) / "hub.log", "w") as log:
            hub = subprocess.Popen(["jupyterhub"], cwd=name, stdout=log, stderr=log)
        try:
            asyncio.run(simulate(number, apart, name))
        finally:
            hub.send_signal(signal.SIGTERM)  # the hub ends the servers and the proxy
            hub.wait(60)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0)
