"""Execution keeps what a cell printed elsewhere, where this machine lacks the library that the cell
is about."""

import nbformat
import pytest
from execute_notebooks import execute

SENTENCE = "print('Torch is not installed here.')"
IGNORED = ["nbval-ignore-output"]


@pytest.mark.again
def test_only_a_tagged_cell_that_says_what_it_lacks_keeps_its_output(tmp_path):
    before = nbformat.v4.new_output("stream", name="stdout", text="42\n")
    cells = [nbformat.v4.new_code_cell(source, outputs=[before], metadata={"tags": tags})
             for source, tags in ((SENTENCE, IGNORED), (SENTENCE, []), ("print('new')", IGNORED))]
    execute(nbformat.v4.new_notebook(cells=cells), tmp_path)
    assert [cell.outputs == [before] for cell in cells] == [True, False, False]
    assert [cell.execution_count for cell in cells] == [1, 2, 3]
