"""Addresses of recordings: for staff, and for participants after the visit."""

from django.urls import path

from consultations.recordings import views, views_attachments, views_films, views_seat

_ONE, _FILM, _SEAT = "recordings/<str:public_id>/", "recordings/<str:public_id>/film/", "v/<str:code>/"
_FILE = f"{_ONE}files/<str:file_id>/"

urlpatterns = [
    path("recordings/", views.recordings, name="recordings"),
    path(_ONE, views.recording, name="recording"),
    path(f"{_ONE}delete/", views.recording_delete, name="recording_delete"),
    path(f"{_ONE}hold/", views.recording_hold, name="recording_hold"),
    path(f"{_FILE}media/", views.recording_media, name="recording_media"),
    path(f"{_FILE}download/", views.recording_download, name="recording_download"),
    path(f"{_FILM}request/", views_films.film_request, name="film_request"),
    path(f"{_FILM}answer/", views_films.film_answer, name="film_answer"),
    path(f"{_FILM}cancel/", views_films.film_cancel, name="film_cancel"),
    path(f"{_FILM}state/", views_films.film_state, name="film_state"),
    path("recording-copies/<str:public_id>/", views_films.copy_decide, name="copy_decide"),
    path("visit/<str:code>/still/", views_attachments.visit_still, name="visit_still"),
    path("attachments/<str:public_id>/", views_attachments.attachment, name="attachment"),
    path("attachments/<str:public_id>/delete/", views_attachments.attachment_delete, name="attachment_delete"),
    path(f"{_SEAT}after/", views_seat.seat_after, name="seat_after"),
    path(f"{_SEAT}after/answer/", views_seat.seat_answer, name="seat_answer"),
    path(f"{_SEAT}after/copy/", views_seat.seat_copy, name="seat_copy"),
    path(f"{_SEAT}after/<str:public_id>/<str:file_id>/", views_seat.seat_copy_file, name="seat_copy_file"),
]
