"""What the administration calls the fields; the database does not change."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0002_field_labels"),
        ("consent", "0002_treatment_texts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="consentrecord",
            name="appointment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="consents",
                to="appointments.appointment",
                verbose_name="appointment",
            ),
        ),
        migrations.AlterField(
            model_name="consentrecord",
            name="person",
            field=models.CharField(max_length=22, verbose_name="person"),
        ),
        migrations.AlterField(
            model_name="consentrecord",
            name="text",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="consent.consenttext",
                verbose_name="consent text",
            ),
        ),
    ]
