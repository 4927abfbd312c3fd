"""The story of the path: how a visit was connected, why, and how well, for people who never saw the code.

facts.py     what is known of one visit         timeline.py  PURE: facts -> ordered events, stretches, curves
loading.py   the rows as facts                  words.py     events as sentences
drawing.py   a story as an SVG's geometry       export.py    a story as JSON (docs/ROUTING.md)
counting.py  PURE: many visits -> the clinic's numbers
"""
