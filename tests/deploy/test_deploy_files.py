"""The files in deploy/: that they can be read by what they are for, hold together, and call the server as it is."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpt25.cli.commands import serve
from gpt25.cli.parsing import known_flags
from gpt25.server.serving_settings import ServingSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
INSTRUCTIONS = {
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "ONBUILD", "RUN"),
    *("SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}


def require_known(words: list[str]) -> None:
    """Every flag is one that `gpt25 serve` has."""
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert flags
    assert flags <= set(known_flags(serve, "serve", [])), flags


# The image.


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """Instructions and what stands behind them, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_s_instructions_are_docker_s(instructions: list[tuple[str, str]]) -> None:
    assert {name for name, _ in instructions} <= INSTRUCTIONS
    assert next(name for name, _ in instructions if name != "ARG") == "FROM"
    for name, rest in instructions:
        if name in ("ENTRYPOINT", "CMD") or (name == "HEALTHCHECK" and "CMD" in rest):
            assert all(isinstance(word, str) for word in json.loads(rest.partition("CMD ")[2] or rest))
        if name == "ENV":
            assert all("=" in word for word in shlex.split(rest))


def test_what_the_image_copies_is_there_and_enough(instructions: list[tuple[str, str]]) -> None:
    copied = [
        word for name, rest in instructions if name == "COPY" and "--from" not in rest for word in rest.split()[:-1]
    ]
    assert all((ROOT / word).exists() for word in copied)
    assert {"pyproject.toml", "README.md", "LICENSE", "gpt25"} <= set(copied)  # what building the package reads
    stages = [rest.split() for name, rest in instructions if name == "FROM"]
    names = {words[2] for words in stages if len(words) == 3}
    taken = {re.search(r"--from=(\w+)", rest)[1] for name, rest in instructions if name == "COPY" and "--from" in rest}
    assert taken == names


def test_the_image_serves_as_somebody_without_rights(instructions: list[tuple[str, str]]) -> None:
    last = len(instructions) - next(i for i, (name, _) in enumerate(reversed(instructions)) if name == "FROM")
    final = dict(instructions[last:])
    assert final["USER"].isdigit()
    assert int(final["USER"]) > 0
    words = [*json.loads(final["ENTRYPOINT"]), *json.loads(final["CMD"])]
    assert words[:2] == ["gpt25", "serve"]
    require_known(words)
    assert words[words.index("--port") + 1] == final["EXPOSE"]
    assert f":{final['EXPOSE']}/health" in final["HEALTHCHECK"]


# The unit.


def unit_lines() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "gpt25.service").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_calls_the_server_as_it_is_and_waits_for_it() -> None:
    unit = unit_lines()
    words = shlex.split(unit["ExecStart"][0])
    assert words[0].endswith("/gpt25")
    assert words[1] == "serve"
    require_known(words)
    assert int(unit["TimeoutStopSec"][0]) > ServingSettings().drain_seconds
    assert unit["RestartPreventExitStatus"] == ["2"]
    assert {"NoNewPrivileges", "ProtectSystem", "DynamicUser"} <= set(unit)


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="there is no systemd-analyze here (apt install systemd)"
)
def test_systemd_has_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "gpt25.service").read_text().replace("/srv/gpt25/venv/bin/gpt25", "/bin/true")
    (tmp_path / "gpt25.service").write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / "gpt25.service")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "gpt25" in line]) == (0, [])


# Kubernetes.


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    found = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    assert all({"apiVersion", "kind", "metadata", "spec"} == set(each) for each in found)
    return {each["kind"]: each for each in found}


def test_the_objects_find_one_another(objects: dict[str, Any]) -> None:
    versions = {kind: each["apiVersion"] for kind, each in objects.items()}
    assert versions == {"Deployment": "apps/v1", "Service": "v1", "PodDisruptionBudget": "policy/v1"}
    deployment = objects["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["minAvailable"] < deployment["replicas"]
    (container,) = deployment["template"]["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    used = [objects["Service"]["spec"]["ports"][0]["targetPort"]]
    used += [container[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe")]
    assert set(used) <= ports
    volumes = {volume["name"] for volume in deployment["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_the_pod_calls_the_server_as_it_is_and_waits_for_it(objects: dict[str, Any]) -> None:
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    require_known(container["args"])
    flags = dict(word.removeprefix("--").split("=", 1) for word in container["args"] if word.startswith("--"))
    waits = float(flags["drain-seconds"]) + container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > waits
    assert flags["allowed-host"] == objects["Service"]["metadata"]["name"]
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert any(flags["api-key-file"].startswith(mount) for mount in mounts)
    assert container["args"][0] in mounts
    assert int(flags["port"]) == container["ports"][0]["containerPort"]
    for name in ("startupProbe", "livenessProbe"):
        assert container[name]["httpGet"]["path"] == "/health"  # the one address without a key
    *python, code = container["readinessProbe"]["exec"]["command"]
    assert python == ["python", "-c"]
    compile(code, "readinessProbe", "exec")
    assert flags["api-key-file"] in code
    user = pod["securityContext"]["runAsUser"]
    assert f"USER {user}\n" in (DEPLOY / "Dockerfile").read_text()
    assert container["securityContext"]["readOnlyRootFilesystem"]
