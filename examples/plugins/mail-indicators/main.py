import encodings
import hashlib
import re
from email import message_from_string, policy
from importlib import import_module
from pkgutil import iter_modules

from quell import action, permanent, plugin

URL = re.compile(r"\bhttps?://[^\s<>\"'\\)\]}]+", re.IGNORECASE)
ADDRESS = re.compile(r"\b[A-Za-z0-9._%+-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)\b")
IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")


def strings(description):
    return {"type": "array", "items": {"type": "string"}, "description": description}


INPUT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["mail"],
    "properties": {
        "mail": {
            "type": "string",
            "maxLength": 262144,
            "description": "The mail as it came, with its headers.",
        },
    },
    "examples": [{"mail": "From: a@evil.example\nSubject: Invoice\n\nhttp://evil.example/pay"}],
}

OUTPUT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["subject", "senders", "urls", "domains", "ips", "attachments"],
    "properties": {
        "subject": {"type": "string", "description": "The subject, decoded."},
        "senders": strings("The addresses in From, Reply-To and Return-Path."),
        "urls": strings("The http and https URLs in text and HTML."),
        "domains": strings("The domains of senders and URLs."),
        "ips": strings("The public addresses in Received and in URLs."),
        "attachments": {
            "type": "array",
            "description": "The attachments.",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "sha256", "size_bytes"],
                "properties": {
                    "name": {"type": "string"},
                    "sha256": {"type": "string"},
                    "size_bytes": {"type": "integer"},
                },
            },
        },
    },
    "examples": [
        {
            "subject": "Invoice",
            "senders": ["a@evil.example"],
            "urls": ["http://evil.example/pay"],
            "domains": ["evil.example"],
            "ips": [],
            "attachments": [],
        }
    ],
}


def once(items):
    return list(dict.fromkeys(items))


def is_public(ip):
    parts = [int(part) for part in ip.split(".")]
    if max(parts) > 255 or parts[0] in (0, 10, 127) or parts[0] >= 224:
        return False
    private = parts[0] == 172 and 16 <= parts[1] < 32 or parts[:2] in ([192, 168], [169, 254])
    return not private


def host_of(url):
    return url.split("://", 1)[1].split("/", 1)[0].split("?", 1)[0].split("@")[-1].split(":")[0].lower()


@action(
    "extract",
    title="Extract the indicators of a mail",
    errors=["mail-indicators.mail"],
    simulates=True,
    input=INPUT,
    output=OUTPUT,
)
def extract(input, context):
    """Lists the addresses, URLs, domains and attachments of a mail, each once. Opens nothing."""
    mail = message_from_string(input["mail"], policy=policy.default)
    if not mail.keys():
        raise permanent("mail-indicators.mail", "the text has no headers", kind="invalid-input")
    texts, attachments = [], []
    for part in mail.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True) or b""
        if part.get_filename() or part.get_content_disposition() == "attachment":
            attachments.append(
                {
                    "name": part.get_filename() or "",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size_bytes": len(content),
                }
            )
        elif part.get_content_maintype() == "text":
            texts.append(content.decode("utf-8", "replace").replace("&amp;", "&"))
    heads = " ".join(str(mail.get(name, "")) for name in ("From", "Reply-To", "Return-Path"))
    senders = once(match.group(0).lower() for match in ADDRESS.finditer(heads))
    urls = once(url.rstrip(".,;:!?") for text in texts for url in URL.findall(text))
    hosts = [host_of(url) for url in urls]
    hops = [ip for line in mail.get_all("Received", []) for ip in IP.findall(str(line))]
    ips = [ip for ip in hops + [host for host in hosts if IP.fullmatch(host)] if is_public(ip)]
    names = [sender.split("@")[1] for sender in senders]
    names += [host for host in hosts if "." in host and not IP.fullmatch(host)]
    return {
        "subject": str(mail.get("Subject", "")),
        "senders": senders,
        "urls": urls,
        "domains": once(names),
        "ips": once(ips),
        "attachments": attachments,
    }


# Nothing can be imported once an action runs: what reads mails, and every charset, is fetched now.
for module in iter_modules(encodings.__path__):
    try:
        import_module(f"encodings.{module.name}")
    except ImportError:  # Those of one system alone.
        pass
extract(INPUT["examples"][0], None)

Actions = plugin("Mail indicators", extract, description="Reads mails and opens nothing.")
