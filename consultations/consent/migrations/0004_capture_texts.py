"""The texts about being recorded, transcribed, drafted by AI and photographed: one each, so that one yes is one thing."""

from datetime import UTC, datetime

from django.db import migrations

REVIEWED_AT = datetime(2026, 11, 22, tzinfo=UTC)
EN_NO = "Then it is not done, and the visit goes on as before. Saying no has no disadvantage for you."
DE_NO = "Dann geschieht es nicht, und der Termin geht weiter wie bisher. Ein Nein hat für Sie keine Nachteile."
TEXTS = {
    "recording": {
        "en": (
            "Recording of this visit",
            "The clinic records your picture and your voice in this visit.",
            "It is recorded only while everybody in the visit has agreed. A red mark shows it on every screen.\n\n"
            "While it is recorded, the clinic's server can see and hear the visit. It could not before.\n\n"
            "The recording is kept by the clinic, encrypted, and deleted after the time that the clinic has set. Your "
            "practitioner can watch it, and every time is written down. It is not used for anything else.\n\n"
            "You can take your yes back at any time, with one press. Recording then stops at once, for everybody, and your own "
            "picture and sound are deleted within a day, unless the law obliges the clinic to keep them.",
            EN_NO,
        ),
        "de": (
            "Aufzeichnung dieses Termins",
            "Die Praxis zeichnet Ihr Bild und Ihre Stimme in diesem Termin auf.",
            "Aufgezeichnet wird nur, solange alle im Termin zugestimmt haben. Ein rotes Zeichen zeigt es auf jedem Bildschirm.\n\n"
            "Während der Aufzeichnung kann der Server der Praxis den Termin sehen und hören. Vorher konnte er das nicht.\n\n"
            "Die Praxis bewahrt die Aufzeichnung verschlüsselt auf und löscht sie nach der Frist, die sie festgelegt hat. Die "
            "behandelnde Person kann sie ansehen, und jedes Mal wird es vermerkt. Sie wird für nichts anderes verwendet.\n\n"
            "Sie können Ihr Ja jederzeit mit einem Druck zurücknehmen. Die Aufzeichnung endet dann sofort, für alle, und Ihr "
            "eigenes Bild und Ihr eigener Ton werden innerhalb eines Tages gelöscht, es sei denn, das Gesetz verpflichtet die "
            "Praxis, sie aufzubewahren.",
            DE_NO,
        ),
    },
    "combined": {
        "en": (
            "One file with everybody",
            "The clinic makes one file of the recording, with all people side by side.",
            "Without it, everybody's picture and sound stay in files of their own. For the one file, the clinic's server has to "
            "open all of them once and draw them again.\n\n"
            "The file is kept and deleted like the recording. You can take your yes back: then the file is deleted.",
            EN_NO,
        ),
        "de": (
            "Eine Datei mit allen",
            "Die Praxis macht aus der Aufzeichnung eine Datei, in der alle nebeneinander zu sehen sind.",
            "Sonst bleiben Bild und Ton jeder Person in eigenen Dateien. Für die eine Datei muss der Server der Praxis alle "
            "einmal öffnen und neu zeichnen.\n\n"
            "Die Datei wird aufbewahrt und gelöscht wie die Aufzeichnung. Sie können Ihr Ja zurücknehmen: Dann wird sie gelöscht.",
            DE_NO,
        ),
    },
    "transcript": {
        "en": (
            "Written text of what is said",
            "A program on the clinic's server writes down what you say.",
            "It listens only while everybody in the visit has agreed. While it does, the clinic's server can hear the visit.\n\n"
            "A program mishears. Your practitioner reads the text before it counts for anything. You may read it too, and ask for "
            "mistakes to be put right.\n\n"
            "You can take your yes back at any time, with one press. The program then stops listening at once.",
            EN_NO,
        ),
        "de": (
            "Mitschrift des Gesagten",
            "Ein Programm auf dem Server der Praxis schreibt mit, was Sie sagen.",
            "Es hört nur zu, solange alle im Termin zugestimmt haben. Währenddessen kann der Server der Praxis den Termin hören.\n\n"
            "Ein Programm verhört sich. Die behandelnde Person liest den Text, bevor er für irgendetwas gilt. Auch Sie dürfen ihn "
            "lesen und Fehler berichtigen lassen.\n\n"
            "Sie können Ihr Ja jederzeit mit einem Druck zurücknehmen. Das Programm hört dann sofort auf zuzuhören.",
            DE_NO,
        ),
    },
    "ai_note": {
        "en": (
            "Draft of a note by artificial intelligence",
            "A program on the clinic's server drafts your practitioner's note from what was said.",
            "It is a draft by artificial intelligence and says so. Your practitioner reads, corrects and signs it before it becomes "
            "part of your record. Without a signature it is deleted.\n\n"
            "What you say is not used to train any program, and nobody guesses your feelings from it.\n\n"
            "You can take your yes back at any time, with one press. No draft is made from then on.",
            EN_NO,
        ),
        "de": (
            "Entwurf einer Notiz durch künstliche Intelligenz",
            "Ein Programm auf dem Server der Praxis entwirft aus dem Gesagten die Notiz der behandelnden Person.",
            "Es ist ein Entwurf durch künstliche Intelligenz und so gekennzeichnet. Die behandelnde Person liest, verbessert und "
            "unterschreibt ihn, bevor er Teil Ihrer Akte wird. Ohne Unterschrift wird er gelöscht.\n\n"
            "Mit dem, was Sie sagen, wird kein Programm trainiert, und niemand schließt daraus auf Ihre Gefühle.\n\n"
            "Sie können Ihr Ja jederzeit mit einem Druck zurücknehmen. Ab dann entsteht kein Entwurf mehr.",
            DE_NO,
        ),
    },
    "stills": {
        "en": (
            "Still pictures from the video",
            "Your practitioner takes still pictures from the video, for example of your skin, and keeps them.",
            "You see each picture when it is taken. It is kept in your record, encrypted, and shown to those who treat you.\n\n"
            "You can take your yes back at any time, with one press. No more pictures are taken from then on.",
            EN_NO,
        ),
        "de": (
            "Standbilder aus dem Video",
            "Die behandelnde Person nimmt Standbilder aus dem Video auf, zum Beispiel von Ihrer Haut, und bewahrt sie auf.",
            "Sie sehen jedes Bild, wenn es entsteht. Es wird verschlüsselt in Ihrer Akte aufbewahrt und denen gezeigt, die Sie "
            "behandeln.\n\n"
            "Sie können Ihr Ja jederzeit mit einem Druck zurücknehmen. Ab dann entstehen keine Bilder mehr.",
            DE_NO,
        ),
    },
}


def add_texts(apps, schema_editor):
    consent_text = apps.get_model("consent", "ConsentText")
    for purpose, languages in TEXTS.items():
        for language, (title, summary, body, if_refused) in languages.items():
            words = {"title": title, "summary": summary, "body": body, "if_refused": if_refused}
            consent_text.objects.using(schema_editor.connection.alias).get_or_create(
                purpose=purpose, language=language, version=1, defaults={**words, "reviewed_at": REVIEWED_AT}
            )


class Migration(migrations.Migration):
    dependencies = [("consent", "0003_capture_purposes")]
    # Backwards nothing: a text may already have been agreed to.
    operations = [migrations.RunPython(add_texts, migrations.RunPython.noop)]
