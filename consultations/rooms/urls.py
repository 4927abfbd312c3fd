"""Addresses of the visit: the patient's path, the staff's call page and, through `practice`, the practitioner's day."""

from django.urls import include, path

from consultations.rooms import views_seat, views_visit

urlpatterns = [
    path("", include("consultations.rooms.practice.urls")),
    path("join/", views_seat.join, name="join"),
    path("join/lookup/", views_seat.join_lookup, name="join_lookup"),
    path("join/redeem/", views_seat.join_redeem, name="join_redeem"),
    path("v/<str:code>/", views_seat.seat, name="seat"),
    path("v/<str:code>/state/", views_seat.seat_state, name="seat_state"),
    path("v/<str:code>/socket/", views_seat.seat_socket, name="seat_socket"),
    path("v/<str:code>/details/", views_seat.seat_details, name="seat_details"),
    path("v/<str:code>/device-check/", views_seat.seat_device_check, name="seat_device_check"),
    path("v/<str:code>/consent/", views_seat.seat_consent, name="seat_consent"),
    path("v/<str:code>/withdraw/", views_seat.seat_withdraw, name="seat_withdraw"),
    path("v/<str:code>/wait/", views_seat.seat_wait, name="seat_wait"),
    path("v/<str:code>/turn-probe/", views_seat.seat_turn_probe, name="seat_turn_probe"),
    path("visit/<str:code>/", views_visit.visit, name="visit"),
    path("visit/<str:code>/socket/", views_visit.visit_socket, name="visit_socket"),
    path("visit/<str:code>/notes/", views_visit.visit_notes, name="visit_notes"),
    path("visit/<str:code>/path/events/", views_visit.visit_path_events, name="visit_path_events"),
]
