"""What plugins in Python are written with. Made anew by every build."""

import json

from componentize_py_types import Err
from wit_world.imports import action as words, log

try:
    from wit_world.imports import http
except ImportError:  # The world of plugins that only compute has no HTTP.
    http = None


class Failure(Exception):
    """Why an action failed. `retryable`: another try may work."""

    def __init__(self, code, message, *, kind="internal", retryable=False, after_ms=None, details=None):
        super().__init__(message)
        self.code, self.kind, self.retryable = code, kind, retryable
        self.after_ms, self.details = after_ms, details


def retryable(code, message, **more):
    return Failure(code, message, **{"kind": "unavailable", **more, "retryable": True})


def permanent(code, message, **more):
    return Failure(code, message, **more)


class Pending:
    """To be called again after so many seconds, with `state` as `context.resume`."""

    def __init__(self, resume_after_s, state, note=None):
        self.resume_after_s, self.state, self.note = resume_after_s, state, note


class Nothing:
    """The answer to `reconcile` when the service has no trace of the earlier try."""


def tell(level, message, **fields):
    log.write(log.Level[level.upper()], message, json.dumps(fields) if fields else None)


class Context:
    """What an invocation is told."""

    def __init__(self, given):
        self.invocation_id, self.attempt = given.invocation_id, given.attempt
        self.mode = given.mode.name.lower()
        self.time_left_ms = given.time_left_ms
        self.config = json.loads(given.config)
        self.resume = json.loads(given.resume) if given.resume is not None else None


class Response:
    def __init__(self, given):
        self.status = given.status
        self.headers = {header.name: header.value for header in given.headers}
        self.text = given.body.value if isinstance(given.body, http.Body_Text) else ""
        self.bytes = given.body.value if isinstance(given.body, http.Body_Bytes) else None

    @property
    def ok(self):
        return 200 <= self.status < 300

    @property
    def retry_after_ms(self):
        """How long the service asks to wait."""
        seconds = self.headers.get("retry-after", "")
        return int(seconds) * 1000 if seconds.isdigit() else None

    @property
    def json(self):
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


def _unsent(error):
    """What the engine says when there is no response, as a failure of the action."""
    because = f"{type(error).__name__}: {getattr(error, 'value', '')}"
    if isinstance(error, http.HttpError_Denied):
        return Failure("denied", because, kind="denied")
    if isinstance(error, http.HttpError_Limited):
        return retryable("busy", because, kind="rate-limited", after_ms=error.value)
    if isinstance(error, (http.HttpError_UnknownConnection, http.HttpError_CredentialInvalid)):
        return Failure("credential", because, kind="unauthorized")
    if isinstance(error, (http.HttpError_InvalidRequest, http.HttpError_TooLarge)):
        return Failure("request", because)
    return retryable("down", because)


class _Door:
    def __init__(self, target):
        self._target = target

    def send(self, method, path, body=None, headers=None, timeout_ms=None):
        pairs = {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None and not isinstance(body, (str, bytes)):
            pairs.setdefault("content-type", "application/json")
            body = json.dumps(body)
        wire = http.Body_None_() if body is None else (
            http.Body_Text(body) if isinstance(body, str) else http.Body_Bytes(body))
        listed = [http.Header(name, value) for name, value in pairs.items()]
        request = http.Request(method, self._target(path), listed, wire, timeout_ms)
        try:
            return Response(http.send(request))
        except Err as error:
            raise _unsent(error.value) from None

    def get(self, path, **more):
        return self.send("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.send("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.send("PUT", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.send("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.send("DELETE", path, **more)


def connection(name):
    """A service that the operator bound to this name, with credentials that are never seen here."""
    return _Door(lambda path: http.Target_Connection(http.ConnectionPath(name, path)))


def host(origin):
    """A public host, without credentials."""
    return _Door(lambda path: http.Target_Url(origin + path))


def _info(name, run):
    facts = run.facts
    effect = facts.get("effect", "read")
    repeat = facts.get("idempotency", "natural" if effect == "read" else "none")
    used = facts.get("connection")
    return words.ActionInfo(
        name=name,
        title=facts["title"],
        description=facts.get("description", (run.__doc__ or "").strip()),
        input_schema=json.dumps(facts["input"]),
        output_schema=json.dumps(facts["output"]),
        effect=words.Effect[effect.upper()],
        idempotency=words.Idempotency[repeat.upper()],
        supports_simulate=facts.get("simulates", False),
        settles=facts.get("settles", False),
        undo=facts.get("undo"),
        connection=used and words.ConnectionUse(
            used, facts.get("application", []), facts.get("delegated", [])),
        error_codes=facts.get("errors", []),
    )


def action(name, **facts):
    """Makes a function `run(input, context)` an action of the plugin."""

    def mark(run):
        run.action_name, run.facts = name, facts
        return run

    return mark


def plugin(title, *runs, description="", config=None):
    """The class a plugin exports: `Actions = plugin("Title", look_up)`."""
    by_name = {run.action_name: run for run in runs}
    schema = json.dumps(config or {"type": "object", "additionalProperties": False})

    class Actions:
        def describe(self):
            infos = [_info(name, run) for name, run in by_name.items()]
            return words.PluginInfo(title, description, schema, infos)

        def run(self, action, input, context):
            try:
                answer = by_name[action](json.loads(input), Context(context))
            except Failure as failure:
                raise Err(_error(failure)) from None
            except Exception as defect:  # Anything else is a defect of the plugin.
                raise Err(_error(Failure("defect", f"{type(defect).__name__}: {defect}"))) from None
            if isinstance(answer, Nothing):
                return words.Outcome_Nothing()
            if isinstance(answer, Pending):
                state = json.dumps(answer.state)
                return words.Outcome_Pending(words.Pending(answer.resume_after_s, state, answer.note))
            return words.Outcome_Done(json.dumps(answer))

    return Actions


def _error(failure):
    kind = words.FailureKind[failure.kind.replace("-", "_").upper()]
    details = None if failure.details is None else json.dumps(failure.details)
    told = words.Failure(kind, failure.code, str(failure), details)
    if failure.retryable:
        return words.Error_Retryable(words.Retry(told, failure.after_ms))
    return words.Error_Permanent(told)
