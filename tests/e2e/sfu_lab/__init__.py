"""Real Chromiums in networks of their own, the media server on the public side, and what everyone of them measured.

group_process.py   pages, signaling and media server, in the lab's public namespace
meeting.py         the lab, the process, a browser per site
record.py          what was measured: freezes, layers, rates; its plot
"""
