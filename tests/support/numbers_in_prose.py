"""The numbers that a notebook says in words, and where each of them comes from.

A claim is a number in Markdown, in the title of a figure, in a takeaway or in an alternative text.
It has a source if a cell prints it, or shows it as an equation, or if it is a number of the code
that computes something. What only draws is no source, and neither is a claim another claim's.
"""

import ast
import re
from dataclasses import dataclass
from math import isclose

WORDS = {
    word: value
    for value, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen".split(), 2
    )
}
WORDS |= dict(fifteen=15, twenty=20, thirty=30, forty=40, fifty=50, hundred=100, thousand=1000)
WORDS |= dict(half=0.5, halves=0.5, quarter=0.25, twice=2)
SIGNS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "−": "-", "\u202f": " "}

NUMBER = re.compile(
    r"(?P<sign>(?<![\w)}\]])-)?"
    r"(?:(?P<top>\d+)/(?P<bottom>\d+)(?![\d.])"
    r"|(?P<ten>(?<![\d.])10)\^\{?(?P<power>-?\d+)\}?"
    r"|(?<![\w.])(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)(?P<exponent>e[-+]?\d+)?(?P<percent> ?\\?%)?)"
)
NAMES = re.compile(  # what carries a number as its name
    r"\((?:[\w ]+ )?\d\.\d+(?:[,;] \(?\d\.\d+\)?)*\)|\(\d\.\d+\)"
    r"|\b(?:notebook|section|issue|report|exercise|erratum|figure|line|layer|chapter|page)s?[ "
    r"\u00a0]\d[\d.]*"
    r"|\[\d[^\]]*\]\([^)]*\)|§ ?\d+"
    r"|^#+ \d+\. |\*\*\d\.\d+ [^*]*\*\*|^\d+\. ",
    re.MULTILINE | re.IGNORECASE,
)
DRAWING = {"figures", "fig", "ax", "left", "right"}


@dataclass(frozen=True)
class Claim:
    """A number as it stands: `text`, its value, the unit of its last digit, and where it stands."""

    text: str
    value: float
    unit: float
    place: str

    def comes_from(self, source):
        """Is it the number `source`, rounded to the digits that are said?"""
        wanted = abs(source) if self.value >= 0 else -source
        value = abs(self.value)
        if isclose(wanted, value, rel_tol=1e-9, abs_tol=1e-300):
            return True
        rounds = self.unit < 1 or value >= 10
        return rounds and wanted != round(wanted) and abs(wanted - value) <= self.unit * 0.500001


def numbers(text, place=""):
    """Every number of a text, also as a fraction, a power of ten, a percentage or a word."""
    for sign, plain in SIGNS.items():
        text = text.replace(sign, plain)
    text = re.sub(r"\\[dt]?frac\{?(\d+)\}?\{?(\d+)\}?", r" \1/\2 ", text)
    text = re.sub(r"\\[dt]?frac(\d)(\d)", r" \1/\2 ", text)
    text = re.sub(r"(?<!10)\^(\{[^{}]*\}|\w)|_(\{[^{}]*\}|\w)", " ", text)  # powers and indices
    text = re.sub(r"-\s+(?=\d+/\d)", "-", text)
    found = [_claim(match, place) for match in NUMBER.finditer(text)]
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in WORDS:
            found.append(Claim(word, WORDS[word], min(1, WORDS[word]), place))
    return found


def _claim(match, place):
    sign = -1 if match["sign"] else 1
    if match["top"]:
        top, bottom = int(match["top"]), int(match["bottom"] or 1)
        return Claim(match[0], sign * top / bottom if bottom else 0.0, 1e-12, place)
    if match["ten"]:
        return Claim(match[0], 10.0 ** int(match["power"]), 1e-300, place)
    digits, scale = match["digits"].replace(",", ""), float("1" + (match["exponent"] or ""))
    scale /= 100 if match["percent"] else 1
    decimals = len(digits.partition(".")[2])
    return Claim(match[0].strip(), sign * float(digits) * scale, 10.0**-decimals * scale, place)


def claims(notebook):
    """All numbers that the notebook says, in the order of its cells."""
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] == "markdown":
            yield from numbers(_prose("".join(cell["source"])), f"cell {number}")
        elif cell["cell_type"] == "code":
            for kind, words in _said_by_figures("".join(cell["source"])):
                yield from numbers(words, f"cell {number}, {kind}")


def _prose(markdown):
    """The words of a Markdown cell: no code, no addresses, no numbers that are names."""
    markdown = re.sub(r"^(```|~~~).*?^\1", " ", markdown, flags=re.DOTALL | re.MULTILINE)
    markdown = re.sub(r"`[^`\n]+`", " code ", markdown)
    markdown = NAMES.sub(" ", markdown)
    return re.sub(r"\]\([^)]*\)|<[^>\n]+>|https?://\S+", " ", markdown)


def _said_by_figures(source):
    """(kind, text) of the titles, takeaways and alternative texts; computed parts are left out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [(word.arg, word.value) for word in node.keywords]
            given += [("title", node.args[0])] if name == "set_title" and node.args else []
            for kind, value in given:
                if kind in ("title", "takeaway", "alt"):
                    yield kind, " ".join(
                        part.value for part in ast.walk(value)
                        if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    )


def sources(notebook):
    """Every number that a cell prints, shows or computes with; a folded answer is such a cell."""
    found = set()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            for answer in re.findall(r"```python\n(.*?)```", "".join(cell["source"]), re.DOTALL):
                found |= _computed_with(answer)
        if cell["cell_type"] == "code":
            found |= _computed_with("".join(cell["source"]))
            for output in cell["outputs"]:
                found |= {claim.value for claim in numbers(_printed(output))}
    return found


def _printed(output):
    """The text of an output, but not the words of a picture."""
    if output["output_type"] == "stream":
        return "".join(output["text"])
    data = output.get("data", {})
    if "image/png" in data or "<details>" in "".join(data.get("text/markdown", "")):
        return ""
    return "".join(data.get("text/plain", ""))


def _computed_with(source):
    """The numbers of a cell's code, without those that say where and how something is drawn."""
    found = set()

    def visit(node):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in DRAWING and node.func.attr != "explore":
                return
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            found.update(claim.value for claim in numbers(ast.unparse(node)))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            found.add(float(node.value))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            found.update(claim.value for claim in numbers(ast.unparse(node)))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(source))
    return found


def without_source(notebook):
    """The claims that come from nowhere."""
    known = sources(notebook)
    return [claim for claim in claims(notebook) if not any(map(claim.comes_from, known))]
