"""What the database itself refuses: a yes to being captured in a clinic whose profile allows no capture (PRIV-1)."""

from telemed.dbrules.refusing import refuse_rows
from telemed.dbrules.registry import register

_KBV = (
    "EXISTS (SELECT 1 FROM appointments_appointment a JOIN clinics_clinic c ON c.id = a.clinic_id "
    "WHERE a.id = NEW.appointment_id AND c.profile = 'kbv')"
)


def register_rules() -> None:
    """Register the triggers of the consents; called from AppConfig.ready()."""
    table, message = "consent_consentrecord", "the kbv profile asks for no consent to be captured"
    where = f"NEW.purpose <> 'treatment' AND {_KBV}"
    register(refuse_rows("consent_kbv_no_capture", table, "INSERT", message, where=where))
    register(refuse_rows("consent_kbv_no_change", table, "UPDATE OF purpose, appointment_id", message, where=where))
