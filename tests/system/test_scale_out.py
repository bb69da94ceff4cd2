"""Several nodes behind a proxy that hashes the key, as deploy/ has it: real HAProxy and nginx over real nodes."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest
import yaml

from kafka import free_ports

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"

SETTINGS = """
name: payments
sources: {transactions: {file: history.csv}}
event: {id: id, time: at}
entities: {customer: customer}
features: {n: count() by customer over 1d}
rules: {MANY: {when: n > 3, then: decline}}
outcomes: [approve, decline]
model: {kind: none}
server: {key: customer}
"""


class Node:
    def __init__(self, binary, folder, port):
        self.binary, self.folder, self.port = binary, folder, port
        folder.mkdir()
        (folder / "assay.yaml").write_text(SETTINGS)
        (folder / "history.csv").write_text("id,at,customer\nh1,2025-12-01T00:00:00Z,h\n")
        self.launch()

    def launch(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        self.process = subprocess.Popen([self.binary, "serve", "--port", str(self.port), "--json"], cwd=self.folder,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean)
        assert "port" in json.loads(self.process.stdout.readline())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def need(program, package):
    if shutil.which(program) is None:
        words = f"this test needs {program}: apt-get install {package}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)


def haproxy(folder, port, nodes):
    need("haproxy", "haproxy")
    environment = os.environ | {"ASSAY_PROXY": f"127.0.0.1:{port}", "ASSAY_NODE_0": f"127.0.0.1:{nodes[0].port}",
                                "ASSAY_NODE_1": f"127.0.0.1:{nodes[1].port}"}
    return subprocess.Popen(["haproxy", "-db", "-f", DEPLOY / "haproxy" / "haproxy.cfg"], env=environment,
                            stdout=open(folder / "proxy.log", "w"), stderr=subprocess.STDOUT)


def nginx(folder, port, nodes):
    need("nginx", "nginx-light")
    text = (DEPLOY / "nginx" / "assay.conf").read_text()
    for name, value in {"ASSAY_PROXY": f"127.0.0.1:{port}", "ASSAY_NODE_0": f"127.0.0.1:{nodes[0].port}",
                        "ASSAY_NODE_1": f"127.0.0.1:{nodes[1].port}"}.items():
        text = text.replace("${" + name + "}", value)
    (folder / "assay.conf").write_text(text)
    paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ }}\n"
        f"http {{ access_log off; {paths} include {folder}/assay.conf; }}\n")
    return subprocess.Popen(["nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"],
                            stdout=open(folder / "proxy.log", "w"), stderr=subprocess.STDOUT)


def ask(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if "json" in answer.headers["Content-Type"] else text
    finally:
        connection.close()


def wait_for(condition):
    end = time.monotonic() + 20
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("proxy", [haproxy, nginx])
def test_a_key_has_one_node(binary, tmp_path, proxy):
    ports = free_ports(3)
    nodes = [Node(binary, tmp_path / str(i), ports[i]) for i in range(2)]
    process = proxy(tmp_path, ports[2], nodes)
    customers = [f"c{i}" for i in range(12)]
    sent = 0

    def decide(customer):
        nonlocal sent
        sent += 1
        return ask(ports[2], "POST", "/v1/decisions", {"id": f"e{sent}", "at": "2026-01-01T00:00:00Z", "customer": customer},
                   Assay_Key=customer)

    try:
        wait_for(lambda: decide("first")[0] == 200)
        rounds = [{c: decide(c) for c in customers} for _ in range(4)]
        assert {status for one in rounds for status, _ in one.values()} == {200}
        # the windows are whole: the fourth event of each is one too many
        assert [{a["outcome"] for _, a in one.values()} for one in rounds] == [{"approve"}] * 3 + [{"decline"}]
        owner = {c: next(i for i in range(2) if ask(nodes[i].port, "GET", f"/v1/decisions/{a['id']}")[0] == 200)
                 for c, (_, a) in rounds[0].items()}
        assert set(owner.values()) == {0, 1}
        status, answer = ask(ports[2], "POST", "/v1/decisions", {"id": "x", "at": "2026-01-01T00:00:00Z", "customer": "c1"})
        assert status == 400 and "Assay-Key" in answer["detail"]
        nodes[0].kill()
        wait_for(lambda: decide(next(c for c in customers if owner[c] == 0))[0] == 503)
        for c in customers:
            status, answer = decide(c)
            if owner[c] == 0:
                assert status == 503 and "no other node" in answer["detail"], answer
            else:
                assert status == 200 and answer["outcome"] == "decline"
        nodes[0].launch()
        for c in customers:
            wait_for(lambda: decide(c)[0] == 200)
            assert decide(c)[1]["outcome"] == "decline"
    finally:
        process.terminate()
        process.wait(timeout=30)
        for node in nodes:
            if node.process.poll() is None:
                node.kill()


def test_haproxy_leads_to_a_node_by_its_number(binary, tmp_path):
    ports = free_ports(3)
    nodes = [Node(binary, tmp_path / str(i), ports[i]) for i in range(2)]
    process = haproxy(tmp_path, ports[2], nodes)
    try:
        wait_for(lambda: ask(ports[2], "GET", "/healthz", Assay_Node="1")[0] == 200)
        for i in range(2):
            event = {"id": f"n{i}", "at": "2026-01-01T00:00:00Z", "customer": "c"}
            assert ask(ports[2], "POST", "/v1/decisions", event, Assay_Node=str(i))[0] == 200
            assert ask(nodes[i].port, "GET", f"/v1/decisions/n{i}")[0] == 200
        assert ask(ports[2], "GET", "/healthz", Assay_Node="2")[0] == 400
    finally:
        process.terminate()
        process.wait(timeout=30)
        for node in nodes:
            node.kill()


def documents(path):
    return [d for d in yaml.safe_load_all((DEPLOY / path).read_text()) if d]


def test_the_settings_of_the_deployments_are_right(run, tmp_path):
    for name in ("assay.yaml", "history.csv"):
        shutil.copy(DEPLOY / "compose" / name, tmp_path / name)
    done = run("check", env={"ASSAY_TOKEN_SECRET": "x" * 32})
    assert done.exit == 0, done


def test_kubernetes_files_hold_together():
    maps = {d["metadata"]["name"]: d["data"] for d in documents("kubernetes/settings.yaml")}
    assert maps["assay-settings"]["assay.yaml"] == (DEPLOY / "compose" / "assay.yaml").read_text()
    assert maps["assay-settings"]["history.csv"] == (DEPLOY / "compose" / "history.csv").read_text()
    assert maps["assay-proxy"]["haproxy.cfg"] == (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
    found = documents("kubernetes/serve.yaml") + documents("kubernetes/stream.yaml")
    services = {d["metadata"]["name"]: d["spec"] for d in found if d["kind"] == "Service"}
    sets = [d for d in found if d["kind"] in ("StatefulSet", "Deployment")]
    assert len(sets) == 3
    for one in sets:
        spec, pod = one["spec"], one["spec"]["template"]["spec"]
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        assert any(s["selector"] == spec["selector"]["matchLabels"] for s in services.values())
        container, = pod["containers"]
        assert container["livenessProbe"] and container["readinessProbe"] and container["resources"]["limits"]
        claims = {c["metadata"]["name"] for c in spec.get("volumeClaimTemplates", [])}
        assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]} | claims
        if one["kind"] == "StatefulSet":
            assert services[spec["serviceName"]]["clusterIP"] == "None" and claims == {"data"}
            assert pod["securityContext"]["runAsNonRoot"] and container["envFrom"] == [{"secretRef": {"name": "assay"}}]
    nodes = next(d for d in sets if d["metadata"]["name"] == "assay-node")["spec"]["replicas"]
    proxy = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
    assert f"mod({nodes})" in proxy and proxy.count("\nbackend node_") == nodes


def test_the_compose_file_holds_together():
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    services = compose["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", [])) <= set(services), name
        assert {v.split(":")[0] for v in service.get("volumes", [])} <= set(compose["volumes"]), name
        assert {c["source"] for c in service.get("configs", [])} <= set(compose["configs"]), name
    for config in compose["configs"].values():
        assert (DEPLOY / "compose" / config["file"]).exists()
    build = services["node-0"]["build"]
    assert (DEPLOY / "compose" / build["context"] / build["dockerfile"]).exists()
    mine = [s for s in services.values() if s["image"] == "assay"]
    assert len({v for s in mine for v in s["volumes"]}) == len(mine) == 4  # a data directory is of one process


@pytest.mark.parametrize("entity, refused", [("merchant: merchant", True), ("merchant: {key: merchant, scope: shard}", False)])
def test_a_window_that_no_node_sees_whole_is_refused(run, write, entity, refused):
    write("history.csv", "id,at,customer,merchant\nh1,2025-12-01T00:00:00Z,h,m\n")
    write("assay.yaml", SETTINGS.replace("{customer: customer}", "{customer: customer, " + entity + "}").replace(
        "features: {", "features: {m: count() by merchant over 1d, both: 'count() by (customer, merchant) over 1d', "))
    for words in (["check"], ["serve", "--port", "0"]) if refused else (["check"],):
        done = run(*words)
        assert done.exit == (1 if refused else 0), done
        if refused:
            assert "does not see all events of a merchant" in done.stderr and "state: shared" in done.stderr
    write("assay.yaml", SETTINGS.replace("key: customer", "key: custmer"))
    assert "server.key" in run("check").stderr
