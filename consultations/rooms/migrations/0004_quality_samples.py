import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rooms", "0003_guests"),
    ]

    operations = [
        migrations.CreateModel(
            name="QualitySample",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("engine", models.CharField(max_length=8)),
                ("warm", models.BooleanField(default=False)),
                ("audio", models.PositiveSmallIntegerField(null=True)),
                ("video", models.PositiveSmallIntegerField(null=True)),
                ("audio_factor", models.CharField(blank=True, default="", max_length=8)),
                ("video_factor", models.CharField(blank=True, default="", max_length=8)),
                ("rtt_ms", models.PositiveIntegerField(null=True)),
                ("jitter_ms", models.PositiveIntegerField(null=True)),
                ("loss_in", models.FloatField(null=True)),
                ("loss_out", models.FloatField(null=True)),
                ("concealed", models.FloatField(null=True)),
                ("freeze", models.FloatField(null=True)),
                ("fps", models.FloatField(null=True)),
                ("in_bps", models.PositiveBigIntegerField(null=True)),
                ("out_bps", models.PositiveBigIntegerField(null=True)),
                ("remedy", models.CharField(blank=True, default="", max_length=12)),
                (
                    "participant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quality_samples",
                        to="rooms.participant",
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="quality_samples", to="rooms.room"
                    ),
                ),
            ],
            options={
                "verbose_name": "quality sample",
                "verbose_name_plural": "quality samples",
                "ordering": ["at", "id"],
                "indexes": [models.Index(fields=["participant", "engine", "warm", "at"], name="newest_sample_of_path")],
            },
        ),
    ]
