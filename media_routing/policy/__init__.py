"""Which way the media of one visit flows, and why. Pure: facts in, a decision out."""
