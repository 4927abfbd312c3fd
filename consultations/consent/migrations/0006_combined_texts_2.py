"""One file of everybody, second version: who is in it may get a copy of it, which the first did not say."""

from datetime import UTC, datetime
from importlib import import_module

from django.db import migrations

REVIEWED_AT = datetime(2026, 11, 27, tzinfo=UTC)
FIRST = import_module("consultations.consent.migrations.0004_capture_texts").TEXTS["combined"]
# language -> (before which sentence, what is added)
ADDED = {
    "en": (
        "The file is kept and deleted like the recording.",
        "Whoever is in it may be given a copy of it by the clinic.\n\n",
    ),
    "de": (
        "Die Datei wird aufbewahrt und gelöscht wie die Aufzeichnung.",
        "Wer darin vorkommt, kann von der Praxis eine Kopie davon bekommen.\n\n",
    ),
}


def add_texts(apps, schema_editor):
    consent_text = apps.get_model("consent", "ConsentText")
    for language, (title, summary, body, if_refused) in FIRST.items():
        before, added = ADDED[language]
        assert before in body
        consent_text.objects.using(schema_editor.connection.alias).get_or_create(
            purpose="combined",
            language=language,
            version=2,
            defaults={
                "title": title,
                "summary": summary,
                "body": body.replace(before, added + before),
                "if_refused": if_refused,
                "reviewed_at": REVIEWED_AT,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("consent", "0005_treatment_texts_2")]
    # Backwards nothing: a text may already have been agreed to.
    operations = [migrations.RunPython(add_texts, migrations.RunPython.noop)]
