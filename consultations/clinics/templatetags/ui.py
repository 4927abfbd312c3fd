"""Template tags of the design system: icons, and the attributes that tie a form field to its hint and its errors."""

import re

import lucide
from django import template
from django.forms import BoundField
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.utils.html import json_script
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


class TextsNode(template.Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        texts: dict[str, str] = {}
        for line in self.nodelist.render(context).splitlines():
            key, separator, text = line.partition("=")
            if not line.strip():
                continue
            if not separator or not key.strip().isidentifier():
                raise template.TemplateSyntaxError(f"texts: expected `key = text`, got {line!r}")
            texts[key.strip()] = text.strip()
        return json_script(texts, "texts")


@register.tag
def texts(parser: Parser, token: Token) -> TextsNode:
    """The page's texts for JavaScript (static/js/pages/texts.js), one `key = {% translate "…" %}` a line; includes may add lines."""
    nodelist = parser.parse(("endtexts",))
    parser.delete_first_token()
    return TextsNode(nodelist)
