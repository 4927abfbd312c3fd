from channels.generic.websocket import AsyncWebsocketConsumer


class TodayConsumer(AsyncWebsocketConsumer):
    """Tells an open Today page that something changed (docs/PROTOCOL.md)."""
