"""The selective forwarding unit, sans-IO: packets and `now` in, packets, events and the next deadline out."""
