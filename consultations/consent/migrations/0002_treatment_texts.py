"""The first texts: treatment by video, in English and German. A later change is a new version, never an edit."""

from datetime import UTC, datetime

from django.db import migrations

REVIEWED_AT = datetime(2026, 11, 22, tzinfo=UTC)
TEXTS = {
    "en": {
        "title": "Treatment by video",
        "summary": "You and your practitioner see and hear each other by video, instead of meeting in the practice.",
        "body": (
            "Picture and sound are encrypted. They go directly between you and your practitioner. If that is not possible, "
            "they go through a relay that cannot read them. Nothing is recorded.\n\n"
            "Your practitioner writes notes, as in the practice. Your practitioner and the practice see your name, where you "
            "are now, your call-back number and your emergency contact, so that they can send help to you.\n\n"
            "We keep the time and length of the visit and how it was connected for less than three months.\n\n"
            "Not everything can be examined by video. If it is not enough, your practitioner asks you to come in.\n\n"
            "You can change your mind at any time, also during the visit. What was done before stays lawful."
        ),
        "if_refused": "Then there is no video visit. You can still be treated: please call the practice and ask for a visit "
        "there. Saying no has no disadvantage for you.",
    },
    "de": {
        "title": "Behandlung per Video",
        "summary": "Sie und Ihre Behandlerin oder Ihr Behandler sehen und hören sich per Video, statt sich in der Praxis zu treffen.",
        "body": (
            "Bild und Ton sind verschlüsselt. Sie gehen direkt zwischen Ihnen und der behandelnden Person hin und her. Ist das "
            "nicht möglich, gehen sie über eine Zwischenstation, die sie nicht lesen kann. Nichts wird aufgezeichnet.\n\n"
            "Die behandelnde Person macht sich Notizen, wie in der Praxis. Sie und die Praxis sehen Ihren Namen, wo Sie gerade "
            "sind, Ihre Rückrufnummer und Ihren Notfallkontakt, damit sie Ihnen Hilfe schicken können.\n\n"
            "Wir bewahren Zeit und Dauer des Termins und die Art der Verbindung weniger als drei Monate auf.\n\n"
            "Nicht alles lässt sich per Video untersuchen. Reicht es nicht aus, werden Sie in die Praxis gebeten.\n\n"
            "Sie können Ihre Meinung jederzeit ändern, auch während des Termins. Was vorher geschah, bleibt rechtmäßig."
        ),
        "if_refused": "Dann findet kein Videotermin statt. Sie können trotzdem behandelt werden: Bitte rufen Sie die Praxis an "
        "und fragen Sie nach einem Termin dort. Ein Nein hat für Sie keine Nachteile.",
    },
}


def add_texts(apps, schema_editor):
    consent_text = apps.get_model("consent", "ConsentText")
    for language, words in TEXTS.items():
        consent_text.objects.using(schema_editor.connection.alias).get_or_create(
            purpose="treatment", language=language, version=1, defaults={**words, "reviewed_at": REVIEWED_AT}
        )


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial")]
    # Backwards nothing: a text may already have been agreed to.
    operations = [migrations.RunPython(add_texts, migrations.RunPython.noop)]
