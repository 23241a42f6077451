"""The proving engine: derivations as chains of equal lines, each proved, witnessed and typeset.

| what | where |
|---|---|
| symbols, `Partial`, `Gradient`, activations | `symbols` |
| what a name stands for | `definitions` |
| where entries stand, how far indices run | `places` |
| matrix expressions by their entries | `matrices` |
| textbook typesetting, LaTeX and plain | `printing` |
| the words beside a line, in LaTeX and plain | `reasons` |
| is this exactly zero, for every size? | `normal_form` |
| what functions are made of, names of bound indices | `rewriting`, `naming` |
| sample points, and the value of a line as it was typed | `sampling`, `values` |
| which slip turns the one formula into the other? | `mistakes`, `chain_rule` |
| is each line equal to the one before? | `verify` |
| a derivation: build and show | `derivation` |
| what a proof assumes, and where it holds | `conditions` |
| all layers, all whole numbers | `induction` |
| the last line on arrays, and NumPy code beside it | `code_witness` |
| the lines in numbers | `numbered` |
| a reader's own formula | `claim` |
| what is raised | `errors` |
"""

from derivations.claim import bring_your_own
from derivations.definitions import (
    Assume,
    Definition,
    Depends,
    Entries,
    Independent,
    Index,
    resolve,
    table_of,
)
from derivations.derivation import Derivation, Summary, ledger, refused
from derivations.errors import FalseLine, Undecided, WitnessDisagrees, WrongIndex
from derivations.induction import Induction
from derivations.printing import plain, tex
from derivations.symbols import (
    Gradient,
    Partial,
    activation,
    as_written,
    indexed,
    sigmoid,
    softplus,
)
from derivations.verify import Proof, prove

__all__ = [
    "Assume", "Definition", "Depends", "Derivation", "Entries", "FalseLine", "Gradient",
    "Independent", "Index",
    "Induction", "Partial", "Proof", "Summary", "Undecided", "WitnessDisagrees", "WrongIndex",
    "activation", "as_written", "bring_your_own", "indexed", "ledger", "plain", "prove", "refused",
    "resolve", "sigmoid", "softplus", "table_of", "tex",
]
