"""Build wheels and sdists: `python tools/build_wheels.py FOLDER`, as `make wheel` does.

The collection is one distribution with all packages and data. The two packages that import none of
ours are built alone as well, from a copy with a pyproject.toml of its own, so that somebody can
have the proving engine or the gradient check without lessons. Nothing is written into the
repository but FOLDER.
"""

import ast
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ALONE = {"derivations": ["numpy>=2.0", "sympy>=1.13", "ipython>=7.34"], "gradcheck": ["numpy>=2.0"]}
PYPROJECT = """\
[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"
description = "{summary}"
readme = "README.md"
license = {{ text = "MIT" }}
requires-python = "{python}"
dependencies = {needs}

[project.urls]
Repository = "{address}"

[tool.setuptools]
packages = ["{name}"]
"""


def stage_collection(folder):
    """A copy of what the collection's distribution is made from."""
    for name in [
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "LICENSE-text",
        "backpropagation_notebooks.py",
    ]:
        shutil.copy(ROOT / name, folder)
    without = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
    for name in ["derivations", "exercises", "gradcheck", "helpers"]:
        shutil.copytree(ROOT / name, folder / name, ignore=without)
    shutil.copytree(ROOT / "notebooks" / "data", folder / "notebooks" / "data", ignore=without)
    readme = folder / "README.md"  # its links and pictures are those of the repository
    readme.write_text(absolute_links(readme.read_text(encoding="utf-8")), encoding="utf-8")


def absolute_links(markdown):
    """The README for a page of a package index, where relative links lead nowhere."""
    address = PROJECT["urls"]["Repository"]
    for beginning in ["docs/", "notebooks/", "CONTRIBUTING", "CHANGELOG", "CITATION", "LICENSE"]:
        markdown = markdown.replace(f"]({beginning}", f"]({address}/blob/main/{beginning}")
    return markdown.replace("](../../actions", f"]({address}/actions")


def stage_alone(name, folder):
    """A copy of one package that is a project of its own; its docstring is its README."""
    shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    words = ast.get_docstring(ast.parse((ROOT / name / "__init__.py").read_text(encoding="utf-8")))
    project = {
        "name": name,
        "version": PROJECT["version"],
        "python": PROJECT["requires-python"],
        "summary": words.splitlines()[0],
        "needs": ALONE[name],
        "address": PROJECT["urls"]["Repository"],
    }
    (folder / "pyproject.toml").write_text(PYPROJECT.format(**project), encoding="utf-8")
    (folder / "README.md").write_text(f"# {name}\n\n{words}\n", encoding="utf-8")
    shutil.copy(ROOT / "LICENSE", folder)


def build(stage, out):
    """One wheel and one sdist into the folder, from a copy that `stage` fills."""
    with tempfile.TemporaryDirectory() as name:
        stage(Path(name))
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, name]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(done.stdout)


def main(out):
    build(stage_collection, out)
    for name in ALONE:
        build(lambda folder, name=name: stage_alone(name, folder), out)
    for path in sorted(out.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve())
