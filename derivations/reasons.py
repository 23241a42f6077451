"""The words beside a line: text with `$...$` as mathematics, in LaTeX and in plain text."""

import re
import unicodedata

from derivations.printing import GREEK, MARKS, plain

REASON_WIDTH = 34  # characters of a reason before it wraps
SUMS = {"Σ": r"\sum", "Π": r"\prod"}
SIGNS = {name: sign for sign, names in {
    "Σ": "sum", "Π": "prod", "∫": "int", "∂": "partial", "∇": "nabla", "∞": "infty", "ℓ": "ell",
    "·": "cdot", "×": "times", "⊙": "odot", "∘": "circ", "±": "pm", "∓": "mp", "÷": "div",
    "≤": "leq le", "≥": "geq ge", "≠": "neq ne", "≈": "approx", "~": "sim", "≡": "equiv",
    "∝": "propto", "≪": "ll", "≫": "gg", "∈": "in", "∉": "notin", "∀": "forall",
    "→": "to rightarrow", "←": "leftarrow", "↦": "mapsto", "⇒": "Rightarrow implies", "⇔": "iff",
    "ᵀ": "top", "'": "prime", "…": "dots ldots cdots", "⟨": "langle", "⟩": "rangle",
    "‖": "lVert rVert Vert |", "|": "vert mid", ":": "colon", "∖": "setminus", "∪": "cup",
    "∩": "cap", "⊂": "subset", "": "! displaystyle textstyle small limits",
    " ": ", ; : quad qquad \\"}.items() for name in names.split()}
SIGNS |= {" ": " ", "": ""}
WRAPPERS = set("mathbf text mathrm mathbb mathcal operatorname boldsymbol textbf emph "
               "left right bigl bigr Bigl Bigr big Big".split())  # they show what comes next
AFTER_POWER, AFTER_INDEX = "\0", "\1"  # a blank, where the next letter would join them
ONE = re.compile(r"-?∂?[²³]?(\d[\d.]*|[^\W\d_][\u0300-\u036f]*([_'²³^]\w*)*)|\([^()]*\)|[^\w\s]")
ACCENTS = {**MARKS, "overline": MARKS["bar"], "widehat": MARKS["hat"],
           "widetilde": MARKS["tilde"], "vec": "\u20d7", "dot": "\u0307"}  # fmt: skip


def reason_plain(reason):
    r"""A reason as plain text.

    >>> reason_plain(r"the 2 meets the $\frac12$; $\hat y_{ik}\,\eta^2$ stays")
    'the 2 meets the 1/2; ŷ_ik η² stays'
    """
    return "".join(_spoken(part.strip("$")) if "$" in part or "\\" in part else part
                   for part in re.split(r"(\$[^$]*\$)", reason.replace(r"\$", "＄"))
                   ).replace("＄", "$")


def _spoken(latex):
    tokens = iter(re.findall(r"\\[a-zA-Z]+|\\.|[^\\]|\\", latex, re.DOTALL))
    text = re.sub(r"\^\(?ᵀ\)?", "ᵀ", _up_to_brace(tokens))
    text = re.sub(rf"{AFTER_POWER}(?=[(√])|[{AFTER_POWER}{AFTER_INDEX}](?=[^\W_²³ᵀ])", " ", text)
    text = re.sub(f"[{AFTER_POWER}{AFTER_INDEX}]", "", text)
    text = re.sub(r"([ΣΠ])_\{([^{}]*)\}\^(\w+|\([^()]*\)) ?", r"\1_{\2..\3} ", text)
    text = re.sub(r" *([·×⊙∘±∓÷≤≥≠≈≡∝≪≫∈∉→←↦⇒⇔]) *", r" \1 ", text)
    return re.sub(r" (?=[,;.)])| $", "", text)


def _up_to_brace(tokens):
    shown, after_word = "", False
    for token in tokens:
        if token == "}":
            break
        text = _token(token, tokens)
        is_word = token[0] == "\\" and text.isalpha() and text.isascii()
        if after_word and token == "{":  # \log{u}
            text = f"({text})"
        shown += f" {text}" if is_word and shown[-1:].isalnum() else text
        after_word = is_word and token[1:] not in WRAPPERS
    return re.sub(rf"([∂∇][²³]?){AFTER_POWER}? +", r"\1", re.sub(" +", " ", shown))


def _token(token, tokens):
    name = token[1:] if token[0] == "\\" else None
    if token == "{":
        return _up_to_brace(tokens)
    if token == "^":
        return plain.power("", _bracketed(_argument(tokens))) + AFTER_POWER
    if token == "_":
        return plain.subscript("", _argument(tokens)) + AFTER_INDEX
    if name in ("frac", "tfrac", "dfrac"):
        above, below = _bracketed(_argument(tokens)), _bracketed(_argument(tokens))
        return f"{plain.fraction(above, below)} "
    if name == "sqrt":
        return f"√({_argument(tokens)})"
    if name in ACCENTS:
        return unicodedata.normalize("NFC", _argument(tokens) + ACCENTS[name])
    if name in WRAPPERS:
        return _argument(tokens)
    return token if name is None else SIGNS.get(name, GREEK.get(name, name))


def _argument(tokens):
    """What a command takes: a group in braces, or the next letter."""
    token = next((t for t in tokens if not t.isspace()), "")
    return _token(token, tokens).strip(f" {AFTER_POWER}{AFTER_INDEX}") if token else ""


def _bracketed(text):
    """In brackets unless it is one number or letter, so that u + s and 2n stay together."""
    return text if ONE.fullmatch(text) else f"({text})"


def reason_tex(reason):
    """A reason as LaTeX, wrapped so that a line stays on a narrow page."""
    lines = [_line_tex(line) for line in wrapped(reason)]
    return r"\quad\small \begin{array}{l}" + r" \\ ".join(lines) + r"\end{array}"


def verdict_tex(verdict):
    r"""A verdict beside an equation: in one line of \text, or wrapped as a reason is.

    An underscore stands in a formula alone: L_i is $L_{i}$, and a sum has its sign.
    """
    verdict = re.sub(r"([ΣΠ])_\{(\w+)=([^.}]+)\.\.([^}]+)\}", lambda f: (
        rf"${SUMS[f[1]]}_{{{f[2]}={f[3]}}}^{{{f[4]}}}$"), verdict)
    verdict = re.sub(r"\b(\w+?)_(\w+)", r"$\1_{\2}$", verdict)
    is_long = len(wrapped(verdict)) > 1
    return reason_tex(verdict) if is_long else rf"\quad\small \text{{{verdict}}}"


def wrapped(reason):
    """Wrap at blanks outside of mathematics; a formula counts as its letters, without commands."""
    lines, width = [[]], 0
    for word in re.findall(r"(?:\$[^$]*\$|[^\s$])+", reason):
        length = len(re.sub(r"\\[a-zA-Z]+|[${}_^]", "", word)) + 1
        if width and width + length > REASON_WIDTH:
            lines, width = [*lines, []], 0
        lines[-1].append(word)
        width += length
    return [" ".join(words) for words in lines]


def _line_tex(text):
    parts = re.split(r"(\$[^$]*\$)", text)
    return " ".join(p.strip("$") if p[0] == "$" else rf"\text{{{p}}}" for p in parts if p)
