"""Every reading page and every deck, in a real Chromium: mathematics typeset, pictures described,
nothing asked of another host, no barrier for keyboard, screen reader, phone, dark room or paper.
"""

import io
import re
import zipfile
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import site_compile
import site_print
import site_runtime
import slide_plan
from conftest import NOTEBOOKS, PAGES, PICTURES, PUBLIC, ROOT, TYPESET, grouped, text, typeset
from site_build import read_json
from site_serve import serving

PHONE = 390
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
    return images.map(image => ({source: image.src.slice(0, 80), alt: image.alt, width:
        image.naturalWidth}));
}"""
# An equation must begin inside its box: what sticks out at the left cannot be reached by scrolling.
CUT_OFF = """() => [...document.querySelectorAll('.equation')].filter(equation => {
    const drawn = equation.querySelector('mjx-container');
    const box = equation.getBoundingClientRect();
    if (!box.width) return false;  // inside a folded answer
    const part = drawn.querySelector('svg').getBoundingClientRect();
    return part.left < box.left - 1 || (part.right > box.right + 1 &&
        drawn.clientWidth > box.width + 1);
}).map(equation => equation.textContent.slice(0, 60))"""
NO_TARGET = """() => [...document.querySelectorAll("article a[href^='#']")]
    .map(link => link.getAttribute('href'))
    .filter(href => href.length > 1 &&
        !document.getElementById(decodeURIComponent(href.slice(1))))"""
FOCUS = """() => {
    const at = document.activeElement, look = getComputedStyle(at);
    const seen = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0 ||
        look.boxShadow !== 'none';
    return [at.innerText?.trim() || at.getAttribute('aria-label') || at.title || at.tagName, seen];
}"""
# A link inside a drawn equation says its address in another way.
ADDRESSES = """() => [...document.querySelectorAll('article a[href]')]
    .map(link => new URL(link.href.baseVal ?? link.href, location.href).href)"""
# Of code and of what it prints nothing is cut off at any width, and on paper nothing can be
# scrolled.
CUT_BOXES = """() => [...document.querySelectorAll('article pre')]
    .filter(box => box.clientWidth && box.scrollWidth > box.clientWidth + 1)
    .map(box => box.textContent.slice(0, 60))"""
CUT_ON_PAPER = """() => [...document.querySelectorAll('article pre, article img')]
    .filter(part => part.getBoundingClientRect().width && part.scrollWidth > part.clientWidth + 2)
    .map(part => part.outerHTML.slice(0, 80))"""
WIDE_TABLES = """() => [...document.querySelectorAll('article table')]
    .filter(table => table.scrollWidth > table.clientWidth + 1)
    .map(table => table.textContent.trim().slice(0, 60))"""
TO_LOOK_UP = "07_bring_your_own"  # its table of errata scrolls in its own box, as documents' do
LINKS_IN_EQUATIONS = """() => [...new Set([...document.querySelectorAll('.equation svg a use')]
    .map(glyph => getComputedStyle(glyph).fill))]"""
LINK = """() => {
    const probe = document.createElement('i');
    probe.style.color = 'var(--pst-color-link)';
    document.body.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
}"""
SMALLEST = 0.65  # of its usual size, of a slide that is drawn smaller to fit
SLIDES = """() => Reveal.getSlides().map((slide, number) => {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v, 99);
    const scale = parseFloat(slide.style.zoom) || 1, {right, bottom} = reach(slide);
    return {number: number + 1, scale, over: Math.max(right - SCREEN.width,
        bottom - SCREEN.height), text: slide.textContent.trim().slice(0, 60)};
})"""


# How much smaller than it was drawn a figure is shown.
SCALES = """() => [...document.querySelectorAll('article .cell_output img[width]')].map(image => {
    const source = image.closest('picture')?.querySelector('source');
    const drawn = Number((source && matchMedia(source.media).matches ? source : image)
        .getAttribute('width'));
    return [image.getBoundingClientRect().width / drawn, image.alt.slice(0, 40)];
}).filter(([scale]) => scale)"""
LEAST_LABEL = 9  # pixels


def smallest_label():
    """The height of the smallest letters of a figure, in pixels as it is drawn."""
    style = (ROOT / "helpers" / "notebook.mplstyle").read_text(encoding="utf-8")
    return min(map(float, re.findall(r"^\S+size: ([\d.]+)$", style, re.MULTILINE))) * 96 / 72


def sound(page):
    """What every page must be, on every screen."""
    assert page.locator(FAULTY).count() == 0
    assert page.evaluate(RAW) == []
    for image in page.evaluate(IMAGES):
        assert image["width"] > 0 and image["alt"], image
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (
        "the page itself scrolls sideways"
    )
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(CUT_BOXES) == []
    assert page.complaints == []


def test_page_is_typeset_and_whole(page):
    page.screenshot(path=PICTURES / f"page-{page.name}-desktop.png")
    sound(page)


def test_every_icon_is_among_those_that_were_kept(page):
    """Font Awesome puts a sign of its own, in a group `missing`, where it lacks an icon."""
    drawn = page.locator("svg.svg-inline--fa")
    assert drawn.count() > 9
    assert drawn.locator(".missing").count() == 0
    assert (PUBLIC / "_static" / "scripts" / "fontawesome.js").stat().st_size < 200_000


def test_internal_links_have_a_target(page):
    assert page.evaluate(NO_TARGET) == []


def test_links_to_other_notebooks_lead_to_their_pages(page, address):
    addresses = page.evaluate(ADDRESSES)
    pages = {
        target.partition("#")[0]
        for target in addresses
        if target.startswith(address) and not target.endswith(".ipynb")
    }
    assert [target for target in sorted(pages) if not page.request.get(target).ok] == []
    assert [target for target in addresses if ".ipynb#" in target] == []


def test_no_serious_barrier(page, axe):
    assert axe(page) == []


def test_no_serious_barrier_in_the_dark(page, axe):
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    page.wait_for_timeout(500)  # colours fade in
    try:
        page.screenshot(path=PICTURES / f"page-{page.name}-dark.png")
        assert axe(page, rules=["color-contrast"]) == []
        drawn = page.evaluate(LINKS_IN_EQUATIONS)  # axe does not look into pictures
        assert drawn in ([], [page.evaluate(LINK)])
    finally:
        page.emulate_media(color_scheme="light")


def test_every_figure_has_its_description(page):
    if page.name not in {notebook.stem for notebook in NOTEBOOKS}:
        return
    cells = read_json(PUBLIC / "_sources" / f"{page.name}.ipynb")["cells"]
    outputs = [output for each in cells for output in each.get("outputs", [])]
    about = [output["metadata"] for output in outputs if "image/png" in output.get("data", {})]
    described = [each["image/png"]["alt"] for each in about]
    shown = [image["alt"] for image in page.evaluate(IMAGES)]
    assert [alt for alt in shown if alt in described] == described


def test_run_slides_and_download_lead_somewhere(page, address):
    if page.name == "index":
        links = page.evaluate(
            """() => [...document.querySelectorAll('article a:not(mjx-container a)')]
                .map(link => link.href)"""
        )
        assert {f"{address}/slides/{notebook.stem}.html" for notebook in NOTEBOOKS} <= set(links)
        assert [link for link in links if not page.request.get(link).ok] == []
        return
    if page.name not in {notebook.stem for notebook in NOTEBOOKS}:
        return
    run, download = (
        urljoin(page.url, page.locator(f"a.btn[href*='{place}']").first.get_attribute("href"))
        for place in ("lite/notebooks", "_sources/")
    )
    (name,) = parse_qs(urlsplit(run).query)["path"]
    assert page.request.get(run).ok
    assert page.request.get(f"{address}/lite/files/{name}").ok
    assert page.request.get(download).json()["cells"]


def test_nothing_is_cut_on_paper(page):
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 900})
    try:
        assert page.evaluate(CUT_ON_PAPER) == []
        assert not page.locator(".bd-sidebar-primary").is_visible()
        assert page.locator("h1:visible").count() == 1
        if page.name.startswith("01"):
            page.pdf(path=PICTURES / f"paper-{page.name}.pdf", format="A4", print_background=True)
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(media="screen")


@pytest.mark.parametrize("name", grouped(PAGES))
def test_page_fits_a_phone(visit, name):
    phone = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    page = typeset(visit(f"{name}.html", width=PHONE, height=844, **phone))
    page.screenshot(path=PICTURES / f"page-{name}-phone.png")
    sound(page)
    if name in {notebook.stem for notebook in NOTEBOOKS} - {TO_LOOK_UP}:
        assert page.evaluate(WIDE_TABLES) == []
    sizes = page.evaluate(SCALES)
    assert [about for about in sizes if about[0] * smallest_label() < LEAST_LABEL] == []


@pytest.mark.parametrize("name", grouped(["index", NOTEBOOKS[1].stem]))
def test_page_at_twice_its_size(visit, name):
    """As a browser's zoom of 200 % makes it of a screen of 1280 pixels."""
    page = typeset(visit(f"{name}.html", width=640, height=450, device_scale_factor=2))
    sound(page)
    page.screenshot(path=PICTURES / f"page-{name}-zoomed.png")
    for part in page.locator("article h1, .cell_input").all()[:4]:
        part.scroll_into_view_if_needed()
        box = part.bounding_box()
        assert box is None or box["x"] >= 0 and box["x"] + box["width"] <= 640


