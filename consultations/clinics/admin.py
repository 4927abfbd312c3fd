"""A clinic's settings and the accounts of its staff."""

import io
from typing import Any
from zoneinfo import available_timezones

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from PIL import Image, UnidentifiedImageError

from consultations.clinics.actions import set_logo
from consultations.clinics.admin_base import (
    Button,
    ClinicScopedAdmin,
    ClinicScopedInline,
    ScopedMixin,
    administers,
    clinics_of,
    is_wholly_yours,
)
from consultations.clinics.models import Clinic, Identifier, Membership, QualityLimit, TurnServer
from telemed.accounts.actions import activate_user, deactivate_user, reset_mfa
from telemed.accounts.models import User
from telemed.audit.models import AuditEntry

# Other apps' stock pages would show authenticator data, addresses and sessions of every clinic.
for foreign in (Group, EmailAddress, Authenticator, UserSession):
    if admin.site.is_registered(foreign):
        admin.site.unregister(foreign)
admin.site.index_title = _("Overview")

LOGO_MAX_BYTES = 2 * 1024 * 1024
LOGO_MAX_PIXELS = 512


def _linear(channel: int) -> float:
    value = channel / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def contrast_with_white(colour: str) -> float:
    """Return the WCAG 2.2 contrast ratio of `#rrggbb` with white."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def reencode_logo(data: bytes) -> bytes:
    """Return the picture as a PNG of at most 512 px without metadata; raise ValidationError if it is no picture (SEC-19)."""
    if len(data) > LOGO_MAX_BYTES:
        raise ValidationError(_("The picture is larger than 2 MB. Choose a smaller one."))
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as picture:
            picture.draft(None, (LOGO_MAX_PIXELS, LOGO_MAX_PIXELS))
            if picture.width * picture.height > 40_000_000:
                raise ValidationError(_("The picture has too many pixels. Choose a smaller one."))
            clean = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise ValidationError(_("This file is not a PNG, JPEG or WebP picture.")) from None
    clean.thumbnail((LOGO_MAX_PIXELS, LOGO_MAX_PIXELS))
    out = io.BytesIO()
    clean.save(out, "PNG", optimize=True)
    return out.getvalue()


class TimeZoneForm(forms.ModelForm):
    """A zone that does not exist would break every page with a time on it."""

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone not in available_timezones():
            raise ValidationError(_("This time zone is not known. It is written like Europe/Berlin."))
        return zone


class ClinicForm(TimeZoneForm):
    logo = forms.FileField(
        label=_("Logo"), required=False, help_text=_("PNG, JPEG or WebP. It stands above every page patients see.")
    )
    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        choices=settings.LANGUAGES,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Patients choose among these."),
    )
    default_language = forms.ChoiceField(
        label=_("Default language"),
        choices=settings.LANGUAGES,
        help_text=_("For patients who have not chosen."),
    )

    class Meta:
        model = Clinic
        exclude = ["logo_png"]

    def clean_default_language(self) -> str:
        language: str = self.cleaned_data["default_language"]
        if language not in self.cleaned_data.get("languages", [language]):
            raise ValidationError(_("Choose one of the languages that patients choose among."))
        return language

    def clean_accent(self) -> str:
        accent: str = self.cleaned_data["accent"]
        if contrast_with_white(accent) < 4.5:
            raise ValidationError(_("White text on this colour is hard to read. Choose a darker one."))
        return accent

    def clean_relay_regions(self) -> str:
        """A region in which no relay stands would leave patients without one, and nobody would see why."""
        regions = list(dict.fromkeys(Clinic(relay_regions=self.cleaned_data["relay_regions"]).preferred_regions))
        known = (
            {relay.region for relay in self.instance.turn_servers.filter(active=True)} if self.instance.pk else set()
        )
        for region in regions:
            if region not in known:
                raise ValidationError(
                    _("No active relay stands in “%(region)s”. Add the relay first, save, then name its region."),
                    params={"region": region},
                )
        return ", ".join(regions)

    def clean_logo(self) -> bytes | None:
        upload = self.cleaned_data.get("logo")
        return reencode_logo(upload.read(LOGO_MAX_BYTES + 1)) if upload else None


class TurnServerForm(forms.ModelForm):
    """The shared secret is written, never shown again."""

    secret = forms.CharField(
        label=_("Shared secret"),
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the present one."),
    )

    class Meta:
        model = TurnServer
        fields = ["host", "region", "udp_port", "tcp_port", "tls_port", "secret", "active"]

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data.get("secret") or self.instance.secret
        if not secret:
            raise ValidationError(_("Enter the secret that is set on the relay."))
        return secret


class TurnServerInline(ClinicScopedInline):
    model = TurnServer
    form = TurnServerForm

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return administers(request)


class QualityLimitInline(ScopedMixin, admin.StackedInline):
    """Stacked: two long lists and two numbers do not fit beside each other."""

    model = QualityLimit
    extra = 0
    fields = ["profile", "metric", "fair", "poor"]
    verbose_name_plural = _("Own quality limits (empty: the product's, from clinical sources)")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return administers(request)


class MembershipInline(ClinicScopedInline):
    model = Membership
    fields = ["user", "role", "active"]

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return administers(request)


@admin.register(Clinic)
class ClinicAdmin(ClinicScopedAdmin):
    form = ClinicForm
    list_display = ["name", "profile", "time_zone", "relay_only"]
    inlines = [TurnServerInline, QualityLimitInline, MembershipInline]
    fieldsets = [
        (None, {"fields": ["name", "phone", "emergency_number", "country", "time_zone"]}),
        (
            _("Rules"),
            {
                "fields": [
                    "profile",
                    "relay_only",
                    "relay_regions",
                    "retention_days",
                    "recording_days",
                    "copies_automatic",
                ]
            },
        ),
        (_("What patients see"), {"fields": ["languages", "default_language", "accent", "logo", "remove_logo"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Clinic]:
        if request.user.is_superuser:
            return Clinic.objects.all()
        return clinics_of(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser or administers(request)

    has_view_permission = has_change_permission = lambda self, request, obj=None: self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def clinic_of(self, obj: Any) -> Clinic | None:
        return obj if isinstance(obj, Clinic) else None

    def save_model(self, request: HttpRequest, obj: Clinic, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.cleaned_data.get("logo"):
            set_logo(obj, form.cleaned_data["logo"], acting_user=request.user)
        elif form.cleaned_data.get("remove_logo"):
            set_logo(obj, None, acting_user=request.user)


class UserMembershipInline(ClinicScopedInline):
    model = Membership
    fields = ["clinic", "role", "active"]


def _reset_second_factor(user: User, acting_user: User) -> str:
    reset_mfa(user, acting_user=acting_user)
    return _("The second factor is removed and every session has ended. The next sign-in asks for a new one.")


@admin.register(User)
class UserAdmin(ClinicScopedAdmin):
    """Staff accounts. A new person sets a password through "forgotten password" and must then add a second factor."""

    clinic_path = "memberships__clinic"
    form = TimeZoneForm
    fields = ["name", "email", "language", "time_zone", "is_active"]
    list_display = ["name", "email", "is_active", "is_staff"]
    list_filter = ["is_active"]
    search_fields = ["name", "email"]
    inlines = [UserMembershipInline]
    buttons = (
        Button(
            "reset-second-factor",
            _("Remove the second factor"),
            _("For somebody who lost their phone or key. Make sure that it is really them who asks: call them back."),
            _reset_second_factor,
            danger=True,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[User]:
        if request.user.is_superuser:
            return User.objects.all()
        return super().get_queryset(request)

    def get_fields(self, request: HttpRequest, obj: object = None) -> Any:
        fields = list(super().get_fields(request, obj))
        return [*fields, "is_staff", "is_superuser"] if request.user.is_superuser else [*fields, "is_staff"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser or administers(request)

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self.has_module_permission(request) and (obj is None or is_wholly_yours(request, obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def may_press(self, request: HttpRequest, obj: User) -> bool:
        return obj != request.user and self.has_change_permission(request, obj)

    def clinic_of(self, obj: Any) -> Clinic | None:
        membership = obj.memberships.select_related("clinic").first() if obj.pk else None
        return membership.clinic if membership else None

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.email = obj.email.strip().lower()
        if not change:
            obj.set_unusable_password()
        elif "is_active" in form.changed_data:
            # Not only a field: every session and socket of theirs ends (SEC-4, SEC-14).
            form.changed_data.remove("is_active")
            (activate_user if obj.is_active else deactivate_user)(obj, acting_user=request.user)
        super().save_model(request, obj, form, change)


@admin.register(Identifier)
class IdentifierAdmin(ClinicScopedAdmin):
    read_only = True
    list_display = ["system", "content_type", "clinic"]
    reads_event = "identifier.read"


@admin.register(AuditEntry)
class AuditEntryAdmin(ClinicScopedAdmin):
    """The log as written: pseudonyms only. Reading it is logged too (ISO 27789)."""

    read_only = True
    list_display = ["seq", "recorded_at", "event", "outcome", "object"]
    list_filter = ["event", "outcome"]
    reads_event = "audit.read"
    ordering = ["-seq"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[AuditEntry]:
        return AuditEntry.objects.filter(clinic__in=clinics_of(request.user).values("public_id"))

    def clinic_of(self, obj: Any) -> Clinic | None:
        return Clinic.objects.filter(public_id=obj.clinic).first() if obj else None
