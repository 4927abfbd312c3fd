"""Words for things that people recognise better by name."""

from django import template
from django.utils.translation import gettext as _

register = template.Library()

# The first match wins: Edge and Opera call themselves Chrome, Chrome calls itself Safari.
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"),
    ("CrOS", "Chromebook"), ("Linux", "Linux"),
)  # fmt: skip


@register.filter
def browser_name(user_agent: str) -> str:
    """Return "Firefox, Windows" for a User-Agent header."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), _("Another browser"))
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser}, {system}" if system else browser
