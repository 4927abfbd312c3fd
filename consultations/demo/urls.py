"""One-click sign-in: these addresses exist only in the demo."""

from django.conf import settings
from django.urls import path

from consultations.demo import views

urlpatterns = [path("demo/sign-in/<str:role>/", views.sign_in, name="demo_sign_in")] if settings.DEMO else []
