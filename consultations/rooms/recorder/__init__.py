"""The live side of recordings: what the visit knows of them, and the recorder of this process.

port.py   what the recordings app does for a visit; it registers itself (nothing here imports it)
desk.py   the recorders of this process: begins, pauses and ends them as the visit says
listener.py   a program that hears what the recorder may open; off by default
"""
