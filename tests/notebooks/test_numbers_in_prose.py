"""Every number that a notebook says in words, in a title, a takeaway or an alternative text comes
from a cell."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
from numbers_in_prose import numbers, without_source

NOTEBOOKS = {
    path.stem: path for path in (Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb")
}

HELD = [
    "00_start_here",
    "01_linear_regression",
    "02_logistic_regression",
    "03_softmax_regression",
    "04_single_weight_chain_rule",
    "05_full_delta_rule",
    "06_mini_batch_training",
    "07_bring_your_own",
]  # a notebook joins when each of its numbers has a source
PLANNED = "minutes planned for a reader; nobody measures them here"
EXCEPTIONS = {  # (notebook, number as it stands): why no cell prints it
    ("00_start_here", "40"): PLANNED
    + "; and the digits of the numerical tick, which the tests of the engine hold",
    ("00_start_here", "ten"): "the ratio of two steps that the table prints, 0.1 and 0.01",
    ("02_logistic_regression", "1.8"): "the cell above prints the largest number, 1.797…e+308",
    ("02_logistic_regression", "10^{308}"): "the cell above prints it, as e+308",
    ("02_logistic_regression", "80 %"): "an imagined probability, to say what calibrated means",
    ("03_softmax_regression", "0.8"): "labels of an imagined bird, chosen to add up to 1",
    (
        "07_bring_your_own",
        "26",
    ): "of the printed numbers, as notebook 04 prints it; tests/notebooks/test_mazur.py holds it",
    (
        "07_bring_your_own",
        "31",
    ): "the printed numbers of the example; tests/notebooks/test_mazur.py holds it",
    (
        "07_bring_your_own",
        "0.0000351085",
    ): "printed in the article; a row of errata.csv, which the table shows",
    ("00_start_here", "hundred"): "the ratio of two corners that the table prints, 0.06 and 0.0006",
}


def saved(stem):
    return json.loads(NOTEBOOKS[stem].read_text(encoding="utf-8"))


@pytest.mark.parametrize("stem", HELD)
def test_every_number_in_words_comes_from_a_cell(stem):
    lost = [claim for claim in without_source(saved(stem)) if (stem, claim.text) not in EXCEPTIONS]
    assert not lost, "\n".join(f"{claim.place}: {claim.text}" for claim in lost)


@pytest.mark.parametrize("stem", HELD)
def test_no_exception_is_out_of_date(stem):
    needed = {claim.text for claim in without_source(saved(stem))}
    assert {text for name, text in EXCEPTIONS if name == stem} <= needed
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())


# ---------------------------------------------------------------- and the test can fail


def markdown(source):
    return {"cell_type": "markdown", "source": source}


def code(source, printed=""):
    return {
        "cell_type": "code",
        "source": source,
        "outputs": [{"output_type": "stream", "text": printed}],
    }


BOOK = {
    "cells": [
        code(
            "eta = 0.15\nfor step in range(30): pass\nprint(J, share)",
            "J = 0.0772731, of 342 birds 70.2 %, ratio -1/4\n",
        ),
        code(
            "fig, ax = figures.single(7.4, 2.5)\nax.set_title(f'After 30 steps {J}')\n"
            "figures.show(fig, alt='342 birds', takeaway='J is 0.077')"
        ),
        markdown(
            r"## 4. After thirty steps of $\eta = 0.15$ the cost is 0.0773. By (1.4) it is "
            r"$-\frac14$ for $x_{17}^9$, `see 99`."
        ),
        markdown(
            "<details>\n\n```python\nmy_limit = 0.5\n```\n\nThe limit is ½, in "
            "[notebook 06](06.ipynb), §6 or section 12.\n\n</details>"
        ),
    ]
}


def test_numbers_with_a_source_are_accepted():
    assert without_source(BOOK) == []


@pytest.mark.parametrize(
    "wrong, text",
    [
        (markdown("after 31 steps"), "31"),
        (markdown("after forty steps"), "forty"),
        (markdown("J is 0.0772"), "0.0772"),
        (markdown("J is 0.08 or 0.07"), "0.07"),
        (markdown("71 % of them"), "71 %"),
        (markdown(r"$J = 0.078$"), "0.078"),
        (markdown(r"a slope of $-\frac{3}{4}$"), "-3/4"),
        (markdown("a slope of −0.15"), "-0.15"),
        (markdown("7.4 inches"), "7.4"),
        (markdown(r"about $10^{-7}$"), "10^{-7"),
        (markdown("343 birds"), "343"),
        (markdown("1,342 birds"), "1,342"),
        (code("ax.set_title('At a share of 0.98')"), "0.98"),
        (code("ax.set(title='11 steps')"), "11"),
        (code("figures.show(fig, alt='12 birds', takeaway='')"), "12"),
        (code("figures.explore(draw, alt='', takeaway=f'{n} of 13')"), "13"),
    ],
)
def test_a_number_from_nowhere_is_found(wrong, text):
    book = deepcopy(BOOK)
    book["cells"].append(wrong)
    assert [claim.text.rstrip("}") for claim in without_source(book)] == [text]


@pytest.mark.parametrize(
    "text, values",
    [
        ("½ and −¼", [0.5, -0.25]),
        (r"$\tfrac{1}{3}$ or $\frac12$", [1 / 3, 0.5]),
        ("1e-7, 2.5e3", [1e-7, 2500]),
        ("1,797 digits", [1797]),
        ("12 %", [0.12]),
        (r"$10^{-16}$", [1e-16]),
        ("$x_{12}^{34} - 5$", [5]),
        ("twelve of thirty", [12, 30]),
        ("w1, h2o, v1.2", []),
    ],
)
def test_numbers_are_read_as_a_reader_reads_them(text, values):
    assert [claim.value for claim in numbers(text)] == pytest.approx(values)
