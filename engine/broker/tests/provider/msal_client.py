"""Asks for tokens with MSAL, against the origin and tenant given, one grant after the other.

MSAL insists on https; the origin is plain http on this machine, so the scheme is changed on the
way out and back.
"""

import sys

import msal
import requests

CLIENT = "22222222-2222-2222-2222-222222222222"
CERTIFIED = "33333333-3333-3333-3333-333333333333"
PUBLIC = "44444444-4444-4444-4444-444444444444"
SECRET = "s3cr3t~of-the.application/+="
NAME = "analyst@contoso.example"
PASSWORD = "pa55word~of the person"
RESOURCE = "https://api.securitycenter.microsoft.com"
DELEGATED = [f"{RESOURCE}/Alert.ReadWrite", f"{RESOURCE}/Machine.Isolate"]


class Plain(requests.Session):
    """Sends to http what was addressed to https, and answers as if it came from there.

    Whether the person belongs to another identity service is a question of its own, which only
    the real service answers.
    """

    def request(self, method, url, **options):
        if "/common/userrealm/" in url:
            managed = requests.Response()
            managed.status_code = 200
            managed._content = b'{"account_type": "Managed"}'
            return managed
        answer = super().request(method, url.replace("https://127.", "http://127."), **options)
        answer._content = answer.content.replace(b"http://127.", b"https://127.")
        return answer


def token(answer):
    """Fails loudly where there is none."""
    if "access_token" not in answer:
        sys.exit(f"no token: {answer.get('error')} {answer.get('error_description')}")
    return answer


def main(origin, tenant, key_path, certificate_path):
    """One request for each grant that both clients know."""
    options = {
        "oidc_authority": f"{origin.replace('http:', 'https:')}/{tenant}/v2.0",
        "http_client": Plain(),
        "client_capabilities": ["cp1"],
    }
    secret = msal.ConfidentialClientApplication(CLIENT, client_credential=SECRET, **options)
    token(secret.acquire_token_for_client([f"{RESOURCE}/.default"]))
    credential = {}
    with open(key_path, encoding="ascii") as key:
        credential["private_key"] = key.read()
    with open(certificate_path, encoding="ascii") as certificate:
        credential["public_certificate"] = certificate.read()
    credential["thumbprint"] = None
    certified = msal.ConfidentialClientApplication(
        CERTIFIED, client_credential=credential, **options
    )
    # Its statement names the https address, so the server refuses it; the form is what counts.
    certified.acquire_token_for_client([f"{RESOURCE}/.default"])
    public = msal.PublicClientApplication(PUBLIC, **options)
    token(public.acquire_token_by_username_password(NAME, PASSWORD, DELEGATED))
    person = public.get_accounts()[0]
    token(public.acquire_token_silent_with_error(DELEGATED, person, force_refresh=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
