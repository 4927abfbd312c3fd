"""The ASGI application: pages over HTTP, signaling over WebSockets."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")
_http = get_asgi_application()

# After Django is set up: these import models.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from consultations.rooms.origins import OriginMiddleware  # noqa: E402
from consultations.rooms.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {"http": _http, "websocket": OriginMiddleware(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))}
)
