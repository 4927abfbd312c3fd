"""What the administration calls the fields; the database does not change."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clinics", "0002_field_labels"),
        ("outbox", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="clinic",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="clinics.clinic",
                verbose_name="clinic",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="subject",
            field=models.CharField(blank=True, db_index=True, default="", max_length=22, verbose_name="appointment"),
        ),
    ]
