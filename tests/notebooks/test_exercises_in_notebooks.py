"""Every exercise of every notebook: unanswered it says what to do, its official answer is accepted,
its mistakes are named."""

import ast
import contextlib
import inspect
import io
import json
import linecache
import os
import re
import subprocess
import sys
import time
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest
import sympy as sp
from readable import idle_deltas, unreadable

import exercises
from derivations.definitions import resolve
from derivations.derivation import Derivation
from derivations.errors import Undecided, WrongIndex
from derivations.mistakes import Kind, tree
from derivations.normal_form import index_ranges, is_zero
from derivations.printing import plain, tex
from derivations.symbols import Partial
from derivations.verify import prove
from exercises.check import Question
from exercises.progress import OPEN, RIGHT, WRONG, book
from gradcheck import MISTAKES, find_fault
from helpers import figures

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
FENCED = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", re.DOTALL)


class Notebook:
    """The code cells of a notebook, and the answers that are folded under its exercises."""

    def __init__(self, path):
        self.name, self.cells = path.stem, json.loads(path.read_text(encoding="utf-8"))["cells"]
        self.code = {cell["id"]: _text(cell) for cell in self.cells if cell["cell_type"] == "code"}
        markdown = {cell["id"]: _text(cell) for cell in self.cells
                    if cell["cell_type"] == "markdown"}
        self.trees = {id: ast.parse(source) for id, source in self.code.items()}
        self.exercises = [id for id in self.code if re.fullmatch(r"exercise-\d+", id)]
        self.answers = {id: FENCED.search(markdown.get(f"{id}-answer", ""))
                        for id in self.exercises}
        self.tagged = [cell["id"] for cell in self.cells
                       if "exercise" in cell["metadata"].get("tags", [])]

    def blanks(self, id):
        """(name, official answer) of each place of an exercise that is to be filled in, as text."""
        block = self.answers[id][1]
        return [(ast.get_source_segment(block, s.targets[0]),
                 ast.get_source_segment(block, s.value))
                for s in ast.parse(block).body]

    def answered(self, id, **other):
        """The exercise cell with the official answers in the places of the dots, or with another
        one here or there."""
        source = self.code[id]
        for name, right in self.blanks(id):
            dots = re.findall(rf"^{re.escape(name)} = \.\.\..*$", source, re.MULTILINE)
            assert len(
                dots) == 1, (
                    f"{self.name} {id}: the answer assigns {name}, which stands as dots "
                    f"{len(dots)} times"
                )
            source = source.replace(dots[0], f"{name} = {other.get(name, right)}")
        return source

    def needed(self, id):
        """The statements before an exercise that it depends on, in their order: a backward slice,
        without what is only shown."""
        cells = list(self.code)
        statements = [s for name in cells[:cells.index(id)] for s in self.trees[name].body]
        cell = self.trees[id]
        goal, late, kept = _loaded(cell) | _looked_up(cell), set(), []
        while True:
            kept, found = _slice(statements, goal | late)
            if found <= late:
                return [_unparsed(statement) for statement in kept]
            # what a function looks up when it is called, it finds as it is at the end
            late |= found


def _slice(statements, wanted):
    wanted, kept, late = set(wanted), [], set()
    for statement in reversed(statements):
        stored, binds = _stored(statement)
        if isinstance(statement, (ast.Import, ast.ImportFrom)) or stored & wanted:
            kept.insert(0, statement)
            wanted = wanted - stored if binds else wanted
            wanted |= _loaded(statement)
            late |= _looked_up(statement)
    return kept, late


# Each statement is looked at for many exercises: what is found is kept, statement by statement.
_unparsed = cache(ast.unparse)


def _text(cell):
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


@cache
def _loaded(tree):
    """The names that a statement reads, those of the functions in it apart."""
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, FUNCTIONS) for part in _body(f)
              for n in ast.walk(part)}
    return {n.id for n in ast.walk(tree)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and id(n) not in inside}


@cache
def _looked_up(tree):
    """The names that the functions in a statement read when they are called."""
    functions = [f for f in ast.walk(tree) if isinstance(f, FUNCTIONS)]
    nested = {id(g) for f in functions for part in _body(f) for g in ast.walk(part)
              if isinstance(g, FUNCTIONS)}
    outermost = [(f, part, _own(f)) for f in functions if id(f) not in nested for part in _body(f)]
    return {n.id for f, part,
            own in outermost for n in ast.walk(part) if isinstance(n, ast.Name) and n.id not in own}


FUNCTIONS = (ast.FunctionDef, ast.Lambda)
CHANGING = {"append", "extend", "update", "add", "setdefault"}


