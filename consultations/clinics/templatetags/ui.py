"""Template tags of the design system: icons, and the attributes that tie a form field to its hint and its errors."""

import re

import lucide
from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """Lucide icon `name` as inline SVG in the colour of the text. It is decoration: the words stand beside it.

    Raises lucide.IconDoesNotExist for an unknown name.
    """
    classes = f"icon {css_class}".strip()
    svg = lucide._render_icon(
        str(name), None, **{"class": classes, "aria_hidden": "true", "focusable": "false", "stroke": "currentColor"}
    )
    return mark_safe(svg)


@register.filter
def described(field: BoundField) -> SafeString:
    """The form field's widget with aria-describedby on its hint and error and aria-invalid when it has errors."""
    attributes = dict(field.field.widget.attrs)
    ids = []
    if field.help_text:
        ids.append(f"{field.auto_id}-hint")
    if field.errors:
        ids.append(f"{field.auto_id}-error")
        attributes["aria-invalid"] = "true"
    if ids:
        attributes["aria-describedby"] = " ".join(ids)
    return field.as_widget(attrs=attributes)


@register.filter
def css_colour(value: object) -> str:
    """`value` when it is a hex colour (#rgb or #rrggbb), else the product's own accent: it lands inside a <style>."""
    text = str(value)
    return text if re.fullmatch(r"#(?:[0-9a-fA-F]{3}){1,2}", text) else "#0f6b6b"
