"""The live consultation: a room with N seats, the people in them, how they got in, and which path their media took."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from consultations.appointments.models import Appointment
from consultations.patients.models import Patient
from telemed.lib.ids import public_id
from telemed.vault.fields import EncryptedTextField


class MediaNode(models.Model):
    """An rtc process that answers on `url`. A row per address: whoever is started there next takes the row over."""

    # Where browsers reach it: absolute ws: or wss: address without the path of a visit and without a slash at the end.
    url = models.CharField(max_length=200, unique=True)
    number = models.PositiveSmallIntegerField(default=0)
    # Random for every start: a process that was replaced notices that the row is no longer its own.
    instance = models.CharField(max_length=22)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(db_index=True)
    # Takes no new visits (REL-6).
    draining = models.BooleanField(default=False)
    # Share of what it may carry that is used, 0 to 1 and above (REL-11).
    load = models.FloatField(default=0.0)

    class Meta:
        verbose_name = _("media node")
        verbose_name_plural = _("media nodes")

    def __str__(self) -> str:
        return f"{self.number}"


class Room(models.Model):
    class State(models.TextChoices):
        SCHEDULED = "scheduled", _("Not open yet")
        OPEN = "open", _("Open, nobody admitted")
        LIVE = "live", _("In visit")
        ENDED = "ended", _("Ended")

    class Outcome(models.TextChoices):
        DONE = "done", _("Nothing further")
        FOLLOW_UP = "follow_up", _("Follow-up visit")
        REFERRAL = "referral", _("Referral")
        PRESCRIPTION = "prescription", _("Prescription")
        CRISIS_PLAN = "crisis_plan", _("Crisis plan")
        NOT_REACHED = "not_reached", _("Patient not reached")
        TECHNICAL = "technical", _("Ended for technical reasons")

    appointment = models.OneToOneField(
        Appointment, on_delete=models.PROTECT, related_name="room", verbose_name=_("appointment")
    )
    # Opaque, in the URL; knowing it opens nothing: a seat or a staff session does.
    code = models.CharField(_("code of the visit"), max_length=22, unique=True, editable=False, default=public_id)
    seats = models.PositiveSmallIntegerField(_("seats"), default=2)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.SCHEDULED)
    # Counts changes of what any participant may see: clients ask again when theirs is older (REL-5).
    revision = models.PositiveIntegerField(default=1)
    route = models.CharField(_("media route"), max_length=8, blank=True, default="")
    route_reasons = models.JSONField(_("reasons"), default=list, blank=True)
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    live_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome.choices, blank=True, default="")
    # The rtc process that serves this visit's sockets and media; None while there is only one process.
    media_node = models.ForeignKey(MediaNode, on_delete=models.SET_NULL, null=True, blank=True, related_name="rooms")
    pinned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")

    def __str__(self) -> str:
        return self.code


class RouteDecision(models.Model):
    """Why media took the path it took, readable by anyone later. Metadata: purged per retention (PRIV-4)."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="route_decisions")
    at = models.DateTimeField(_("at"))
    trigger = models.CharField(_("trigger"), max_length=40)
    route = models.CharField(_("media route"), max_length=8)
    refused = models.BooleanField(_("refused"), default=False)
    reasons = models.JSONField(_("reasons"), default=list)

    class Meta:
        verbose_name = _("route decision")
        verbose_name_plural = _("route decisions")
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.trigger}: {self.route}"