def test_all_lessons_stand_on_one_page_and_in_one_pdf(visit):
    """Typeset, described, nothing cut off at the width of the paper; the contents know the pages,
    and the start page leads to it.
    """
    page = visit("book.html", width=site_print.WIDTH)
    page.wait_for_function(TYPESET)
    sound(page)
    assert page.evaluate(CUT_ON_PAPER) == [] and page.evaluate(NO_TARGET) == []
    assert page.locator(".lesson").count() == len(NOTEBOOKS)
    assert page.locator("button:visible, details:not([open]), .headerlink:visible").count() == 0
    said = page.locator(".book-contents li").evaluate_all(
        "all => all.map(one => Number(one.lastChild.textContent))"
    )
    pdf = (PUBLIC / "book.pdf").read_bytes()
    pages = site_print.numbers(pdf)
    assert said == sorted(said) and said[0] > 1 and said[-1] <= pdf.count(b"/Type /Page\n")
    assert {pages[f"lesson-{notebook.stem[:2]}"] for notebook in NOTEBOOKS} <= set(said)
    assert 'href="book.pdf"' in (PUBLIC / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_slide_fits_the_screen(visit, notebook):
    page = visit(f"slides/{notebook.stem}.html")
    page.wait_for_function(TYPESET)
    slides = page.evaluate(SLIDES)
    assert len(slides) > 10
    assert [slide for slide in slides if slide["over"] > 2 or slide["scale"] < SMALLEST] == []
    assert page.locator(FAULTY).count() == 0
    assert page.locator("section img:not([alt]), section img[alt='']").count() == 0
    assert arrow_keys_lead_through(page) == len(slides)
    page.screenshot(path=PICTURES / f"slides-{notebook.stem}.png")
    assert page.complaints == []


# The right arrow alone: how many slides it passes, and how many lines of derivations it lets
# appear.
LEAD = """() => {
    const seen = new Set();
    Reveal.slide(0, 0);
    let lines = 0, presses = 0;
    Reveal.on('fragmentshown', () => { lines += 1; });
    do { seen.add(Reveal.getSlidePastCount()); Reveal.right(); presses += 1;
        } while ((!Reveal.isLastSlide() || Reveal.availableFragments().next) && presses < 2000);
    seen.add(Reveal.getSlidePastCount());
    const appearing = [...document.querySelectorAll('.fragment')].filter(part =>
        part.closest('svg'));
    const least = new Set(appearing.map(part =>
        `${Reveal.getIndices(part.closest('section')).h} ${part.dataset.fragmentIndex}`)).size;
    return {slides: seen.size, lines, least, hidden: appearing.filter(part =>
        !part.hasAttribute('data-fragment-index')).length};
}"""


def arrow_keys_lead_through(page):
    page.evaluate("() => Reveal.slide(0, 0)")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => Reveal.getSlidePastCount()") == 1
    led = page.evaluate(LEAD)
    assert led["hidden"] == 0 and led["lines"] >= led["least"]
    return led["slides"]


def test_the_speaker_has_notes(visit):
    page = visit(f"slides/{NOTEBOOKS[1].stem}.html")
    page.wait_for_function(TYPESET)
    assert page.evaluate("() => document.querySelectorAll('aside.notes').length") > 5
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    opened.value.locator("#speaker-controls, .speaker-controls").first.wait_for(state="attached")


def test_the_start_page_sells_the_idea_in_one_screen(visit):
    page = typeset(visit("index.html", width=1366, height=768))
    actions = [".action >> nth=0", ".action >> nth=1"]
    for part in ("article h1", ".promise", *actions, "#cell-trial .cell_input"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 768, part


def test_the_keyboard_reaches_everything_and_shows_where_it_is(visit):
    page = typeset(visit("01_linear_regression.html"))
    stops = []
    while len(stops) < 400 and "Exercises" not in [name for name, _ in stops[-1:]]:
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUS))
    names = [name for name, _ in stops]
    assert names[0] == "Skip to main content"
    assert {"JupyterLab", "Exercises"} <= set(names)
    assert any(name.startswith("Code of cell") for name in names)
    assert [name for name, seen in stops if not seen] == []


