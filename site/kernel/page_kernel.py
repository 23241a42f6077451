"""Runs the cells of a reading page in Pyodide, and tells the page what they show, in the words of
Jupyter's messages.
"""

import ast
import base64
import builtins
import gc
import html
import importlib
import io
import linecache
import re
import sys
import traceback
from contextlib import contextmanager, redirect_stdout

WIDGET_VIEW, WIDGET = "application/vnd.jupyter.widget-view+json", "application/x-page-widget"
FORMS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_latex_": "text/latex",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
}
MAGIC = re.compile(r"^\s*(%matplotlib\b.*|%config\b.*)$", re.MULTILINE)


class Stream(io.TextIOBase):
    """What is printed, told to the page as it comes."""

    def __init__(self, name):
        self.stream = name

    def write(self, text):
        if text:
            kernel.tell("stream", name=self.stream, text=str(text))
        return len(text)


class Caught(io.StringIO):
    def as_html(self):
        return f"<pre>{html.escape(self.getvalue())}</pre>"


class Kernel:
    """One namespace, and a way to the page: `send`, a function of a message {kind: …}."""

    def __init__(self):
        self.send = print
        self.count = 0
        self.namespace = sys.modules["__main__"].__dict__
        self.user_ns = self.namespace

    def tell(self, kind, **message):
        self.send({"kind": kind, **message})

    # What a cell shows

    def forms(self, thing):
        """({MIME type: data}, metadata) of an object, as IPython's formatters give them."""
        from IPython.lib.pretty import pretty

        data, about = {"text/plain": pretty(thing)}, {}
        if isinstance(thing, type):
            return data, about
        bundle = getattr(thing, "_repr_mimebundle_", None)
        if bundle:
            more = bundle(include=None, exclude=None)
            more, about = more if isinstance(more, tuple) else (more, {})
            return data | more, about
        for method, mime in FORMS.items():
            form = getattr(thing, method, None)
            form = form() if form else None
            if form is not None:
                form, about[mime] = form if isinstance(form, tuple) else (form, {})
                data[mime] = base64.b64encode(form).decode() if isinstance(form, bytes) else form
        if is_figure(thing):
            data["image/png"], about["image/png"] = figure_png(thing), {}
        return data, {mime: more for mime, more in about.items() if more}

    def show(self, data, metadata):
        if WIDGET_VIEW in data:
            import ipywidgets

            data = data | {WIDGET: ipywidgets.described(data[WIDGET_VIEW]["model_id"])}
        self.tell("display", data=data, metadata=metadata)

    def show_result(self, value):
        if value is None:
            return
        self.namespace["_"] = value
        if hasattr(value, "_ipython_display_"):
            value._ipython_display_()
            return
        data, metadata = self.forms(value)
        if WIDGET_VIEW in data:
            self.show(data, metadata)
        else:
            self.tell("result", data=data, metadata=metadata)

    def show_open_figures(self):
        pyplot = sys.modules.get("matplotlib.pyplot")
        for number in pyplot.get_fignums() if pyplot else []:
            figure = pyplot.figure(number)
            self.show({"text/plain": repr(figure), "image/png": figure_png(figure)}, {})
        if pyplot:
            pyplot.close("all")

    # Running

    async def run(self, source):
        """Run one cell; True if nothing was raised."""
        from pyodide.code import eval_code_async

        self.count += 1
        name = f"<cell {self.count}>"
        source = MAGIC.sub("pass", source)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            self.show_result(await eval_code_async(source, self.namespace, filename=name))
            self.show_open_figures()
        except BaseException as error:  # a cell may exit, or be interrupted
            self.tell("error", ename=type(error).__name__, evalue=str(error), traceback=told(error))
            return False
        finally:
            sys.stdout.flush()
        return True

    @contextmanager
    def caught(self):
        with redirect_stdout(Caught()) as text:
            yield text


def told(error):
    """The traceback from the cell on: the frames of whoever runs it say nothing to its reader."""
    whole = traceback.TracebackException.from_exception(error)
    ours = [frame.filename.startswith("<cell") for frame in whole.stack]
    if True in ours:
        del whole.stack[: ours.index(True)]
    elif isinstance(error, SyntaxError):
        whole.stack.clear()
    return "".join(whole.format())


def is_figure(thing):
    figure = sys.modules.get("matplotlib.figure")
    return figure is not None and isinstance(thing, figure.Figure)


def figure_png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    return base64.b64encode(buffer.getvalue()).decode()


# ---------------------------------------------------------------- which cells a cell needs

NUMBER = re.compile(r"^(\d+\.\d+)$|\((\d+\.\d+)\)")  # number="1.4", or "by (1.4)"
HARMLESS = {"print", "display"}
SOURCES_OF_CHANCE = {"default_rng", "Generator", "RandomState"}


