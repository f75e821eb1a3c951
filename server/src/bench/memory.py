"""How much memory the ingestion of a large text takes: `python3 server/src/bench/memory.py [BINARY [MEBIBYTES [SECONDS]]]`.

Starts the server with everything embedded, sends it a text in which no two lines are the same, and looks at the resident
memory of the server and of the process that reads files, without Postgres, every 50 ms. A process of its own, because the
text and whoever sends it would count otherwise. Embedding such a text takes hours: it is looked at for SECONDS.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BINARY = sys.argv[1] if len(sys.argv) > 1 else "target/release/atelier"
MEBIBYTES = int(sys.argv[2]) if len(sys.argv) > 2 else 200
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 140
SITE = "http://127.0.0.1:4600/"
BOUNDARY = "measured"


def ask(method, path, body=None, headers=None, raw=None):
    data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(SITE + path, data, {"content-type": "application/json", **(headers or {})}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


def is_ready():
    try:
        return urllib.request.urlopen(SITE + "readyz").status == 200
    except OSError:
        return False


def resident_kib(server):
    listing = subprocess.run(["ps", "--ppid", str(server), "-o", "pid=,args="], capture_output=True, text=True).stdout
    children = [int(line.split()[0]) for line in listing.splitlines() if "postgres" not in line]
    total = 0
    for process in [server, *children]:
        try:
            with open(f"/proc/{process}/status") as status:
                total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        except OSError:
            pass  # It has ended.
    return total


def form(name, content):
    head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\ncontent-type: text/plain\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def text():
    lines, size, number = [], 0, 0
    while size < MEBIBYTES * 1024 * 1024:
        line = f"Rent {number} of the boathouse is paid in kroner, and the office of harbour {number * 7 % 9973} writes it down.\n"
        lines.append(line.encode())
        size, number = size + len(line), number + 1
    return b"".join(lines)


def measure(server, data):
    while not is_ready():
        time.sleep(0.2)
    with open(f"{data}/identity/keys.json") as keys:
        key = json.load(keys)["publishable_key"]
    person = {"email": "ada@example.com", "password": "two hundred megabytes"}
    token = ask("POST", "auth/v1/signup", person, {"apikey": key})["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    workspace = ask("POST", "api/v1/workspaces", {"name": "Nord"}, headers)["id"]
    project = ask("POST", f"api/v1/workspaces/{workspace}/projects", {"name": "Launch"}, headers)["id"]
    sending = {**headers, "content-type": f"multipart/form-data; boundary={BOUNDARY}"}

    def send(name, content):
        return ask("POST", f"api/v1/projects/{project}/documents", headers=sending, raw=form(name, content))[0]["id"]

    def document(id):
        return ask("GET", f"api/v1/documents/{id}", headers=headers)

    # What the first document of a process loads is not what a large one costs.
    small = send("small.txt", b"The rent of the boathouse. " * 200)
    while document(small)["state"] != "ready":
        time.sleep(0.3)
    time.sleep(2)
    idle = most = resident_kib(server)
    print(f"idle: {idle // 1024} MiB", flush=True)

    def watch():
        nonlocal most
        while True:
            most = max(most, resident_kib(server))
            time.sleep(0.05)

    threading.Thread(target=watch, daemon=True).start()
    large, begun, state = send("large.txt", text()), time.monotonic(), None
    while time.monotonic() - begun < SECONDS and state not in ("ready", "failed"):
        known = document(large)
        if known["state"] != state:
            state = known["state"]
            print(f"{state} after {time.monotonic() - begun:.1f} s, until then {(most - idle) // 1024} MiB above idle", flush=True)
        time.sleep(0.5)
    known = document(large)
    print(f"{known['state']}, {known['chunks_done']} of {known['chunks_total']} chunks: {(most - idle) // 1024} MiB above idle")


data = tempfile.mkdtemp(prefix="atelier-memory-")
# Where this runs as root, Postgres is another user, and must reach what is its own.
os.chmod(data, 0o755)
environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
environment |= {"ATELIER_DATA_DIR": data, "LEPTOS_SITE_ADDR": "127.0.0.1:4600", "ATELIER_MAX_UPLOAD_MB": str(MEBIBYTES + 100)}
running = subprocess.Popen([BINARY, "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    measure(running.pid, data)
finally:
    running.terminate()
    running.wait()
    shutil.rmtree(data, ignore_errors=True)
