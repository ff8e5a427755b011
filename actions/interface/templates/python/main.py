from quell import action, connection, permanent, plugin, retryable, tell

INPUT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sha256"],
    "properties": {
        "sha256": {
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "The SHA-256 of the file.",
        },
    },
    "examples": [{"sha256": "0" * 64}],
}

OUTPUT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["known", "malicious", "total"],
    "properties": {
        "known": {"type": "boolean", "description": "Whether the service knows the file."},
        "malicious": {"type": "integer", "description": "Engines that call it malicious."},
        "total": {"type": "integer", "description": "Engines that looked at it."},
    },
    "examples": [{"known": True, "malicious": 3, "total": 70}],
}


@action(
    "look-up",
    title="Look a file up",
    connection="service",
    errors=["busy", "down", "garbled", "refused"],
    input=INPUT,
    output=OUTPUT,
)
def look_up(input, context):
    """Asks the service how many engines call the file malicious."""
    response = connection("service").get(f"/v1/files/{input['sha256']}")
    if response.status == 404:
        return {"known": False, "malicious": 0, "total": 0}
    if response.status == 429:
        wait = response.retry_after_ms
        raise retryable("busy", "the service asks to wait", kind="rate-limited", after_ms=wait)
    if response.status in (401, 403):
        raise permanent("refused", "the service refuses the credential", kind="unauthorized")
    if not response.ok:
        raise retryable("down", f"the service answered {response.status}")
    answer = response.json
    try:
        malicious, total = answer["malicious"], answer["total"]
    except (KeyError, TypeError):
        malicious = total = None
    if type(malicious) is not int or type(total) is not int:
        raise permanent("garbled", "the answer of the service cannot be read")
    tell("info", "looked up", sha256=input["sha256"])
    return {"known": True, "malicious": malicious, "total": total}


Actions = plugin("File reputation", look_up)
