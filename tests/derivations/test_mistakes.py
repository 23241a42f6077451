"""Every usual mistake has a name, is really made, and is refused by the checker unless it is
none."""

import pytest
import sympy as sp
from drawn import one_in
from sympy import Sum
from vocabulary import L, d, g, given, gradient, i, j, k, m, n, q, u, w, x, y, y_hat

from derivations.definitions import Definition, Depends, resolve, table_of
from derivations.errors import Undecided, WrongIndex
from derivations.mistakes import Kind, diagnose, mutants, tree
from derivations.normal_form import index_ranges, is_zero
from derivations.sampling import NoValue, Point, same_value
from derivations.symbols import Partial, as_written, indexed, sigmoid, softplus

p = sp.Symbol("p", integer=True, positive=True)
z, v, act, pre = indexed("z", m), indexed("v", m, p), indexed("a", p), indexed("h", p)
with as_written():
    layers = [Depends(L, z[k], (k, 1, m)), Definition(z[k], Sum(v[k, j]*act[j], (j, 1, p))),
              Definition(act[j], g(pre[j]))]
    recursion = g.prime(pre[i])*Sum(v[k, i]*Partial(L, z[k]), (k, 1, m))
    logistic = Sum((sigmoid(y_hat[i]) - y[i])*x[i, k], (i, 1, n))/n
    squares = Sum((y_hat[i] - y[i])**2, (i, 1, n))/(2*n)

FORMULAS = {"least squares": (gradient, given), "delta recursion": (recursion, layers),
            "squares": (squares, ())}


def names(expr):
    return [mistake.name for mistake in mutants(expr)]


def by_name(mistakes):
    return {mistake.name: mistake.formula for mistake in mistakes}


@pytest.mark.parametrize("expr, expected", [
    (gradient, ["the sign is wrong", "a factor 2 is too many",
                "a factor n is too many: a sum stands where a mean is meant",
                "a factor 1/n is too many", "the factor x_ik is missing",
                "the indices of x_ik are swapped: a transpose",
                "the sign of the term ŷ_i is wrong", "the sum is lost", "the term ŷ_i is missing"]),
    (recursion,
     ["g'(h_i) is taken at g(h_i) instead of h_i", "g(h_i) stands where its slope g'(h_i) is meant",
      "the factor g'(h_i) is missing", "the factor v_ki is missing"]),
    (squares, ["the exponent 2 became 3", "the exponent 2 became 1"]),
    (logistic, ["σ(ŷ_i) is taken at the activation instead of the pre-activation"]),
])
def test_the_usual_mistakes_are_made(expr, expected):
    assert set(expected) <= set(names(expr))


def test_a_mutant_is_the_formula_with_that_mistake_and_nothing_else():
    with as_written():
        made = by_name(mutants(Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n))
    assert is_zero(resolve(made["the factor x_ik is missing"])
                   - resolve(Sum(y_hat[i] - y[i], (i, 1, n))/n))
    assert is_zero(resolve(made["the sign is wrong"]) + resolve(gradient))
    assert is_zero(resolve(made["a factor n is too many: a sum stands where a mean is meant"])
                   - n*resolve(gradient))


def test_what_is_to_be_differentiated_is_left_alone():
    made = mutants(Sum(x[i, k]*Partial(y_hat[i] - y[i], w[k]), (i, 1, n)))
    assert all(m.formula.has(Partial(y_hat[i] - y[i], w[k])) for m in made
               if "∂" not in m.name and "is left" not in m.name)


@pytest.mark.every(3)
@pytest.mark.parametrize("name", FORMULAS)
def test_every_mutant_is_refused_unless_it_is_no_mistake(name):
    """A mutant that equals the formula by accident, as with a symmetric index, must be proved
    equal, not killed."""
    formula, definitions = FORMULAS[name]
    table = table_of(definitions)
    right, killed = resolve(formula, table), 0
    for mistake, mutant in by_name(mutants(formula)).items():
        wrong = resolve(mutant, table)
        try:
            equal = is_zero(right - wrong, index_ranges(formula, mutant, right, wrong))
        except (WrongIndex, Undecided):
            killed += 1
            continue
        assert equal == agree(right, wrong, table), mistake
        killed += not equal
    assert killed > 15


def agree(first, second, table):
    for seed in range(3):
        point = Point([first, second], table, seed=seed)
        try:
            if not same_value(point.value(first), point.value(second)):
                return False
        except NoValue:
            return False
    return True


def test_a_mutant_that_is_no_mistake_is_proved_equal():
    with as_written():
        symmetric = Sum(u[i]*u[j], (i, 1, n), (j, 1, n))
    same = [m.name for m in mutants(symmetric) if is_zero(resolve(symmetric) - resolve(m.formula))]
    assert same == []
    with as_written():
        square = Sum(q[i, j]*q[i, j], (i, 1, n), (j, 1, n)) - Sum(q[j, i]**2, (i, 1, n), (j, 1, n))
    assert is_zero(resolve(square))
    assert not any(is_zero(resolve(m.formula)) for m in mutants(square) if m.kind is Kind.EXPONENT)


def test_undoing_a_mistake_has_a_name_of_its_own():
    undone = {m.name: m.undone for m in (*mutants(gradient), *mutants(squares))}
    assert undone["the factor x_ik is missing"] == "the factor x_ik is one too many"
    assert undone["the exponent 2 became 1"] == "the exponent 1 became 2"
    assert undone["the sign is wrong"] == ""


