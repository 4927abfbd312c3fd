"""The two WebSocket addresses."""

from django.urls import path

from consultations.rooms.consumers import VisitConsumer
from consultations.rooms.today_consumer import TodayConsumer

websocket_urlpatterns = [
    path("ws/visit/<str:code>/", VisitConsumer.as_asgi()),
    path("ws/today/", TodayConsumer.as_asgi()),
]
