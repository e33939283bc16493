"""Accounts: registering, logging in, and whose things are whose."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.utils import timezone

from accounts.models import AccessToken, User
from accounts.services import token_revoke
from tests.shop import Person, variant_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Person:
    person = Person()
    assert person.register().status_code == 202
    return person


def test_who_registered_can_log_in(ann):
    assert ann.send("GET", "/accounts/me").json()["email"] == "ann@example.com"


def test_neither_password_nor_token_is_stored(ann):
    token = ann.headers["Authorization"].split()[1]
    assert "correct horse" not in User.objects.get().password
    assert token not in AccessToken.objects.get().digest


@pytest.mark.parametrize("email", ["ann@example.com", "ANN@example.com"])
def test_registration_does_not_tell_which_addresses_exist(ann, email):
    account = {"email": email, "password": "another horse 9", "name": "Eve"}
    known, new = (
        Person().send("POST", "/accounts/register", account | {"email": address})
        for address in (email, "new@example.com")
    )
    assert (known.status_code, known.json()) == (new.status_code, {"email": email})
    assert set(known.headers) == set(new.headers)
    assert set(new.json()) == {"email"}


@pytest.mark.parametrize(("letters", "status"), [(64, 422), (20, 202)])
def test_an_address_is_short_enough_in_lower_case_too(letters, status):
    email = "\u0130" * letters + "@" + "a" * 180 + ".example"  # in lower case it is two letters
    assert len(email) <= 254
    assert Person().register(email).status_code == status


def test_an_account_keeps_its_password_when_its_address_is_registered_again(ann):
    Person().send(
        "POST", "/accounts/register", {"email": "ann@example.com", "password": "another horse 9", "name": "E"}
    )
    assert (log_in("correct horse 9").status_code, log_in("another horse 9").status_code) == (200, 401)
    assert User.objects.get().name == ""


def test_registration_takes_the_time_of_a_hash_whether_or_not_the_address_exists(ann, monkeypatch):
    hashed, encode = [], MD5PasswordHasher.encode

    def count(self, password, salt):
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", count)
    for email in ("ann@example.com", "new@example.com"):
        account = {"email": email, "password": "another horse 9"}
        assert Person().send("POST", "/accounts/register", account).status_code == 202
    assert hashed == ["another horse 9"] * 2


@pytest.mark.parametrize("password", ["short", "12345678901", "password1", "ann@example.com"])
def test_weak_passwords_are_refused(password):
    response = Person().register(password=password)
    assert response.status_code == 422
    assert response.json()["errors"][0]["location"] == ["body", "password"]
    assert not User.objects.exists()


def test_a_wrong_password_and_an_unknown_address_look_the_same(ann):
    answers = [
        Person().send("POST", "/accounts/login", {"email": email, "password": "wrong horse 9"})
        for email in ("ann@example.com", "nobody@example.com")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


def test_logout_ends_the_token(ann):
    assert ann.send("POST", "/accounts/logout").status_code == 204
    assert ann.send("GET", "/accounts/me").status_code == 401


def test_an_expired_token_is_refused(ann):
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = ann.send("GET", "/accounts/me")
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x", "Bearer " + "x" * 43, "Basic abc"])
def test_no_token_no_customer(value):
    assert Person(headers={"Authorization": value}).send("GET", "/accounts/me").status_code == 401


def test_a_bad_token_is_not_an_anonymous_buyer():
    variant_make("A")
    assert Person(headers={"Authorization": "Bearer nonsense"}).put_in_cart("A").status_code == 401


def test_login_merges_the_anonymous_cart():
    variant_make("A"), variant_make("B")
    ann = Person()
    ann.register()
    ann.put_in_cart("A", 2)
    anonymous = Person()
    anonymous.put_in_cart("A", 3)
    anonymous.put_in_cart("B", 1)
    login = {"email": "ann@example.com", "password": "correct horse 9"}
    assert anonymous.send("POST", "/accounts/login", login).status_code == 200
    lines = {line["sku"]: line["quantity"] for line in ann.send("GET", "/cart").json()["lines"]}
    assert lines == {"A": 5, "B": 1}
    assert anonymous.send("GET", "/cart").status_code == 404


def test_another_customer_sees_no_order_of_mine(ann):
    variant_make("A")
    number = ann.order("A")
    bob = Person()
    bob.register(email="bob@example.com")
    for stranger in (bob, Person(), Person(headers={"X-Cart-Token": "x" * 43})):
        assert stranger.send("GET", f"/orders/{number}").status_code == 404
        assert stranger.send("POST", f"/orders/{number}/cancel").status_code == 404
        assert stranger.send("GET", "/orders").json()["items"] == []
    assert ann.state_of(number) == "pending_payment"


@pytest.mark.parametrize("space", [" ", "\t", "\x85", "\xa0", "\u2003", "\u3000", "\ufeff"])
@pytest.mark.django_db
def test_no_kind_of_space_is_part_of_an_address(client, space):
    body = {"email": f"a{space}b@example.com", "password": "correct horse 9"}
    assert client.post("/api/v1/accounts/login", body, content_type="application/json").status_code == 422


@pytest.mark.django_db
def test_an_address_may_have_letters_of_any_language(client):
    body = {"email": "jörg.ли@example.com", "password": "correct horse 9"}
    assert client.post("/api/v1/accounts/register", body, content_type="application/json").status_code == 202


def change_password(person, current="correct horse 9", new="better horse 10"):
    return person.send("POST", "/accounts/password", {"current_password": current, "new_password": new})


def log_in(password):
    return Person().send("POST", "/accounts/login", {"email": "ann@example.com", "password": password})


def test_a_password_change_ends_every_other_token(ann):
    other = Person(headers={"Authorization": f"Bearer {log_in('correct horse 9').json()['token']}"})
    response = change_password(ann)
    assert response.status_code == 200
    for person in (ann, other):
        assert person.send("GET", "/accounts/me").status_code == 401
    fresh = Person(headers={"Authorization": f"Bearer {response.json()['token']}"})
    assert fresh.send("GET", "/accounts/me").status_code == 200
    assert (log_in("correct horse 9").status_code, log_in("better horse 10").status_code) == (401, 200)


def test_a_password_change_ends_every_session(ann, client):
    User.objects.update(is_staff=True)
    assert client.login(username="ann@example.com", password="correct horse 9")
    assert client.get("/admin/").status_code == 200
    change_password(ann)
    assert client.get("/admin/").status_code == 302


def test_a_password_that_is_changed_elsewhere_ends_every_token(ann):
    user = User.objects.get()
    user.set_password("better horse 10")
    user.save()
    assert ann.send("GET", "/accounts/me").status_code == 401


def test_changing_a_password_needs_the_current_one(ann):
    assert change_password(ann, current="wrong horse 9").status_code == 401
    assert change_password(ann, new="short").json()["errors"][0]["location"] == ["body", "new_password"]
    assert log_in("correct horse 9").status_code == 200


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="shop"'),
        ({"Authorization": "Bearer x"}, 'Bearer realm="shop", error="invalid_token"'),
    ],
)
def test_a_401_says_how_to_authenticate(headers, challenge):
    response = Person(headers=headers).send("GET", "/accounts/me")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, challenge)


def test_every_401_says_how_to_authenticate(client):
    assert "WWW-Authenticate" in log_in("wrong horse 9")
    webhook = client.post("/api/v1/payments/webhooks/sandbox", b"{}", content_type="application/json")
    assert (webhook.status_code, "WWW-Authenticate" in webhook) == (401, True)


def test_a_deactivated_customer_loses_access_at_once(ann):
    User.objects.update(is_active=False)
    assert ann.send("GET", "/accounts/me").status_code == 401
    assert ann.put_in_cart("A").status_code == 401
    assert log_in("correct horse 9").status_code == 401


def test_spaces_and_capitals_around_a_name_and_an_address_are_nobodys_wish():
    account = {"email": "Ann@Example.com", "password": "correct horse 9", "name": "  Ann "}
    assert Person().send("POST", "/accounts/register", account).status_code == 202
    assert list(User.objects.values_list("email", "name")) == [("ann@example.com", "Ann")]
    assert log_in("correct horse 9").status_code == 200


def test_a_token_is_revoked_once_and_no_other_with_it(ann):
    other = Person()
    other.register("bob@example.com")
    token = ann.headers["Authorization"].split()[1]
    token_revoke(token=token)
    first = AccessToken.objects.get(user__email="ann@example.com").revoked_at
    token_revoke(token=token)
    assert first is not None
    assert AccessToken.objects.get(user__email="ann@example.com").revoked_at == first
    assert other.send("GET", "/accounts/me").status_code == 200
