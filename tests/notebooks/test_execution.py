"""Execution keeps what a cell printed elsewhere, where this machine lacks the library that the cell
is about."""

import nbformat
import pytest
from execute_notebooks import execute

SENTENCE = "print('Torch is not installed here.')"


@pytest.mark.parametrize("source, tags, kept", [
    (SENTENCE, ["nbval-ignore-output"], True),
    (SENTENCE, [], False),
    ("print('new')", ["nbval-ignore-output"], False),
])
def test_only_a_tagged_cell_that_says_what_it_lacks_keeps_its_output(tmp_path, source, tags, kept):
    before = nbformat.v4.new_output("stream", name="stdout", text="42\n")
    cell = nbformat.v4.new_code_cell(source, outputs=[before], metadata={"tags": tags})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    execute(notebook, tmp_path)
    assert (cell.outputs == [before]) == kept and cell.execution_count == 1
