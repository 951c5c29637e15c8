"""The page of a realm where people approve device logins."""

from __future__ import annotations

import html

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from prov_facade.sandbox._realm.forms import Form, parameter, read_form
from prov_facade.sandbox._realm.realm import OAuthError, Realm
from prov_facade.sandbox._realm.tokens import ROLES

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

_FORM = f"""
<form method="post">
<p><label>Code shown by the device <input name="user_code" value="{{code}}" required></label></p>
<p><label>Sign in as <input name="username" value="sandbox"></label></p>
<p>{
    "".join(
        f'<label><input type="checkbox" name="roles" value="{name}"'
        f"{'' if name == 'admin' else ' checked'}> {name}</label> "
        for name in ROLES
    )
}</p>
<p><button name="decision" value="approve">Approve</button>
<button name="decision" value="deny">Deny</button></p>
</form>
"""


class Page:
    """The page where people approve device logins.

    Args:
        realm: The realm.
    """

    def __init__(self, realm: Realm) -> None:
        self._realm = realm

    async def show(self, request: Request) -> Response:
        """Show the form."""
        return _html(_FORM.format(code=html.escape(request.query_params.get("user_code", ""))))

    async def decide(self, request: Request) -> Response:
        """Handle the submitted form."""
        try:
            form = await read_form(request, repeated="roles")
            message = self._apply(form)
        except OAuthError as error:
            reason = error.description
        except (LookupError, ValueError) as error:
            reason = f"{error}."
        else:
            return _html(f"<p>{message}</p>")
        return _html(f"<p>Nothing was done: {html.escape(reason)}</p>", status=400)

    def _apply(self, form: Form) -> str:
        code = parameter(form, "user_code")
        match parameter(form, "decision"):
            case "approve":
                username = form.get("username", "").strip()
                self._realm.approve(code, username, form.get("roles", "").split())
                return "The device is signed in. You can close this page."
            case "deny":
                self._realm.deny(code)
                return "The device was denied."
            case _:
                raise OAuthError("invalid_request", "The decision must be approve or deny.")


def _html(content: str, *, status: int = 200) -> Response:
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in a device</title>'
        f"<h1>Sign in a device</h1>{content}</html>",
        status_code=status,
        # Prevents clickjacking: other pages cannot embed this one.
        headers={
            **NO_STORE,
            "Content-Security-Policy": "default-src 'none'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'",
        },
    )
