"""Addresses that need no appointment: the front door and the clinic's logo."""

from django.urls import path

from consultations.clinics import views

urlpatterns = [
    path("", views.home, name="home"),
    path("clinics/<str:public_id>/logo.png", views.clinic_logo, name="clinic_logo"),
]
