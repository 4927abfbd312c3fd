"""Serves the pages of a visit, rendered by the real templates, with `page.js` in place of their own script."""

from __future__ import annotations

import datetime as dt
import http.server
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, urlencode, urlsplit

from django.template import engines
from django.test import RequestFactory
from django.utils import translation

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
NONCE = "stage"
CONTENT_POLICY = f"default-src 'self'; script-src 'self'; style-src 'self' 'nonce-{NONCE}'; img-src 'self' data:; media-src 'self' blob:"
PAGE = """{{% extends "{template}" %}}{{% block scripts %}}<script type="module" src="/page/page.js"></script>{{% endblock %}}"""
TEMPLATES = {"patient": "rooms/join.html", "practitioner": "rooms/visit.html"}


def render(viewer: str, language: str) -> str:
    """The page as the server writes it before anything has arrived over the socket."""
    request = RequestFactory().get("/")
    request.csp_nonce = NONCE  # type: ignore[attr-defined]
    starts_at = dt.datetime(2026, 11, 22, 10, 30, tzinfo=dt.UTC)
    context = {
        "room": {"code": "stage-room"},
        "appointment": {"starts_at": starts_at, "visit_type": {"name": "Family talk"}},
        "patient": {"name": "Maria Schneider", "birth_date": dt.date(1955, 3, 4)},
        "clinic": {"name": "Practice on the Market", "phone": "+49 30 1234567", "accent": "#0f6b6b"},
        "note_text": "",
        "note_number": 0,
        "note_saved_at": None,
        "outcomes": [("done", "Nothing further")],
        "ws_url": "/ws/visit/stage-room/",
    }
    with translation.override(language):
        return str(engines["django"].from_string(PAGE.format(template=TEMPLATES[viewer])).render(context, request))


class _Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path != "/stage/":
            return super().do_GET()
        query = parse_qs(address.query)
        body = render(query.get("viewer", ["patient"])[0], query.get("lang", ["en"])[0]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CONTENT_POLICY)
        self.end_headers()
        self.wfile.write(body)

    def translate_path(self, path: str) -> str:
        path = urlsplit(path).path
        for prefix, folder in (("/page/", HERE), ("/static/", ROOT / "static")):
            if path.startswith(prefix):
                return str(folder / path.removeprefix(prefix))
        return str(HERE / "nothing")

    def log_message(self, *args: object) -> None:
        pass


class StagePages:
    """A context manager; `url(viewer=…, people=…, …)` is a page of the visit. The fields are read by page.js."""

    def __enter__(self) -> StagePages:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, **fields: str | int) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/stage/?{urlencode(fields)}"
