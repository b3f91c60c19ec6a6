"""examples/deepseek_7b.py from end to end: a GPU is asked for, a model answers in the task, the GPU is given back.

Once with stand-ins for torch and transformers, so that every line of the example runs everywhere; once with the real
libraries and a tiny model made on the spot, where they can be imported.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box

EXAMPLE = Path(__file__).parents[2] / "examples" / "deepseek_7b.py"

STAND_IN_TORCH = '''
"""A stand-in for torch, for tests alone: the few names that the example uses."""
import contextlib, types
bfloat16, float32 = "bfloat16", "float32"
cuda = types.SimpleNamespace(is_available=lambda: False)
no_grad = contextlib.nullcontext
'''
STAND_IN_TRANSFORMERS = '''
"""A stand-in for transformers, for tests alone: a model that says a prompt backwards."""
import os
class Row(list):
    @property
    def shape(self): return (1, len(self[0]))
    def __getitem__(self, key): return list.__getitem__(self, key)
class Batch(dict):
    def to(self, device):
        assert device == "cpu"
        return self
class Tokenizer:
    eos_token_id, chat_template = 0, "chat"
    def apply_chat_template(self, turns, add_generation_prompt, tokenize):
        assert add_generation_prompt and not tokenize and turns[0]["role"] == "user"
        return "User: " + turns[0]["content"]
    def __call__(self, prompt, return_tensors, add_special_tokens):
        return Batch(input_ids=Row([[ord(letter) for letter in prompt]]))
    def decode(self, tokens, skip_special_tokens):
        return "".join(map(chr, tokens))
class Model:
    device = "cpu"
    def to(self, device): return self
    def eval(self): return self
    def generate(self, input_ids, max_new_tokens, do_sample, pad_token_id):
        given = input_ids[0]
        return [given + given[::-1][:max_new_tokens]]
class AutoTokenizer:
    @staticmethod
    def from_pretrained(path): return Tokenizer()
class AutoModelForCausalLM:
    @staticmethod
    def from_pretrained(path, torch_dtype):
        if not os.path.isdir(path): raise OSError(path + " is not a local folder")
        assert torch_dtype == "float32"
        return Model()
'''
TINY = """
import sys
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
words = ["<unk>", "<s>", "</s>", *"what is a gpu queue good for ?".split()]
tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
fast.save_pretrained(sys.argv[1])
config = LlamaConfig(vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                     num_attention_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2)
LlamaForCausalLM(config).save_pretrained(sys.argv[1])
"""


@pytest.fixture
def env(real: Box, tmp_path: Path) -> dict[str, str]:
    """The environment of a person who has the (stand-in) libraries."""
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "torch.py").write_text(STAND_IN_TORCH)
    (libraries / "transformers.py").write_text(STAND_IN_TRANSFORMERS)
    return around(real, str(libraries))


def around(real: Box, *paths: str) -> dict[str, str]:
    return {**real.env, "PYTHONPATH": os.pathsep.join([*paths, *filter(None, sys.path)])}


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A directory that stands for a model."""
    (tmp_path / "model").mkdir()
    return str(tmp_path / "model")


