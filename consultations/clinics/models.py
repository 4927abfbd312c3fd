"""The clinic is the tenant: every clinical row belongs to exactly one, and its rules decide what is allowed at all."""

from functools import reduce
from operator import or_
from typing import ClassVar

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from media_routing import api
from telemed.lib.ids import public_id
from telemed.vault.fields import EncryptedTextField

# Each costs a browser three allocations before every call, and Chromium warns of five addresses or more.
MAX_OFFERED_RELAYS = 2

# What 1 in a limit's column is in the engine's table: people write per cent and kbit/s.
_UNIT = {"audio_loss": 0.01, "video_loss": 0.01, "concealed": 0.01, "freeze": 0.01, "out_bps": 1000}


def _safe(metric: str) -> models.Q:
    """The rows of one metric that the database takes, in the units of the columns."""
    scale = _UNIT.get(metric, 1)
    least, most = (round(bound / scale, 6) for bound in api.BOUNDS[metric])
    order = {"poor__gt": models.F("fair")} if metric in api.CEILINGS else {"poor__lt": models.F("fair")}
    within = {"fair__gte": least, "fair__lte": most, "poor__gte": least, "poor__lte": most}
    return models.Q(metric=metric, **within, **order)


def default_languages() -> list[str]:
    return ["en", "de"]


class Clinic(models.Model):
    class Profile(models.TextChoices):
        KBV = "kbv", _("Germany, statutory care (KBV)")
        HIPAA = "hipaa", _("United States (HIPAA)")
        GDPR = "gdpr", _("European Union (GDPR)")

    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    name = models.CharField(_("name"), max_length=150)
    profile = models.CharField(
        _("regulatory profile"),
        max_length=8,
        choices=Profile.choices,
        default=Profile.GDPR,
        help_text=_("Decides what is allowed at all. KBV forbids recording, transcripts and AI in every visit."),
    )
    country = models.CharField(_("country"), max_length=2, default="DE")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin")
    languages = models.JSONField(_("languages"), default=default_languages)
    default_language = models.CharField(_("default language"), max_length=8, default="en")
    phone = models.CharField(
        _("phone number"), max_length=40, help_text=_("Shown to patients whenever a connection is lost.")
    )
    emergency_number = models.CharField(_("local emergency number"), max_length=20, default="112")
    accent = models.CharField(
        _("accent colour"),
        max_length=7,
        default="#0f6b6b",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Write the colour as # and six hexadecimal digits."))],
        help_text=_("The colour of buttons. It must be dark enough to read white text on it."),
    )
    logo_png = models.BinaryField(_("logo"), null=True, blank=True, editable=False)
    relay_only = models.BooleanField(
        _("hide network addresses"),
        default=False,
        help_text=_("Calls always go through the clinic's relay, so nobody learns the other person's network address."),
    )
    relay_regions = models.CharField(
        _("regions of relays"),
        max_length=200,
        blank=True,
        default="",
        help_text=_(
            "Regions in the order of preference, separated by commas, such as eu-central, eu-west. Only relays of these "
            "regions are offered, two at most in a visit. Empty: all of them, in the order they were added."
        ),
    )
    retention_days = models.PositiveSmallIntegerField(
        _("days that call metadata is kept"),
        default=85,
        validators=[MinValueValidator(1), MaxValueValidator(85)],
        help_text=_("At most 85 days: the law asks for less than three months."),
    )
    recording_days = models.PositiveSmallIntegerField(
        _("days that recordings are kept"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_(
            "Counted from the end of the visit. After that a recording is deleted, unless it is on legal hold."
        ),
    )
    copies_automatic = models.BooleanField(
        _("give copies of recordings without asking"),
        default=False,
        help_text=_(
            "A participant who asks for a copy of their own picture and sound gets it at once. Otherwise the practitioner or "
            "an administrator decides each time."
        ),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("clinic")
        verbose_name_plural = _("clinics")

    def __str__(self) -> str:
        return self.name

    @property
    def allows_capture(self) -> bool:
        """Whether a machine may keep anything of a visit (PRIV-1). The database refuses the rows all the same."""
        return self.profile != self.Profile.KBV

    @property
    def preferred_regions(self) -> list[str]:
        return [region for part in self.relay_regions.split(",") if (region := part.strip())]

    def offered_relays(self) -> list["TurnServer"]:
        """Return the relays that a visit may use, the best first. One query.

        Never one outside the regions that the clinic named: rather no relay than a path through another country.
        """
        relays = list(self.turn_servers.filter(active=True).order_by("pk"))
        if order := self.preferred_regions:
            relays = sorted(
                (relay for relay in relays if relay.region in order), key=lambda relay: order.index(relay.region)
            )
        return relays[:MAX_OFFERED_RELAYS]


class Membership(models.Model):
    """What a user may do in one clinic. Never a clinic on the user: doctors work in several."""

    class Role(models.TextChoices):
        PRACTITIONER = "practitioner", _("Practitioner")
        ASSISTANT = "assistant", _("Assistant")
        CLINIC_ADMIN = "clinic_admin", _("Clinic admin")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("clinic"))
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "clinic", "role"], name="one_membership_per_role")
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


