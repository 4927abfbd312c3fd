"""What the administration calls the fields; the database does not change."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import telemed.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0001_initial"),
        ("clinics", "0001_initial"),
        ("patients", "0001_initial"),
        ("practitioners", "0002_field_labels"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="appointment",
            name="clinic",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="appointments",
                to="clinics.clinic",
                verbose_name="clinic",
            ),
        ),
        migrations.AlterField(
            model_name="appointment",
            name="created_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="booked by",
            ),
        ),
        migrations.AlterField(
            model_name="appointment",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="appointments",
                to="patients.patient",
                verbose_name="patient",
            ),
        ),
        migrations.AlterField(
            model_name="appointment",
            name="practitioner",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty for a team's visit until somebody takes it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="appointments",
                to="practitioners.practitioner",
                verbose_name="practitioner",
            ),
        ),
        migrations.AlterField(
            model_name="appointment",
            name="public_id",
            field=models.CharField(
                default=telemed.lib.ids.public_id,
                editable=False,
                max_length=22,
                unique=True,
                verbose_name="public number",
            ),
        ),
        migrations.AlterField(
            model_name="appointment",
            name="visit_type",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="appointments",
                to="appointments.visittype",
                verbose_name="visit type",
            ),
        ),
        migrations.AlterField(
            model_name="statuschange",
            name="at",
            field=models.DateTimeField(verbose_name="at"),
        ),
        migrations.AlterField(
            model_name="statuschange",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by whom",
            ),
        ),
        migrations.AlterField(
            model_name="statuschange",
            name="new",
            field=models.CharField(max_length=10, verbose_name="state after"),
        ),
        migrations.AlterField(
            model_name="statuschange",
            name="old",
            field=models.CharField(blank=True, max_length=10, verbose_name="state before"),
        ),
        migrations.AlterField(
            model_name="visittype",
            name="clinic",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="visit_types",
                to="clinics.clinic",
                verbose_name="clinic",
            ),
        ),
    ]
