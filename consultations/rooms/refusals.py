"""Why a request was refused: stable codes and the sentence a person reads. Codes are listed in docs/PROTOCOL.md."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consultations.rooms import reasons


class Refused(Exception):
    """The visit does not allow this now: an expected answer, never a bug. `fields` maps form fields to sentences."""

    def __init__(self, code: str, *, status: int = 409, fields: dict[str, str] | None = None) -> None:
        super().__init__(code)
        assert code in SENTENCES, code
        self.code = code
        self.status = status
        self.fields = fields or {}


def sentence(code: str) -> str:
    """Return the sentence for a code in the active language."""
    return str(SENTENCES.get(code) or gettext("This did not work. Please try again."))


SENTENCES: dict[str, str | Promise] = {
    # Messages
    "bad_json": _("The message could not be read. Please reload the page."),
    "bad_message": _("The message could not be read. Please reload the page."),
    "unknown_type": _("The message could not be read. Please reload the page."),
    "bad_field": _("The message could not be read. Please reload the page."),
    "hello_first": _("The page is not connected yet. Please reload the page."),
    "hello_twice": _("The page is already connected."),
    "too_many_messages": _("That was too much at once. Please wait a moment."),
    "wrong_stream": _("The connection is being set up again."),
    "wrong_route": _("The connection is being set up again."),
    "bad_sdp": _("The connection could not be set up. Please reload the page."),
    # Rights and steps
    "not_admitted": _("You have not been let in yet."),
    "not_allowed": _("You cannot do this in this visit."),
    "unknown_person": _("This person is not in the visit."),
    "unknown_device": _("This device is not asking to join any more."),
    "not_waiting": _("This person is not in the waiting room."),
    "details_missing": _("Where the person is, a number to call back and an emergency contact are still missing."),
    "consent_missing": _("The consent to treatment by video is still missing."),
    "identity_missing": _("Please say how you checked who this is."),
    "identity_not_confirmed": _("The person was not let in, because their identity is not confirmed."),
    "nothing_asked": _("There is no question to answer any more."),
    "encryption_required": _(
        "This person's browser cannot encrypt from person to person, and this visit allows nothing else."
        " A current Chrome, Edge, Firefox or Safari can."
    ),
    "patient_first": _(
        "Please let the patient in first. In this visit they have to agree before three people can talk."
    ),
    "encryption_not_accepted": _(
        "This person's browser cannot encrypt from person to person. Say that you accept that, or ask for another browser."
    ),
    "guardian_needed": _("For somebody of this age a parent or guardian decides."),
    "recording_goes_on": _("A recording is asked for, or goes on, already."),
    "recording_needs_two": _("There is nobody else in the visit yet."),
    "disk_full": _("The clinic's disk is nearly full, so recording does not start. The visit goes on."),
    "legal_hold": _("This recording is on legal hold. It can be deleted when the hold is lifted."),
    "recording_not_finished": _("The recording is not finished yet. Please try again in a minute."),
    "film_needs_two": _("There is only one person in this recording, so there is nothing to put together."),
    "copy_nothing": _("There is nothing of yours in this recording any more."),
    "copy_decided": _("This request was answered already."),
    "recording_gone": _("This recording was deleted."),
    "still_not_agreed": _("This person has not agreed that still pictures of them are kept."),
    "attachment_too_large": _("This file is too large to be kept."),
    "attachment_refused": _("This file is not what it says it is, or something harmful was found in it."),
    "room_full": _("All seats in this visit are taken."),
    "visit_full": _("No more people can be invited into this visit."),
    "check_contact": _("Enter an e-mail address, or a phone number such as +49 170 1234567."),
    "outcome_missing": _("Please choose what happens next before you finish the visit."),
    "visit_ended": _("This visit has ended."),
    "visit_not_open": _("The practitioner has not opened this visit yet."),
    "ended": _("This visit has ended."),
    "cancelled": _("This visit was called off."),
    "illegal_step": _("This is not possible at this point of the visit."),
    "try_again": _("This did not work. Please try again."),
    "not_signed_in": _("You were signed out. Please sign in again."),
    "unknown_visit": _("There is no such visit for you."),
    # Links and seats
    "unknown_link": _("This link is not valid. Please use the newest message from the practice, or call the practice."),
    "link_used": _("This link was opened on another device before. Please ask the practice for a new one."),
    "early": _("It is too early to join. Please come back when the visit opens."),
    "late": _("This link has ended. Please call the practice."),
    "no_seat": _("Please open the link from your message again."),
    "replaced": _("Another device has taken over this visit."),
    "removed": _("You are not in this visit any more. Please call the practice."),
    "device_asking": _("This device has not been let in yet. The first device still has the seat."),
    "rate_limited": _("That was too often. Please wait a minute and try again."),
    # Forms
    "check_fields": _("Please check what you have entered."),
    "old_text": _("The text has changed in the meantime. Please read it again."),
    "note_changed": _("Your note was changed on another page. Reload to see the newest text."),
    "note_too_long": _("The note is too long to be saved."),
    # Why the media may not flow: the routing engine's own words (docs/ROUTING.md)
    **reasons.TEXTS,
}
