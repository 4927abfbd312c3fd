"""Addresses of recordings, for staff."""

from django.urls import path

from consultations.recordings import views, views_attachments

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
    path("attachments/<str:public_id>/", views_attachments.attachment, name="attachment"),
    path("attachments/<str:public_id>/delete/", views_attachments.attachment_delete, name="attachment_delete"),
]
