"""A reader's formula -> right, or which mistake it is. Nothing raises: an exercise that is unanswered or wrong stays readable."""

import sympy as sp

from helpers.derivation import Derivation, FalseLine, Undecided
from helpers.expressions import Partial
from helpers.textbook import plain


def check(answer, question, given=()):
    """Say whether `answer` equals `question`, in any equal form; if not, show a counterexample and name the mistake.

    `question` is an expression such as Partial(J, w[k]), `given` the definitions it needs. The dots `...` stand for "not
    answered yet". Prints one short text and returns nothing.
    """
    if answer is ...:
        print(f"No answer yet. Put a formula for {plain(question)} in place of the dots, and run the cell again.")
        return
    try:
        answer = sp.sympify(answer, strict=True)  # strict: text is not evaluated
        if answer.has(Partial):
            print("Not yet. A derivative is still to be taken in your formula.")
            return
        derivation = Derivation(question, given)
        derivation.step(answer, "the answer")
        derivation.prove(keep=False)
    except (FalseLine, Undecided) as refusal:
        print("Not yet. " + str(refusal).replace("Line 1 of the derivation", "Your formula"))
    except (TypeError, ValueError, AttributeError, sp.SympifyError) as error:
        print(f"This cannot be compared with {plain(question)}: {error}")
    else:
        print(f"Right: {plain(question)} = {plain(answer)}")
