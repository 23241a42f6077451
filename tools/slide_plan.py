"""Which cells of a notebook stand on which slide: it follows from the cells, and is worked out when
a deck is built.

A section begins a column of slides. Within it a slide takes as many cells as fill one screen, and a
text stays with the equation, figure or result that follows it. Contents, set-up, exercises and code
that shows nothing stay in the notebook.
"""

import re
from collections import namedtuple
from math import ceil

SLIDE, BELOW, CONTINUED, SKIPPED = "slide", "subslide", "-", "skip"
UNSHOWN_SECTIONS = {
    "Exercises",
    "New notation",
    "All 27 at a glance",
}  # the last is a table of more than a screen
LONGEST_CODE = 10  # lines; longer code stays in the notebook

SCREEN = 16.5  # lines of text that fill one slide; the rest is measured in such lines
# an introduction of a few lines stays with what it introduces, even if that is then drawn smaller
CROWDED = 1.25
FEW = 4.0
WIDTH, CODE_WIDTH, TABLE_WIDTH = 76, 86, 96  # letters in a line
CODE_LINE, EQUATION, FRACTION, SUM, TABLE_ROW, HEADING, GAP = 0.76, 1.3, 2.3, 2.9, 1.2, 2.4, 0.5
PICTURE = 11.5  # the highest picture


END_OF_ROW = re.compile(
    r"\\\\\[\dpt\]\s*"
)  # of a column of equations; an inner array ends its rows without a distance
Part = namedtuple(
    "Part", "kind content room"
)  # kind: markdown, picture, code, printed; content: the text, or a picture's output


def kinds(cells):
    """[SLIDE, BELOW, CONTINUED or SKIPPED, …] for the cells of a notebook, given as its JSON."""
    kinds = []
    rooms, section, filled = (
        [[sum(part.room for part in slide) for slide in slides(cell)] for cell in cells],
        None,
        0.0,
    )
    for number, cell in enumerate(cells):
        begins, section = heading(cell) is not None, heading(cell) or section
        if section in UNSHOWN_SECTIONS or not rooms[number]:
            kind = SKIPPED
        elif begins:
            kind = SLIDE
        else:
            with_next = companion(cells, rooms, number) if cell["cell_type"] == "markdown" else 0.0
            limit = SCREEN * (CROWDED if filled <= FEW and not with_next else 1.0)
            kind = CONTINUED if filled + rooms[number][0] + with_next <= limit else BELOW
        if kind != SKIPPED:
            filled = rooms[number][-1] + (
                filled if kind == CONTINUED and len(rooms[number]) == 1 else 0.0
            )
        kinds.append(kind)
    return kinds


def companion(cells, rooms, number):
    """The room of what a text introduces: the next cell that is shown, unless that is a text
    itself.
    """
    following = next((n for n in range(number + 1, len(cells)) if rooms[n]), number)
    return rooms[following][0] if cells[following]["cell_type"] == "code" else 0.0


def heading(cell):
    """The section that a cell begins, without its number; None if it begins none."""
    found = (
        re.match(r"#{1,2} (?:\d+\. )?(.+)", text(cell["source"]).lstrip())
        if cell["cell_type"] == "markdown"
        else None
    )
    return found and found[1].strip()


# ---------------------------------------------------------------- what a deck shows of a cell


def slides(cell):
    """[[Part, …], …]: what a cell adds to its slide, and what to each further slide that it needs;
    [] if it is not shown.
    """
    shown = []
    for part in parts(cell):
        if not shown or sum(other.room for other in shown[-1]) + part.room > SCREEN:
            shown.append([])
        shown[-1].append(part)
    return shown


def parts(cell):
    """Its text; or its short code with what that prints; or its equations and pictures alone."""
    source = text(cell["source"])
    if cell["cell_type"] == "markdown" and not source.lstrip().startswith("**Contents**"):
        yield Part("markdown", without_details(source), markdown_room(source))
    if cell["cell_type"] != "code":
        return
    outputs = [output for output in cell["outputs"] if words(output)]
    rich = any({"image/png", "text/markdown"} & output.get("data", {}).keys() for output in outputs)
    builds = re.search(r"^(def|class) ", source, flags=re.MULTILINE)
    if source.count("\n") < LONGEST_CODE and not rich and (outputs or builds):
        yield Part("code", source, printed_room(source))
    for output in outputs:
        yield from output_parts(output)


def output_parts(output):
    if "image/png" in output.get("data", {}):
        yield Part("picture", output, PICTURE)
    elif "text/markdown" in output.get("data", {}):
        for piece in equation_pieces(words(output)):
            yield Part("markdown", piece, markdown_room(piece))
    else:
        for piece in chunks(words(output).splitlines(), printed_room, "\n".join):
            yield Part("printed", piece, printed_room(piece))


def text(value):
    return "".join(value) if isinstance(value, list) else value


def words(output):
    """What an output says."""
    data = output.get("data", {})
    return without_details(
        text(data.get("text/markdown") or data.get("text/plain") or output.get("text", ""))
    )


def without_details(markdown):
    """Folded parts are for the page: nobody unfolds them in a lecture."""
    return re.sub(r"<details>.*?</details>", "", markdown, flags=re.DOTALL).strip()


def equation_pieces(markdown):
    """The Markdown, cut if it is one column of equations that would not fit one slide."""
    column = re.fullmatch(
        r"\$\$\s*\\begin\{aligned\}\s*(.*?)\s*\\end\{aligned\}\s*\$\$", markdown, flags=re.DOTALL
    )
    return chunks(END_OF_ROW.split(column[1]), markdown_room, column_of) if column else [markdown]


def column_of(rows):
    return "\n".join(["$$", r"\begin{aligned}", "\\\\[5pt]\n".join(rows), r"\end{aligned}", "$$"])


def chunks(lines, measure, join):
    """The lines in as many parts as slides need, of about the same size."""
    count = ceil(measure(join(lines)) / SCREEN)
    size = ceil(len(lines) / count)
    return [join(lines[start : start + size]) for start in range(0, len(lines), size)]


# ---------------------------------------------------------------- how much room that takes


def printed_room(printed):
    return GAP + CODE_LINE * sum(
        max(1, ceil(len(line) / CODE_WIDTH)) for line in printed.splitlines()
    )


def markdown_room(markdown):
    lines = END_OF_ROW.sub("\n", without_details(markdown)).splitlines()
    inside, total = False, 0.0
    for line in lines:
        inside ^= line.strip() == "$$"
        total += line_room(line.strip(), inside)
    return total


def line_room(line, inside_equation):
    if not line or line == "$$" or set(line) <= set("|-: "):
        return GAP
    if inside_equation:
        return equation_room(line)
    if line.startswith("#"):
        return HEADING
    if line.startswith("|"):
        return TABLE_ROW * max(line.count("<br") + 1, ceil(len(seen(line)) / TABLE_WIDTH))
    return float(ceil(len(seen(line)) / WIDTH))


def seen(line):
    """The line with as many letters as a reader sees, roughly: marks dropped, formulas shorter than
    their LaTeX.
    """
    line = re.sub(r"<[^>]*>|\*|\]\([^)]*\)", "", line)
    return re.sub(
        r"\$([^$]*)\$",
        lambda formula: "x" * len(re.sub(r"\\[a-z]+|[{}^_ ]", "", formula[1] + "xx")),
        line,
    )


def equation_room(row):
    if row.startswith((r"\begin{aligned}", r"\end{aligned}")):
        return 0.0
    return SUM if r"\sum" in row else FRACTION if r"\frac" in row else EQUATION
