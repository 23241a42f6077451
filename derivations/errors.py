"""What the engine raises: a false line, a line that nobody could decide, an index that leaves its array."""


class Undecided(Exception):
    """An expression holds something that the engine does not cover, such as a float: no proof and no refutation."""


class WrongIndex(ValueError):
    """An index runs further, or less far, than the array it stands on; or two matrices do not fit."""
