"""Something to say, as a sound file."""

import subprocess
from pathlib import Path

WORDS = (
    "The patient says that the pain has been much better since the new tablets, and that she sleeps through the night. "
    "We should look at the blood pressure again in two weeks."
)


def write_speech(directory: Path, *, voice: str = "en") -> Path:
    """About ten seconds of a clear voice, as WAV."""
    file = directory / f"speech-{voice}.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "160", "-w", str(file), WORDS], check=True, capture_output=True)
    return file
