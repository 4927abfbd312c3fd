from channels.generic.websocket import AsyncWebsocketConsumer


class VisitConsumer(AsyncWebsocketConsumer):
    """Signaling of one visit (docs/PROTOCOL.md)."""
