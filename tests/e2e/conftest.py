"""What the end-to-end tests share: the built binary, a moto server, and a clean place to work in."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
YAGURA = os.environ.get("YAGURA") or shutil.which("yagura") or str(ROOT / "target/debug/yagura")
MOTO_ACCOUNT = "123456789012"


class Done:
    """A finished command."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def rows(self):
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


class Yagura:
    """Runs the binary in a folder of its own, with an environment of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "YAGURA_DATA": str(folder / "data"),
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            "RUST_BACKTRACE": "1",
        }

    def __call__(self, *args, stdin=None, env=None, timeout=300, text=True):
        process = subprocess.run(
            [YAGURA, *map(str, args)],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            input=stdin,
            capture_output=True,
            text=text,
            timeout=timeout,
        )
        done = Done(process)
        err = done.err if text else done.err.decode(errors="replace")
        assert "panicked" not in err, err
        return done


@pytest.fixture
def yagura(tmp_path):
    return Yagura(tmp_path)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def aws_client(url, service, region):
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(inject_host_prefix=False),
    )


def aws_environment(url):
    """What makes a command take the endpoint for AWS."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }


class Moto:
    """A moto server on loopback, and boto3 clients for it."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [os.environ.get("MOTO_SERVER", "moto_server"), "-H", "127.0.0.1", "-p", str(self.port)],
            # Thousands of images that no test looks at cost seconds in each reset.
            env={**os.environ, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(self.url + "/moto-api/", timeout=1).read()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("moto does not start")

    def reset(self):
        urllib.request.urlopen(urllib.request.Request(self.url + "/moto-api/reset", method="POST"), timeout=10).read()

    def client(self, service, region="us-east-1"):
        return aws_client(self.url, service, region)

    def env(self, **more):
        return {**aws_environment(self.url), **more}

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="session")
def moto_server():
    moto = Moto()
    yield moto
    moto.stop()


@pytest.fixture
def moto(moto_server):
    moto_server.reset()
    return moto_server