def test_one_term_taken_for_the_whole_sum_is_named():
    made = by_name(mutants(Sum(x[i, j]*w[j], (j, 1, d))*w[k]))
    assert not any("elementwise" in name for name in made)  # no free index stands inside the sum
    made = by_name(mutants(Sum(w[j]*w[k], (j, 1, d))))
    assert (resolve(made["only the term j = k of the sum is left: an output treated elementwise"])
            == w[k]**2)


def test_a_mistake_is_diagnosed_with_its_kind_and_hint():
    J = given[1].name
    said = diagnose(Partial(J, w[k]), -gradient, given)
    assert (said.kind, str(said), said.hint) == (Kind.SIGN, "the sign is wrong", Kind.SIGN.value)
    assert diagnose(Partial(J, w[k]), gradient, given) is None
    assert diagnose(gradient, 0*gradient, given).kind is Kind.ZERO
    assert str(diagnose(gradient, gradient + w[k]**3, given)) == "the term w_k³ is one too many"
    assert diagnose(gradient, w[k]**5, given) is None


@pytest.mark.every(3)
@pytest.mark.parametrize("power", [1, 40, 4000])
def test_no_other_mistake_is_named_however_small_the_values_are(power):
    """Relative to themselves, values far below any rounding error differ as others do."""
    z, c = sp.symbols("z c", real=True)
    bell = sp.exp(-power*(z - c)**2)
    with sp.evaluate(False):
        right = 2*power*bell*(z - c)
    for mistake in mutants(right):
        said = diagnose(right, mistake.formula)
        assert (said is None or is_zero(said.formula - mistake.formula)
                or said.formula == mistake.formula), mistake.name


@pytest.mark.parametrize("letter", [i, j, sp.Symbol("r", integer=True)])
def test_a_wrong_index_is_named_by_the_letter_that_was_written(letter):
    right, wrong = x[i, k]*u[k], x[i, k]*u[letter]
    assert diagnose(right, wrong).name.startswith(f"an index is wrong: u_{letter} for u_k")


def test_a_jacobian_of_which_only_the_diagonal_is_left_has_its_name():
    K, r = sp.Symbol("K", integer=True, positive=True), sp.Symbol("r", integer=True)
    s, share = indexed("s", K), indexed("t", K)
    softmax = Definition(share[k], sp.exp(s[k])/Sum(sp.exp(s[j]), (j, 1, K)))
    claim = sp.KroneckerDelta(k, r)*share[k]*(1 - share[k])
    found = diagnose(Partial(share[k], s[r]), claim, [softmax])
    assert found.kind is Kind.SUM and "diagonal" in found.name


ERRORS = {  # of one sample, of r = prediction minus target, and its slope
    "hinge": (lambda r: sp.Max(0, 1 - r), lambda r: -sp.Heaviside(1 - r)),
    "smaller": (lambda r: sp.Min(r, 2), lambda r: sp.Heaviside(2 - r)),
    "absolute": (sp.Abs, sp.sign),
    "error function": (sp.erf, lambda r: 2*sp.exp(-r**2)/sp.sqrt(sp.pi)),
    "leaky": (lambda r: sp.Piecewise((r, r > 0), (r/10, True)),
              lambda r: sp.Piecewise((1, r > 0), (sp.Rational(1, 10), True))),
    "softplus": (softplus, sigmoid), "sine": (sp.sin, sp.cos),
    "arc": (sp.atan, lambda r: 1/(1 + r**2)),
}


@pytest.mark.parametrize("name", one_in(4, ERRORS, again=2))
def test_the_mistake_in_a_cost_is_named_whatever_function_stands_in_it(name):
    """A second name in the definition (y for w) makes the diagnosis differentiate by it as well."""
    f, slope = ERRORS[name]
    J, lam, score = sp.Symbol("J", real=True), sp.Symbol("lambda", real=True), indexed("s", n)
    weights = indexed("w", d)
    with as_written():
        table = [Definition(score[i], Sum(x[i, j]*weights[j], (j, 1, d))),
                 Definition(J, Sum(f(score[i] - y[i]), (i, 1, n))/n
                            + lam*Sum(weights[j]**2, (j, 1, d))/2)]
    data = Sum(slope(score[i] - y[i])*x[i, k], (i, 1, n))
    for wrong, said in [(-data/n - lam*weights[k], "the sign is wrong"),
                        (2*data/n + 2*lam*weights[k], "a factor 2 is too many"),
                        (data/n, "is missing"),
                        (data/n + lam*weights[k] + 1, "the term 1 is one too many")]:
        assert said in str(diagnose(Partial(J, weights[k]), wrong, table)), wrong


def test_no_mistake_of_a_question_divides_by_zero_everywhere():
    """From 1 - b^t the factor b^t may be missing, but not below a line."""
    b, t = sp.symbols("b t", positive=True)
    J, s = sp.symbols("J s", real=True)
    with as_written():
        table = table_of([Definition(J, s*u/(1 - b**t))])
    formulas = [mistake.formula for mistake in tree(Partial(J, s), table)]
    assert len(formulas) > 5 and not any(e.doit().has(sp.zoo, sp.nan) for e in formulas)
