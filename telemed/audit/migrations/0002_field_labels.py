"""What the administration calls the fields; the database does not change."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_entries"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="actor",
            field=models.CharField(blank=True, max_length=80, verbose_name="by whom"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="clinic",
            field=models.CharField(blank=True, db_index=True, max_length=64, verbose_name="clinic"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="details",
            field=models.TextField(verbose_name="details"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="event",
            field=models.CharField(db_index=True, max_length=64, verbose_name="event"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="leaf_hash",
            field=models.CharField(max_length=64, verbose_name="hash of the entry"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="object",
            field=models.CharField(blank=True, max_length=130, verbose_name="object"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="outcome",
            field=models.CharField(max_length=8, verbose_name="outcome"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="recorded_at",
            field=models.DateTimeField(db_index=True, verbose_name="at"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="seq",
            field=models.BigIntegerField(primary_key=True, serialize=False, verbose_name="number"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="subject",
            field=models.CharField(blank=True, db_index=True, max_length=64, verbose_name="patient (pseudonym)"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="tree_root",
            field=models.CharField(max_length=64, verbose_name="hash of all entries"),
        ),
    ]
