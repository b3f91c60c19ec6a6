"""Chat with deepseek-7b on a GPU that gavelq grants: it is asked for, used, and given back.

    python examples/deepseek_7b.py                                  # prompts from the keyboard, or standard input
    python examples/deepseek_7b.py --prompt "What is a mutex?"      # one answer
    python examples/deepseek_7b.py --model ~/models/my-llm --serve  # an HTTP endpoint until Ctrl-C

This program submits itself as a task. In the task it loads the model with transformers (`pip install torch
transformers`) and answers POST /generate on a port of the loopback; out here it waits until the model is loaded, sends
the prompts there, and ends the task when it is through. The task ends by itself when this program was killed, or nobody
has asked anything for --idle seconds. The address, and the key that every request has to carry, are in a file that only
your account can read.
"""

import argparse
import fcntl
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType
from typing import Any

MODEL = "deepseek-ai/deepseek-llm-7b-chat"
MEMORY = "18G"
"""7 billion parameters in bfloat16 are 13.8 GB; the rest is for what a conversation of 4096 tokens needs."""
MAX_BODY = 1 << 20
Answer = Callable[[str, int], str]


def main(words: list[str]) -> int:
    """Out here, or in the task; the exit code."""
    options = _options(words)
    if options.in_task:
        return serve(options)
    try:
        return call(options)
    except KeyboardInterrupt:
        return 130


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default=MODEL, help=f"a name on the Hugging Face hub, or a directory ({MODEL})")
    parser.add_argument("--memory", default=MEMORY, help=f"free memory that the GPU has to have ({MEMORY})")
    parser.add_argument("--gpus", type=int, default=1, choices=(0, 1), help="0: without a GPU, on the CPU")
    parser.add_argument("--queue", help="gavelq's queue")
    parser.add_argument("--time-limit", default="4h", help="the task's (4h)")
    parser.add_argument("--prompt", action="append", default=[], help="ask this and end; repeats")
    parser.add_argument("--max-new-tokens", type=int, default=512, metavar="N", help="the longest answer (512)")
    parser.add_argument("--serve", action="store_true", help="print where it listens, and wait for Ctrl-C")
    parser.add_argument("--port", type=int, default=0, help="of the loopback; default: a free one")
    parser.add_argument("--idle", type=float, default=1800, metavar="S", help="give the GPU back after so long (1800)")
    parser.add_argument("--in-task", metavar="DIRECTORY", help=argparse.SUPPRESS)
    return parser.parse_args(words)


# --- out here: ask for a GPU, send prompts, give it back ------------------------------------------------------