def test_answers_are_folded_and_the_keyboard_unfolds_them(visit):
    page = typeset(visit("01_linear_regression.html"))
    answer = page.locator("details", has=page.locator("summary", has_text="Answer")).first
    assert answer.get_attribute("open") is None
    answer.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert answer.get_attribute("open") is not None
    assert answer.locator("p, code").last.is_visible()


def test_search_finds_a_word(visit):
    page = visit("search.html?q=penguin")
    page.locator("#search-results li").first.wait_for()
    assert page.complaints == []


def test_a_faulty_page_would_be_noticed(visit, axe):
    page = typeset(visit("index.html"))
    page.evaluate("""() => { const bad = document.createElement('p');
        bad.textContent = '$$ x $$ and \\\\frac{1}{2}';
        bad.innerHTML += '<img src="_static/favicon.svg">' +
            '<a href="#nowhere" style="color: #ddd; background: #fff">more</a>';
        document.querySelector('article').append(bad);
            fetch('https://elsewhere.invalid/x').catch(() => {}); }""")
    page.wait_for_timeout(300)
    assert len(page.evaluate(RAW)) == 3
    assert page.evaluate(NO_TARGET) == ["#nowhere"]
    assert any(not image["alt"] for image in page.evaluate(IMAGES))
    assert {finding.split(",")[0] for finding in axe(page)} == {"color-contrast", "image-alt"}
    assert any("elsewhere.invalid" in complaint for complaint in page.complaints)


