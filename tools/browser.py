"""A real Chromium for the developer tools, and pictures of a long page in legible slices."""

import shutil
import sys
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NAMES = ["chromium", "chromium-browser", "google-chrome"]

# What MathJax 2 (exported pages) and MathJax 3 (JupyterLab) make of faulty LaTeX, and LaTeX that
# neither has seen.
TEX_ERRORS = r"""() => {
    const faults = 'merror, mjx-merror, [data-mjx-error], mtext[mathcolor="red"]'
        + ', mjx-mtext[style*="red"]';
    const errors = [...document.querySelectorAll(faults)].map(e => e.dataset.mjxError ||
        e.textContent);
    for (const rendered of document.querySelectorAll('.jp-RenderedMarkdown, .jp-RenderedLatex')) {
        const words = rendered.cloneNode(true);
        words.querySelectorAll('code, script, math, mjx-container, .mjx-chtml').forEach(e =>
            e.remove());
        errors.push(...(words.textContent.match(/\$\$|\\(frac|begin|sum|partial|left)\b.*/g) ||
            []));
    }
    return [...new Set(errors)].filter(Boolean).map(error => 'not typeset: ' + error);
}"""


def installed():
    """The path of the machine's own Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium():
    """The machine's own Chromium, closed at the end."""
    path = installed()
    if path is None:
        sys.exit("this tool needs Chromium, e.g. apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def slices(tops, bottom, height):
    """Cut [0, bottom] at the given tops into pieces of at most `height`, evenly if one is longer.

    >>> list(slices([0, 300, 900, 1500], 4000, 1400))
    [(0, 900), (900, 1500), (1500, 2900), (2900, 4000)]
    """
    start = 0
    while start < bottom:
        fitting = [top for top in [*tops, bottom] if start < top <= start + height]
        end = max(fitting, default=min(start + height, bottom))
        yield start, end
        start = end
