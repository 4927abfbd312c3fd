"""Addresses of recordings, for staff."""

from django.urls import path

from consultations.recordings import views

urlpatterns = [
    path("recordings/", views.recordings, name="recordings"),
    path("recordings/<str:public_id>/", views.recording, name="recording"),
    path("recordings/<str:public_id>/delete/", views.recording_delete, name="recording_delete"),
    path("recordings/<str:public_id>/hold/", views.recording_hold, name="recording_hold"),
    path("recordings/<str:public_id>/tracks/<str:track_id>/media/", views.recording_media, name="recording_media"),
    path(
        "recordings/<str:public_id>/tracks/<str:track_id>/download/",
        views.recording_download,
        name="recording_download",
    ),
]
