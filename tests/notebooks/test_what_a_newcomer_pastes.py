"""Notebook 07 with other inputs: a formula or a program is put where the cell asks for one, the
very cells run, and what they say is right."""

import json
import re
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import figures

PATH = Path(__file__).resolve().parents[2] / "notebooks" / "07_bring_your_own.ipynb"
CELLS = {cell["id"]: "".join(cell["source"])
         for cell in json.loads(PATH.read_text(encoding="utf-8"))["cells"]}


@pytest.fixture
def page(monkeypatch):
    """run(id, text=None): what that cell gives, or another text in its place."""
    monkeypatch.setattr(figures, "show", lambda *_, **__: None)
    shell = InteractiveShell()  # it keeps the text of a cell, where find_fault reads it

    def run(id, text=None):
        done = shell.run_cell(text or CELLS[id])
        done.raise_error()
        return done.result

    run("imports")
    return run


def filled_in(**values):
    """The cell of one's own formula with other texts behind its names."""
    text = CELLS["own-yours"]
    for name, value in values.items():
        line = f"my_{name} = {value!r}".replace("\\", r"\\")
        text, count = re.subn(rf"^my_{name} = .*$", line, text, flags=re.MULTILINE)
        assert count == 1
    return text


@pytest.mark.every(2)
@pytest.mark.parametrize("function, claim, variable, verdict, hint", [
    ("0.5*(w*x - y)**2", "(w*x - y)*x", "w", "right", ""),
    ("1/(1+exp(-z))", "exp(-z)/(1+exp(-z))^2", "z", "right", ""),
    ("tanh(w*x + b)", "1 - tanh(w*x + b)**2", "w", "wrong", "the factor x is missing"),
    ("log(1 + exp(z)) - y*z", "1/(1 + exp(-z)) - y", "z", "right", ""),
    ("log(1 + exp(-y*w*x))", "y*x/(1 + exp(y*w*x))", "w", "wrong", "the sign is wrong"),
    ("(w*x - y)^2", "2*(w*x - y)*w", "w", "wrong", ""),
    ("sin(x)^2", "sin(2*x)", "x", "right", ""),
    ("sqrt(x^2 + y^2)", "x/sqrt(x^2 + y^2)", "x", "right", ""),
    (r"\frac{1}{n}\sum_{i=1}^n (y_i - w x_i)^2", r"\frac{2}{n}\sum_{i=1}^n (y_i - w x_i) x_i",
     "w", "wrong", "the sign is wrong"),
    (r"\sum_{i=1}^n \lambda w_i^2", r"2 \lambda w_k", "w_k", "right", ""),
    ("max(0, z)", "1", "z", "wrong", ""),
    ("exp(-x**2/2)", "-x*exp(-x**2/2)", "x", "right", ""),
])
def test_a_formula(page, function, claim, variable, verdict, hint):
    said = page("own-yours", filled_in(function=function, claim=claim, variable=variable))
    assert said.verdict == verdict, repr(said)
    assert hint in said.hint


LINE = '''
def my_cost(p):
    return np.mean((X_mine @ p["w"] + p["b"] - y_mine)**2)

def my_gradient(p):
    error = X_mine @ p["w"] + p["b"] - y_mine
    return {"w": 2*X_mine.T @ error / len(error), "b": 2*error.mean()}
'''
RIDGE = '''
def my_cost(p):
    return np.mean((X_mine @ p["w"] + p["b"] - y_mine)**2)/2 + 0.1*np.sum(p["w"]**2)

def my_gradient(p):
    error = X_mine @ p["w"] + p["b"] - y_mine
    return {"w": X_mine.T @ error / len(error) + 0.2*p["w"], "b": error.mean()}
'''
HIDDEN = '''
here = {"W": np.array([[0.3, -0.2], [0.5, 0.4]]), "v": np.array([0.7, -0.6])}

def my_cost(p):
    a = np.tanh(X_mine @ p["W"].T)
    return np.mean((a @ p["v"] - y_mine)**2)/2

def my_gradient(p):
    a = np.tanh(X_mine @ p["W"].T)
    error = a @ p["v"] - y_mine
    delta = np.outer(error, p["v"]) * (1 - a**2)
    return {"W": delta.T @ X_mine / len(error), "v": a.T @ error / len(error)}
'''


def pasted(page, program, wrong="", right=""):
    """The cell of section 2 with this program, or with one slip in it: what the check says."""
    assert not right or program.count(right) == 1
    cell = re.match(r"(X_mine.*?\n\n).*?\n(gradient_check.*)", CELLS["program"], re.DOTALL)
    data, last = cell.groups()
    return page("program", data + (program.replace(right, wrong) if right else program) + last)


@pytest.mark.parametrize("program", [LINE, RIDGE, HIDDEN])
def test_a_right_program(page, program):
    assert pasted(page, program)


@pytest.mark.every(3)
@pytest.mark.parametrize("program, right, wrong, kind", [
    (LINE, "2*error.mean()", "2*error.sum()", "sum"),
    (LINE, "+ p[\"b\"] - y_mine\n    return {", "- p[\"b\"] - y_mine\n    return {", "sign"),
    (RIDGE, " + 0.2*p[\"w\"]", " - 0.2*p[\"w\"]", "sign"),
    (HIDDEN, " * (1 - a**2)", "", "slope"),
    (HIDDEN, "a.T @ error / len(error)", "a.T @ error", "sum"),
])
def test_a_wrong_program(page, monkeypatch, program, right, wrong, kind):
    assert not pasted(page, program, wrong, right)
    fault = page("find-fault")
    assert fault.mistake == kind, str(fault)


def test_a_step_of_ones_own(page):
    pasted(page, LINE)
    gradient = 'lambda p, eta: {name: p[name] - eta*my_gradient(p)[name] for name in p}'
    assert page("update", f"update_check({gradient}, my_cost, here, eta=0.1)")
