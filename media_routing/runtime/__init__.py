"""The engine's only asyncio, sockets and clocks: one UDP port, ICE-lite, DTLS, SRTP, and the service around the rooms."""
