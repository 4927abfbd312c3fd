import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rooms", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="MediaNode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(max_length=200, unique=True)),
                ("number", models.PositiveSmallIntegerField(default=0)),
                ("instance", models.CharField(max_length=22)),
                ("started_at", models.DateTimeField()),
                ("heartbeat_at", models.DateTimeField(db_index=True)),
                ("draining", models.BooleanField(default=False)),
                ("load", models.FloatField(default=0.0)),
            ],
            options={
                "verbose_name": "media node",
                "verbose_name_plural": "media nodes",
            },
        ),
        migrations.AddField(
            model_name="room",
            name="pinned_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="room",
            name="media_node",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="rooms",
                to="rooms.medianode",
            ),
        ),
    ]