def call(options: argparse.Namespace) -> int:
    """Submit the task, talk to it, end it."""
    from gavelq import Client, GavelqError, WrongState

    client = Client()
    with tempfile.TemporaryDirectory(prefix="gavelq-llm-") as directory, open(Path(directory) / "caller", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets go of it when this process ends, however that comes
        try:
            task = client.submit(**request(options, directory))
        except GavelqError as error:
            _say(f"{error.message}\n{error.hint}")
            return error.exit_code
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            endpoint = _wait_for_endpoint(client, task["id"], Path(directory))
            if endpoint is None:
                return 1
            _converse(options, endpoint)
        except urllib.error.HTTPError as error:
            _say(f"task {task['id']}: {json.load(error)['error']}")
            return 1
        except (urllib.error.URLError, ConnectionError) as error:
            _say(f"task {task['id']} does not answer any more: {error}; its last lines:")
            sys.stderr.write(client.logs(task["id"], tail=20).decode(errors="replace"))
            return 1
        finally:
            try:
                client.kill(task["id"])
            except WrongState:
                pass  # it has ended by itself
            else:
                client.wait(task["id"])
            _say(f"task {task['id']}: its GPU is given back")
    return 0


def request(options: argparse.Namespace, directory: str) -> dict[str, Any]:
    """The task: this file once more, with `--in-task`."""
    found: dict[str, Any] = {
        "argv": [sys.executable, os.path.abspath(__file__), "--in-task", directory, "--model", _path(options.model)],
        "name": "deepseek-7b",
        "gpu_count": options.gpus,
        "time_limit": options.time_limit,
    }
    found["argv"] += ["--port", str(options.port), "--idle", f"{options.idle:g}"]
    if options.gpus:
        found["memory"] = options.memory
    if options.queue:
        found["queue"] = options.queue
    return found


def _path(model: str) -> str:
    expanded = os.path.expanduser(model)
    return os.path.abspath(expanded) if os.path.isdir(expanded) else model


def _wait_for_endpoint(client: Any, task_id: int, directory: Path) -> dict[str, str] | None:
    """Where the model answers; None: the task has ended, and why is told."""
    told = ""
    while True:
        task = client.task(task_id)
        if task["state"] in ("completed", "failed", "cancelled", "aborted"):
            _say(f"task {task_id} {task['state']} ({task['end_reason']}) before the model was loaded")
            sys.stderr.write(client.logs(task_id, tail=20).decode(errors="replace"))
            return None
        try:
            found: dict[str, str] = json.loads((directory / "endpoint.json").read_text())
            return found
        except FileNotFoundError:
            pass
        state = f"loading {task['name']} on GPU {task['gpus']}" if task["state"] == "running" else task["state"]
        text = f"task {task_id}: {state} {task['pending_detail'] or ''}".rstrip()
        if text != told:
            _say(text)
            told = text
        time.sleep(0.2)


def _converse(options: argparse.Namespace, endpoint: dict[str, str]) -> None:
    if options.serve:
        print(json.dumps(endpoint), flush=True)
        _say("send POST URL/generate with that key; Ctrl-C ends it")
        signal.pause()
    for prompt in options.prompt or _prompts():
        print(ask(endpoint, prompt, options.max_new_tokens), flush=True)


def _prompts() -> Iterator[str]:
    is_terminal = sys.stdin.isatty()
    while True:
        try:
            line = input("> " if is_terminal else "")
        except EOFError:
            return
        if line.strip():
            yield line


def ask(endpoint: dict[str, str], prompt: str, max_new_tokens: int) -> str:
    """One answer of the model. Raises OSError where the task is gone."""
    body = json.dumps({"prompt": prompt, "max_new_tokens": max_new_tokens}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {endpoint['key']}"}
    sent = urllib.request.Request(endpoint["url"] + "/generate", body, headers)  # noqa: S310  # it begins with http://
    with urllib.request.urlopen(sent, timeout=600) as reply:  # noqa: S310
        return str(json.load(reply)["text"])


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- in the task: load the model, answer ----------------------------------------------------------------------


def serve(options: argparse.Namespace) -> int:
    """Load the model and answer until nobody has asked for a while."""
    key = secrets.token_urlsafe(32)
    answer = load(options.model)
    server = Endpoint(options.port, key, answer)
    host, port = server.server_address[:2]
    print(f"ready: http://{host!s}:{port}", flush=True)
    _publish(Path(options.in_task), {"url": f"http://{host!s}:{port}", "key": key})
    lock = Path(options.in_task) / "caller"
    server.serve(options.idle, lock)
    if not _is_held(lock):  # a caller that was killed could not tidy up
        shutil.rmtree(options.in_task, ignore_errors=True)
    return 0


def load(model: str) -> Answer:
    """The model as a function: a prompt, and how many tokens the answer may have, to the answer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    has_gpu = torch.cuda.is_available()
    if not has_gpu:
        print("no CUDA device is visible: the model runs on the CPU", flush=True)
    tokenizer: Any = AutoTokenizer.from_pretrained(model)
    network: Any = AutoModelForCausalLM.from_pretrained(model, torch_dtype=torch.bfloat16 if has_gpu else torch.float32)
    network = network.to("cuda" if has_gpu else "cpu").eval()
    end = tokenizer.eos_token_id

    def answer(prompt: str, max_new_tokens: int) -> str:
        if getattr(tokenizer, "chat_template", None):
            turns = [{"role": "user", "content": prompt}]
            prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        given = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).to(network.device)
        inputs = {name: given[name] for name in ("input_ids", "attention_mask") if name in given}
        with torch.no_grad():
            made = network.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False, pad_token_id=end)
        return str(tokenizer.decode(made[0][given["input_ids"].shape[1] :], skip_special_tokens=True)).strip()

    return answer


def _publish(directory: Path, endpoint: dict[str, str]) -> None:
    """Write the file that the caller waits for, whole, for this account alone."""
    partial = directory / "endpoint.part"
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(endpoint, file)
    partial.rename(directory / "endpoint.json")


def _is_held(lock: Path) -> bool:
    """Whether the process that locked a file lives."""
    try:
        with open(lock) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


class Endpoint(HTTPServer):
    """POST /generate {"prompt": ..., "max_new_tokens": ...} -> {"text": ...}, one at a time, with the key alone."""

    def __init__(self, port: int, key: str, answer: Answer) -> None:
        super().__init__(("127.0.0.1", port), _Request)
        self.key = key
        self.answer = answer
        self.last_asked_at = time.monotonic()

    def serve(self, idle_s: float, lock: Path) -> None:
        """Answer until nobody has asked for `idle_s` seconds, or the caller that holds `lock` has ended."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        while (left := self.last_asked_at + idle_s - time.monotonic()) > 0:
            if not _is_held(lock):
                print("the caller has ended", flush=True)
                return
            time.sleep(min(left, 1.0))
        print(f"nobody asked anything for {idle_s:g} s", flush=True)


class _Request(BaseHTTPRequestHandler):
    server: Endpoint
    timeout = 30

    def do_POST(self) -> None:
        """Answer one prompt."""
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(given.encode(), self.server.key.encode()):
            return self._reply(401, {"error": "send the key as a bearer token"})
        length = self.headers.get("Content-Length", "")
        if self.path != "/generate" or not length.isdigit() or int(length) > MAX_BODY:
            return self._reply(400, {"error": "POST /generate with a JSON body of at most 1 MiB"})
        try:
            body = json.loads(self.rfile.read(int(length)))
            prompt, n_tokens = body["prompt"], int(body.get("max_new_tokens", 512))
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._reply(400, {"error": 'send {"prompt": "...", "max_new_tokens": 512}'})
        if not isinstance(prompt, str) or not 0 < n_tokens <= 4096:
            return self._reply(400, {"error": "prompt is a text, max_new_tokens 1 to 4096"})
        self.server.last_asked_at = time.monotonic()
        try:
            text = self.server.answer(prompt, n_tokens)
        except (RuntimeError, ValueError) as error:  # torch's: out of memory, a prompt that is too long, ...
            return self._reply(500, {"error": f"the model failed: {error}"})
        finally:
            self.server.last_asked_at = time.monotonic()
        return self._reply(200, {"text": text})

    def _reply(self, status: int, document: dict[str, str]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """The task's log gets a line for each request, without the prompt."""
        print(f"{time.strftime('%H:%M:%S')} {format % args}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
