"""What the administration calls the fields; the database does not change."""

import django.db.models.deletion
from django.db import migrations, models

import telemed.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("clinics", "0002_field_labels"),
        ("patients", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="patient",
            name="clinic",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="patients",
                to="clinics.clinic",
                verbose_name="clinic",
            ),
        ),
        migrations.AlterField(
            model_name="patient",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="patient",
            name="public_id",
            field=models.CharField(
                default=telemed.lib.ids.public_id,
                editable=False,
                max_length=22,
                unique=True,
                verbose_name="public number",
            ),
        ),
    ]
