"""Show the built site on this machine: python tools/site_serve.py [--folder public] [--port
8000]
"""

import argparse
import sys
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

PUBLIC = Path(__file__).resolve().parent.parent / "public"


class Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing for each file."""


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A browser that closes its connection is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def server(folder, port=0):
    return Server(("127.0.0.1", port), partial(Handler, directory=str(folder)))


@contextmanager
def serving(folder):
    """The address at which the folder is served while the block runs."""
    with server(folder) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=PUBLIC)
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    with server(options.folder, options.port) as running:
        print(f"http://127.0.0.1:{running.server_port}/ (Ctrl-C ends it)", flush=True)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            pass
