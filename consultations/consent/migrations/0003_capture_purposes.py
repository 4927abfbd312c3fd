from django.db import migrations, models

PURPOSES = [
    ("treatment", "Treatment by video"),
    ("recording", "Recording"),
    ("combined", "One file of everybody"),
    ("transcript", "Transcript"),
    ("ai_note", "Draft of a note by AI"),
    ("stills", "Still pictures"),
]


class Migration(migrations.Migration):
    dependencies = [("consent", "0002_treatment_texts")]

    operations = [
        migrations.AlterField(
            model_name=model,
            name="purpose",
            field=models.CharField(choices=PURPOSES, max_length=20, verbose_name="purpose"),
        )
        for model in ("consenttext", "consentrecord")
    ]
