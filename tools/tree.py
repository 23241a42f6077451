"""A copy of the tree, for tools that run the tests on something changed."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv*", "public", "__pycache__",
                                     ".ipynb_checkpoints", ".*_cache", "*.egg-info")


def copy_of_the_tree(folder):
    shutil.copytree(ROOT, folder, ignore=LEFT_BEHIND, dirs_exist_ok=True)
