from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rooms", "0004_quality_samples")]

    operations = [
        migrations.AddField(
            "participant",
            "server_answer",
            models.CharField(
                blank=True,
                choices=[("yes", "Agreed"), ("no", "Declined")],
                default="",
                max_length=3,
                verbose_name="media server",
            ),
        ),
    ]