def example(env: dict[str, str], *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(EXAMPLE), "--memory", "2G", *words]
    return subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def serving(real: Box, env: dict[str, str], model: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """The example with --serve, and what it prints."""
    command = [sys.executable, str(EXAMPLE), "--memory", "2G", "--model", model, "--serve"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output: IO[str] = process.stdout  # type: ignore[assignment]  # it was asked for
    try:
        yield process, json.loads(output.readline())
    finally:
        process.kill()
        process.wait(20)
        output.close()
        wait_until(lambda: is_free(real), 60, "the task ends with its caller")


def post(url: str, key: str, content: bytes) -> tuple[int, dict[str, str]]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        sent = urllib.request.Request(url, content, headers)  # noqa: S310  # the test saw that it begins with http://
        with urllib.request.urlopen(sent, timeout=30) as reply:  # noqa: S310
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def last_task(real: Box) -> dict[str, object]:
    found: dict[str, object] = real.get("/api/tasks?newest=1&limit=1")[0]
    return found


def is_free(real: Box) -> bool:
    return all(gpu["state"] == "free" for gpu in real.get("/api/gpus"))


def test_prompts_are_answered_and_the_gpu_is_given_back(real: Box, env: dict[str, str], model: str) -> None:
    done = example(env, "--model", model, "--prompt", "abc", "--prompt", "xyz", "--max-new-tokens", "3")
    assert (done.returncode, done.stdout) == (0, "cba\nzyx\n"), done.stderr
    task = last_task(real)
    assert (task["name"], task["memory_mib"], task["gpus"]) == ("deepseek-7b", 2048, [0])
    assert task["state"] == "cancelled"
    assert "is given back" in done.stderr
    wait_until(lambda: is_free(real), 60, "all GPUs are free")


def test_prompts_come_from_standard_input(env: dict[str, str], model: str) -> None:
    done = example(env, "--model", model, "--max-new-tokens", "2", stdin="one\n\ntwo\n")
    assert (done.returncode, done.stdout) == (0, "en\now\n"), done.stderr


def test_a_model_that_cannot_be_loaded_is_told_with_the_log(real: Box, env: dict[str, str]) -> None:
    done = example(env, "--model", "/nowhere/at-all", "--prompt", "abc")
    assert done.returncode == 1
    assert "before the model was loaded" in done.stderr
    assert "is not a local folder" in done.stderr
    wait_until(lambda: is_free(real), 60, "all GPUs are free")


def test_a_gpu_that_does_not_exist_is_refused_at_once(env: dict[str, str], model: str) -> None:
    done = example(env, "--model", model, "--memory", "900G", "--prompt", "abc")
    assert done.returncode == 7
    assert "can never start here" in done.stderr


def test_the_endpoint_answers_who_has_the_key(serving: tuple["subprocess.Popen[str]", dict[str, str]]) -> None:
    _, endpoint = serving
    url, key = endpoint["url"] + "/generate", endpoint["key"]
    assert url.startswith("http://127.0.0.1:")
    assert post(url, key, b'{"prompt": "abc", "max_new_tokens": 2}') == (200, {"text": "cb"})
    assert post(url, "wrong", b'{"prompt": "abc"}')[0] == 401
    for wrong in (b"", b"[]", b'{"prompt": 3}', b'{"prompt": "a", "max_new_tokens": 0}', b"{"):
        assert post(url, key, wrong)[0] == 400


def test_ending_the_caller_gives_the_gpu_back(
    real: Box, serving: tuple["subprocess.Popen[str]", dict[str, str]]
) -> None:
    process, _ = serving
    assert last_task(real)["state"] == "running"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 130
    assert last_task(real)["state"] == "cancelled"
    wait_until(lambda: is_free(real), 60, "all GPUs are free")


def test_a_caller_that_is_killed_takes_its_task_along(
    real: Box, serving: tuple["subprocess.Popen[str]", dict[str, str]]
) -> None:
    process, _ = serving
    command = str(last_task(real)["command"])
    directory = Path(command.partition("--in-task ")[2].split()[0])
    assert directory.is_dir()
    process.kill()
    wait_until(lambda: last_task(real)["state"] == "completed", 60, "the task ends")
    assert not directory.exists()


def test_a_task_that_nobody_asks_ends_by_itself(real: Box, env: dict[str, str], model: str) -> None:
    # Standard input stays open and silent: the caller is there, and has nothing to ask.
    command = [sys.executable, str(EXAMPLE), "--memory", "2G", "--model", model, "--idle", "0.5"]
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: last_task(real)["state"] == "completed", 60, "the task ends")
    finally:
        process.kill()
        process.wait(20)
        if process.stdin is not None:
            process.stdin.close()


LIBRARIES = ("torch", "transformers", "tokenizers")
MISSING = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(LIBRARIES)}; not installed here: {', '.join(MISSING)}")
def test_a_tiny_real_model_answers_on_the_cpu(real: Box, model: str) -> None:
    env = around(real)
    made = subprocess.run([sys.executable, "-c", TINY, model], env=env, capture_output=True, text=True, timeout=100)
    assert made.returncode == 0, made.stderr
    done = example(env, "--model", model, "--prompt", "what is a gpu queue ?", "--max-new-tokens", "4")
    assert done.returncode == 0, done.stderr
    (answer,) = done.stdout.splitlines()
    assert set(answer.split()) <= {"what", "is", "a", "gpu", "queue", "good", "for", "?", "<unk>"}
    assert last_task(real)["state"] == "cancelled"
    wait_until(lambda: is_free(real), 60, "all GPUs are free")
