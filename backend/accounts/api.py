"""Accounts over HTTP."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Status

from accounts import services
from accounts.auth import Bearer, bearer_token
from accounts.schemas import CustomerOut, LoginIn, LoginOut, PasswordChangeIn, RegisteredOut, RegisterIn
from accounts.signals import customer_logged_in
from core.schemas import problems
from core.throttling import client_key, throttle

router = Router(tags=["accounts"])


@router.post("/accounts/register", response={202: RegisteredOut, **problems(400, 422, 429)})
def account_register(request: HttpRequest, body: RegisterIn):
    """Register; then log in. The response is the same for an address that has an account already."""
    throttle("register-address", client_key(request.META["REMOTE_ADDR"]))
    services.user_register(email=body.email, password=body.password, name=body.name)
    return Status(202, {"email": body.email})


@router.post("/accounts/login", response={200: LoginOut, **problems(400, 401, 422, 429)})
def account_login(request: HttpRequest, body: LoginIn):
    """Log in; the cart of X-Cart-Token is merged into the customer's."""
    login = services.user_login(request=request, email=body.email, password=body.password)
    customer_logged_in.send(sender=type(login.user), request=request, user=login.user)
    return {"token": login.token, "expires_at": login.expires_at, "customer": login.user}


@router.post("/accounts/logout", auth=Bearer(), response={204: None, **problems(401)})
def account_logout(request: HttpRequest):
    """Revoke the token that this request carries."""
    services.token_revoke(token=bearer_token(request) or "")
    return Status(204, None)


@router.get("/accounts/me", auth=Bearer(), response={200: CustomerOut, **problems(401)})
def account_me(request: HttpRequest):
    """Read the customer of this token."""
    return request.auth


@router.post("/accounts/password", auth=Bearer(), response={200: LoginOut, **problems(400, 401, 422, 429)})
def account_password(request: HttpRequest, body: PasswordChangeIn):
    """Change the password: every other token and session ends, and the response holds a new token."""
    login = services.password_change(
        request=request, user=request.auth, current=body.current_password, new=body.new_password
    )
    return {"token": login.token, "expires_at": login.expires_at, "customer": login.user}
