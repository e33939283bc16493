"""YAML, extends, include, env files, profiles: one case a rule."""

from __future__ import annotations

from test_compose_case import Case, service, whole

FILES: list[Case] = [
    whole(
        "profile active",
        service("depends_on: [x]", below="  x:\n    image: x\n    profiles: [p, q]\n"),
        profiles=("q",),
    ),
    whole("profile star", service(below="  x:\n    image: x\n    profiles: [p]\n"), profiles=("*",)),
    whole("no services", "name: a\n"),
    whole("empty", ""),
    whole("list", "- a\n"),
    whole("service empty", "services:\n  web:\n"),
    whole("service text", "services:\n  web: x\n"),
    whole("service without image", "services:\n  web:\n    user: a\n"),
    whole("service bad name", "services:\n  'a b':\n    image: i\n"),
    whole("services list", "services: [a]\n"),
    whole("duplicate key", service("user: a", "user: b")),
    whole("duplicate deep", service("environment:", "  A: 1", "  A: 2")),
    whole("two documents", service("user: a") + "---\n" + service("working_dir: /w")),
    whole("no yaml", "services:\n  web: [\n"),
    whole("tab", "services:\n\tweb: 1\n"),
    whole("undefined alias", "services:\n  web: *nothing\n"),
    whole("anchor", "x-a: &a {image: i, user: u}\nservices:\n  web:\n    <<: *a\n    user: v\n  b: *a\n"),
    whole(
        "anchors in a list",
        "x-a: &a {image: i, user: u}\nx-b: &b {image: j, working_dir: /w}\n"
        "services:\n  web:\n    <<: [*a, *b]\n",
    ),
    whole(
        "anchor chain",
        "x-a: &a\n  user: u\nx-b: &b\n  <<: *a\n  image: i\nservices:\n"
        "  web:\n    <<: *b\n  c:\n    <<: *b\n    user: w\n",
    ),
    whole(
        "anchor of a service",
        "services:\n  web: &w\n    image: i\n    environment: &e {A: 1}\n  b:\n    <<: *w\n"
        "    environment: {<<: *e, B: 2}\n",
    ),
    whole("merge no mapping", "x-a: &a [1]\nservices:\n  web:\n    <<: *a\n    image: i\n"),
    whole("merge key twice", "x-a: &a {image: i}\nservices:\n  web:\n    <<: *a\n    <<: *a\n"),
    whole("recursive alias", "services: &a\n  web:\n    image: i\n    x-a: *a\n"),
    whole("unused reset", service("user: !reset null", "ports: !reset []")),
    whole("unused override", service("ports: !override ['80:80']")),
    whole(
        "extends",
        "services:\n  a:\n    image: i\n    ports: ['80:80']\n    environment: {A: 1}\n"
        "  web:\n    extends: a\n    ports: ['81:81']\n    environment: [B=2]\n",
    ),
    whole(
        "extends mapping",
        "services:\n  web:\n    extends: {service: a}\n    command: x\n  a:\n    image: i\n"
        "    command: [y, z]\n    depends_on: [b]\n  b:\n    image: i\n",
    ),
    whole(
        "extends chain",
        "services:\n  web: {extends: a}\n  a: {extends: b, user: u}\n  b: {image: i, user: v}\n",
    ),
    whole("extends circle", "services:\n  web: {extends: a}\n  a: {extends: web, image: i}\n"),
    whole("extends nobody", "services:\n  web: {extends: a}\n"),
    whole(
        "extends reset",
        "services:\n  web:\n    extends: a\n    ports: !reset []\n  a: {image: i, ports: ['80']}\n",
    ),
    whole(
        "extends override",
        "services:\n  web:\n    extends: a\n    ports: !override ['81']\n  a: {image: i, ports: ['80']}\n",
    ),
    whole(
        "extends file",
        "services:\n  web:\n    extends: {file: sub/base.yml, service: a}\n    volumes: ['./x:/x']\n",
        sub__base_yml="services:\n  a:\n    build: ./app\n    volumes: ['./y:/y']\n    env_file: a.env\n",
        sub__a_env="A=1\n",
    ),
    whole(
        "extends file chain",
        "services:\n  web:\n    extends: {file: sub/base.yml, service: a}\n",
        sub__base_yml=(
            "services:\n  a:\n    extends: {file: more/base.yml, service: b}\n    volumes: ['./y:/y']\n"
        ),
        sub__more__base_yml="services:\n  b:\n    build: .\n    volumes: ['./z:/z']\n",
    ),
    whole(
        "extends in the other file",
        "services:\n  web:\n    extends: {file: base.yml, service: a}\n",
        base_yml="services:\n  a:\n    extends: b\n    user: u\n  b:\n    image: i\n",
    ),
    whole("extends file missing", "services:\n  web:\n    extends: {file: no.yml, service: a}\n"),
    whole(
        "extends service missing",
        "services:\n  web:\n    extends: {file: base.yml, service: a}\n",
        base_yml="services:\n  b:\n    image: i\n",
    ),
    whole(
        "extends no service",
        "services:\n  web:\n    extends: {file: base.yml}\n    image: i\n",
        base_yml="services:\n  a: {image: i}\n",
    ),
    whole(
        "include",
        "include: [sub/more.yml]\n" + service("depends_on: [db]"),
        sub__more_yml=(
            "services:\n  db:\n    build: .\n    volumes: ['./a:/a', 'data:/d']\nvolumes: {data: }\n"
        ),
    ),
    whole(
        "include long",
        "include:\n  - path: [sub/more.yml, sub/over.yml]\n    project_directory: other\n" + service(),
        sub__more_yml="services:\n  db:\n    build: .\n    user: a\n",
        sub__over_yml="services:\n  db:\n    user: b\n",
        other__empty="",
    ),
    Case(
        name="include with .env",
        files={
            "compose.yml": "include: [sub/more.yml]\n" + service("user: '${A:-none}'"),
            "sub/more.yml": "services:\n  db:\n    image: '${A:-none}'\n",
            "sub/.env": "A=inner\n",
        },
    ),
    whole("include missing", "include: [no.yml]\n" + service()),
    whole("include circle", "include: [compose.yml]\n" + service()),
    whole(
        "env_file", service("env_file: a.env", "environment: {B: own}"), a_env="A=1\nB=2\n# c\nexport C=3\n"
    ),
    whole(
        "env_file list",
        service("env_file: [a.env, {path: b.env, required: false}]"),
        a_env="A=1\nB=2\n",
        b_env="B=3\n",
    ),
    whole("env_file absent", service("env_file: a.env")),
    whole("env_file absent, not required", service("env_file: [{path: a.env, required: false}]")),
    whole(
        "env_file values",
        service("env_file: a.env"),
        a_env=r"""A='single $X \' b'
B="double \n \"q\" \$X"
C=plain # comment
D=plain#no comment
E=
F = spaced
G="multi
line"
H: yaml
I=${B}-${Z:-z}-$C
J="a"
K='x'#y
""",
    ),
    Case(
        name="env_file only a name",
        files={"compose.yml": service("env_file: a.env"), "a.env": "A\nB\nC=1\n"},
        environment={"A": "x"},
    ),
    whole("env_file bad line", service("env_file: a.env"), a_env="A B=1\n"),
    whole("env_file open quote", service("env_file: a.env"), a_env="A='x\n"),
    whole(
        "env_file not active", service(below="  x:\n    image: x\n    profiles: [p]\n    env_file: no.env\n")
    ),
    Case(
        name=".env",
        files={"compose.yml": service("user: $A", "working_dir: $B"), ".env": "A=file\nB=file\n"},
        environment={"B": "outside"},
    ),
    Case(
        name=".env names the project",
        files={"compose.yml": service(), ".env": "COMPOSE_PROJECT_NAME=from-env\n"},
    ),
    whole("network and volume null", "services:\n  web:\n    image: i\n    networks:\n    volumes:\n"),
    whole("top level null", "services:\n  web: {image: i}\nnetworks:\nvolumes:\n"),
    whole("services null", "services:\n"),
    whole("service all kinds null", service("environment:", "command:", "labels:")),
    whole("depends_on null", service("depends_on:")),
    whole("environment null whole", service("environment:")),
    whole("healthcheck null", service("healthcheck:")),
    whole("build null", service("build:")),
    whole("tmpfs null", service("tmpfs:")),
    whole("image null", "services:\n  web:\n    image:\n"),
    whole("image empty", "services:\n  web:\n    image: ''\n"),
    whole(
        "volume external with name",
        service("volumes: ['data:/a']", below="volumes: {data: {external: true, name: real}}\n"),
    ),
    whole(
        "volume external text", service("volumes: ['data:/a']", below="volumes: {data: {external: 'true'}}\n")
    ),
    whole("volume unknown key", service(below="volumes: {a: {drivers: x}}\n")),
    whole("network unknown key", service(below="networks: {a: {drivers: x}}\n")),
    whole(
        "network driver",
        service(
            "networks: [a]",
            below="networks: {a: {driver: bridge, internal: true, ipam: {config: [{subnet: 10.0.0.0/8}]}}}\n",
        ),
    ),
    whole(
        "quoted scalars",
        service("user: '1000'", 'working_dir: "/a\\tb"', "environment: {A: '1_000', B: \"on\", C: 'null'}"),
    ),
    whole(
        "block texts",
        service("environment:", "  A: |", "    one", "    two", "  B: >-", "    three", "    four"),
    ),
    whole("long command", service("command: >", "  run --a", "  --b 'c d'")),
    whole("comments", "# c\n" + service("user: a # b", "working_dir: '/a#b'")),
    whole("bom", "\ufeff" + service()),
    whole("crlf", service("user: a").replace("\n", "\r\n")),
    whole("json", '{"services": {"web": {"image": "i", "ports": ["80:80"]}}}'),
    whole("str tag", service("user: !!str 5")),
    whole("int tag", service("environment: {A: !!int '5'}")),
    whole("folder name", service()),
    whole("name of digits", "name: '123'\n" + service()),
    whole("name a number", "name: 123\n" + service()),
    whole("interpolated number", service("healthcheck: {test: a, retries: '${R:-x}'}")),
    whole("multi line default", service("user: |-", "  ${A:-x", "  y}")),
]
