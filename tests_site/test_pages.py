"""Every reading page, in a real Chromium: mathematics typeset, pictures described, nothing asked of another host, no barrier."""

import json
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import reading
import site_runtime
from conftest import NOTEBOOKS, PICTURES, PUBLIC

PAGES = ["index", *(notebook.stem for notebook in NOTEBOOKS)]
WIDTHS = {"desktop": 1280, "phone": 390}

TYPESET = "() => document.documentElement.dataset.typeset === 'done'"
FAULTY = "mjx-merror, [data-mjx-error], [data-mml-node='merror']"
RAW = r"""() => {
    const words = document.querySelector('article').cloneNode(true);
    words.querySelectorAll('code, pre, script, mjx-container').forEach(part => part.remove());
    return words.textContent.match(/\$\$|\\\[|\\\(|\\(frac|begin|sum|partial|tag)\b.{0,40}/g) || [];
}"""
IMAGES = """async () => {
    const images = [...document.querySelectorAll('article img')];
    images.forEach(image => image.loading = 'eager');
    await Promise.all(images.map(image => image.decode().catch(() => {})));
    return images.map(image => ({source: image.src, alt: image.alt, width: image.naturalWidth}));
}"""
# An equation must begin inside its box: what sticks out at the left cannot be reached by scrolling.
CUT_OFF = """() => [...document.querySelectorAll('.equation')].filter(equation => {
    const shown = [...equation.querySelectorAll('.math')].find(form => getComputedStyle(form).visibility === 'visible');
    const drawn = shown.querySelector('mjx-container');
    const box = equation.getBoundingClientRect();
    if (!box.width) return false;  // inside a folded answer
    const part = drawn.querySelector('svg').getBoundingClientRect();
    return part.left < box.left - 1 || (part.right > box.right + 1 && drawn.clientWidth > box.width + 1);
}).map(equation => equation.textContent.slice(0, 60))"""
AXE = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .filter(found => ['serious', 'critical'].includes(found.impact))
    .map(found => `${found.id}, ${found.nodes.length} times: ${found.nodes.slice(0, 3).map(node => node.html.slice(0, 160))}`)"""


@pytest.fixture(scope="session")
def axe():
    return site_runtime.npm_file("axe-core", "axe.min.js").decode()


def typeset(visit, name, **options):
    page = visit(f"{name}.html", **options)
    page.wait_for_function(TYPESET)
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_typeset_and_whole(visit, name, size):
    page = typeset(visit, name, width=WIDTHS[size])
    page.screenshot(path=PICTURES / f"page-{name}-{size}.png")
    assert page.locator("mjx-container").count() > 0
    assert page.locator(FAULTY).count() == 0
    assert page.evaluate(RAW) == []
    for image in page.evaluate(IMAGES):
        assert image["width"] > 0 and image["alt"], image
    assert page.evaluate("() => document.documentElement.scrollWidth") <= WIDTHS[size], "the page itself scrolls sideways"
    assert page.evaluate(CUT_OFF) == []
    assert page.complaints == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_has_its_description(visit, notebook):
    content = json.loads((PUBLIC / "_sources" / notebook.name).read_text(encoding="utf-8"))
    outputs = [output for cell in content["cells"] for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    described = [output["metadata"]["image/png"]["alt"] for output in outputs]
    page = typeset(visit, notebook.stem)
    shown = [image["alt"] for image in page.evaluate(IMAGES)]
    assert [alt for alt in shown if alt in described] == described


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_run_and_download_lead_somewhere(visit, notebook, address):
    page = visit(f"{notebook.stem}.html")
    run = urljoin(page.url, page.locator("a.btn[href*='lite/lab']").first.get_attribute("href"))
    (name,) = parse_qs(urlsplit(run).query)["path"]
    assert page.request.get(run).ok
    assert page.request.get(f"{address}/lite/files/{name}").ok
    download = page.locator("a.btn[href*='_sources']").first.get_attribute("href")
    assert page.request.get(urljoin(page.url, download)).json()["cells"]


@pytest.mark.parametrize("name", PAGES)
def test_internal_links_have_a_target(visit, name):
    page = typeset(visit, name)
    missing = page.evaluate("""() => [...document.querySelectorAll("article a[href^='#']")].map(link => link.getAttribute('href'))
        .filter(href => href.length > 1 && !document.getElementById(decodeURIComponent(href.slice(1))))""")
    assert missing == []


@pytest.mark.parametrize("name, scheme", [*((name, "light") for name in PAGES), ("index", "dark"), (PAGES[-1], "dark")])
def test_no_serious_barrier(visit, name, scheme, axe):
    page = typeset(visit, name, color_scheme=scheme)
    page.evaluate(axe)
    assert page.evaluate(AXE) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_slides_are_typeset_and_fit(visit, notebook):
    page = visit(f"slides/{notebook.stem}.html")
    page.wait_for_function(TYPESET, timeout=60_000)
    assert page.evaluate("() => Reveal.getTotalSlides()") > 10
    assert page.locator(FAULTY).count() == 0
    assert page.locator("section img:not([alt]), section img[alt='']").count() == 0
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => Reveal.getIndices().h") == 1
    page.screenshot(path=PICTURES / f"slides-{notebook.stem}.png")
    assert page.complaints == []


def test_answers_are_folded_and_unfold(visit):
    page = typeset(visit, "01_linear_regression")
    answer = page.locator("details", has=page.locator("summary", has_text="Answer")).first
    assert answer.get_attribute("open") is None
    answer.locator("summary").first.click()
    assert answer.get_attribute("open") is not None


def test_search_finds_a_word(visit):
    page = visit("search.html?q=penguin")
    page.locator("#search-results li").first.wait_for()
    assert page.complaints == []


def test_a_faulty_page_would_be_noticed(visit):
    page = typeset(visit, "index")
    page.evaluate("""() => { const bad = document.createElement('p'); bad.textContent = '$$ x $$ and \\\\frac{1}{2}';
        document.querySelector('article').append(bad); fetch('https://elsewhere.invalid/x').catch(() => {}); }""")
    page.wait_for_timeout(300)
    assert len(page.evaluate(RAW)) == 3
    assert any("elsewhere.invalid" in complaint for complaint in page.complaints)


# ---------------------------------------------------------------- how equations get their narrow form, and pins


def test_the_narrow_form_puts_reasons_below_and_the_number_last():
    wide = r"\begin{aligned} a &= b && \quad\small \text{why} \\[3pt] &= c && \quad\small \text{so} \end{aligned}\tag{1.2}"
    assert reading.narrow(wide) == (
        r"\begin{aligned}a &= b \\ &\quad\small \text{why} \\[4pt]  &= c \\ &\quad\small \text{so} "
        r"\\[4pt] &\quad\small\text{(1.2)}\end{aligned}")


def test_inner_environments_are_not_split():
    assert reading.split(r"a & \begin{array}{l} b & c \end{array} & {d & e} \& f", "&") == [
        "a ", r" \begin{array}{l} b & c \end{array} ", r" {d & e} \& f"]


def test_other_content_than_the_pinned_one_is_refused():
    with pytest.raises(site_runtime.WrongContent):
        site_runtime.checked(b"other", "0" * 64, "a file")


def test_a_wheel_that_differs_from_pyodides_lock_is_refused(tmp_path):
    (tmp_path / "numpy.whl").write_bytes(b"other")
    with pytest.raises(site_runtime.WrongContent):
        site_runtime.official_wheels([{"file_name": "numpy.whl", "sha256": "0" * 64}], tmp_path)


def test_what_is_published_is_what_the_lock_says():
    folder = PUBLIC / "lite" / "static" / "pyodide"
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        assert site_runtime.sha256((folder / package["file_name"]).read_bytes()) == package["sha256"], package["name"]
