"""Packages in one piece: modules as bytecode that is run where it lies, the rest as files.

A wheel would be unpacked file by file first, and each module then looked for on every path.
"""

import importlib
import importlib.util
import marshal
import sys
import zlib
from importlib.machinery import ModuleSpec
from pathlib import Path
from sysconfig import get_path

PLACE = Path(get_path("purelib"))
GZIP = 31  # zlib's window for a gzip header


class Bundle:
    """Finds and runs the modules {name: (is it a package, its path, its code)}."""

    def __init__(self, modules):
        self.modules = modules

    def find_spec(self, name, path=None, target=None):
        if name not in self.modules:
            return None
        is_package, place, _ = self.modules[name]
        spec = ModuleSpec(name, self, origin=str(PLACE / place), is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations.append(str((PLACE / place).parent))
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        code = self.modules[module.__name__][2]
        if code:  # a namespace has none
            exec(marshal.loads(code), module.__dict__)


class Later:
    """Opens a bundle, which `fetch` brings, when one of its top modules is first imported."""

    def __init__(self, tops, fetch):
        self.tops, self.fetch = tops, fetch

    def find_spec(self, name, path=None, target=None):
        if self not in sys.meta_path or name.partition(".")[0] not in self.tops:
            return None
        sys.meta_path.remove(self)
        open_bundle(self.fetch())
        return importlib.util.find_spec(name)


class Lazy:
    """Modules that are run when something of them is first used, and not when they are imported."""

    def __init__(self, names):
        self.names = set(names)

    def find_spec(self, name, path=None, target=None):
        if name not in self.names:
            return None
        self.names.remove(name)
        spec = importlib.util.find_spec(name)
        spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


def open_bundle(packed):
    """Put the files of a bundle where packages are installed, and its modules in reach."""
    modules, files = marshal.loads(zlib.decompress(packed, GZIP))
    for name, content in files.items():
        path = PLACE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    importlib.invalidate_caches()
    sys.meta_path.insert(0, Bundle(modules))


def open_later(tops, fetch, lazy):
    sys.meta_path[:0] = [Lazy(lazy), Later(set(tops), fetch)]
