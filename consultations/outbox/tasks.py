"""What the worker does. Task arguments are row ids: no address and no link ever passes the broker."""

from celery import shared_task

from consultations.outbox.sending import due_messages, send


@shared_task(name="outbox.send_message")
def send_message(message_id: int) -> None:
    send(message_id)


@shared_task(name="outbox.sweep")
def sweep() -> int:
    """Send what is due: retries, and messages whose wake-up got lost. Runs every 30 s; return how many went out."""
    return sum(send(message_id) for message_id in due_messages())
