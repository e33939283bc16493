"""What pgAdmin is configured with as a process: the variables that its official image reads, too.

pgAdmin reads a module of this name (https://www.pgadmin.org/docs/pgadmin4/latest/config_py.html);
`PGADMIN_CONFIG_NAME` sets NAME (https://www.pgadmin.org/docs/pgadmin4/latest/container_deployment.html).
"""

import ast
import os

_PREFIX = "PGADMIN_CONFIG_"

DATA_DIR = os.environ["PGADMIN_DATA"]
DEFAULT_SERVER = os.environ["HOST"]
DEFAULT_SERVER_PORT = int(os.environ["PORT"])
globals().update(
    {
        name.removeprefix(_PREFIX): ast.literal_eval(value)
        for name, value in os.environ.items()
        if name.startswith(_PREFIX)
    }
)
