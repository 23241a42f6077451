"""What a reading page needs of ipywidgets: sliders, boxes, checkboxes, menus, HTML, and `interact`.
JupyterLab has the whole.

The page draws a widget from `described(model_id)`, tells of a new value by `changed`, and is told
of one by the kernel.
"""

from types import SimpleNamespace

from page_kernel import kernel

models = {}


class Layout(SimpleNamespace):
    """How a widget is laid out; the page lays out all of them in its own way."""


class Widget:
    kind, known = "label", ("value", "description")

    def __init__(self, value=None, description="", layout=None, **options):
        self.model_id = f"widget-{len(models)}"
        self.description, self.options = description, options
        self._value, self._observers = value, []
        models[self.model_id] = self

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, value):
        before, self._value = self._value, value
        kernel.tell("widget", id=self.model_id, value=value)
        self._notify(before)

    def move(self, value):
        """The reader has moved it."""
        before, self._value = self._value, value
        self._notify(before)

    def _notify(self, before):
        change = {"name": "value", "type": "change", "owner": self}
        change |= {"old": before, "new": self._value}
        if before != self._value:
            for observer in list(self._observers):
                observer(change)

    def observe(self, handler, names=None, type="change"):
        self._observers.append(handler)

    def unobserve_all(self, name=None):
        self._observers.clear()

    def described(self):
        about = {"kind": self.kind, "id": self.model_id, "value": self._value}
        about["description"] = self.description
        return about | {name: self.options[name] for name in self.known if name in self.options}

    def _repr_mimebundle_(self, include=None, exclude=None):
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"application/vnd.jupyter.widget-view+json": view}, {}


class FloatSlider(Widget):
    kind, known = "slider", ("min", "max", "step", "readout_format")

    def __init__(self, value=None, min=0, max=None, step=None, **options):
        low, high, step = self.defaults(min, max, step)
        value = low if value is None else value
        super().__init__(value, min=low, max=high, step=step, **options)

    @staticmethod
    def defaults(low, high, step):
        return low, 10.0 if high is None else high, 0.1 if step is None else step


class IntSlider(FloatSlider):
    @staticmethod
    def defaults(low, high, step):
        return low, 100 if high is None else high, step or 1


class Checkbox(Widget):
    kind = "checkbox"


class Dropdown(Widget):
    kind, known = "menu", ("options",)

    def __init__(self, options=(), value=None, **more):
        options = list(options)
        super().__init__(options[0] if value is None else value, options=options, **more)


class HTML(Widget):
    kind = "html"


class Label(Widget):
    kind = "label"


class Box(Widget):
    kind = "box"

    def __init__(self, children=(), **options):
        super().__init__(**options)
        self.children = tuple(children)

    def described(self):
        children = [child.described() for child in self.children]
        return {"kind": self.kind, "id": self.model_id, "children": children}


class VBox(Box):
    kind = "box"


class HBox(Box):
    kind = "row"


class Output(Widget):
    kind = "html"


def described(model_id):
    return models[model_id].described()


def changed(model_id, value):
    """Tell a widget what the reader has chosen, a slider in the kind of number that it had."""
    widget = models[model_id]
    widget.move(type(widget.value)(value) if widget.kind == "slider" else value)


def control(name, about):
    """The widget that `interact` makes of a default: a number, a range, a list, a truth value or a
    text.
    """
    if isinstance(about, Widget):
        return about
    if isinstance(about, bool):
        return Checkbox(about, description=name)
    if isinstance(about, (int, float)):
        about = (min(-about, 3 * about), max(-about, 3 * about)) if about else (0, 1)
    if isinstance(about, tuple) and len(about) in (2, 3) and not isinstance(about[0], str):
        low, high, *step = about
        if all(isinstance(number, int) for number in about):
            return IntSlider((low + high) // 2, low, high, *step, description=name)
        return FloatSlider((low + high) / 2, low, high, *step, description=name)
    return Dropdown(about, description=name)


def interact(function=None, **controls):
    """Call `function` with the values of controls, again at each change, and show what it prints
    and returns.
    """
    if function is None:
        return lambda function: interact(function, **controls)
    from IPython.display import display

    widgets, shown = {name: control(name, about) for name, about in controls.items()}, HTML("")

    def redraw(_=None):
        with kernel.caught() as text:
            result = function(**{name: widget.value for name, widget in widgets.items()})
            if result is not None:
                print(result)
        shown.value = text.as_html()

    for widget in widgets.values():
        widget.observe(redraw, "value")
    redraw()
    display(VBox([*widgets.values(), shown]))
    return function
