from django.db import migrations, models

import telemed.vault.fields


class Migration(migrations.Migration):
    dependencies = [("rooms", "0002_media_nodes")]

    operations = [
        migrations.AddField("joinlink", "one_time", models.BooleanField(default=False)),
        migrations.AddField(
            "participant",
            "contact",
            telemed.vault.fields.EncryptedTextField(
                blank=True, default="", verbose_name="e-mail address or phone number"
            ),
        ),
    ]
