"""A small site to guard: the real account pages, and pages that check less than ours do."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.i18n import set_language

from telemed.accounts.decorators import staff_required


def show(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


urlpatterns = [
    path("", show, name="home"),
    path("today/", staff_required(show), name="today"),
    path("favicon.ico", show),
    path("plain/", login_required(show), name="plain"),
    path("accounts/", include("telemed.accounts.urls")),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
]
