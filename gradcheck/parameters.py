"""Parameters of any structure as a list of float64 arrays, and back."""

from collections.abc import Mapping

import numpy as np

from gradcheck import validation


class Tree:
    """The structure of the parameters: names of its arrays in order, how to put others into it."""

    def __init__(self, structure, name="the parameter"):
        self.names, self.leaves = [], []
        self.skeleton = self._enter(structure, name, top=True)
        self.arrays = [
            np.array(validation.array(n, leaf), dtype=np.float64)
            for n, leaf in zip(self.names, self.leaves)
        ]
        self.vector = np.concatenate([a.ravel() for a in self.arrays])

    def _enter(self, node, name, top=False):
        if not _is_container(node):
            self.names.append(name)
            self.leaves.append(node)
            return len(self.leaves) - 1
        if not len(node):
            raise ValueError(
                f"{'parameters' if top else name} is empty, expected at least one array"
            )
        return node, [
            (key, self._enter(child, _child_name(name, key, node, top)))
            for key, child in _items(node)
        ]

    def build(self, arrays):
        """The structure with these arrays in it; an array of shape () becomes a number."""
        return self.build_with([_as_was(*pair) for pair in zip(self.leaves, arrays)])

    def build_with(self, things, node=None):
        """The structure with one thing for each array."""
        node = self.skeleton if node is None else node
        if isinstance(node, int):
            return things[node]
        original, children = node
        built = [(key, self.build_with(things, child)) for key, child in children]
        if isinstance(original, Mapping):
            return dict(built)
        values = [child for _, child in built]
        return type(original)(*values) if hasattr(original, "_fields") else type(original)(values)

    def flatten(self, claim, node=None, name="the gradient"):
        """The arrays of another structure, which must have the same keys."""
        node = self.skeleton if node is None else node
        if isinstance(node, int):
            return [claim]
        original, children = node
        _require_same_keys(name, claim, original)
        found = dict(_items(claim))
        return [
            leaf
            for key, child in children
            for leaf in self.flatten(found[key], child, f"{name}[{key!r}]")
        ]

    def require_unchanged(self, what, used, before):
        for name, now, then in zip(self.names, used, before):
            if not np.array_equal(now, then):
                raise ValueError(
                    f"{what} changed {name}: it must leave the parameters it is given as they are"
                )


def _is_container(node):
    """Mappings and tuples; a list where it holds arrays or further structures, not numbers."""
    return (
        isinstance(node, (Mapping, tuple))
        or isinstance(node, list)
        and any(_is_container(child) or hasattr(child, "shape") for child in node)
    )


def _as_was(original, array):
    """The array, in the library of the one that it stands for (a tensor makes its like)."""
    return original.new_tensor(array) if hasattr(original, "new_tensor") else array[()]


def _items(node):
    return list(node.items()) if isinstance(node, Mapping) else list(enumerate(node))


def _child_name(name, key, node, top):
    key = node._fields[key] if hasattr(node, "_fields") else key
    if top:
        return key if isinstance(key, str) else f"parameters[{key!r}]"
    return f"{name}[{key!r}]"


def _require_same_keys(name, claim, original):
    wanted, found = [
        [key for key, _ in _items(node)] if isinstance(node, (Mapping, tuple, list)) else None
        for node in (original, claim)
    ]
    if found is None or isinstance(claim, Mapping) != isinstance(original, Mapping):
        expected = "a mapping" if isinstance(original, Mapping) else f"a {_kind(original)}"
        raise TypeError(
            f"{name} is of type {type(claim).__name__}, expected {expected} with {_listed(wanted)}"
        )
    missing, unknown = (
        [k for k in one if k not in two] for one, two in ((wanted, found), (found, wanted))
    )
    if missing or unknown:
        lacks = f" has nothing for {_listed(missing)}" if missing else ""
        extra = f" has the unknown {_listed(unknown)}" if unknown else ""
        raise ValueError(
            f"{name}{lacks}{' and' if lacks and extra else ''}{extra}; expected {_listed(wanted)}"
        )


def _kind(node):
    return "list" if isinstance(node, list) else "tuple"


def _listed(keys):
    return ", ".join(map(repr, keys))