class TurnServer(models.Model):
    """A relay (RFC 8656) that carries the paths which cannot go direct. Port 0 switches a transport off."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="turn_servers", verbose_name=_("clinic"))
    host = models.CharField(_("host name"), max_length=200)
    region = models.CharField(_("region"), max_length=60, help_text=_("Where it stands, such as eu-central."))
    udp_port = models.PositiveIntegerField(_("UDP port"), default=3478)
    tcp_port = models.PositiveIntegerField(_("TCP port"), default=3478)
    tls_port = models.PositiveIntegerField(_("TLS port"), default=443)
    secret = EncryptedTextField(_("shared secret"), help_text=_("The static-auth-secret of the relay."))
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("relay server")
        verbose_name_plural = _("relay servers")

    def __str__(self) -> str:
        return f"{self.host} ({self.region})"


class QualityLimit(models.Model):
    """A clinic's own limit in place of the product's, for one kind of visit (docs/ROUTING.md §7). The database keeps it safe."""

    class Profile(models.TextChoices):
        GENERAL = "general", _("General")
        TALKING = "talking", _("Talking therapy: sound first")
        NEUROLOGY = "neurology", _("Neurology: smooth movement first")
        DERMATOLOGY = "dermatology", _("Dermatology: detail first")

    class Metric(models.TextChoices):
        RTT = "rtt_ms", _("Delay there and back, in ms (200 and 300)")
        AUDIO_LOSS = "audio_loss", _("Lost sound, in % (2.5 and 7.5)")
        VIDEO_LOSS = "video_loss", _("Lost picture, in % (2 and 6)")
        JITTER = "jitter_ms", _("Uneven arrival, in ms (30 and 35)")
        CONCEALED = "concealed", _("Invented sound, in % (2 and 5)")
        FREEZE = "freeze", _("Frozen picture, in % of the time (2 and 5)")
        FPS = "fps", _("Pictures per second (18 and 15)")
        OUT_BPS = "out_bps", _("What the line can send, in kbit/s (768 and 384)")

    clinic = models.ForeignKey(
        Clinic, on_delete=models.CASCADE, related_name="quality_limits", verbose_name=_("clinic")
    )
    profile = models.CharField(_("quality profile"), max_length=12, choices=Profile.choices)
    metric = models.CharField(
        _("what is measured"),
        max_length=12,
        choices=Metric.choices,
        help_text=_("In brackets the limits of the general profile, from clinical sources."),
    )
    fair = models.FloatField(_("no longer good from"), help_text=_("From here on the picture is made smaller."))
    poor = models.FloatField(
        _("unacceptable from"),
        help_text=_("Beyond this for ten seconds, another way is used if it measures better."),
    )

    class Meta:
        verbose_name = _("quality limit")
        verbose_name_plural = _("quality limits")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "profile", "metric"], name="one_limit_per_metric"),
            models.CheckConstraint(
                condition=reduce(or_, (_safe(metric) for metric in api.BOUNDS)),
                name="quality_limit_is_safe",
                violation_error_message=_("This limit is outside of what is safe, or the two are the wrong way round."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_profile_display()}: {self.metric}"

    def clean(self) -> None:
        """Say which numbers are safe, in the unit of the field."""
        if self.metric not in api.BOUNDS or self.fair is None or self.poor is None:
            return
        if not api.is_limit(self.metric, self.limit):
            least, most = (bound / _UNIT.get(self.metric, 1) for bound in api.BOUNDS[self.metric])
            larger_is_worse = self.metric in api.CEILINGS
            words = (
                _("Enter two numbers from %(least)g to %(most)g, the first smaller than the second.")
                if larger_is_worse
                else _("Enter two numbers from %(least)g to %(most)g, the first larger than the second.")
            )
            raise ValidationError(words % {"least": least, "most": most})

    @property
    def limit(self) -> tuple[float, float]:
        """(fair, poor) in the unit of the engine's table."""
        scale = _UNIT.get(self.metric, 1)
        return round(self.fair * scale, 6), round(self.poor * scale, 6)


class Identifier(models.Model):
    """A number that another system gave to one of our rows: insurance number, EHR id (FHIR Identifier)."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+", verbose_name=_("clinic"))
    system = models.CharField(_("system"), max_length=200, help_text=_("A URI that names who gave the number."))
    value = models.CharField(_("value"), max_length=200)
    content_type = models.ForeignKey(
        ContentType, on_delete=models.CASCADE, related_name="+", verbose_name=_("kind of record")
    )
    object_id = models.PositiveBigIntegerField(_("number of the record"))
    owner = GenericForeignKey("content_type", "object_id")

    class Meta:
        verbose_name = _("identifier")
        verbose_name_plural = _("identifiers")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "system", "value"], name="one_owner_per_identifier")
        ]
        indexes: ClassVar = [models.Index(fields=["content_type", "object_id"], name="identifier_owner")]

    def __str__(self) -> str:
        return self.system
