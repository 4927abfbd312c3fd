"""What the administration calls the fields; the database does not change."""

import django.db.models.deletion
from django.db import migrations, models

import telemed.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0002_field_labels"),
        ("rooms", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="room",
            name="appointment",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="room",
                to="appointments.appointment",
                verbose_name="appointment",
            ),
        ),
        migrations.AlterField(
            model_name="room",
            name="code",
            field=models.CharField(
                default=telemed.lib.ids.public_id,
                editable=False,
                max_length=22,
                unique=True,
                verbose_name="code of the visit",
            ),
        ),
    ]
