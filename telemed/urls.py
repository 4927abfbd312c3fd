"""Every address of the site. `tests/test_access_matrix.py` walks this list: a new route needs its row there."""

from django.contrib import admin
from django.urls import include, path

from telemed.accounts.language import set_language

urlpatterns = [
    path("", include("consultations.clinics.urls")),
    path("", include("consultations.rooms.urls")),
    path("", include("consultations.recordings.urls")),
    path("", include("consultations.demo.urls")),
    path("accounts/", include("telemed.accounts.urls")),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
]
