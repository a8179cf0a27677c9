"""One model on one server: a JSON request goes out, its reply comes back, whatever happens in between."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ..errors import ModelError, one_line, without_secrets
from .bodies import BodyError, read_body, read_start
from .deadlines import Deadline
from .limits import is_about_content, is_loading, limit_in, named_pause, stays
from .refusals import AgainError, NoReplyError, NotAcceptedError, RefusedError, StatusError
from .replies import ServerError, error_text, model_names, pause_seconds
from .servers import (
    OPENAI_URL,
    checked_key,
    environment_url,
    find_key,
    host_of,
    is_environment_server,
    origin,
    secrets_of,
)

__all__ = ["Connection", "NoReplyError", "NotAcceptedError", "RefusedError"]

log = logging.getLogger(__name__)

_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_REFUSED = {401: "refuses the key", 403: "denies access", 404: "has no such address or model"}
_LONGEST_PAUSE_SECONDS = 8.0
_RATE = 5  # times longer pauses, where there were too many requests: most limits are by the minute
_TRIES_WITHOUT_WORD = 3
_LONGEST_WORDS = 300  # characters of what a server says in a message
_LONGEST_ERROR_BYTES = 20_000
_LONGEST_LIST_BYTES = 500_000
_MOST_TIMEOUTS = 2  # tries that end without a word from the server
_MOST_WAITS = 100  # for a model that is loading, which do not count as tries
_MOST_PAUSES = 4  # that the server asks for, which do not count as tries
_SHORTEST_WAIT_SECONDS = 1.0
_CONNECT_SECONDS = 15.0
_LIST_SECONDS = 5.0
_NO_KEY = "none"
_HEADERS = {
    "X-Stainless-Raw-Response": "stream",  # asks openai for the response before its body is read
    "Accept-Encoding": "identity",
}
# How the headers of every request begin; others come from OpenAI's environment variables.
_OWN_HEADERS = ("host", "accept", "connection", "user-agent", "content-", "authorization", "x-stainless-")

Result = TypeVar("Result")


class Connection:
    """A connection to one model on one server; safe to share between threads.

    Dropped connections, unusable replies, 408, 409, 429 and 5xx are tried again with growing pauses, or after the time
    that the server asks for, until `retries` or the deadline is used up; a time-out once only. A model that is loading
    is waited for until the deadline. Redirects are not followed: a request, with its key, goes to the server that was
    named and to no other.

    Args:
        model: the model's name on the server.
        key_variable: an environment variable with the key of the server that is used here, whichever it is.
        base_url: the server's address up to "/v1"; else OPENAI_BASE_URL, else the public OpenAI service. Parameters
            after it ("?api-version=...") go with every request.
        api_key: the server's key; a server of your own may need none. Else the variable `key_variable`, else
            OPENAI_API_KEY, which goes to the host of OPENAI_BASE_URL only, or to api.openai.com where that is not set.
        timeout_seconds: longest wait for a server that sends nothing, for the header of its response, and for a reply
            that does not come as a stream.
        deadline_seconds: longest time for one reply, with all its retries and pauses.
        retries: how often a request is sent again.
        first_pause_seconds: the pause before the first retry if the server asks for none; it doubles each time.
        max_reply_bytes: a longer reply is not read to its end.

    Raises:
        ModelError: `base_url` is not an http or https address, the key cannot be sent, or neither is given.
    """

    def __init__(
        self,
        model: str,
        *,
        key_variable: str,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        deadline_seconds: float = 180.0,
        retries: int = 3,
        first_pause_seconds: float = 1.0,
        max_reply_bytes: int = 1_000_000,
    ) -> None:
        import openai

        self.model = model
        url = base_url or environment_url()
        origin(url)  # raises where it is no address
        key = checked_key(api_key, "api_key") if api_key else find_key(url, variable=key_variable)
        if key is None and origin(url) == origin(OPENAI_URL):
            raise ModelError("api.openai.com needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL to use another server")
        self.base_url = without_secrets(url)
        self.timeout_seconds = timeout_seconds
        self.deadline_seconds = deadline_seconds
        self.retries = retries
        self.first_pause_seconds = first_pause_seconds
        self.max_reply_bytes = max_reply_bytes
        self.requests = 0  # sent so far, with those that were sent again
        self._counting = threading.Lock()
        self._sending = threading.local()
        self._has_warned = False  # since the last reply
        self._quiet_until = 0.0  # as `time.monotonic()` counts
        self._key = key
        self._key_variable = key_variable
        self._is_environment_server = is_environment_server(url)
        parts = urlsplit(url)
        self._password = parts.password
        self._secrets = secrets_of(url, key)
        sent = key or _NO_KEY  # the client wants one; the request hook takes a placeholder out again
        self._client = openai.OpenAI(
            base_url=urlunsplit((*parts[:3], "", "")),
            default_query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            api_key=sent,
            max_retries=0,
            timeout=timeout_seconds,
            default_headers={"Authorization": f"Bearer {sent}"} if key or not is_environment_server(url) else None,
            http_client=openai.DefaultHttpxClient(
                follow_redirects=False,
                event_hooks={"request": [self._before_sending], "response": [self._raise_error_status]},
            ),
        )

    @property
    def name(self) -> str:
        """The model and its server, without secrets, for messages."""
        return f"the model {self.model!r} at {self.base_url}"

    def post(
        self,
        path: str,
        request: Mapping[str, Any],
        read: Callable[[bytes], Result],
        *,
        retries: int | None = None,
        until: float | None = None,
        stop: threading.Event | None = None,
        on_send: Callable[[], None] | None = None,
    ) -> Result:
        """Send a request until there is a reply that can be read.

        Args:
            path: what follows `base_url`, such as "/chat/completions".
            request: what is sent as JSON.
            read: makes the result from the body of a reply. Its ValueError says why a reply cannot be used; then the
                request is sent again.
            retries: instead of the connection's own.
            until: the deadline as `time.monotonic()` counts, instead of `deadline_seconds` from now.
            stop: set by another thread when the reply is no longer wanted.
            on_send: called each time that the request is sent.

        Returns:
            What `read` returned.

        Raises:
            RefusedError: the key, the address or the model is wrong.
            NotAcceptedError: the server does not accept this request.
            NoReplyError: no usable reply before the deadline.
        """
        until = time.monotonic() + self.deadline_seconds if until is None else until
        retries = self.retries if retries is None else retries
        attempt = waits = timeouts = 0
        while True:
            try:
                self._keep_quiet(until, stop)
                if on_send is not None:
                    on_send()
                result = read(self._send(path, request, until))
                self._has_warned = False
                return result
            except AgainError as error:
                problem = error
            except ServerError as error:
                meant = self._problem(error.code, {}, error.body)
                if not isinstance(meant, AgainError):
                    raise meant from None
                problem = meant
            except ValueError as error:
                problem = AgainError(self._clean(str(error)))
            timeouts += problem.is_timeout
            if problem.is_wait and retries and waits < (_MOST_PAUSES if problem.is_rate else _MOST_WAITS):
                waits += 1
            else:
                attempt += 1
            pause = problem.pause_seconds
            if not pause:
                doubled = self.first_pause_seconds * 2 ** min(attempt + waits - 1, 10)
                pause = min(_LONGEST_PAUSE_SECONDS, doubled) * random.uniform(0.5, 1.0)
                pause *= _RATE if problem.is_rate else 1
            tries = attempt + waits
            counted = "1 try" if tries == 1 else f"{tries} tries"
            if attempt > retries or timeouts >= _MOST_TIMEOUTS:
                raise NoReplyError(f"{self.name} gave no reply in {counted}; the last one: {problem}")
            if time.monotonic() + pause >= until:
                raise NoReplyError(f"{self.name} gave no reply in time ({counted}; the last one: {problem})")
            if tries >= _TRIES_WITHOUT_WORD and not self._has_warned:
                self._has_warned = True
                log.warning("%s: %s; it is asked again", self.name, problem)
            log.info("%s: %s; again in %.1f s", self.name, problem, pause)
            if problem.is_rate:
                self._quiet_until = max(self._quiet_until, time.monotonic() + pause)
            elif (stop or threading.Event()).wait(pause):
                raise NoReplyError(f"{self.name} was not asked again: the reply is no longer wanted")

    def _keep_quiet(self, until: float, stop: threading.Event | None) -> None:
        """Wait for the end of a pause that the server asked for, whichever thread it told."""
        pause = min(self._quiet_until, until) - time.monotonic()
        if pause > 0 and (stop or threading.Event()).wait(pause):
            raise NoReplyError(f"{self.name} was not asked again: the reply is no longer wanted")

    def models(self) -> list[str]:
        """The names of the models that the server says it has, at most ten; none where it does not say."""
        try:
            return model_names(self.look(f"{urlsplit(self.base_url).path.rstrip('/')}/models"))
        except ValueError:
            return []

    def look(self, path: str) -> bytes:
        """What a GET at a path of this server gives, of at most 500,000 bytes; nothing where it fails."""
        address = f"{host_of(self.base_url)}{path}"
        try:
            return self._send(address, None, time.monotonic() + _LIST_SECONDS)
        except (ModelError, AgainError):
            return b""

    def _send(self, path: str, request: Mapping[str, Any] | None, until: float) -> bytes:
        """The body of the response to one request, a GET where nothing is sent."""
        import openai

        with self._counting:
            self.requests += request is not None
        patience = max(0.05, min(self.timeout_seconds, until - time.monotonic()))
        options: Any = {
            "headers": _HEADERS,
            "timeout": openai.Timeout(patience, connect=min(_CONNECT_SECONDS, patience)),
        }
        deadline = self._sending.deadline = Deadline(until, head_seconds=self.timeout_seconds)
        try:
            with deadline:
                response: Any = (
                    self._client.get(path, cast_to=object, options=options)
                    if request is None
                    else self._client.post(path, cast_to=object, body=request, options=options)
                )
                most_bytes = _LONGEST_LIST_BYTES if request is None else self.max_reply_bytes
                try:
                    body = read_body(
                        response.http_response, most_bytes=most_bytes, until=until, whole_seconds=self.timeout_seconds
                    )
                finally:
                    response.close()
            if not deadline.is_over:
                return body
        except openai.APITimeoutError:
            pass
        except BodyError as error:
            raise AgainError(str(error)) from None
        except Exception as error:  # openai's, those of its transport, whose package depends on openai's version
            status = error if isinstance(error, StatusError) else error.__cause__
            if isinstance(status, StatusError):
                raise self._problem(status.code, status.headers, status.body, listing=request is None) from None
            transport = type(error).__module__.startswith(("openai", "httpx", "httpcore", "h11", "ssl"))
            if not transport and not isinstance(error, OSError):
                raise
            if not deadline.is_over:
                raise self._lost(error) from None
        raise AgainError("no answer in time", is_timeout=True)

    def _lost(self, error: Exception) -> Exception:
        """What a connection that could not be made, or broke, means."""
        chain: BaseException | None = error
        causes: list[str] = []
        while chain is not None and len(causes) < 8:
            causes.append(str(chain))
            chain = chain.__cause__ or chain.__context__
        said = self._clean(next((cause for cause in reversed(causes) if cause), type(error).__name__))
        if "timeout" in type(error).__name__.lower():
            return AgainError("no answer in time", is_timeout=True)
        if any("SSL" in cause for cause in causes):
            return RefusedError(
                f"{self.name} cannot be reached safely (TLS): {said}; is the address right, http or https?"
            )
        return AgainError(f"connection lost: {said}")

    def _before_sending(self, request: Any) -> None:
        request.extensions["trace"] = self._sending.deadline.trace
        request.headers["connection"] = "close"  # so that every request has a connection that its deadline can close
        self._drop_foreign_headers(request)

    def _drop_foreign_headers(self, request: Any) -> None:
        """Take out what openai adds from its environment variables where they are set for another server."""
        if self._key is None and self._password is None and request.headers.get("authorization") == f"Bearer {_NO_KEY}":
            del request.headers["authorization"]
        if not self._is_environment_server:
            for name in [name for name in request.headers if not name.lower().startswith(_OWN_HEADERS)]:
                del request.headers[name]

    def _raise_error_status(self, response: Any) -> None:
        """Read a bounded part of an error's text: openai would read all of it."""
        if response.status_code < 300:
            return
        body = read_start(response, most_bytes=_LONGEST_ERROR_BYTES, seconds=self.timeout_seconds)
        raise StatusError(response.status_code, response.headers, body)

    def _problem(self, code: int, headers: Mapping[str, str], body: bytes, *, listing: bool = False) -> Exception:
        """What an error status means: try again, send something else, or give up."""
        text, words = self._clean(error_text(body)), body.decode("utf-8", "replace")
        reason = f"HTTP {code}: {text}"
        said = f"(HTTP {code}): {text}"
        if code < 400:
            target = self._clean(host_of(headers.get("location", ""))) or "another address"
            return RefusedError(f"{self.name} redirects to {target}; if that is right, use its address as base_url")
        if listing:
            return RefusedError(f"{self.name} lists no models {said}")
        if code == 401 and self._key is None:
            return RefusedError(
                f"{self.name} asks for a key, and none is set for this host: pass api_key= or set {self._key_variable} "
                + said
            )
        if code in (400, 403, 422, 451) and is_about_content(words):
            return ModelError(f"{self.name} does not want to answer this {said}")
        if why := stays(words, code) or _REFUSED.get(code):
            return RefusedError(f"{self.name} {why} {said}{self._offer() if code in (400, 404, 422) else ''}")
        if limit := limit_in(words, code):
            return NotAcceptedError(f"{self.name} takes less at once {said}", reason, limit)
        if is_loading(words):
            return AgainError(f"the model is still loading, {reason}", pause_seconds(headers), is_wait=True)
        if code in _RETRIED:
            pause, is_rate = pause_seconds(headers) or named_pause(words), code == 429
            return AgainError(reason, pause, is_wait=is_rate and pause >= _SHORTEST_WAIT_SECONDS, is_rate=is_rate)
        return NotAcceptedError(f"{self.name} refuses the request: {reason}", reason)

    def _offer(self) -> str:
        names = [self._clean(name) for name in self.models()]
        return f"; it has {', '.join(names)}" if names else ""

    def _clean(self, text: str) -> str:
        """A server's text as part of a message: one short line without secrets and control characters."""
        return one_line(self.hide_secrets(text[:_LONGEST_ERROR_BYTES]), most=_LONGEST_WORDS)

    def hide_secrets(self, text: str) -> str:
        """A text that a server sent, without the key and the password where it repeats them."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
