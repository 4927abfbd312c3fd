"""Ways in through which nothing is captured, kept or opened, under any profile; the other half of the table in kbv_table.py.

Whoever adds a name here says that for it. `test_kbv.py` refuses names that speak of capture.
"""

# Settings, accounts and read-only rows; their buttons. The profile itself is a clinic's setting: the database refuses
# what a profile forbids, whatever it was a moment ago.
_ADMIN = """
accounts.User accounts.User~reset-second-factor appointments.Appointment appointments.Appointment~cancel
appointments.Appointment~send-link appointments.VisitType audit.AuditEntry clinics.Clinic clinics.Identifier
outbox.Message outbox.Message~resend patients.Patient practitioners.Practitioner rooms.Room
"""

# The simulation's people are invented, and it presses no button that records.
_COMMAND = """
demo purge_call_metadata reset_mfa rotate_field_keys simulate verify_audit
"""

# Coming, going, connecting, talking. Media only with keys of the browsers: the policy makes the server blind here.
_MESSAGE = """
ack admit_device finish hello ice_servers invite leave move path ping quality remove sfu_offer sfu_view signal trouble
"""

# Rows that hold no media and no key of media.
_MODEL = """
accounts.User appointments.Appointment appointments.CareThread appointments.StatusChange appointments.VisitType
audit.AuditEntry audit.AuditHead audit.PseudonymKey clinics.Clinic clinics.Identifier clinics.Membership
clinics.QualityLimit clinics.TurnServer consent.ConsentText outbox.Message patients.Patient patients.PatientRelation
practitioners.Practitioner rooms.JoinLink rooms.MediaNode rooms.Note rooms.NoteVersion rooms.Participant
rooms.QualitySample rooms.Room rooms.RouteDecision rooms.SeatDevice vault.KeyUse
"""

# Messages, and forgetting.
_TASK = """
outbox.send_message outbox.sweep rooms.purge_call_metadata
"""

# Pages and requests without media.
_VIEW = """
appointment appointment_cancel appointment_claim appointment_invite appointment_link appointment_new
appointment_reschedule clinic_logo home join join_lookup join_redeem seat seat_details seat_device_check
seat_socket seat_state seat_turn_probe seat_wait seat_withdraw set_language start_now today today_list visit
visit_notes visit_path visit_path_events visit_path_json visit_socket
"""

UNRELATED = {
    f"{kind} {name.replace('~', ' ')}"
    for kind, names in (
        ("admin", _ADMIN),
        ("command", _COMMAND),
        ("message", _MESSAGE),
        ("model", _MODEL),
        ("task", _TASK),
        ("view", _VIEW),
    )
    for name in names.split()
}