class Participant(models.Model):
    """A person in this visit. The row is the seat: devices come and go, the seat stays."""

    class Role(models.TextChoices):
        PRACTITIONER = "practitioner", _("Practitioner")
        PATIENT = "patient", _("Patient")
        RELATIVE = "relative", _("Relative")
        INTERPRETER = "interpreter", _("Interpreter")
        CHAPERONE = "chaperone", _("Chaperone")
        COLLEAGUE = "colleague", _("Colleague")

    class Kind(models.TextChoices):
        BROWSER = "browser", _("Browser")
        PHONE = "phone", _("Phone")

    class State(models.TextChoices):
        INVITED = "invited", _("Invited")
        PREPARING = "preparing", _("Getting ready")
        WAITING = "waiting", _("Waiting")
        ADMITTED = "admitted", _("In visit")
        LEFT = "left", _("Left")
        REMOVED = "removed", _("Removed")

    class Identity(models.TextChoices):
        CONFIRMED = "confirmed", _("Identity confirmed")
        KNOWN = "known", _("Known to the practice")
        NOT_CONFIRMED = "not_confirmed", _("Not confirmed")

    class ServerAnswer(models.TextChoices):
        YES = "yes", _("Agreed")
        NO = "no", _("Declined")

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="participants")
    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    kind = models.CharField(_("joins by"), max_length=7, choices=Kind.choices, default=Kind.BROWSER)
    name = models.CharField(_("full name"), max_length=150)
    language = models.CharField(_("language"), max_length=8, default="en")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.INVITED)
    # Asked each time, never copied from the last visit (CLIN-1).
    location = EncryptedTextField(_("where they are"), blank=True, default="")
    callback_number = EncryptedTextField(_("call-back number"), blank=True, default="")
    emergency_contact = EncryptedTextField(_("emergency contact"), blank=True, default="")
    # Of people who were invited besides the patient: where their link goes, also when the visit is moved or called off.
    contact = EncryptedTextField(_("e-mail address or phone number"), blank=True, default="")
    details_confirmed_at = models.DateTimeField(null=True, blank=True)
    device_check = models.JSONField(_("device check"), default=dict, blank=True)
    relay_only = models.BooleanField(_("hides their network address"), default=False)
    identity_outcome = models.CharField(_("identity"), max_length=13, choices=Identity.choices, blank=True, default="")
    arrived_at = models.DateTimeField(_("arrived"), null=True, blank=True)
    admitted_at = models.DateTimeField(_("admitted"), null=True, blank=True)
    left_at = models.DateTimeField(_("left"), null=True, blank=True)
    end_reason = models.CharField(_("why it ended"), max_length=20, blank=True, default="")
    # To going through the media server, where that is asked first (PRIV-8). A yes covers one stay on it; a no stays.
    server_answer = models.CharField(
        _("media server"), max_length=3, choices=ServerAnswer.choices, blank=True, default=""
    )

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["room", "user"], condition=models.Q(user__isnull=False), name="one_seat_per_user"
            )
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_guest(self) -> bool:
        """Somebody who was asked to join the patient and the practitioner."""
        return self.role not in {self.Role.PRACTITIONER, self.Role.PATIENT}


class QualitySample(models.Model):
    """The worst that one person's page measured of one path in ten seconds. Metadata: purged per retention (PRIV-4)."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="quality_samples")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="quality_samples")
    # When the ten seconds began.
    at = models.DateTimeField()
    engine = models.CharField(max_length=8)
    # Of the path that was tried beside the one in use.
    warm = models.BooleanField(default=False)
    audio = models.PositiveSmallIntegerField(null=True)
    video = models.PositiveSmallIntegerField(null=True)
    audio_factor = models.CharField(max_length=8, blank=True, default="")
    video_factor = models.CharField(max_length=8, blank=True, default="")
    rtt_ms = models.PositiveIntegerField(null=True)
    jitter_ms = models.PositiveIntegerField(null=True)
    loss_in = models.FloatField(null=True)
    loss_out = models.FloatField(null=True)
    concealed = models.FloatField(null=True)
    freeze = models.FloatField(null=True)
    fps = models.FloatField(null=True)
    in_bps = models.PositiveBigIntegerField(null=True)
    out_bps = models.PositiveBigIntegerField(null=True)
    remedy = models.CharField(max_length=12, blank=True, default="")

    class Meta:
        verbose_name = _("quality sample")
        verbose_name_plural = _("quality samples")
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["participant", "engine", "warm", "at"], name="newest_sample_of_path")]

    def __str__(self) -> str:
        return f"{self.engine} {self.pk}"


class JoinLink(models.Model):
    """A link's token, hashed (SEC-6). Several may be live for one seat; redeeming never consumes the others.

    A `one_time` link opens on the first device only: what was sent to an interpreter must not bring their cousin.
    """

    class Kind(models.TextChoices):
        JOIN = "join", _("Join the visit")
        AFTER = "after", _("After the visit")

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(max_length=5, choices=Kind.choices, default=Kind.JOIN)
    token_hash = models.CharField(max_length=64, unique=True)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    redeemed_at = models.DateTimeField(null=True, blank=True)
    one_time = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class SeatDevice(models.Model):
    """A browser that holds, or asks for, a seat. At most one is active; a second one waits to be re-admitted."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Seated")
        ASKING = "asking", _("Waiting to take over")
        REVOKED = "revoked", _("No longer valid")

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="devices")
    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    secret_hash = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=7, choices=State.choices)
    label = models.CharField(max_length=60, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["participant"], condition=models.Q(state="active"), name="one_active_device_per_seat"
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class Note(models.Model):
    """A practitioner's note about a visit. Its text lives in versions that are only ever added."""

    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        constraints: ClassVar = [models.UniqueConstraint(fields=["room", "author"], name="one_note_per_author")]

    def __str__(self) -> str:
        return f"{self.pk}"


class NoteVersion(models.Model):
    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    text = EncryptedTextField()
    saved_at = models.DateTimeField()

    class Meta:
        verbose_name = _("note version")
        verbose_name_plural = _("note versions")
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["note", "number"], name="one_text_per_note_version")]

    def __str__(self) -> str:
        return f"{self.number}"
