import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clinics", "0004_recording_copies"),
    ]

    operations = [
        migrations.CreateModel(
            name="QualityLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "profile",
                    models.CharField(
                        choices=[
                            ("general", "General"),
                            ("talking", "Talking therapy: sound first"),
                            ("neurology", "Neurology: smooth movement first"),
                            ("dermatology", "Dermatology: detail first"),
                        ],
                        max_length=12,
                        verbose_name="quality profile",
                    ),
                ),
                (
                    "metric",
                    models.CharField(
                        choices=[
                            ("rtt_ms", "Delay there and back, in ms (200 and 300)"),
                            ("audio_loss", "Lost sound, in % (2.5 and 7.5)"),
                            ("video_loss", "Lost picture, in % (2 and 6)"),
                            ("jitter_ms", "Uneven arrival, in ms (30 and 35)"),
                            ("concealed", "Invented sound, in % (2 and 5)"),
                            ("freeze", "Frozen picture, in % of the time (2 and 5)"),
                            ("fps", "Pictures per second (18 and 15)"),
                            ("out_bps", "What the line can send, in kbit/s (768 and 384)"),
                        ],
                        help_text="In brackets the limits of the general profile, from clinical sources.",
                        max_length=12,
                        verbose_name="what is measured",
                    ),
                ),
                (
                    "fair",
                    models.FloatField(
                        help_text="From here on the picture is made smaller.", verbose_name="no longer good from"
                    ),
                ),
                (
                    "poor",
                    models.FloatField(
                        help_text="Beyond this for ten seconds, another way is used if it measures better.",
                        verbose_name="unacceptable from",
                    ),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quality_limits",
                        to="clinics.clinic",
                        verbose_name="clinic",
                    ),
                ),
            ],
            options={
                "verbose_name": "quality limit",
                "verbose_name_plural": "quality limits",
                "constraints": [
                    models.UniqueConstraint(fields=("clinic", "profile", "metric"), name="one_limit_per_metric"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("fair__gte", 100.0),
                                ("fair__lte", 800.0),
                                ("metric", "rtt_ms"),
                                ("poor__gt", models.F("fair")),
                                ("poor__gte", 100.0),
                                ("poor__lte", 800.0),
                            ),
                            models.Q(
                                ("fair__gte", 0.5),
                                ("fair__lte", 15.0),
                                ("metric", "audio_loss"),
                                ("poor__gt", models.F("fair")),
                                ("poor__gte", 0.5),
                                ("poor__lte", 15.0),
                            ),
                            models.Q(
                                ("fair__gte", 0.5),
                                ("fair__lte", 15.0),
                                ("metric", "video_loss"),
                                ("poor__gt", models.F("fair")),
                                ("poor__gte", 0.5),
                                ("poor__lte", 15.0),
                            ),
                            models.Q(
                                ("fair__gte", 10.0),
                                ("fair__lte", 100.0),
                                ("metric", "jitter_ms"),
                                ("poor__gt", models.F("fair")),
                                ("poor__gte", 10.0),
                                ("poor__lte", 100.0),
                            ),
                            models.Q(
                                ("fair__gte", 0.5),
                                ("fair__lte", 15.0),
                                ("metric", "concealed"),
                                ("poor__gt", models.F("fair")),
                                ("poor__gte", 0.5),
                                ("poor__lte", 15.0),
                            ),
                            models.Q(
                                ("fair__gte", 0.5),
                                ("fair__lte", 20.0),
                                ("metric", "freeze"),
                                ("poor__gt", models.F("fair")),
                                ("poor__gte", 0.5),
                                ("poor__lte", 20.0),
                            ),
                            models.Q(
                                ("fair__gte", 5.0),
                                ("fair__lte", 30.0),
                                ("metric", "fps"),
                                ("poor__gte", 5.0),
                                ("poor__lt", models.F("fair")),
                                ("poor__lte", 30.0),
                            ),
                            models.Q(
                                ("fair__gte", 50.0),
                                ("fair__lte", 4000.0),
                                ("metric", "out_bps"),
                                ("poor__gte", 50.0),
                                ("poor__lt", models.F("fair")),
                                ("poor__lte", 4000.0),
                            ),
                            _connector="OR",
                        ),
                        name="quality_limit_is_safe",
                        violation_error_message="This limit is outside of what is safe, or the two are the wrong way round.",
                    ),
                ],
            },
        ),
    ]
