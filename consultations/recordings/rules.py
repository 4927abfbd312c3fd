"""What the database itself refuses, whoever writes: capture under the kbv profile (PRIV-1), a new owner (PRIV-7)."""

from telemed.dbrules.refusing import refuse_rows
from telemed.dbrules.registry import register

_KBV = (
    "EXISTS (SELECT 1 FROM rooms_room r JOIN appointments_appointment a ON a.id = r.appointment_id "
    "JOIN clinics_clinic c ON c.id = a.clinic_id WHERE r.id = {room} AND c.profile = 'kbv')"
)
_OF_TRACK = "(SELECT g.room_id FROM recordings_recording g WHERE g.id = NEW.recording_id)"


def register_rules() -> None:
    """Register the triggers of the recordings; called from AppConfig.ready()."""
    recording, track = "recordings_recording", "recordings_track"
    kbv = "the kbv profile allows no recording"
    own = _KBV.format(room="NEW.room_id")
    register(refuse_rows("recording_kbv_never", recording, "INSERT", kbv, where=own))
    # A clinic may change its profile while recordings are there: those can be stopped and deleted, and nothing else.
    going_on = f"NEW.state IN ('requested', 'running', 'held') AND NEW.state <> OLD.state AND {own}"
    register(refuse_rows("recording_kbv_no_start", recording, "UPDATE OF state", kbv, where=going_on))
    register(refuse_rows("track_kbv_never", track, "INSERT", kbv, where=_KBV.format(room=_OF_TRACK)))
    owner = "a recording belongs to one visit for life"
    register(
        refuse_rows("recording_owner_fixed", recording, "UPDATE OF room_id", owner, where="NEW.room_id <> OLD.room_id")
    )
    moved = "NEW.recording_id <> OLD.recording_id OR NEW.person <> OLD.person"
    register(refuse_rows("track_owner_fixed", track, "UPDATE OF recording_id, person", owner, where=moved))
    _register_film_rules()
    _register_attachment_rules()


def _register_film_rules() -> None:
    for name, table, what in (
        ("film", "recordings_film", "combined file"),
        ("copy", "recordings_copyrequest", "copy of a recording"),
    ):
        kbv = f"the kbv profile allows no {what}"
        register(refuse_rows(f"{name}_kbv_never", table, "INSERT", kbv, where=_KBV.format(room=_OF_TRACK)))
        going_on = "NEW.state IN ('asking', 'queued', 'running', 'done', 'granted') AND NEW.state <> OLD.state"
        where = f"{going_on} AND {_KBV.format(room=_OF_TRACK)}"
        register(refuse_rows(f"{name}_kbv_no_start", table, "UPDATE OF state", kbv, where=where))
        whose = ["recording_id", "person"] if name == "copy" else ["recording_id"]
        moved = " OR ".join(f"NEW.{column} <> OLD.{column}" for column in whose)
        owner = f"a {what} belongs to one recording for life"
        register(refuse_rows(f"{name}_owner_fixed", table, f"UPDATE OF {', '.join(whose)}", owner, where=moved))


def _register_attachment_rules() -> None:
    attachment = "recordings_attachment"
    kbv = "the kbv profile keeps no attachment"
    register(refuse_rows("attachment_kbv_never", attachment, "INSERT", kbv, where=_KBV.format(room="NEW.room_id")))
    # Clinic, visit and person are one owner: a row that names a visit of another clinic, or somebody who was not in it,
    # is nobody's.
    whose = (
        "NOT EXISTS (SELECT 1 FROM rooms_participant p JOIN rooms_room r ON r.id = p.room_id "
        "JOIN appointments_appointment a ON a.id = r.appointment_id "
        "WHERE r.id = NEW.room_id AND p.public_id = NEW.person AND a.clinic_id = NEW.clinic_id)"
    )
    register(
        refuse_rows("attachment_one_owner", attachment, "INSERT", "clinic, visit and person do not agree", where=whose)
    )
    owner = "an attachment belongs to one visit and one person for life"
    moved = "NEW.clinic_id <> OLD.clinic_id OR NEW.room_id <> OLD.room_id OR NEW.person <> OLD.person"
    register(
        refuse_rows("attachment_owner_fixed", attachment, "UPDATE OF clinic_id, room_id, person", owner, where=moved)
    )
