"""Which rtc process serves which visit (docs/OPERATIONS.md).

page ── visit_socket_url ──▶ pin_room (actions/nodes.py): least load among live nodes ──▶ wss://…/ws/visit/…
rtc  ── NodeKeeper: register, beat every 2 s, drain on SIGTERM
socket at the wrong process, or whose visit was pinned anew ── moved_to ──▶ `moved {ws_url}`, close 4421
"""
