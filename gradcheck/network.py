"""Which usual mistake a wrong delta of a network holds, told by experiments with cost and gradient.

Nothing is known of the network but its cost, its gradient and its arrays W and b by layer. Yet with
W_l = 0 and b_l = c every unit of layer l has z = c for every sample: a wrong slope of its
activation is then one wrong number, claimed / true, and two c tell which. And at a symmetric W the
transpose is no mistake any more.
"""

import re

import numpy as np

from gradcheck.differences import Probe, measure

POINTS = np.array([0.3, 0.7])


def _logistic(c):
    return 1 / (1 + np.exp(-c))


ACTIVATIONS = {  # name: (function, slope at z, slope by a = g(z) where people write it so)
    "sigmoid": (_logistic, lambda c: _logistic(c) * (1 - _logistic(c)), lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda c: 1 - np.tanh(c) ** 2, lambda a: 1 - a**2),
    "relu": (lambda c: np.maximum(c, 0.0), lambda c: np.where(c > 0, 1.0, 0.0), None),
    "softplus": (lambda c: np.log1p(np.exp(c)), _logistic, None),
}


def delta_mistake(block, at, gradient, claims_at):
    """What is wrong with a block W_l or b_l of a network, in words; "" where nothing fits.

    claims_at(cost at a point) -> the claimed gradient there, as one vector.
    """
    layers = _layers(at.tree.names, at.arrays)
    mine = next((l for l, pair in layers.items() if block in pair), None)
    if mine is None or not callable(gradient):
        return ""
    try:
        with np.errstate(all="ignore"):
            return next(_mistakes(block, mine, layers, at, claims_at), "")
    except Exception:  # the cost or the gradient has no value there: nothing is learnt
        return ""


def _mistakes(block, mine, layers, at, claims_at):
    behind = {l: pair for l, pair in layers.items() if l >= mine}
    for l, (W, b) in behind.items():
        ratios = [_ratio(b, at, claims_at, {W: 0.0, b: c}) for c in POINTS]
        if not np.allclose(ratios, 1, rtol=1e-6):
            for words, told in _usual_slopes(f"layer {l}", at.arrays[b].size):
                if np.allclose(ratios, told, rtol=1e-5):
                    yield words
    for l in behind:
        if l + 1 in layers and _passes_unmasked(layers[l][1], *layers[l + 1], at, claims_at):
            mask = "(or a mask is true everywhere, as a >= 0 of relu)"
            yield f"the slope of layer {l} is left out {mask}"
    for W, _ in list(behind.values())[1:]:
        matrix = at.arrays[W]
        if len(matrix) > 1 and len(set(matrix.shape)) == 1:
            symmetric = ((matrix + matrix.T) / 2).ravel()
            if abs(_ratio(block, at, claims_at, {W: symmetric}) - 1) <= 1e-6:
                yield f"{at.tree.names[W]} stands for its transpose"


def _layers(names, arrays):
    """{layer: (place of W, place of b)} of arrays that are named or lie like a network's."""
    if all("parameters[" in str(name) for name in names):  # a list W1, b1, W2, b2
        pairs = enumerate(zip(range(0, len(names), 2), range(1, len(names), 2)), 1)
        return {l: (W, b) for l, (W, b) in pairs if arrays[W].ndim == 2 and arrays[b].ndim < 2}
    found = {}
    for k, name in enumerate(map(str, names)):
        if match := re.fullmatch(r"[^A-Za-z]*([WwBb]).*?(\d+)\D*", name):
            found.setdefault(int(match[2]), {})[match[1].lower()] = k
    return {l: (pair["w"], pair["b"]) for l, pair in sorted(found.items()) if len(pair) == 2}


def _ratio(block, at, claims_at, values):
    """claimed / true of a block where others have such values; NaN if not one number for all."""
    point, part = at.vector.copy(), at.part(block)
    for other, value in values.items():
        point[at.part(other)] = value
    there, places = at.moved_to(point), np.arange(part.start, part.stop)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, (2, len(places)))
    true = measure(there, [Probe(places, w) for w in weights]).value
    one, two = weights @ claims_at(there)[part] / true
    return one if len(places) == 1 or abs(one - two) <= 1e-6 * abs(one) else np.nan


def _usual_slopes(layer, units):
    """(words, claimed / true at the points) of what people write for a slope."""
    its = f"the slope of {layer}"
    for g, (f, slope, _) in ACTIVATIONS.items():
        a, right = f(POINTS), slope(POINTS)
        yield f"{its} is left out ({g})", 1 / right
        yield f"{its} is taken at a = {g}(z), not at z", slope(a) / right
        for h, (*_, by_a) in ACTIVATIONS.items():
            if by_a and h == g:
                yield f"{its}, a formula in a = {g}(z), is given z", by_a(POINTS) / right
            elif by_a:
                yield f"{layer} is {g}, its slope that of {h}", by_a(a) / right
        yield f"the value of {layer} stands for its slope ({g})", a / right
        yield f"{its} is there twice ({g}), or should not be there", right
    none = f"{its} should not be there: softmax with cross-entropy has none"
    yield none, (1 - 1 / units) / units


def _passes_unmasked(b, W_after, b_after, at, claims_at):
    """Does the delta pass as if every unit were on: db_l = W_(l+1) db_(l+1), as the claims say?"""
    claims, W = claims_at(at), at.arrays[W_after]
    here, after = claims[at.part(b)], claims[at.part(b_after)]
    fit = [M for M in (W, W.T) if M.shape == (here.size, after.size)]
    return any(np.allclose(M @ after, here, rtol=1e-9, atol=0) for M in fit)