def _body(function):
    return function.body if isinstance(function.body, list) else [function.body]


def _own(function):
    """The names that a function and those within it make for themselves."""
    arguments = {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
    names = (n for part in _body(function) for n in ast.walk(part) if isinstance(n, ast.Name))
    return arguments | {n.id for n in names if isinstance(n.ctx, ast.Store)}


@cache
def _stored(statement):
    """(names that the statement gives or changes, whether their old values are gone after it)."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}, True
    inside = {id(n) for f in ast.walk(statement) if isinstance(f, FUNCTIONS) for part in _body(f)
              for n in ast.walk(part)}
    inside |= {id(n) for c in ast.walk(statement) if isinstance(c, (ast.comprehension, ast.For))
               for n in ast.walk(c.target)}
    nodes = [n for n in ast.walk(statement) if id(n) not in inside]
    names = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    changed = {n.value.id for n in nodes if isinstance(n, (ast.Attribute, ast.Subscript))
               and isinstance(n.value, ast.Name) and isinstance(n.ctx, ast.Store)}
    called = {n.func.value.id for n in nodes
              if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
              and isinstance(n.func.value, ast.Name) and n.func.attr in CHANGING}
    grown = any(isinstance(n, ast.AugAssign) for n in nodes)
    rebinds = isinstance(statement, (ast.Assign, ast.With)) and not changed and not grown
    return names | changed | called, rebinds


def run(source, scope, name):
    """Run a cell as a notebook does: its text can be read again by `inspect`.

    A slice leaves out the derivations that are only cited; test_cited_equations holds that they
    stand before.
    """
    file = f"<{name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), patch.object(
        Derivation, "must_cite_what_is_known", lambda self: None):
        exec(compile(source, file, "exec"), scope)
    return said.getvalue()


NOTES = {path.stem: Notebook(path) for path in NOTEBOOKS}
CASES = [(name, id) for name, notebook in NOTES.items() for id in notebook.exercises]
# after long training
SLOW = {("04_single_weight_chain_rule", "exercise-4"), ("05_full_delta_rule", "exercise-3")}
QUICK = [pytest.param(*case, marks=pytest.mark.long) if case in SLOW else case for case in CASES]
_scopes = {}


@cache
def needed(name, id):
    return tuple(NOTES[name].needed(id))


def prepared(name, id):
    """The names that the exercise needs, as the notebook makes them; a fresh copy of the
    dictionary, made once."""
    parts = needed(name, id)
    if parts not in _scopes:
        scope = {"__name__": "__main__", "display": lambda *shown, **how: None}
        for position, source in enumerate(parts):
            run(source, scope, f"{name} {id} {position}")
        _scopes[parts] = scope
    return dict(_scopes[parts])


worked_out = {}


def once(work, key, *arguments):
    """What does not depend on the answer is worked out once for each exercise."""
    key = work, *key
    if key not in worked_out:
        worked_out[key] = work(*arguments)
    return worked_out[key]


def find_once(program, passes):
    return once(find_fault, map(inspect.getsource, (program, passes)), program, passes)


def ask_once(question, given=()):
    return once(Question, map(str, (question, *given)), question, given)


@pytest.fixture(autouse=True)
def clean_book(monkeypatch):
    book.clear()
    monkeypatch.setattr(sys.modules["exercises.find_bug"], "find_fault", find_once)
    monkeypatch.setattr(sys.modules["exercises.check"], "Question", ask_once)
    monkeypatch.setattr(figures, "show", lambda *a, **k: None)
    monkeypatch.chdir(NOTEBOOKS[0].parent)


def states():
    return {record.state for record in book.values()}


def test_there_are_at_least_forty_exercises_and_four_to_seven_in_each_notebook():
    counts = {name: len(notebook.exercises) for name, notebook in NOTES.items()}
    assert sum(counts.values()) >= 40 and all(4 <= count <= 7 for count in counts.values()), counts


@pytest.mark.parametrize("name", NOTES)
def test_every_exercise_cell_is_tagged_answered_and_followed_by_the_progress(name):
    notebook = NOTES[name]
    assert set(notebook.tagged) == set(notebook.exercises)
    assert all(notebook.answers.values())
    assert notebook.code["progress"] == "progress()"


@pytest.mark.parametrize("name, id", CASES)
def test_an_unanswered_exercise_says_what_to_do(name, id):
    """What is stored is what is said: nbval compares it with a fresh run."""
    (cell,) = [cell for cell in NOTES[name].cells if cell["id"] == id]
    assert re.search(r"No (answer|prediction) yet\.", json.dumps(cell["outputs"]))


@pytest.mark.every(8)
@pytest.mark.parametrize("name, id", QUICK)
def test_an_unanswered_exercise_is_open(name, id):
    run(NOTES[name].code[id], prepared(name, id), f"{name} {id}")
    assert states() == {OPEN}


@pytest.mark.every(3)
@pytest.mark.parametrize("name, id", QUICK)
def test_the_folded_answer_is_accepted(name, id):
    said = run(NOTES[name].answered(id), prepared(name, id), f"{name} {id} answered")
    assert "Right" in said
    assert states() == {RIGHT}, said


def blanks_of(cases):
    """Every blank of every exercise; the quick run tries one of each exercise, the last."""
    return [pytest.param(name, id, blank, marks=pytest.mark.long)
            if (name, id) in SLOW or blank < len(NOTES[name].blanks(id)) - 1
            else (name, id, blank)
            for name, id in cases for blank in range(len(NOTES[name].blanks(id)))]


@pytest.mark.every(4)
@pytest.mark.parametrize("name, id, blank", blanks_of(CASES))
def test_a_wrong_answer_is_told_to_be_wrong(name, id, blank):
    """Of a formula the mistake is named, of a prediction that it is another one, of a cause which
    ones there are."""
    notebook, scope = NOTES[name], prepared(name, id)
    target, right = notebook.blanks(id)[blank]
    if (name, id) in DERIVED:
        scope["wrong"] = next(mistakes(question(name, id, blank)[1]))
        wrong, told = "wrong.formula", f"Not yet: {scope['wrong'].name}."
    elif target == "line, cause":
        wrong, told = '1, "haste"', "'haste' is none of the causes " + ", ".join(MISTAKES)
    else:
        wrong, told = (repr(other_prediction(ast.literal_eval(right), notebook.code[id])),
                       "Not as predicted")
    said = run(notebook.answered(id, **{target: wrong}), scope, f"{name} {id} wrong")
    assert told in said
    rest = {RIGHT} if len(notebook.blanks(id)) > 1 else set()
    assert states() == {WRONG} | rest


def other_prediction(right, code):
    choices = re.search(r"choices=(\([^()]*\))", code)
    if choices:
        return next(word for word in ast.literal_eval(choices[1]) if word != right)
    return (right.partition(",")[0] if isinstance(right, str) else tuple(-1 for _ in right)
            if isinstance(right, tuple) else -1)


# Derive: the tree of mistakes, and other ways to write the answer
# ---------------------------------------------------------


DERIVED = [(name, id) for name,
           id in CASES if re.search(r"^check\(", NOTES[name].code[id], re.MULTILINE)]


def derive_cases():
    return [(name, id, blank) for name,
            id in DERIVED for blank in range(len(NOTES[name].blanks(id)))]


def question(name, id, blank):
    """(the official answer, the Question) of one blank of a derive exercise."""
    return questions(name, id)[blank]


@cache
def questions(name, id):
    asked, scope = [], prepared(name, id)
    scope["check"] = lambda answer, question, given=(), number="": asked.append(
        (answer, ask_once(question, given)))
    run(NOTES[name].answered(id), scope, f"{name} {id} asked")
    return asked


@pytest.mark.long
@pytest.mark.parametrize("name, id, blank", derive_cases())
def test_the_answer_from_which_the_mistakes_are_derived_is_proved_right(name, id, blank):
    """The lines are the machine's own; that their end is SymPy's derivative is what the whole tree
    rests on."""
    _, asked = question(name, id, blank)
    assert all(prove(asked.question, line, asked.given) for line in asked.by_hand)
    assert all(asked.is_a_name(p) for p in asked.by_hand[-1].atoms(Partial))


@pytest.mark.long
@pytest.mark.parametrize("name, id, blank", derive_cases())
def test_every_planted_mistake_is_named(name, id, blank):
    """By its own name, or by that of another which leads to the same formula; none is called
    right."""
    _, asked = question(name, id, blank)
    planted = list(mistakes(asked))
    replies = [asked.reply_to(mistake.formula) for mistake in planted]
    assert len(planted) >= 10
    assert ([m.name for m,
             reply in zip(planted, replies) if reply.state != WRONG or unnamed(reply)] == [])
    own = [reply.text.startswith(f"Not yet: {m.name}.") for m, reply in zip(planted, replies)]
    assert sum(own) > 0.7*len(own)
    assert all(reply.hints()[0] in {kind.value for kind in Kind} for reply in replies)


@pytest.mark.long
@pytest.mark.parametrize("name, id, blank", derive_cases())
def test_a_hint_is_written_as_a_textbook_writes(name, id, blank):
    """Of every planted mistake: its name, the formula it leads to, and the lines to the answer."""
    _, asked = question(name, id, blank)
    planted = list(tree(asked.asked, asked.table))
    formulas = [asked.right, *asked.by_hand, *(mistake.formula for mistake in planted)]
    shown = [mistake.name for mistake in planted] + [show(formula) for formula in formulas
                                                     for show in (plain, tex)]
    assert [fault for text in shown for fault in unreadable(text)] == []
    assert idle_deltas(asked.right) == []


def unnamed(reply):
    return reply.text.startswith("Not yet: its value is another one")


def mistakes(asked):
    """The planted mistakes of a question that are none in disguise: a mutant may well be another
    form of the answer."""
    found, right = set(), resolve(asked.right, asked.table)
    for mistake in tree(asked.asked, asked.table):
        if mistake.formula != 0 and mistake.formula not in found and differs(
            right, resolve(mistake.formula, asked.table)):
            found.add(mistake.formula)
            yield mistake


def differs(right, wrong):
    try:
        return not is_zero(right - wrong, index_ranges(right, wrong))
    except (Undecided, WrongIndex):
        return True


@pytest.mark.long
@pytest.mark.parametrize("name, id, blank", derive_cases())
def test_the_tree_holds_the_mistakes_that_people_make(name, id, blank):
    kinds = {mistake.kind for mistake in mistakes(question(name, id, blank)[1])}
    assert {Kind.SIGN, Kind.FACTOR} <= kinds and len(kinds) >= 5


@pytest.mark.long
@pytest.mark.parametrize("name, id, blank", derive_cases())
def test_fifty_random_rewritings_of_the_answer_are_accepted(name, id, blank):
    answer, asked = question(name, id, blank)
    formula = answer if isinstance(answer, sp.Expr) else asked.right
    for other in rewritings(formula, Random(f"{name} {id}"), 50):
        reply = asked.reply_to(asked.formula(other))
        assert reply.state == RIGHT, (other, reply.text)


@pytest.mark.long
@pytest.mark.parametrize("name, id, blank", derive_cases())
def test_a_check_takes_no_more_than_a_fifth_of_a_second(name, id, blank):
    """CPU time, once the exercise has been asked unanswered as its cell does when the notebook is
    run."""
    answer, asked = question(name, id, blank)
    wrong = [mistake.formula for mistake in islice(mistakes(asked), 0, None, 7)]
    times = []
    for given in [answer, *wrong]:
        begun = time.process_time()
        asked.reply_to_code(given) if inspect.isfunction(given) else asked.reply_to(given)
        times.append(time.process_time() - begun)
    assert sorted(times)[len(times)//2] < 0.2


def rewritings(formula, random, wanted):
    """So many equal forms of a formula, no two the same; in each run the same ones."""
    seen = {formula}
    while len(seen) <= wanted:
        other = rewritten(formula, random)
        if other not in seen:
            seen.add(other)
            yield other


def rewritten(e, random):
    """An equal formula in another form: expanded, split, renamed, regrouped, as readers write
    it."""
    for _ in range(random.randint(2, 3)):
        e = random.choice(WAYS)(e, random)
    return e


def _expanded(e, random):
    return sp.expand(e)


def _renamed(e, random):
    """Other letters for the bound indices."""
    free = {s.name for s in e.free_symbols}
    swap = {}
    for total in e.atoms(sp.Sum):
        for index, *_ in total.limits:
            swap[index] = sp.Symbol(random.choice([c for c in "uvstq" if c not in free])
                                    + "abc"[len(swap) % 3], integer=True)
    return e.replace(lambda s: isinstance(s, sp.Sum), lambda s: s.xreplace(swap)) if swap else e


def _regrouped(e, random):
    """Numbers spread over the factors: 2a as a + a, a as a/3 + 2a/3, minus minus."""
    share = sp.Rational(random.randint(1, 50), random.randint(51, 99))
    with sp.evaluate(False):
        return random.choice([share*e + (1 - share)*e, sp.Mul(-1, -e), (e/share)*share])


def _added_and_taken_away(e, random):
    labels = {base.label for base in e.atoms(sp.IndexedBase)}
    bound = {index for total in e.atoms(sp.Sum) for index, *_ in total.limits}
    parts = [a for a in e.atoms(sp.Indexed, sp.Symbol) - labels
             if not a.is_integer and not a.free_symbols & bound]
    part = random.choice(sorted(parts, key=str) or [sp.Integer(3)])
    with sp.evaluate(False):
        return e + part - part


def _inside(e, random):
    """What stands before a sum goes into it, as 1/n sum a = sum a/n."""
    if e.is_Mul:
        sums = [f for f in e.args if isinstance(f, sp.Sum)]
        if len(sums) == 1:
            rest = sp.Mul(*(f for f in e.args if f is not sums[0]))
            if not rest.free_symbols & {i for i, *_ in sums[0].limits}:
                return sp.Sum(rest*sums[0].function, *sums[0].limits)
    return sp.factor(e) if not e.has(sp.Sum) else e


def _split(e, random):
    """A sum of terms as several sums."""
    return e.replace(lambda s: isinstance(s, sp.Sum) and sp.expand(s.function).is_Add,
                     lambda s: sp.Add(*(sp.Sum(t, *s.limits) for t in sp.expand(s.function).args)))


def _written_out(e, random):
    """A short sum term by term."""
    return e.replace(lambda s: isinstance(s, sp.Sum)
                     and all((high - low).is_Integer for _, low, high in s.limits),
                     lambda s: s.doit())


WAYS = [_expanded, _renamed, _regrouped, _added_and_taken_away, _inside, _split, _written_out]


# Find the bug
# --------------------------------------------------------------------------------------------------


def bug_cases():
    return [(name, id) for name,
            id in CASES if re.search(r"^find_bug\(", NOTES[name].code[id], re.MULTILINE)]


@cache
def planted(name, id):
    """(line, cause, what is found in the program) of a find-the-bug exercise."""
    asked, scope = [], prepared(name, id)
    scope["find_bug"] = lambda program, line, cause, passes, number="": asked.append((
        line, cause, find_fault(program, passes)))
    run(NOTES[name].answered(id), scope, f"{name} {id} asked")
    return asked[0]


@pytest.mark.long
@pytest.mark.parametrize("name, id", bug_cases())
def test_the_planted_fault_is_the_only_one_and_has_one_cause(name, id):
    line, cause, fault = planted(name, id)
    assert [(r.line, r.mistake) for r in fault.remedies] == [(line, cause)]


@pytest.mark.long
def test_the_planted_faults_are_of_many_kinds():
    assert len({planted(name, id)[1] for name, id in bug_cases()}) >= 6


@pytest.mark.long
@pytest.mark.parametrize("name, id", bug_cases())
def test_another_line_or_another_cause_is_told_apart(name, id):
    line, cause, _ = planted(name, id)
    other = next(word for word in MISTAKES if word != cause)
    said = [run(NOTES[name].answered(id, **{"line, cause": f"{one}, {two!r}"}), prepared(name, id),
                f"{name} {id} wrong")
            for one, two in ((line, other), (2 if line != 2 else 3, cause))]
    assert "is the right line" in said[0] and "The cause is right" in said[1]


# Predict, then run
# --------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("name, id",
                         [case for case in CASES if "predict(" in NOTES[case[0]].code[case[1]]])
def test_nothing_of_the_truth_is_shown_before_the_prediction(name, id):
    """Neither the truth nor what is shown with it is even computed while the dots stand."""
    scope, called = prepared(name, id), []
    real = exercises.predict

    def watched(prediction, truth, number="", show=None, **more):
        real(prediction, lambda: called.append("truth"), number, show=lambda: called.append("show"),
             **more)
    scope |= {"predict": watched,
              "exercises": type("Module", (), {"predict": staticmethod(watched)})}
    run(NOTES[name].code[id], scope, f"{name} {id} watched")
    assert called == []


# Everywhere
# --------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_feedback_is_the_same_for_every_hash_seed():
    """What is said to a right and some wrong answers of an exercise of each notebook, with all
    hints."""
    runs = [subprocess.Popen([sys.executable, "-c", SAYS],
                             env={**os.environ, "PYTHONHASHSEED": seed}, cwd=Path(__file__).parent,
                             stdout=subprocess.PIPE, text=True) for seed in ("1", "2")]
    one, two = (process.communicate()[0] for process in runs)
    assert one == two and len(one) > 5000


SAYS = """
import os, sys
sys.path[:0] = [os.path.abspath("."), os.path.abspath("../..")]
import test_exercises_in_notebooks as t
os.chdir(t.NOTEBOOKS[0].parent)
for name, id in dict(reversed(t.DERIVED)).items():
    answer, asked = t.question(name, id, 0)
    for given in [mistake.formula for mistake in list(t.mistakes(asked))[3::7]]:
        reply = asked.reply_to(given)
        print(name, id, reply.text, *reply.hints(), sep="\\n")
"""