def test_a_slide_that_is_too_full_would_be_noticed(visit):
    page = visit(f"slides/{NOTEBOOKS[0].stem}.html")
    page.wait_for_function(TYPESET)
    page.evaluate("""() => Reveal.getSlides()[1]
        .insertAdjacentHTML('beforeend', '<p>one more line</p>'.repeat(80))""")
    full = page.evaluate(SLIDES)[1]
    assert full["over"] > 1 and full["scale"] < SMALLEST


# -------------------- equations: their narrow form, numbers that lead to them

SCRIPT = """async ([name, ...given]) =>
    (await import(new URL('_static/equations.js', location.href)))[name](...given)"""


def test_the_narrow_form_puts_reasons_below_and_the_number_last(visit):
    page = visit("search.html")
    wide = (
        r"\begin{aligned} a &= b && \quad\small \text{why} \\[3pt] "
        r"&= c && \quad\small \text{so} \end{aligned}\tag{1.2}"
    )
    assert page.evaluate(SCRIPT, ["narrow", wide]) == (
        r"\begin{aligned}a &= b \\ &\quad\small \text{why} \\[4pt]  &= c \\ &\quad\small \text{so} "
        r"\\[4pt] &\quad\small\text{(1.2)}\end{aligned}"
    )
    assert page.evaluate(
        SCRIPT, ["split", r"a & \begin{array}{l} b & c \end{array} & {d & e} \& f", "&"]
    ) == ["a ", r" \begin{array}{l} b & c \end{array} ", r" {d & e} \& f"]


def test_a_number_in_the_text_leads_to_its_equation_and_shows_it(visit):
    """On some page "(4.6)" stands in the text: pointing at it, and reaching it by the keyboard,
    shows the equation.
    """
    for notebook in NOTEBOOKS:
        page = typeset(visit(f"{notebook.stem}.html"))
        links = page.locator("article a.eqref:visible")
        if links.count():
            break
    link = links.first
    number = link.get_attribute("data-number")
    link.focus()
    preview = page.locator(".preview.placed")
    preview.wait_for()
    assert preview.locator("mjx-container").count() and not preview.locator(FAULTY).count()
    page.screenshot(path=PICTURES / "preview.png")
    page.keyboard.press("Escape")
    assert page.locator(".preview").count() == 0
    link.hover()
    preview.wait_for()
    link.click()
    page.wait_for_function("number => document.getElementById(`eq-${number}`)", arg=number)
    assert page.complaints == []


