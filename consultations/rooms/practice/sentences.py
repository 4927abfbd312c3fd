"""What a person reads when a booking is refused, or when a message did not arrive."""

from django.utils.translation import gettext_lazy as _

from consultations.appointments.errors import BookingRefused
from consultations.appointments.lifecycle import IllegalTransition

_REFUSALS = {
    "slot_taken": _(
        "This time overlaps with another visit, or with the minutes kept free after it. Choose another time."
    ),
    "already_claimed": _("A colleague has taken this visit in the meantime."),
    "not_movable": _("This visit has begun or is over. It can no longer be changed."),
    "in_the_past": _("This time has passed. Choose a later one."),
}
_ERRORS = {
    "sms_not_configured": _("Text messages are not set up in this practice. Copy the link and send it another way."),
    "mail_refused": _("The mail server refused this address. Please check it with the patient."),
    "mail_deferred": _("The patient's mail server asked us to wait. We try again by ourselves."),
    "mail_server_unreachable": _("Our mail server cannot be reached. We try again by ourselves."),
    "no_template": _("There is no text for this message in the patient's language."),
    "withdrawn": _("Not sent, because the visit was cancelled first."),
}


def refusal_code(refusal: BookingRefused | IllegalTransition) -> str:
    """Return the stable code; a step that the table does not know is a visit that moved on meanwhile."""
    return refusal.code if isinstance(refusal, BookingRefused) else "not_movable"


def refusal_sentence(refusal: BookingRefused | IllegalTransition) -> str:
    return str(_REFUSALS[refusal_code(refusal)])


def delivery_sentence(error_code: str) -> str:
    """Return why a message did not leave, '' when there is nothing to say."""
    if not error_code:
        return ""
    return str(_ERRORS.get(error_code, _("The message could not be sent.")))
