"""Response headers that Django and django-csp do not set (SEC-18)."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

PERMISSIONS_POLICY = (
    "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), screen-wake-lock=(self), "
    "publickey-credentials-get=(self), publickey-credentials-create=(self), autoplay=(self), "
    "geolocation=(), payment=(), usb=(), serial=(), midi=(), accelerometer=(), gyroscope=(), "
    "magnetometer=(), browsing-topics=()"
)


class SecurityHeadersMiddleware:
    """Adds Permissions-Policy and Cross-Origin-Resource-Policy everywhere, and no-store where nobody chose a cache policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # Every page may show health data; static files pass through WhiteNoise before they get here.
        response.setdefault("Cache-Control", "no-store")
        return response
