"""What a user of the official SDK sees through ccflare: the same as without it, and no limit."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import anthropic

BIN = pathlib.Path(sys.argv[1]).resolve()
HELLO = [{"role": "user", "content": "Hello"}]
MODEL = "claude-haiku-5-5"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(*command, **options):
    process = subprocess.Popen([str(part) for part in command], **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_ready(url, process):
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"the server ended with {process.returncode}")
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(url, timeout=1).read()
        time.sleep(0.1)
    sys.exit(f"{url} did not come up")


def raw(base, body):
    headers = {"content-type": "application/json", "x-api-key": "direct", "anthropic-version": "2023-06-01"}
    request = urllib.request.Request(f"{base}/v1/messages", json.dumps(body).encode(), headers)
    return urllib.request.urlopen(request, timeout=30).read()


def shape(answer):
    """Each answer has ids of its own; everything else has to be equal."""
    text = answer.decode()
    for line in text.splitlines():
        start = line.find('"id":"msg_')
        if start >= 0:
            text = text.replace(line[start + 5 : line.index('"', start + 6) + 1], '"id"')
    return text


def main():
    with contextlib.ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory())
        environment = {**os.environ, "HOME": data, "XDG_CONFIG_HOME": data, "XDG_DATA_HOME": data}
        mock = stack.enter_context(
            running(
                BIN / "ccflare-mock",
                "--keys=direct,sk-a,sk-b,sk-c",
                "--limit-key-after=sk-a=5",
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        upstream = mock.stdout.readline().split()[-1]
        address = f"127.0.0.1:{free_port()}"
        base = f"http://{address}"
        place = ["--data-dir", data]
        server = stack.enter_context(
            running(BIN / "ccflare", "serve", "--listen", address, *place, env=environment)
        )
        wait_until_ready(f"{base}/readyz", server)

        def ccflare(*arguments, stdin=None):
            command = [BIN / "ccflare", "--server", base, *place, *arguments]
            done = subprocess.run(command, input=stdin, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{arguments}: {done.stderr}"
            return done.stdout

        for name in "abc":
            ccflare("account", "add", name, "--base-url", upstream, stdin=f"sk-{name}\n")

        client = anthropic.Anthropic(base_url=base, api_key="the-clients-own", max_retries=0)
        with_stream = {"model": MODEL, "max_tokens": 64, "messages": HELLO, "stream": True}
        assert shape(raw(base, with_stream)) == shape(raw(upstream, with_stream)), "a stream's bytes differ"
        without = {**with_stream, "stream": False}
        assert shape(raw(base, without)) == shape(raw(upstream, without)), "an answer's bytes differ"

        message = client.messages.create(model=MODEL, max_tokens=64, messages=HELLO)
        assert message.usage.output_tokens > 0 and message.content[0].text
        with client.messages.stream(model=MODEL, max_tokens=64, messages=HELLO) as stream:
            assert "".join(stream.text_stream) == stream.get_final_message().content[0].text
        assert client.messages.count_tokens(model=MODEL, messages=HELLO).input_tokens > 0
        assert client.models.list().data

        # The first account reaches its limit on the way; nobody notices.
        for _ in range(10):
            client.messages.create(model=MODEL, max_tokens=64, messages=HELLO)

        accounts = {account["name"]: account for account in json.loads(ccflare("account", "list", "--json"))}
        assert accounts["a"]["state"] == "rate_limited", accounts["a"]
        assert accounts["b"]["active"], accounts["b"]
        requests = json.loads(ccflare("requests", "--limit", "100", "--json"))
        assert all(request["success"] for request in requests)
        assert any(request["failoverAttempts"] == 1 for request in requests)
        billed = [request for request in requests if request["path"] == "/v1/messages"]
        assert all(request["costUsd"] > 0 for request in billed), billed
        print(f"SDK {anthropic.__version__}: {len(requests)} requests through ccflare, all answered, one fail-over")


main()
