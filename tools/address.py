"""Say once where the collection is published.

    python tools/address.py https://github.com/NAME/REPOSITORY

pyproject.toml holds the address; every file of the repository that has it is rewritten, the
notebooks' first cell too.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# As GitHub allows it. The name before anybody publishes has an underscore: nobody can own it.
ADDRESS = re.compile(r"https://github\.com/[A-Za-z0-9](?:-?[A-Za-z0-9])*/[\w.-]+")


def address():
    """Where the collection is published: the one place that says so is pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"]


def spellings(address):
    """What follows from the address: NAME/REPOSITORY, the site on GitHub Pages, and so on."""
    owner, repository = address.removeprefix("https://github.com/").split("/")
    whole = [f"{owner}/{repository}", f"{owner}%2F{repository}", f"{owner}.github.io/{repository}"]
    return [*whole, f"cd {repository}", f"tree%2F{repository}%2F"]


def rewrite(text, old, new):
    """The text with every spelling of the old address in that of the new one."""
    for before, after in zip(spellings(old), spellings(new), strict=True):
        text = text.replace(before, after)
    return text


def main(new):
    if not ADDRESS.fullmatch(new):
        sys.exit(f"expected https://github.com/NAME/REPOSITORY, not {new}")
    old = address()
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for path in (
        ROOT / name for name in names.split("\0") if name.split("/")[0] not in ("", "tests")
    ):
        content = path.read_bytes()
        if old.removeprefix("https://github.com/").split("/")[0].encode() in content:
            path.write_bytes(rewrite(content.decode("utf-8"), old, new).encode("utf-8"))
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
