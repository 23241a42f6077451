"""Make the four packages of the collection the ones that a notebook gets: its first cell calls
`ready`.

`helpers` is what many people call a file of their own, and a stranger's package on the index has
that name as well. So the four are looked up beside this file before anywhere else, and one sentence
says so where that matters. Standard library only.
"""

import hashlib
import importlib.metadata
import os
import sys
from base64 import urlsafe_b64encode
from importlib.machinery import PathFinder
from pathlib import Path

# A second BLAS thread makes these small matrices several times slower; NumPy reads this once.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

HOME = Path(__file__).resolve().parent
PACKAGES = ("helpers", "derivations", "gradcheck", "exercises")


class BesideThisFile:
    """A finder that looks for the four packages in one folder, and leaves every other name to
    Python.
    """

    @staticmethod
    def find_spec(name, path=None, target=None):
        """The package beside this file, or None for other names."""
        return PathFinder.find_spec(name, [str(HOME)]) if name in PACKAGES else None


def ready():
    """Let the four packages be found, whatever else has their names.

    A cell that is then run before the one it needs answers in a sentence.

    Raises
    ------
    ImportError
        Where one of the packages is missing here, or another project's files lie over it: what to
        do, in one sentence.
    """
    if damaged := [name for name in PACKAGES if not is_whole(name)]:
        raise ImportError(
            f"{' and '.join(damaged)} in {HOME} is not, or no longer, that of these notebooks; "
            "uninstall what has the same name and install the collection again"
        )
    if BesideThisFile not in sys.meta_path:
        strangers = {name: place for name in PACKAGES if (place := found_without_us(name))}
        sys.meta_path.insert(0, BesideThisFile)
        for name, place in strangers.items():
            forget(name)
            print(f"In this notebook, {name} is the package of the collection, not {place}.")
    explain_missing_names()


def is_whole(name):
    """Is the package beside this file, as it was installed if it was?"""
    start = HOME / name / "__init__.py"
    return start.is_file() and installed_hash(name) in (None, hash_of(start))


def installed_hash(name):
    """What the record of the installation has for this package; None where nothing was installed
    here.
    """
    for ours in importlib.metadata.distributions(
        name="backpropagation-notebooks", path=[str(HOME)]
    ):
        for file in ours.files or []:
            if file.as_posix() == f"{name}/__init__.py" and file.hash:
                return file.hash.value
    return None


def hash_of(path):
    """SHA-256 as a record of an installation writes it."""
    return urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")


def found_without_us(name):
    """A folder or file of somebody else that `import name` might take, or has taken; else None."""
    elsewhere = [folder for folder in sys.path if Path(folder).resolve() != HOME]
    loaded = getattr(sys.modules.get(name), "__spec__", None)
    spec = loaded or PathFinder.find_spec(name, elsewhere)
    if spec is None or spec.origin is None:
        return None  # nothing, or a mere folder of that name without Python in it
    place = Path(spec.origin).resolve()
    beside = place.parents[1] / "backpropagation_notebooks.py"  # here, or another edition
    return None if place.name == "__init__.py" and beside.exists() else place


def forget(name):
    """Let the next import of this package and its modules look for it anew."""
    for loaded in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[loaded]


def explain_missing_names():
    """Ask for an earlier cell in a sentence, not in a traceback."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "set_custom_exc"):  # the reading page has a smaller shell
        shell.set_custom_exc((NameError,), show_missing_name)


def show_missing_name(shell, kind, error, traceback, tb_offset=None):
    """Show a NameError: a sentence if a cell raised it, the usual traceback elsewhere."""
    last = traceback
    while last.tb_next:
        last = last.tb_next
    if last.tb_frame.f_globals is shell.user_ns and kind is NameError:
        above = "Run, Run All Above Selected Cell; then run this cell again"
        lines = [f"{error}. If an earlier cell makes it: {above}."]
    else:
        lines = shell.InteractiveTB.structured_traceback(
            kind, error, traceback, tb_offset=tb_offset
        )
    shell._showtraceback(kind, error, lines)  # noqa: SLF001, the one way that all kernels share
