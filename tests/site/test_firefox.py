"""The pages run in Firefox too."""

import firefox
import pytest
from test_run import READY, RUNS, an_answer, an_exercise, first_derivation

TYPE_AND_RUN = """(name, source) => new Promise(done => {
    const cell = document.getElementById(`cell-${name}`), field = cell.querySelector('textarea');
    if (source !== null) {
        field.value = source;
        field.dispatchEvent(new Event('input'));
    }
    cell.addEventListener('ran', () => setTimeout(() =>
        done(cell.querySelector('.cell_output.live').textContent.trim()), 300), {once: true});
    [...cell.querySelectorAll('.cell-tools button')].pop().click();
})"""
SOURCE = "name => document.querySelector(`[id='cell-${name}'] textarea`).value"
DRAWN = """name => document.querySelectorAll(`[id='cell-${name}'] .live mjx-container`).length"""
SIDEWAYS = "() => document.documentElement.scrollWidth > innerWidth"


@pytest.mark.skipif(not firefox.path(), reason="no Firefox here: apt-get install firefox-esr")
def test_a_derivation_and_an_exercise_run_in_firefox(address):
    page, name, blank, right = an_exercise()
    proof = first_derivation(page.removesuffix(".html"))
    with firefox.running() as browser:
        browser.open(f"{address}/{page}")
        browser.wait_for(RUNS)
        browser.wait_for(READY)
        assert "✓ proved" in browser.evaluate(TYPE_AND_RUN, proof, None)
        assert browser.evaluate(DRAWN, proof) > 0
        source = browser.evaluate(SOURCE, name)
        wrong = browser.evaluate(TYPE_AND_RUN, name, an_answer(source, blank, f"-({right})"))
        assert wrong.startswith("Not yet"), wrong
        said = browser.evaluate(TYPE_AND_RUN, name, an_answer(source, blank, right))
        assert said.startswith("Right"), said
        assert not browser.evaluate(SIDEWAYS)
