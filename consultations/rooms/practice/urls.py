"""The practitioner's day: the list, and everything that puts a visit into it or takes it out."""

from django.urls import path

from consultations.rooms.practice import views_appointment, views_booking, views_day, views_guests, views_story

urlpatterns = [
    path("today/", views_day.today, name="today"),
    path("today/list/", views_day.today_list, name="today_list"),
    path("start-now/", views_booking.start_now, name="start_now"),
    path("appointments/new/", views_booking.appointment_new, name="appointment_new"),
    path("appointments/<str:public_id>/", views_appointment.appointment, name="appointment"),
    path(
        "appointments/<str:public_id>/reschedule/", views_booking.appointment_reschedule, name="appointment_reschedule"
    ),
    path("appointments/<str:public_id>/cancel/", views_appointment.appointment_cancel, name="appointment_cancel"),
    path("appointments/<str:public_id>/claim/", views_appointment.appointment_claim, name="appointment_claim"),
    path("appointments/<str:public_id>/invite/", views_guests.appointment_invite, name="appointment_invite"),
    path("appointments/<str:public_id>/link/", views_appointment.appointment_link, name="appointment_link"),
    path("visit/<str:code>/path/", views_story.visit_path, name="visit_path"),
    path("visit/<str:code>/path.json", views_story.visit_path_json, name="visit_path_json"),
]