def test_a_reason_leads_to_the_equation_that_it_cites(visit):
    """On some page a line says "by (1.3)": that is a link inside the drawn equation, with a
    preview.
    """
    for notebook in NOTEBOOKS:
        page = typeset(visit(f"{notebook.stem}.html"))
        links = page.locator(".equation mjx-container a")
        if links.count():
            break
    links.first.focus()
    page.locator(".preview.placed mjx-container").first.wait_for()
    assert page.complaints == []


def test_every_numbered_equation_can_be_reached(visit):
    known = read_json(PUBLIC / "_static" / "equations.json")
    assert len(known) > 50
    for name, numbers in grouped_by_page(known).items():
        content = (PUBLIC / f"{name}.html").read_text(encoding="utf-8")
        assert [number for number in numbers if content.count(f'id="eq-{number}"') != 1] == []


def test_an_equation_that_a_summary_alone_shows_can_be_reached_too():
    known = read_json(PUBLIC / "_static" / "equations.json")
    listed = set()
    for notebook in NOTEBOOKS:
        for cell in read_json(notebook)["cells"]:
            for output in cell.get("outputs", []):
                shown = text(output.get("data", {}).get("text/markdown", ""))
                listed |= set(re.findall(r"&& \\quad \(([\d.]+)\)", shown))
    assert len(listed) > 50 and sorted(listed - set(known)) == []


def grouped_by_page(known):
    pages = {}
    for number, about in known.items():
        pages.setdefault(about["page"], []).append(number)
    return pages


def test_a_search_for_a_number_finds_the_equation(visit):
    known = read_json(PUBLIC / "_static" / "equations.json")
    number = sorted(known)[0]
    page = visit(f"search.html?q=({number})")
    found = page.locator(".found-equation")
    found.locator("mjx-container").first.wait_for()
    leads = found.locator("a.eqref").get_attribute("href")
    assert leads.endswith(f"{known[number]['page']}.html#eq-{number}")
    assert page.complaints == []


# ---------------------------------------------------------------- which cells stand on which slide


def cell(kind, source, *outputs):
    more = {"outputs": list(outputs)} if kind == "code" else {}
    return {"cell_type": kind, "source": source, "metadata": {}, **more}


PRINTED = {"output_type": "stream", "text": ["3\n"]}
DRAWN = {
    "data": {"image/png": "", "text/plain": "words"},
    "metadata": {"image/png": {"alt": "words"}},
}


def test_a_section_begins_a_slide_and_a_full_one_goes_on_below():
    cells = [
        cell("markdown", "# Title"),
        cell("markdown", "## 1. One"),
        cell("code", "1 + 2", PRINTED),
        cell("code", "", DRAWN),
        cell("markdown", "Next."),
        cell("code", "", DRAWN),
    ]
    assert slide_plan.kinds(cells) == ["slide", "slide", "-", "-", "subslide", "-"]


def test_contents_set_up_and_exercises_stay_in_the_notebook():
    cells = [
        cell("markdown", "# T"),
        cell("markdown", "**Contents**\n\n1. One"),
        cell("code", "import numpy"),
        cell("code", "def f(x):\n    return x"),
        cell("markdown", "## Exercises"),
        cell("code", "...", PRINTED),
        cell("markdown", "## What next?"),
    ]
    assert slide_plan.kinds(cells) == ["slide", "skip", "skip", "-", "skip", "skip", "slide"]


def test_a_long_column_of_equations_goes_over_several_slides():
    rows = [
        rf"a &= \sum_{{i=1}}^{{{n}}} \begin{{array}}{{l}} b \\ c \end{{array}}" for n in range(20)
    ]
    column = "$$\n\\begin{aligned}\n" + "\\\\[5pt] ".join(rows) + "\n\\end{aligned}\n$$"
    pieces = slide_plan.equation_pieces(column)
    assert len(pieces) > 1
    assert [row for row in rows if sum(row in piece for piece in pieces) != 1] == []
    assert all(slide_plan.markdown_room(piece) <= slide_plan.SCREEN for piece in pieces)


# -------------------- nothing but the pinned content is published


def test_other_content_than_the_pinned_one_is_refused():
    with pytest.raises(site_runtime.WrongContent):
        site_runtime.checked(b"other", "0" * 64, "a file")


