from django.db import migrations, models

import telemed.vault.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("recorded_at", models.DateTimeField(db_index=True)),
                ("event", models.CharField(db_index=True, max_length=64)),
                ("actor", models.CharField(blank=True, max_length=80)),
                ("clinic", models.CharField(blank=True, db_index=True, max_length=64)),
                ("subject", models.CharField(blank=True, db_index=True, max_length=64)),
                ("object", models.CharField(blank=True, max_length=130)),
                ("outcome", models.CharField(max_length=8)),
                ("details", models.TextField()),
                ("leaf_hash", models.CharField(max_length=64)),
                ("tree_root", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "db_table": "audit_entry",
                "ordering": ["seq"],
            },
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("size", models.BigIntegerField(default=0)),
                ("peaks", models.TextField(blank=True, default="")),
            ],
            options={
                "db_table": "audit_head",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="audit_head_single")],
            },
        ),
        migrations.CreateModel(
            name="PseudonymKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=16)),
                ("owner", models.CharField(max_length=64)),
                ("key", telemed.vault.fields.EncryptedTextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "audit_pseudonym_key",
                "constraints": [models.UniqueConstraint(fields=("kind", "owner"), name="audit_pseudonym_key_owner")],
            },
        ),
    ]
