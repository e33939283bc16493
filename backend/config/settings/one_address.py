"""Where all clients share one address: tests and developers of a stack on one machine."""

from config import env

LIMITS = {
    "login-address": env.text("LIMIT_LOGINS_PER_ADDRESS", "100000/hour"),
    "register-address": env.text("LIMIT_REGISTRATIONS_PER_ADDRESS", "100000/hour"),
}
NETWORKS = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
