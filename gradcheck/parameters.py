"""Parameters of any structure as a list of float64 arrays, and back."""

from collections.abc import Mapping

import numpy as np

from gradcheck import validation


class Tree:
    """The structure of the parameters: names of its arrays in order, how to put others into it."""

    def __init__(self, structure, name="the parameter"):
        top = "parameters" if _is_container(structure) else name
        self.names, self.leaves, _ = zip(*_leaves(structure, structure, top, is_top=True))
        pairs = zip(self.names, self.leaves)
        self.arrays = [np.array(validation.array(*pair), dtype=np.float64) for pair in pairs]
        self.vector = np.concatenate([a.ravel() for a in self.arrays])
        self.structure = _rebuilt(structure, iter(self.arrays))

    def build(self, arrays):
        """The structure with these arrays in it; an array of shape () becomes a number."""
        return self.build_with(map(_as_was, self.leaves, arrays))

    def build_with(self, things):
        """The structure with one thing for each array."""
        return _rebuilt(self.structure, iter(things))

    def flatten(self, claim, name="the gradient"):
        """The arrays of another structure, which must have the same keys."""
        return [claimed for *_, claimed in _leaves(self.structure, claim, name)]

    def require_unchanged(self, what, used, before):
        for name, now, then in zip(self.names, used, before):
            if not np.array_equal(now, then):
                raise ValueError(
                    f"{what} changed {name}: it must leave the parameters it is given as they are"
                )


def _is_container(node):
    """Mappings and tuples; a list where it holds arrays or further structures, not numbers."""
    if isinstance(node, list):
        is_array = lambda child: hasattr(child, "shape") and not isinstance(child, np.generic)
        return any(is_array(child) or _is_container(child) for child in node)
    return isinstance(node, (Mapping, tuple))


def _items(node):
    return node.items() if isinstance(node, Mapping) else enumerate(node)


def _leaves(node, claim, name, is_top=False):
    """(name, array or number, what is claimed for it) of a structure and one with the same keys."""
    if not _is_container(node):
        yield name, node, claim
        return
    if not node:
        raise ValueError(f"{name} is empty, expected at least one array")
    _require_same_keys(name, claim, node)
    claimed = dict(_items(claim))
    for key, child in _items(node):
        field = node._fields[key] if hasattr(node, "_fields") else key
        within = field if is_top and isinstance(field, str) else f"{name}[{field!r}]"
        yield from _leaves(child, claimed[key], within)


def _rebuilt(node, things):
    if not _is_container(node):
        return next(things)
    children = [_rebuilt(child, things) for _, child in _items(node)]
    if isinstance(node, Mapping):
        return dict(zip(node, children))
    return type(node)(*children) if hasattr(node, "_fields") else type(node)(children)


def _as_was(original, array):
    """The array, in the library of the one that it stands for (a tensor makes its like)."""
    return original.new_tensor(array) if hasattr(original, "new_tensor") else array[()]


def _require_same_keys(name, claim, original):
    listed = lambda keys: ", ".join(map(repr, keys))
    wanted, named = [key for key, _ in _items(original)], isinstance(original, Mapping)
    if not isinstance(claim, (Mapping, tuple, list)) or isinstance(claim, Mapping) != named:
        kind = "mapping" if named else "list" if isinstance(original, list) else "tuple"
        got = type(claim).__name__
        raise TypeError(f"{name} is of type {got}, expected a {kind} with {listed(wanted)}")
    found = [key for key, _ in _items(claim)]
    missing = [key for key in wanted if key not in found]
    unknown = [key for key in found if key not in wanted]
    wrong = [f"has nothing for {listed(missing)}"] * bool(missing)
    wrong += [f"has the unknown {listed(unknown)}"] * bool(unknown)
    if wrong:
        raise ValueError(f"{name} {' and '.join(wrong)}; expected {listed(wanted)}")
