"""Environments of their own for the long tests: made anew, with what a host or a reader would
have.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(folder, *requirements):
    """The bin folder of a virtual environment with these packages and nothing of ours."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    if requirements:
        run(
            folder / "bin",
            "python -m pip install -q --disable-pip-version-check "
            + " ".join(map(str, requirements)),
            folder,
        )
    return folder / "bin"


def run(bin_folder, command, folder, **environ):
    """What a shell command prints, with this environment's programs first; fails if the command
    does.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "MPLBACKEND")
    }
    environ = {**inherited, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", **environ}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}"
    return done.stdout


def copy_of_the_repository(folder):
    """The files that git knows, as a clone or a download has them."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def archive(source, path):
    """A zip of a folder, with one folder around all, as GitHub makes it of a branch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as zipped:
        for file in sorted(source.rglob("*")):
            if file.is_file():
                zipped.write(file, Path("repository-main") / file.relative_to(source))
    return path
