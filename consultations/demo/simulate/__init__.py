"""People without browsers for `manage.py simulate`: the demo's links, the real signaling, the real media server.

    run.py ──▶ person.py (HTTP and WebSocket, what a page does) ──▶ media.py (aiortc, a moving picture and a tone)
                                                                  └─▶ link.py  (loss, delay and rate of the profile)

Every participant decodes everybody, so this is a smoke and a functional test, not a measure of the server's capacity.
"""