class Names(ast.NodeVisitor):
    """The names that a cell binds, uses (free: before it binds them), looks up late (in a function,
    when that is called), and may change without binding them; the equation numbers in its texts.
    """

    def __init__(self, source):
        self.bound, self.used, self.direct = set(), set(), set()
        self.late, self.function, self.local = {}, None, frozenset()
        self.changed, self.chance, self.numbers = set(), set(), set()
        self.imported, self.seeded = set(), set()
        self.free, self.depth = set(), 0
        try:
            body = ast.parse(MAGIC.sub("pass", source)).body
        except SyntaxError:
            return  # it will be told when it is run
        for statement in body:
            self.visit_statement(statement)

    def visit_statement(self, statement):
        """What a statement uses is free, unless one before it in the same cell binds it."""
        bound, used, self.used = set(self.bound), self.used, set()
        self.visit(statement)
        self.free |= self.used - bound
        self.used |= used

    def visit_Name(self, node):
        if node.id in self.local:
            return
        if isinstance(node.ctx, ast.Load):
            self.used.add(node.id)
            if self.depth:
                self.late.setdefault(self.function, set()).add(node.id)
            else:
                self.direct.add(node.id)
        elif not self.depth:
            self.bound.add(node.id)

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            self.numbers |= {one or other for one, other in NUMBER.findall(node.value)}

    def visit_Import(self, node):
        if not self.depth:
            names = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            self.bound |= names
            self.imported |= names

    visit_ImportFrom = visit_Import

    def visit_inner(self, node):
        if not self.depth:
            self.function = getattr(node, "name", None)
            self.bound |= {self.function} - {None}
        self.depth += 1
        for default in getattr(getattr(node, "args", None), "defaults", ()):
            self.visit(default)
        outside, self.local = self.local, self.local | locals_of(node)
        self.generic_visit(node)
        self.depth, self.local = self.depth - 1, outside

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = visit_inner
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_inner

    def visit_Assign(self, node):
        self.generic_visit(node)
        calls = [part.func for part in ast.walk(node.value) if isinstance(part, ast.Call)]
        if {getattr(each, "attr", getattr(each, "id", "")) for each in calls} & SOURCES_OF_CHANCE:
            parts = [part for target in node.targets for part in ast.walk(target)]
            self.chance |= {part.id for part in parts if isinstance(part, ast.Name)}
        self.changed |= {root(each) for each in node.targets if not isinstance(each, ast.Name)}

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        self.used.add(root(node.target))
        self.changed.add(root(node.target))

    def visit_Expr(self, node):
        """A call for its own sake changes something: what it is called on, or what it is given."""
        self.generic_visit(node)
        call = node.value
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") not in HARMLESS:
            told = call.args if isinstance(call.func, ast.Name) else [call.func, *call.args]
            names = [part for part in told if isinstance(part, ast.Name | ast.Attribute)]
            self.changed |= set(map(root, names))
            if "random" in ast.unparse(call.func):
                self.seeded.add(root(call.func))


    def late_of(self, names):
        """What the functions of these names look up when they are called, and those that they call;
        always what functions without a name look up.
        """
        found, asked = set(), {None, *names}
        while asked:
            more = set().union(*(self.late.get(name, ()) for name in asked)) - found
            found |= more
            asked = more
        return found


def locals_of(node):
    """The names that a function, a lambda or a comprehension has for itself."""
    if isinstance(node, ast.ClassDef):
        return set()
    parts = list(ast.walk(node))
    names = {part.arg for part in parts if isinstance(part, ast.arg)}
    named = [part for part in parts if isinstance(part, ast.Name)]
    stored = {name.id for name in named if isinstance(name.ctx, ast.Store)}
    outer = {name for part in parts if isinstance(part, ast.Global) for name in part.names}
    return (names | stored) - outer


def root(node):
    """The name at the beginning of x.a[0].b."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def needed(sources, place, done=()):
    """The places of the cells above that a cell needs: those that bind or change what it uses, and
    what these need.

    `done` are places of cells that have run as they are; they need not run again.

    >>> needed(["a = 1", "b = 2", "c = a", "c + 1"], 3)
    [0, 2]
    >>> needed(["a = []", "a.append(1)", "b = 2", "a"], 3)
    [0, 1]
    >>> needed(["a = 1", "c = a", "c + 1"], 2, done={1})
    []
    >>> needed(["def f(): return x", "x = 1", "def g(): return f()", "y = 2", "g()", "y"], 4)
    [0, 1, 2]
    >>> needed(["def f(): return x\nk = 3", "x = 1", "k"], 2)
    [0]
    """
    cells = [Names(source) for source in sources[: place + 1]]
    chance = set().union(*(cell.chance for cell in cells))
    modules = set().union(*(cell.imported for cell in cells))
    wanted, found, asked, done = [(place, cells[place].free)], set(), set(), set(done)
    while wanted:
        current, names = wanted.pop()
        for above in range(current - 1, -1, -1):
            cell = cells[above]
            changes = (cell.changed - modules | cell.seeded | cell.used & chance) & names
            binds = cell.bound & names
            states = cell.numbers & cells[current].numbers and cell.bound
            if not (changes or binds or states):
                continue
            if above not in found | done:
                wanted.append((above, cell.free))
            found.add(above)
            late = set() if above in done else cell.late_of(binds | cell.direct) - asked
            if late:
                asked |= late
                wanted.append((place, late))
            names = names - (binds - cell.free)
    return sorted(found - done)


kernel = Kernel()


def import_early(names):
    """Import modules before a cell does; one that cannot be imported is told where a cell asks for
    it.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            kernel.tell("stage", name="import", trouble=f"{name}: {error!r}")


def start(send):
    """Connect this interpreter with the page."""
    kernel.send = send
    gc.set_threshold(20_000)  # not 2,000: few of SymPy's objects are garbage that needs a search
    sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
    builtins.get_ipython = lambda: kernel
    from IPython.display import display

    builtins.display = display
