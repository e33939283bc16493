"""Settings under which migrations are linted: the shop's own, and the linter's command."""

from config.settings.ci import *

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]
