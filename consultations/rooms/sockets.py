"""What both sockets have in common: frame limits, a paced peer, periodic re-examination, one error boundary (SEC-10)."""

import asyncio
import contextlib
import json
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from autobahn.exception import Disconnected
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils import translation

from consultations.rooms import refusals
from consultations.rooms.limits import TokenBucket
from consultations.rooms.signaling import CLOSE_BAD_MESSAGE, CLOSE_TOO_LARGE, CLOSE_TOO_MANY
from consultations.rooms.sweeper import sweeper
from consultations.rooms.tickets import NoEntry

logger = logging.getLogger(__name__)

# This many refused messages in a row are no slip of a slow page any more.
MAX_OVERDRAFT = 40
_INTERNAL_ERROR = 1011


Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def _size_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


class GuardedSocket(AsyncWebsocketConsumer):
    """Subclasses write `enter`, `handle_text`, the three of the sweep and, if they want, `gone`."""

    language = "en"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._bucket = TokenBucket(settings.SIGNALING_MESSAGES_PER_S, settings.SIGNALING_BURST, time.monotonic())

    @property
    def room_code(self) -> str:
        """Return the visit it is about; '' for none."""
        return ""

    async def enter(self) -> None:
        """Check who it is; raise NoEntry."""
        raise NotImplementedError

    async def handle_text(self, text: str) -> None:
        """Handle one message that is neither too large nor too soon."""
        raise NotImplementedError

    def question(self) -> Any:
        """Return what the sweep asks the database for this socket; see `sweeper`."""
        raise NotImplementedError

    @staticmethod
    def answer_all(questions: Sequence[Any]) -> list[Any]:
        """Answer the questions of many sockets of this class, in the database thread."""
        raise NotImplementedError

    async def take_answer(self, answer: Any) -> None:
        """Show and do from now on what the sweep found."""
        raise NotImplementedError

    async def gone(self) -> None:
        """The socket is closed."""

    async def connect(self) -> None:
        # Accepted before it is examined: a browser does not tell its page why a handshake failed.
        await self.accept()
        async with self._boundary():
            await self.enter()
            if not self.is_closed:
                sweeper().add(self)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Pace messages as they arrive. Were it done when their turn comes, a slow server would never see a flood."""
        paced: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def pump() -> None:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive" or await self._is_paced(send):
                    paced.put_nowait(message)

        pumping = asyncio.get_running_loop().create_task(pump())
        try:
            await super().__call__(scope, paced.get, send)
        finally:
            pumping.cancel()
            sweeper().remove(self)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand one event to its method. channels would first visit the database thread: each signal would queue there."""
        await getattr(self, get_handler_name(message))(message)

    async def _is_paced(self, send: Send) -> bool:
        """Return whether one more message may be read now; say so once, and cut who goes on."""
        if self._bucket.take(time.monotonic()):
            return True
        if self.is_closed:
            return False
        if self._bucket.overdraft > MAX_OVERDRAFT:
            self.is_closed = True  # also stops what already waits for its turn
            await send({"type": "websocket.close", "code": CLOSE_TOO_MANY})
        elif self._bucket.overdraft == 1:
            await self.send_error("too_many_messages")
        return False

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.is_closed:
            return
        if text_data is None:
            await self.shut(CLOSE_BAD_MESSAGE)
        elif _size_bytes(text_data) > settings.SIGNALING_MAX_MESSAGE_BYTES:
            await self.shut(CLOSE_TOO_LARGE)
        else:
            async with self._boundary():
                await self.handle_text(text_data)

    async def disconnect(self, code: int) -> None:
        self.is_closed = True
        for task in self._tasks:
            task.cancel()
        async with self._boundary():
            await self.gone()

    def hear(self, answer: Any) -> None:
        """The sweep found something out: leave, or take it over."""
        self.spawn(self._hear(answer))

    def give_up(self) -> None:
        """Nobody can say whether the socket may stay."""
        self.spawn(self.shut(_INTERNAL_ERROR))

    async def _hear(self, answer: Any) -> None:
        async with self._boundary():
            if isinstance(answer, NoEntry):
                raise answer
            await self.take_answer(answer)

    async def shut(self, code: int) -> None:
        """Close once; whatever still arrives afterwards is ignored."""
        if not self.is_closed:
            self.is_closed = True
            await self.close(code=code)

    async def send_json(self, message: dict[str, Any]) -> None:
        if not self.is_closed:
            await self.send(text_data=json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    async def send_quietly(self, message: dict[str, Any]) -> None:
        """For whoever has something to tell many sockets: that one of them is gone is none of theirs."""
        async with self._boundary():
            await self.send_json(message)

    async def send_error(self, code: str, request_id: str = "") -> None:
        """Say why something was refused: as the reply to a request, or as an `error`."""
        with translation.override(self.language):
            error = {"code": code, "message": refusals.sentence(code)}
        if request_id:
            await self.send_json({"type": "reply", "id": request_id, "ok": False, "error": error})
        else:
            await self.send_json({"type": "error", **error})

    def spawn(self, work: Any) -> None:
        """Run a coroutine beside the messages until the socket closes."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @contextlib.asynccontextmanager
    async def _boundary(self) -> Any:
        """A failure ends this socket and nothing else. Its text may hold personal data, so only the type is logged."""
        try:
            yield
        except NoEntry as refused:
            await self.shut(refused.close_code)
        except Disconnected:  # the browser was gone before our answer
            self.is_closed = True
        except Exception as error:  # noqa: BLE001  the outermost loop of one socket
            where = traceback.extract_tb(error.__traceback__)[-1]
            logger.error("socket failed: %s in %s line %s", type(error).__name__, where.name, where.lineno)
            await self.shut(_INTERNAL_ERROR)
