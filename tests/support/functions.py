"""Each activation of the network written once more, for the tests: in SymPy, and for an independent
library.

A new row of `network.ACTIVATIONS` needs a row here, and nothing else in the tests.
"""

from typing import NamedTuple

import autograd.numpy as anp
import sympy as sp


class Function(NamedTuple):
    sympy: object                 # z -> g(z), from the definition
    autograd: object              # the same for arrays
    integer_slope: object = None  # a -> g'(z), where it is a polynomial in a or a step


FUNCTIONS = {
    "sigmoid": Function(lambda z: 1 / (1 + sp.exp(-z)), lambda z: 0.5 + 0.5 * anp.tanh(z / 2),
                        lambda a: a * (1 - a)),
    "tanh": Function(sp.tanh, anp.tanh, lambda a: 1 - a * a),
    "relu": Function(lambda z: sp.Max(z, 0), lambda z: anp.maximum(z, 0), lambda a: a > 0),
    "softplus": Function(lambda z: sp.log(1 + sp.exp(z)), lambda z: anp.logaddexp(0, z)),
    "identity": Function(lambda z: z, lambda z: z, lambda a: 1),
}
