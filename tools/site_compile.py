"""Python archives as the browser wants them: compiled once, without what no page needs, the same
bytes each time.

Pyodide's standard library and all wheels hold source alone, which every visitor's browser would
compile at every start.
"""

import fnmatch
import gzip
import io
import json
import marshal
import re
import shutil
import subprocess
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"
CACHE = ROOT / ".cache" / "site" / "compiled"
COMPILER, LEFT_OUT = SITE / "compile.mjs", SITE / "leave-out.txt"
BUNDLES = "bundles.json"  # what the reading pages load
PYC_HEADER = 16  # bytes before the code
UNREAD = re.compile(r"\.dist-info/(?!METADATA)|/$")  # of a wheel that is not installed by pip
FONTS, FONT_LIST = "matplotlib/mpl-data/fonts/ttf/", "matplotlib/fontlist.json"


def compile_archives(folder, archives, own=()):
    """{name: bytes}: each archive {name: bytes}, compiled by the Pyodide in `folder`; those named
    in `own` keep their source.
    """
    recipe = sha256(COMPILER.read_bytes() + (folder / "pyodide.asm.wasm").read_bytes()).hexdigest()
    trimmed = {name: trim(name, content) for name, content in archives.items()}
    places = {
        name: CACHE / sha256(recipe.encode() + (name in own).to_bytes() + content).hexdigest()
        for name, content in trimmed.items()
    }
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        jobs = []
        for name, place in places.items():
            if not place.exists():
                source = Path(work) / name
                source.write_bytes(trimmed[name])
                job = {"from": str(source), "to": f"{source}.out", "place": str(place)}
                jobs.append(job | {"keep_source": name in own})
        run_jobs(folder, jobs, Path(work))
    return {name: place.read_bytes() for name, place in places.items()}


def run_jobs(folder, jobs, work):
    """Two compilers beside each other, which share the work by its size."""
    jobs = sorted(jobs, key=lambda job: Path(job["from"]).stat().st_size, reverse=True)
    running = []
    for number, share in enumerate(filter(None, [jobs[::2], jobs[1::2]])):
        file = work / f"jobs-{number}.json"
        file.write_text(json.dumps(share), encoding="utf-8")
        running.append(subprocess.Popen(["node", COMPILER, folder.resolve(), file]))
    if any([process.wait() for process in running]):
        raise SystemExit("the packages for the browser cannot be compiled")
    for job in jobs:
        shutil.move(job["to"], job["place"])


def trim(name, content, patterns=None):
    """The archive without the files that site/leave-out.txt names, as a zip file that depends on
    nothing else.
    """
    patterns = left_out(name) if patterns is None else patterns
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        kept = [
            path
            for path in old.namelist()
            if not any(fnmatch.fnmatch(path, pattern) for pattern in patterns)
        ]
        for path in sorted(kept):
            inside = old.read(path)
            if path == FONT_LIST:
                inside = known_fonts(inside, kept)
            new.writestr(zipfile.ZipInfo(path), inside)
    return buffer.getvalue()


def left_out(name):
    lines = (
        line.split()
        for line in LEFT_OUT.read_text(encoding="utf-8").splitlines()
        if line and line[0] != "#"
    )
    return [pattern for archive, pattern in lines if fnmatch.fnmatch(name, archive)]


def known_fonts(listing, kept):
    """Matplotlib's list of fonts, with those alone that are there: it would look for the others."""
    fonts = json.loads(listing)
    fonts["ttflist"] = [
        font for font in fonts["ttflist"] if FONTS + font["fname"].rpartition("/")[2] in kept
    ]
    fonts["afmlist"] = []
    return json.dumps(fonts).encode()


def named_by_content(name, content):
    """The name of a wheel with a build number that follows from its content: no browser can use an
    old one for it.
    """
    distribution, version, *_, python, abi, platform = name.removesuffix(".whl").split("-")
    build = f"0{sha256(content).hexdigest()[:12]}"
    return f"{distribution}-{version}-{build}-{python}-{abi}-{platform}.whl"


def bundle(archives):
    """Wheels in one piece for site/kernel/bundle.py: modules without source as bytecode, the rest
    as files.
    """
    modules, files = {}, {}
    for content in archives:
        with zipfile.ZipFile(io.BytesIO(content)) as wheel:
            for path in wheel.namelist():
                inside = wheel.read(path)
                if path.endswith(".pyc") and "__pycache__" not in path:
                    name = path.removesuffix(".pyc").removesuffix("/__init__")
                    is_package = path.endswith("/__init__.pyc")
                    modules[name.replace("/", ".")] = (is_package, path, inside[PYC_HEADER:])
                elif not UNREAD.search(path):
                    files[path] = inside
    for name in sorted({each.rpartition(".")[0] for each in modules} - set(modules) - {""}):
        modules[name] = (True, f"{name.replace('.', '/')}/__init__.pyc", b"")  # a namespace
    return gzip.compress(marshal.dumps((modules, files), 2), 9, mtime=0)


def modules(content):
    """The top modules of a wheel.

    >>> buffer = io.BytesIO()
    >>> with zipfile.ZipFile(buffer, "w") as wheel:
    ...     wheel.writestr("gradcheck/check.py", "")
    >>> modules(buffer.getvalue())
    ['gradcheck']
    """
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        names = {
            re.split(r"[/.]", path)[0]
            for path in wheel.namelist()
            if path.endswith((".py", ".pyc", ".so"))
        }
    return sorted(names)
