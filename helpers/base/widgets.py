"""How a widget is shown in a cell, and what stands there where none can be."""

VIEW = "application/vnd.jupyter.widget-view+json"  # an output that only its kernel can show


def view(widget: object) -> dict[str, object]:
    """What shows a widget of ipywidgets, without the text that would say the same in code."""
    return {VIEW: widget._repr_mimebundle_()[VIEW]}


def view_or_text(widget: object, text: str) -> dict[str, object]:
    """The same, with a text for those who see no widgets, as in a notebook that was saved."""
    return {**view(widget), "text/plain": text}
