"""The examples of gradcheck/README.md print what they say, also where the folder has been copied
away alone."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "gradcheck"


def test_the_examples_print_what_they_say_with_the_folder_alone(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "gradcheck")
    blocks = re.findall(r"```(python)?\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    (tmp_path / "example.py").write_text("".join(code for language, code in blocks if language))
    ran = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True,
                         text=True, env={"PATH": ""})
    assert ran.stderr == ""
    assert ran.stdout.split() == " ".join(text for language, text in blocks if not language).split()
