"""Which usual mistake a wrong delta of a network holds, told by experiments with cost and gradient.

Nothing is known of the network but its cost, its gradient and its arrays W and b by layer. Yet with
W_l = 0 and b_l = c every unit of layer l has z = c for every sample: a wrong slope of its
activation is then one wrong number, claimed / true, and two c tell which. And at a symmetric W the
transpose is no mistake any more.
"""

import re

import numpy as np

from gradcheck.differences import Probe, measure

POINTS = (0.3, 0.7)


def _logistic(c):
    return 1 / (1 + np.exp(-c))


ACTIVATIONS = {  # name: (function, slope)
    "sigmoid": (_logistic, lambda c: _logistic(c) * (1 - _logistic(c))),
    "tanh": (np.tanh, lambda c: 1 - np.tanh(c) ** 2),
    "relu": (lambda c: max(c, 0.0), lambda c: float(c > 0)),
    "softplus": (lambda c: np.log1p(np.exp(c)), _logistic),
    "identity": (lambda c: c, lambda c: 1.0),
}
IN_A = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a**2,
}  # slopes as formulas in a = g(z)


def delta_mistake(block, at, gradient, claims_at):
    """What is wrong with a block W_l or b_l of a network, in words; "" where nothing fits.

    claims_at(cost at a point) -> the claimed gradient there, as one vector.
    """
    layers = layers_of(at.tree.names, at.arrays)
    mine = next((l for l, pair in layers.items() if block in pair), None)
    if mine is None or not callable(gradient):
        return ""
    try:
        with np.errstate(all="ignore"):
            return (
                _wrong_slope(block, mine, layers, at, claims_at)
                or next(
                    filter(None, (_no_mask(l, layers, at, claims_at) for l in layers if l >= mine)),
                    "",
                )
                or _wrong_transpose(block, mine, layers, at, claims_at)
            )
    except Exception:  # the cost or the gradient has no value there: nothing is learnt
        return ""


def layers_of(names, arrays):
    """{layer: (place of W, place of b)} of arrays that are named or lie like a network's."""
    found = {}
    for k, name in enumerate(names):
        letter, number = re.search(r"[A-Za-z]", str(name)), re.search(r"(\d+)\D*$", str(name))
        if letter and number:
            kind = "Wb".find("b" if letter[0].lower() == "b" else "W" if letter[0] in "Ww" else "?")
            kind = arrays[k].ndim != 2 if str(name).startswith("parameters[") else kind
            if kind in (0, 1):
                found.setdefault(int(number[1]), {})[int(kind)] = k
    if all("parameters[" in str(name) for name in names):  # a list W1, b1, W2, b2
        pairs = [(k, k + 1) for k in range(0, len(names) - 1, 2)]
        return {
            k + 1: pair
            for k, pair in enumerate(pairs)
            if arrays[pair[0]].ndim == 2 and arrays[pair[1]].ndim < 2
        }
    return {layer: (pair[0], pair[1]) for layer, pair in sorted(found.items()) if len(pair) == 2}


def _part(at, k):
    return slice(at.ends[k] - at.arrays[k].size, at.ends[k])


def _ratio(point, block, at, claims_at):
    """claimed / true of a block at a point, where it is one number for all entries."""
    there, part = at.moved_to(point), _part(at, block)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, (2, part.stop - part.start))
    probes = [Probe(np.arange(part.start, part.stop), w) for w in weights]
    true, claimed = measure(there, probes).value, weights @ claims_at(there)[part]
    ratios = claimed / true
    one = np.isfinite(ratios).all() and (
        abs(ratios[0] - ratios[1]) <= 1e-6 * abs(ratios[0]) or len(weights[0]) == 1
    )
    return ratios[0] if one else None


def _wrong_slope(block, mine, layers, at, claims_at):
    for layer in [l for l in layers if l >= mine]:
        ratios = []
        for c in POINTS:
            point = at.vector.copy()
            for k, value in zip(layers[layer], (0.0, c)):
                point[_part(at, k)] = value
            ratios.append(_ratio(point, layers[layer][1], at, claims_at))
        if None in ratios or np.allclose(ratios, 1, rtol=1e-6):
            continue
        name = f"layer {layer}"
        for words, form in _usual_slopes(at.arrays[layers[layer][1]].size):
            if np.allclose(ratios, [form(c) for c in POINTS], rtol=1e-5):
                return words.format(name)
    return ""


def _usual_slopes(units):
    """(words, claimed / true as a function of c) of what people write for a slope."""
    for g, (f, slope) in ACTIVATIONS.items():
        if g == "identity":
            continue
        yield f"the slope of {{}} is left out ({g})", lambda c, s=slope: 1 / s(c)
        yield (
            f"the slope of {{}} is taken at a = {g}(z), not at z",
            lambda c, f=f, s=slope: s(f(c)) / s(c),
        )
        for h, formula in IN_A.items():
            if h == g:
                yield (
                    f"the slope of {{}}, a formula in a = {g}(z), is given z",
                    lambda c, q=formula, s=slope: q(c) / s(c),
                )
            else:
                yield (
                    f"{{}} is {g}, its slope that of {h}",
                    lambda c, q=formula, f=f, s=slope: q(f(c)) / s(c),
                )
        yield f"the value of {{}} stands for its slope ({g})", lambda c, f=f, s=slope: f(c) / s(c)
        yield (
            f"the slope of {{}} is there twice ({g}), or should not be there",
            lambda c, s=slope: s(c),
        )
    yield (
        "the slope of {} should not be there: softmax with cross-entropy has none",
        lambda c, k=units: (1 / k) * (1 - 1 / k),
    )


def _wrong_transpose(block, mine, layers, at, claims_at):
    for layer in [l for l in layers if l > mine]:
        W = layers[layer][0]
        shape, part = at.arrays[W].shape, _part(at, W)
        if len(shape) == 2 and shape[0] == shape[1] > 1:
            point, matrix = at.vector.copy(), at.vector[part].reshape(shape)
            point[part] = ((matrix + matrix.T) / 2).ravel()
            ratio = _ratio(point, block, at, claims_at)
            if ratio is not None and abs(ratio - 1) <= 1e-6:
                return f"{at.tree.names[W]} stands for its transpose"
    return ""


def _no_mask(mine, layers, at, claims_at):
    """Does the delta pass as if every unit were on: db_l = W_(l+1) db_(l+1), as the claims say?"""
    after = mine + 1
    if after not in layers:
        return ""
    claims = claims_at(at)
    (_, b), (W, b_after) = layers[mine], layers[after]
    mine_b, next_b, W = claims[_part(at, b)], claims[_part(at, b_after)], at.arrays[W]
    passes = any(
        M.shape == (mine_b.size, next_b.size) and np.allclose(M @ next_b, mine_b, rtol=1e-9, atol=0)
        for M in (W, W.T)
    )
    return (
        f"the slope of layer {mine} is left out (or a mask is true everywhere, as a >= 0 of relu)"
        if passes
        else ""
    )
