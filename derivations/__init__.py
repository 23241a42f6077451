"""The proving engine: derivations as chains of equal lines, each proved, witnessed and typeset.

| what | where |
|---|---|
| symbols, `Partial`, `Gradient`, activations | `symbols` |
| what a name stands for | `definitions` |
| textbook typesetting, LaTeX and plain | `printing` |
| is this exactly zero, for every size? | `normal_form` |
| sample points, and values at them | `sampling` |
| which slip turns the one formula into the other? | `mistakes`, `chain_rule` |
| is each line equal to the one before? | `verify` |
| a derivation: build and show | `derivation` |
| the last line on arrays, and NumPy code beside it | `code_witness` |
| a reader's own formula | `claim` |
| printed against true | `errata` |
| what is raised | `errors` |
"""

from derivations.claim import bring_your_own
from derivations.definitions import Definition, Depends, Entries, resolve, table_of
from derivations.derivation import Derivation, Summary, ledger, refused
from derivations.errata import Errata, NotSettled, rounded
from derivations.errors import FalseLine, Undecided, WitnessDisagrees, WrongIndex
from derivations.printing import plain, tex
from derivations.symbols import Gradient, Partial, activation, as_written, indexed, sigmoid
from derivations.verify import Proof, prove

__all__ = [
    "Definition", "Depends", "Derivation", "Entries", "Errata", "FalseLine", "Gradient", "NotSettled", "Partial",
    "Proof", "Summary", "Undecided", "WitnessDisagrees", "WrongIndex", "activation", "as_written", "bring_your_own", "indexed",
    "ledger", "plain", "prove", "refused", "resolve", "rounded", "sigmoid", "table_of", "tex",
]