def test_a_wheel_that_differs_from_pyodides_lock_is_refused(tmp_path):
    (tmp_path / "numpy.whl").write_bytes(b"other")
    with pytest.raises(site_runtime.WrongContent):
        site_runtime.official_wheels([{"file_name": "numpy.whl", "sha256": "0" * 64}], tmp_path)


def test_archives_are_compiled_to_the_same_bytes_each_time(tmp_path, monkeypatch):
    """Others lose source and docstrings, the collection's own keep both; both hold bytecode."""
    pyodide, name = PUBLIC / "lite" / "static" / "pyodide", "a-1-py3-none-any.whl"
    source = b'"""Words."""\n\n\ndef f(x):\n    """More words."""\n    return x, f.__doc__\n'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("a/__init__.py", source)
        wheel.writestr("a/tests/test_a.py", "assert False")
    made = []
    for place, own in [("one", ()), ("two", ()), ("three", {name})]:
        monkeypatch.setattr(site_compile, "CACHE", tmp_path / place)
        made.append(site_compile.compile_archives(pyodide, {name: buffer.getvalue()}, own)[name])
    assert made[0] == made[1]
    inside = [zipfile.ZipFile(io.BytesIO(content)) for content in made]
    assert inside[0].namelist() == ["a/__init__.pyc"]
    assert b"ords." not in inside[0].read("a/__init__.pyc")
    assert inside[2].namelist() == ["a/__init__.py", "a/__pycache__/__init__.cpython-314.pyc"]
    assert b"More words." in inside[2].read("a/__pycache__/__init__.cpython-314.pyc")


def test_the_wheels_come_from_pyodides_own_address_if_it_answers(tmp_path):
    """Each is compared with the lock; where nobody answers, or a file is missing, the other way is
    taken.
    """
    (tmp_path / "a.whl").write_bytes(b"content")
    package = {"file_name": "a.whl", "sha256": site_runtime.sha256(b"content")}
    with serving(tmp_path) as address:
        kept = tmp_path / "kept"
        got = site_runtime.from_official([package], kept, f"{address}/")
        assert got == {"a.whl": b"content"} and (kept / "a.whl").read_bytes() == b"content"
        absent = {"file_name": "b.whl", "sha256": "0" * 64}
        assert site_runtime.from_official([package, absent], kept, f"{address}/") == {}
        with pytest.raises(site_runtime.WrongContent):
            site_runtime.from_official([package | {"sha256": "0" * 64}], kept, f"{address}/")
    assert site_runtime.from_official([package], kept, f"{address}/") == {}


def test_what_is_published_is_what_the_lock_says():
    folder = PUBLIC / "lite" / "static" / "pyodide"
    for package in read_json(folder / "pyodide-lock.json")["packages"].values():
        content = (folder / package["file_name"]).read_bytes()
        assert site_runtime.sha256(content) == package["sha256"], package["name"]


def test_an_official_distribution_serves_as_well(tmp_path):
    """A folder with the wheels in it: each is compared with the lock, and the result is the one
    that is published.
    """
    official, published = tmp_path / "pyodide", PUBLIC / "lite" / "static" / "pyodide"
    official.mkdir()
    for path in site_runtime.CACHE.glob("pyodide-*/*.whl"):
        (official / path.name).write_bytes(path.read_bytes())
    site_runtime.assemble(tmp_path / "out", official)
    made, known = (
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in (tmp_path / "out", published)
    )
    assert sorted(made) == sorted(known)
    assert [name for name in made if made[name] != known[name]] == []

    wheel = next(official.glob("numpy-*.whl"))
    content = bytearray(wheel.read_bytes())
    content[1000] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(site_runtime.WrongContent, match="numpy.*Nothing of it is used"):
        site_runtime.assemble(tmp_path / "out2", official)
    wheel.unlink()
    with pytest.raises(site_runtime.WrongContent, match="holds no numpy"):
        site_runtime.assemble(tmp_path / "out3", official)


def test_a_tampered_archive_in_the_cache_is_refused(tmp_path, monkeypatch):
    (archive,) = site_runtime.CACHE.glob("npm/mathjax-*.tgz")
    (tmp_path / "npm").mkdir()
    (tmp_path / "npm" / archive.name).write_bytes(archive.read_bytes() + b"!")
    monkeypatch.setattr(site_runtime, "CACHE", tmp_path)
    with pytest.raises(site_runtime.WrongContent, match="mathjax"):
        site_runtime.npm_file("mathjax", "es5/tex-svg.js")
