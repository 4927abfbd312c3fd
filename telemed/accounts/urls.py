"""Addresses of staff accounts. Sign-up, e-mail management and password setting of allauth are left out on purpose."""

from django.urls import include, path

urlpatterns = [
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]
