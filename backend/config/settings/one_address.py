"""Where all clients share one address: tests and developers of a stack on one machine."""

from config import env

LIMITS = {
    "login-address": env.text("LIMIT_LOGINS_PER_ADDRESS", "100000/hour"),
    "register-address": env.text("LIMIT_REGISTRATIONS_PER_ADDRESS", "100000/hour"),
}
