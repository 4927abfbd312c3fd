"""What can stand in the way of an appointment. Each is an expected result that a page turns into a sentence."""


class BookingRefused(Exception):
    """Base of the refusals. `code` is stable and appears in JSON errors."""

    code = "booking_refused"


class SlotTaken(BookingRefused):
    """Another appointment keeps the practitioner busy at that time."""

    code = "slot_taken"


class AlreadyClaimed(BookingRefused):
    """A colleague took the team's visit first."""

    code = "already_claimed"


class NotMovable(BookingRefused):
    """The appointment has begun or is over: its time and people are history now."""

    code = "not_movable"


class InThePast(BookingRefused):
    """The time asked for has passed."""

    code = "in_the_past"
