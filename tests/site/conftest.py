"""The built site, served on this machine, and a real Chromium that looks at it.

The tests of one page stand in one group: they share the page, and the groups run beside each
other.
"""

import importlib.util
from pathlib import Path

import pytest
import site_runtime
from browser import chromium
from site_serve import PUBLIC, serving

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
REFERENCE = ["equations", "notation", "api", "teaching", "trust"]
PAGES = ["index", *(notebook.stem for notebook in NOTEBOOKS), *REFERENCE]
PICTURES = ROOT / ".cache" / "site" / "pictures"
PATIENCE = 180_000  # milliseconds, for a machine that is busy with other things too
MEASURED = "measured"

# Python starts by itself in a page, but not where the reader's data are dear.
NO_PYTHON = "Object.defineProperty(navigator, 'connection', {value: {saveData: true}})"
TYPESET = "() => document.documentElement.dataset.typeset === 'done'"
# Without the strokes of each formula, hidden from a screen reader, and its MathML, for which axe
# has no rule: far faster.
AXE = """async ([scope, rules]) => {
    const drawn = document.querySelectorAll('mjx-container > svg, mjx-assistive-mml');
    const taken = [...drawn].map(part => {
        const kept = document.createDocumentFragment();
        kept.append(...part.childNodes);
        return () => part.append(kept);
    });
    const result = await axe.run(scope, {resultTypes: ['violations'], ...(rules ? {runOnly:
        rules} : {})});
    taken.forEach(putBack => putBack());
    return result.violations.filter(found => ['serious',
        'critical'].includes(found.impact)).map(found =>
        `${found.id}, ${found.nodes.length} times: ` +
        found.nodes.slice(0, 3).map(node => node.html.slice(0, 160)));
}"""


def text(value):
    """A text that may be stored as a list of lines."""
    return "".join(value) if isinstance(value, list) else value


def load_kernel():
    """The Python of the pages' kernel, by its file: beside it stands a module of the name
    IPython.
    """
    spec = importlib.util.spec_from_file_location(
        "page_kernel", ROOT / "site" / "kernel" / "page_kernel.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def grouped(names, prefix=""):
    return [pytest.param(name, marks=pytest.mark.xdist_group(prefix + name)) for name in names]


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


@pytest.fixture(scope="session")
def axe():
    """axe(page, scope, rules): what axe-core finds there that is a serious barrier."""
    source = site_runtime.npm_file("axe-core", "axe.min.js").decode()

    def findings(page, scope="html", rules=None):
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(source)
        return page.evaluate(AXE, [scope, rules])

    return findings


@pytest.fixture
def visit(browser, address):
    """visit(path, width=…): a page in a fresh profile, whose `complaints` grow with all that goes
    wrong, and `loaded` with the bytes that it loads; with `python=True` it runs.
    """
    contexts = []

    def open_page(path, **options):
        page = fresh_page(browser, address, path, **options)
        contexts.append(page.context)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module", params=grouped(PAGES))
def page(request, browser, address):
    """A reading page on a desktop screen; it is still sound when its last test is through."""
    page = fresh_page(browser, address, f"{request.param}.html")
    page.name = request.param
    typeset(page)
    yield page
    page.context.close()
    assert page.complaints == []


def fresh_page(browser, address, path, width=1280, height=900, python=False, **options):
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(PATIENCE)
    if not python:
        context.add_init_script(NO_PYTHON)
    page = context.new_page()
    page.complaints, page.loaded = [], []
    watch(page, address)
    page.goto(f"{address}/{path}")
    return page


def typeset(page):
    page.wait_for_function(TYPESET)
    page.wait_for_load_state("networkidle")
    return page


def watch(page, address):
    """Note every request to another host, every answer that is an error, every message of an
    error, and how many bytes come.
    """
    own = (address, "data:", "blob:")

    def requested(request):
        if not request.url.startswith(own):
            page.complaints.append(f"asked {request.url}")

    def answered(response):
        if not response.request.service_worker:  # else what the page has asked for is counted twice
            page.loaded.append(int(response.headers.get("content-length", 0)))
        if response.status >= 400:
            page.complaints.append(f"{response.status} {response.url}")

    def said(message):
        if message.type == "error":
            page.complaints.append(f"{message.text} {message.location['url']}")

    page.context.on("request", requested)
    page.context.on("response", answered)
    page.on("pageerror", lambda error: page.complaints.append(f"error {error}"))
    page.on("console", said)


# -------------------- what was measured, at the end of the run


def pytest_terminal_summary(terminalreporter):
    reports = [
        report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)
    ]
    lines = sorted(
        value for report in reports for name, value in report.user_properties if name == MEASURED
    )
    if lines:
        terminalreporter.section(
            "measured in Chromium, in seconds from the opening of the page, three pages at a time"
        )
        for line in lines:
            terminalreporter.line(line)
