from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecordingsConfig(AppConfig):
    name = "consultations.recordings"
    verbose_name = _("Recordings")

    def ready(self) -> None:
        from consultations.recordings import checks  # noqa: F401  registers the check
        from consultations.recordings.live import LiveRecordings
        from consultations.recordings.rules import register_rules
        from consultations.rooms.recorder.port import register

        register_rules()
        register(LiveRecordings())
