"""Write docs/picture.png, the picture of the README: one derivation as notebook 01 shows it.

    python tools/picture.py

Uses the saved outputs, so it can show only what was proved.
"""

import sys

from browser import chromium
from screenshot import PAGE, ROOT, answer, fetch_mathjax, render, typeset

NOTEBOOK, CELL = ROOT / "notebooks" / "01_linear_regression.ipynb", "derive-gradient"
OUTPUT = f'[id="cell-id={CELL}"] .jp-OutputArea-output'


def main():
    fetch_mathjax()
    html = render(NOTEBOOK, "light")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 900, "height": 1400}, device_scale_factor=2)
        page.route("**/*", lambda route: answer(route, html))
        page.goto(PAGE)
        errors = typeset(page)
        page.locator(OUTPUT).last.screenshot(path=ROOT / "docs" / "picture.png")
    return "\n".join(errors) or 0


if __name__ == "__main__":
    sys.exit(main())
