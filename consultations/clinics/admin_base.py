"""The rules of Django admin here: only your clinics' rows, clinical rows read-only, every write an audited action (SEC-23)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from consultations.clinics import access
from consultations.clinics.actions import delete_setting, save_setting
from consultations.clinics.models import Clinic, Membership
from telemed import audit
from telemed.accounts.models import User


def clinics_of(user: User) -> models.QuerySet[Clinic]:
    """Return the clinics that `user` administers. A superuser without a membership runs the machine, not a clinic."""
    return access.clinics_of(user, Membership.Role.CLINIC_ADMIN)


def administers(request: HttpRequest) -> bool:
    """Return whether the person administers any clinic; one query per request."""
    if not hasattr(request, "_administers_clinics"):
        request._administers_clinics = request.user.is_active and clinics_of(request.user).exists()  # type: ignore[attr-defined]
    return bool(request._administers_clinics)  # type: ignore[attr-defined]


def is_wholly_yours(request: HttpRequest, user: User) -> bool:
    """Return whether nobody but the person's own clinics (or a superuser) depends on this account.

    Else an admin of one clinic could change the e-mail address of a doctor shared with another clinic, and so take her account.
    """
    if request.user.is_superuser:
        return True
    return not user.is_superuser and not user.memberships.exclude(clinic__in=clinics_of(request.user)).exists()


@dataclass(frozen=True)
class Button:
    """One thing to do with one row: `act(obj, acting_user)` returns the sentence to show, or raises ValidationError."""

    name: str
    label: Any
    explanation: Any
    act: Callable[[Any, User], str]
    danger: bool = False


class ScopedMixin:
    """Restricts rows, choices of foreign keys and permissions to the person's clinics."""

    clinic_path: ClassVar[str] = "clinic"
    read_only: ClassVar[bool] = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)  # type: ignore[misc]
        return rows.filter(**{f"{self.clinic_path}__in": clinics_of(request.user)}).distinct()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return administers(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return administers(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return not self.read_only and administers(request)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return not self.read_only and administers(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        target = db_field.related_model
        if target is Clinic:
            kwargs["queryset"] = clinics_of(request.user)
        elif target is User:
            kwargs["queryset"] = User.objects.filter(memberships__clinic__in=clinics_of(request.user)).distinct()
        elif hasattr(target, "clinic"):
            kwargs["queryset"] = target.objects.filter(clinic__in=clinics_of(request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class ClinicScopedAdmin(ScopedMixin, admin.ModelAdmin):
    """A model admin under these rules. `reads_event` names the audit event of opening one row ('' for plain settings)."""

    actions = None
    show_full_result_count = False
    list_per_page = 50
    reads_event: ClassVar[str] = ""
    buttons: ClassVar[tuple[Button, ...]] = ()
    change_form_template = "admin/change_form_with_buttons.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_press"
        press = path("<path:object_id>/press/<slug:button>/", self.admin_site.admin_view(self.press), name=name)
        return [press, *super().get_urls()] if self.buttons else super().get_urls()

    def press(self, request: HttpRequest, object_id: str, button: str) -> HttpResponse:
        """Carry out one button on one row; only by POST, only on rows in scope."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        obj = self.get_object(request, object_id)
        chosen = next((one for one in self.buttons if one.name == button), None)
        if obj is None or chosen is None or not self.may_press(request, obj):
            raise Http404
        try:
            messages.success(request, chosen.act(obj, request.user))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        target = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(target, args=[obj.pk]))

    def may_press(self, request: HttpRequest, obj: Any) -> bool:
        return administers(request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        context["buttons"] = self.buttons if obj is not None and self.may_press(request, obj) else ()
        return super().render_change_form(request, context, *args, **kwargs)

    def clinic_of(self, obj: Any) -> Clinic | None:
        """Return the clinic that owns `obj`, following `clinic_path`."""
        for name in self.clinic_path.split("__"):
            obj = getattr(obj, name, None)
        return obj if isinstance(obj, Clinic) else None

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Stock admin lets `?name__startswith=` on any own field through: a way to guess names. Only the filters shown.
        allowed = {field if isinstance(field, str) else field[0] for field in self.list_filter}
        return any(lookup == field or lookup.startswith(f"{field}__") for field in allowed)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not (self.reads_event and object_id and request.method == "GET"):
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            response = super().changeform_view(request, object_id, form_url, extra_context)
            if response.status_code == 200:
                self.record_read(request, object_id)
        return response

    def record_read(self, request: HttpRequest, object_id: str) -> None:
        obj = self.get_object(request, object_id)
        clinic = self.clinic_of(obj)
        audit.record(
            self.reads_event,
            actor=request.user,
            clinic=clinic.public_id if clinic else "",
            subject=self.subject_of(obj),
            object=f"{self.opts.model_name}:{getattr(obj, 'public_id', object_id)}",
            details={"through": "admin"},
        )

    def subject_of(self, obj: Any) -> str:
        """Return the public id of the patient that `obj` is about, or ''."""
        return ""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        fields = [name for name in form.changed_data if name in {field.name for field in obj._meta.concrete_fields}]
        save_setting(obj, clinic=self.clinic_of(obj), changed_fields=fields, acting_user=request.user)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        rows = formset.save(commit=False)
        changed = {id(obj): fields for obj, fields in formset.changed_objects}
        clinic = self.clinic_of(form.instance) or (form.instance if isinstance(form.instance, Clinic) else None)
        for obj in formset.deleted_objects:
            delete_setting(obj, clinic=clinic, acting_user=request.user)
        for obj in rows:
            save_setting(
                obj,
                clinic=clinic or getattr(obj, "clinic", None),
                changed_fields=changed.get(id(obj), []),
                acting_user=request.user,
            )
        formset.save_m2m()

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Our audit log is the history; Django's would repeat names outside its protection."""

    log_change = log_addition  # type: ignore[assignment]


class ClinicScopedInline(ScopedMixin, admin.TabularInline):
    extra = 0

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Name every control: in Django's rows only the column has a name, which no screen reader ties to the control."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = capfirst(field.label or db_field.verbose_name)
        return field
