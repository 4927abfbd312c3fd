"""Treatment by video, second version: there is a media server now, and a recording may be agreed to."""

from datetime import UTC, datetime
from importlib import import_module

from django.db import migrations

REVIEWED_AT = datetime(2026, 11, 22, tzinfo=UTC)
FIRST = import_module("consultations.consent.migrations.0002_treatment_texts").TEXTS
# language -> (what the first version said of the way and of recording, what is true now)
CHANGED = {
    "en": (
        "Picture and sound are encrypted. They go directly between you and your practitioner. If that is not possible, "
        "they go through a relay that cannot read them. Nothing is recorded.",
        "Picture and sound are encrypted. With two people they go directly between you and your practitioner. If that is "
        "not possible, they go through a relay that cannot read them. With three or more people, or during a recording, "
        "they go through the practice's own server, which passes them on. The page always tells you which way it is and "
        "who could listen. Nothing is recorded unless everybody in the visit has agreed to it; you are asked separately, "
        "and you may say no.",
    ),
    "de": (
        "Bild und Ton sind verschlüsselt. Sie gehen direkt zwischen Ihnen und der behandelnden Person hin und her. Ist das "
        "nicht möglich, gehen sie über eine Zwischenstation, die sie nicht lesen kann. Nichts wird aufgezeichnet.",
        "Bild und Ton sind verschlüsselt. Zu zweit gehen sie direkt zwischen Ihnen und der behandelnden Person hin und her. "
        "Ist das nicht möglich, gehen sie über eine Zwischenstation, die sie nicht lesen kann. Zu dritt oder mehr, oder "
        "während einer Aufzeichnung, gehen sie über den eigenen Server der Praxis, der sie weitergibt. Die Seite sagt Ihnen "
        "immer, welcher Weg es ist und wer mithören könnte. Aufgezeichnet wird nur, wenn alle im Termin zugestimmt haben; "
        "Sie werden eigens gefragt und dürfen Nein sagen.",
    ),
}


def add_texts(apps, schema_editor):
    consent_text = apps.get_model("consent", "ConsentText")
    for language, words in FIRST.items():
        before, now = CHANGED[language]
        assert before in words["body"]
        consent_text.objects.using(schema_editor.connection.alias).get_or_create(
            purpose="treatment",
            language=language,
            version=2,
            defaults={**words, "body": words["body"].replace(before, now), "reviewed_at": REVIEWED_AT},
        )


class Migration(migrations.Migration):
    dependencies = [("consent", "0004_capture_texts")]
    # Backwards nothing: a text may already have been agreed to.
    operations = [migrations.RunPython(add_texts, migrations.RunPython.noop)]
