"""The built site, served on this machine, and a real Chromium that looks at it."""

from pathlib import Path

import pytest
from browser import chromium
from site_serve import PUBLIC, serving

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
PICTURES = ROOT / ".cache" / "site" / "pictures"
ICON = "/favicon.ico"  # a browser asks the host for it where a page names no icon, as JupyterLite's does not


@pytest.fixture(scope="session")
def address():
    if not (PUBLIC / "index.html").exists():
        pytest.exit("there is no public/: run make site first", returncode=1)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with serving(PUBLIC) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, address):
    """visit(path, width=…): a page in a fresh profile, whose `complaints` grow with all that goes wrong."""
    contexts = []

    def open_page(path, width=1280, height=900, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        watch(page, address)
        page.goto(f"{address}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()


def watch(page, address):
    """Note every request to another host, every answer that is an error, and every message of an error."""
    own = (address, "data:", "blob:")
    page.context.on("request", lambda request: request.url.startswith(own) or page.complaints.append(f"asked {request.url}"))
    page.on("response", lambda response: note(page, f"{response.status} {response.url}") if response.status >= 400 else None)
    page.on("pageerror", lambda error: page.complaints.append(f"error {error}"))
    page.on("console", lambda said: note(page, f"{said.text} {said.location['url']}") if said.type == "error" else None)


def note(page, complaint):
    if not complaint.endswith(ICON):
        page.complaints.append(complaint)
