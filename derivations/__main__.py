"""Show a derivation in a terminal, and what is said to a wrong one: `python -m derivations`."""

from sympy import Sum, symbols

from derivations import Definition, Derivation, FalseLine, Partial, as_written, indexed

n, i = symbols("n", integer=True, positive=True), symbols("i", integer=True)
J, w, lam, x, y = *symbols("J w lambda", real=True), indexed("x", n), indexed("y", n)


def ridge(penalty):
    """∂J/∂w of a line through the origin, proved; `penalty` is what weight decay adds to it."""
    with as_written():
        cost = Definition(J, Sum((w*x[i] - y[i])**2, (i, 1, n))/(2*n) + lam*w**2/2)
    with Derivation(Partial(J, w), given=[cost], number="1") as dJ_dw:
        dJ_dw.step(Sum((w*x[i] - y[i])*x[i], (i, 1, n))/n + penalty, "chain rule; both 2s meet a ½")
    return dJ_dw


def main():
    print(f"A derivation, proved for every n:\n\n{ridge(lam*w)}\n")
    try:
        ridge(2*lam*w)
    except FalseLine as refusal:
        print(f"The same with a slip in it:\n\n{refusal}")


if __name__ == "__main__":
    main()
