"""What a cell says, to compare a run in the browser with what is stored."""

import re

from conftest import text

# Whether a claim about speed holds depends on what else the machine does; that it is printed does
# not.
SPEED = re.compile(r"(less than [\d.]+ s|processor time|times as long): +(True|False)")


def words(cell):
    """Its printed text and every output but pictures and widgets, in order."""
    printed, shown = "", []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            printed += text(output["text"])
        else:
            data = output.get("data", {})
            shown.append(
                {
                    kind: text(data[kind])
                    for kind in ("text/plain", "text/markdown", "text/latex")
                    if kind in data
                }
            )
    return SPEED.sub(r"\1", printed), shown


def pictures(cell):
    return sum("image/png" in output.get("data", {}) for output in cell["outputs"])
