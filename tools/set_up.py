"""Make the environment of the collection: `python tools/set_up.py [FOLDER]`, by default .venv.
`make lab` calls it once.

It needs Python 3.11 or newer and a network, no more. Packages are those of requirements.lock, each
with its digest; uv installs them where it is there, pip otherwise. A second run renews what
changed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"


def main(folder):
    if sys.version_info < (3, 11):  # noqa: UP036, whoever starts it may have an older one
        sys.exit(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; "
            "if there is a newer one, name it: make PYTHON=python3.12, or py -3.12"
        )
    uv = shutil.which("uv")
    print(
        f"Setting up {folder}: once, {'half a minute' if uv else 'one to two minutes'}.", flush=True
    )
    python = make_environment(folder)
    if uv:
        install = [uv, "pip", "install", "--quiet", "--python", python, "--compile-bytecode"]
        run([*install, "--require-hashes", "-r", LOCK])
    else:
        install_with_pip(python)
    # JupyterLab would ask to fetch news from the network.
    news = [
        "labextension",
        "disable",
        "--level=sys_prefix",
        "@jupyterlab/apputils-extension:announcements",
    ]
    run([python, "-m", "jupyter", *news], stderr=subprocess.DEVNULL)


def make_environment(folder):
    """The Python of a virtual environment in this folder."""
    done = subprocess.run(
        [sys.executable, "-m", "venv", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout.strip()}\n\nOn Debian and Ubuntu: apt install python3-venv")
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install_with_pip(python):
    """Install the lock; one line that is written anew tells how far it is, and a failure tells
    all.
    """
    total = sum("==" in line for line in LOCK.read_text(encoding="utf-8").splitlines())
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        LOCK,
    ]
    told, seen = [], 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            told.append(line)
            if line.startswith("Collecting"):
                seen += 1
                show_progress(f"{seen} of about {total} packages: {line.split()[1].split('==')[0]}")
            elif line.startswith("Installing"):
                show_progress("unpacking, the longest part")
    show_progress("")
    if process.returncode:
        sys.exit("".join(told[-40:]))


def show_progress(words):
    if sys.stdout.isatty():
        print(f"\r\033[K{words}", end="", flush=True)


def run(command, **options):
    done = subprocess.run(command, **options)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else ".venv"))
