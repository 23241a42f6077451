"""Objects with a rich form, and `display`, for a reading page."""

import base64
from pathlib import Path

from page_kernel import kernel

__all__ = ["HTML", "Image", "Latex", "Markdown", "Math", "SVG", "clear_output", "display"]


class DisplayObject:
    """Text or bytes that the page shows as what they are; a file or its name can be given
    instead.
    """

    mime = "text/plain"

    def __init__(self, data=None, url=None, filename=None, metadata=None):
        self.data = Path(filename).read_text(encoding="utf-8") if filename else data
        self.metadata = metadata or {}

    def __repr__(self):
        return f"<IPython.core.display.{type(self).__name__} object>"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {self.mime: self.data}, {self.mime: self.metadata} if self.metadata else {}


class HTML(DisplayObject):
    mime = "text/html"


class Markdown(DisplayObject):
    mime = "text/markdown"


class Latex(DisplayObject):
    mime = "text/latex"


class Math(Latex):
    def __init__(self, data=None, **options):
        super().__init__(rf"$\displaystyle {data.strip('$')}$", **options)


class SVG(DisplayObject):
    mime = "image/svg+xml"


class Image(DisplayObject):
    """A PNG picture; `alt`, `width` and `height` as in IPython."""

    mime = "image/png"

    def __init__(
        self, data=None, filename=None, width=None, height=None, alt=None, metadata=None, **_
    ):
        data = Path(filename).read_bytes() if filename else data
        about = {"width": width, "height": height, "alt": alt, **(metadata or {})}
        super().__init__(
            base64.b64encode(data).decode(),
            metadata={name: value for name, value in about.items() if value},
        )


def display(*objects, raw=False, metadata=None, **_):
    """Show each object in its richest form; `raw` takes dictionaries {MIME type: data}."""
    for each in objects:
        if raw:
            kernel.show(each, metadata or {})
        elif hasattr(each, "_ipython_display_"):
            each._ipython_display_()
        else:
            data, about = kernel.forms(each)
            kernel.show(data, about | (metadata or {}))


def clear_output(wait=False):
    kernel.tell("clear")
