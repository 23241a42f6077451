"""The first plugin of a run, by pyproject.toml: it makes the start of each process shorter."""

import sys

# nbformat would build 38 grammars, for addresses of the web that no schema of a notebook holds:
# more than a second. jsonschema does without the package where it is not installed.
sys.modules.setdefault("rfc3987_syntax", None)
