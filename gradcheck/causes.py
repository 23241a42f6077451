"""Which usual mistake makes a wrong block look as it does."""

import numpy as np

from gradcheck.judging import DIFFERS, OPEN
from gradcheck.report import fraction

ANY_FACTOR = "a constant factor"
NO_RATIO = "no constant ratio: another formula, or another point"


def explain(report, f, claim, parameter, start, n_samples):
    """Fill in the ratio and the name of the mistake of a block that differs.

    f holds the judged entries; the block's first one is at `start` of the vector of all parameters.
    """
    usable = ~f.kink & (f.status != OPEN)
    wrong = usable & (f.status == DIFFERS)
    spurious = wrong & f.still & (f.value == 0) & (f.claimed != 0)
    rest = wrong & ~spurious
    by_entry = np.array([np.ndim(probe.where) == 0 for probe in f.probe])
    if rest.any():
        report.ratio = constant_ratio(f.claimed[rest], f.value[rest], f.bar[rest])
    all_of_it = (rest | (f.value == 0) & (f.claimed == 0) | ~usable).all()
    if report.ratio is not None and not all_of_it and rest.sum() == 1:
        report.ratio = None
    words = "" if report.ratio is None else factor_words(report.ratio, n_samples)
    if words.endswith(ANY_FACTOR) and (rest & by_entry).sum() < 2:  # one number always has one
        words = without_any_factor(words)
        report.ratio = report.ratio if by_entry.all() else None
    if spurious.any() and report.entries > 1:
        cause = f" ({words.partition(': ')[2]})".replace(" ()", "")
        words = f"{spurious.sum()} of {report.entries} are non-zero where the cost does not change"
        if report.ratio is not None:
            words += f"; the other {rest.sum()} have ratio {fraction(report.ratio)}{cause}"
    elif report.ratio is None:
        words = _otherwise(report, f, claim, parameter, start, n_samples, usable & by_entry, rest)
    report.suggestion = words


def _otherwise(report, f, claim, parameter, start, n_samples, usable, rest):
    rows = np.flatnonzero(usable)
    places = [probe.where - start for probe in f.probe[rows]]
    claimed, value, bar, wrong = f.claimed[rows], f.value[rows], f.bar[rows], rest[rows]
    if parameter.ndim == 2 and len(set(parameter.shape)) == 1 and len(rows) > 1:
        ratio = constant_ratio(claim.reshape(parameter.shape).T.ravel()[places], value, bar)
        if ratio is not None:
            report.ratio, report.transposed = ratio, True
            return "; ".join(filter(None, ["transposed", factor_words(ratio, n_samples)]))
    if len(rows) > 1 and (decay := constant_ratio(claimed - value, parameter.ravel()[places], bar)):
        said = "left out or too weak?" if decay < 0 else "too strong, or the cost has none?"
        many = f"off by {fraction(decay)} times {report.name}"
        return f"{many}: a penalty (weight decay) is {said}"
    if len(rows) and rest.any() and not wrong.any():
        return "seen along the random direction alone: check more entries"
    if wrong.any() and not claimed[wrong].any() and report.entries > 1:
        return f"{wrong.sum()} of {report.entries} left out: the claim is zero"
    return NO_RATIO if report.differing == report.entries > 1 else ""


def constant_ratio(claimed, value, bar):
    """claimed / value where it is one number for all entries, else None."""
    if not value.any():
        return None
    top = np.argmax(np.abs(value))
    ratio = claimed[top] / value[top]
    room = (1 + abs(ratio)) * (bar + bar[top] / np.abs(value[top]) * np.abs(value)) * 8
    return float(ratio) if (np.abs(claimed - ratio * value) <= room).all() else None


def factor_words(ratio, n_samples):
    """What a constant ratio of claimed to true usually means."""
    n = n_samples if n_samples is not None and n_samples > 1 else None
    meanings = {0.0: "left out: the claim is zero", 1.0: "", 2.0: "a factor 2", 0.5: "a factor 1/2"}
    for power, words in [(1, "a sum for a mean"), (-1, "1/n once too often")] if n else []:
        for factor, more in [(1.0, ""), (2.0, ", and a factor 2"), (0.5, ", and a factor 1/2")]:
            meaning, key = f"{words} (n = {n}){more}", factor * float(n) ** power
            known = meanings.get(key)
            meanings[key] = f"{known}, or {meaning}" if known else meanings.get(key, meaning)
    size, sign = abs(ratio), "the sign" if ratio < 0 else ""
    close = (words for factor, words in meanings.items() if abs(size - factor) <= 1e-6 * factor)
    words = next(close, None)
    return " and ".join(filter(None, [sign, _whole_factor(size) if words is None else words]))


def without_any_factor(words):
    return words.removesuffix(ANY_FACTOR).removesuffix(" and ")


def _whole_factor(size):
    forms = (size, "{}: a sum for a mean?"), (1 / size, "1/{}: a mean taken twice?")
    for factor, form in forms:
        if 2.5 < factor < 1e6 and abs(factor - round(factor)) <= 1e-6 * factor:
            return "a factor " + form.format(round(factor))
    return ANY_FACTOR
