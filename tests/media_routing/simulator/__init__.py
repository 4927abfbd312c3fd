"""A seeded simulator around the real `sfu.Room`: virtual time, links that lose and queue, and endpoints that behave as
libwebrtc does at the level of packets. No sockets, no clock, no decoder; a run with the same seed is the same run.

    clock.py      virtual time
    network.py    one direction of a link
    encoder.py    VP8-shaped frames of simulcast layers
    publisher.py  the sending half of an endpoint
    receiver.py   the receiving half: order, repair, decodability, freezes
    endpoint.py   both halves behind one pair of links, and RTCP
    world.py      the room, its links, who is in it, what is measured
"""
