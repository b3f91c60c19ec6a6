"""What an attempt died of, read from real outputs; and what must not be read into them."""

import pytest

from gavelq.core.classify import MAX_CHARS, classify
from gavelq.core.lifecycle import EndReason as R

HEAD = 'Traceback (most recent call last):\n  File "/home/a/train.py", line 40, in <module>\n    main()\n'
TORCH_OOM = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 23.65 GiB "
    "of which 2.10 GiB is free. If reserved but unallocated memory is large try setting "
    "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation."
)
NCCL_END = (
    "torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:1970, "
    "remote process exited or there was a network error, NCCL version 2.20.5"
)
TORCHRUN = (
    "E0411 10:00:00.000000 140000 torch/distributed/elastic/multiprocessing/api.py:826] failed (exitcode: 1)\n"
    + HEAD
    + "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
    + "============================================================\ntrain.py FAILED\n"
    + "-" * 60
    + "\nFailures:\n  <NO_OTHER_FAILURES>\nRoot Cause (first observed failure):\n[0]:\n  time: 2025-04-11\n"
    + "  host: box\n  rank: 0 (local_rank: 0)\n  exitcode: 1 (pid: 12)\n  traceback: To enable traceback see: x\n"
    + "=" * 60
)


def of(tail: str, exit_code: int | None = 1, signal: int | None = None, **known: str) -> R:
    """The end reason of an attempt with such an output."""
    return classify(exit_code=exit_code, signal=signal, log_tail=tail, **known)[0]


GPU = [
    HEAD + TORCH_OOM,
    HEAD + "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 MiB",
    HEAD + "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 10.76 GiB total capacity)",
    HEAD + "OutOfMemoryError: CUDA out of memory.",
    HEAD + "RuntimeError: CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
    HEAD + "torch.AcceleratorError: CUDA error: out of memory",
    HEAD + "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    HEAD + "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 3 bytes.",
    HEAD + "jax.errors.JaxRuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 17179869184 bytes.",
    HEAD + "tensorflow.python.framework.errors_impl.ResourceExhaustedError: Graph execution error:\n\n"
    "OOM when allocating tensor with shape[9,9] on /job:localhost/task:0/device:GPU:0 by allocator GPU_0_bfc\n"
    "\t [[{{node model/dense/MatMul}}]]\nHint: If you want to see a list of allocated tensors [Op:__inference_1]",
    HEAD + "cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 8,000,000,000 bytes (allocated so far: 1).",
    HEAD + "numba.cuda.cudadrv.driver.CudaAPIError: [2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY",
    HEAD + "pycuda._driver.MemoryError: cuMemAlloc failed: out of memory",
    HEAD + "MemoryError: std::bad_alloc: out_of_memory: CUDA error at: /rmm/cuda_memory_resource.hpp",
    "terminate called after throwing an instance of 'thrust::system::system_error'\n"
    "  what():  cudaErrorMemoryAllocation: out of memory\nAborted (core dumped)",
    "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 9 MiB on device 0: cudaMalloc failed: out of memory\n"
    "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
    HEAD + "torch.distributed.DistBackendError: NCCL error in: x.cpp:1, unhandled cuda error\n"
    "ncclUnhandledCudaError: Call to CUDA function failed.\nLast error:\nCuda failure 2 'out of memory'",
    "\x1b[31mtorch.OutOfMemoryError\x1b[0m: CUDA out of memory.",
    "50%|#####     |\r51%|#####     |\n" + HEAD + TORCH_OOM + "\r\n",
]
HOST = [
    HEAD + "MemoryError",
    HEAD + "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 75.0 GiB for an array with shape (1,)",
    HEAD + "RuntimeError: [enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't allocate memory: you "
    "tried to allocate 4 bytes. Error code 12 (Cannot allocate memory)",
    HEAD + "OSError: [Errno 12] Cannot allocate memory",
    "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc",
    HEAD + "ResourceExhaustedError: OOM when allocating tensor with shape[9] on device:CPU:0 by allocator mklcpu",
    "Exception in thread main java.lang.OutOfMemoryError: Java heap space",
]
NCCL = [
    HEAD + NCCL_END,
    HEAD + "RuntimeError: NCCL error in: ../ProcessGroupNCCL.cpp:825, unhandled system error, NCCL version 2.7.8\n"
    "ncclSystemError: System call (socket, malloc, munmap, etc) failed.",
    "ncclInternalError: Internal check failed.\nLast error:\nNet : Call to recv failed",
    "[rank0]:[E ProcessGroupNCCL.cpp:523] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1)\n"
    "terminate called after throwing an instance of 'std::runtime_error'",
]
LOST = [
    HEAD + "RuntimeError: CUDA error: uncorrectable ECC error encountered",
    HEAD + "CudaError: cudaErrorECCUncorrectable",
    "Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot the system to recover this GPU",
    "NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.",
]
CODE = [
    HEAD + "ModuleNotFoundError: No module named 'torch'",
    HEAD + "ImportError: libcudart.so.11.0: cannot open shared object file: No such file or directory",
    '  File "/tmp/x.py", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax',
    '  File "x.py", line 3\n    pass\nIndentationError: unexpected indent',
    "[rank0]: Traceback (most recent call last):\n[rank0]: ModuleNotFoundError: No module named 'apex'\n" + TORCHRUN,
]


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        *[(tail, R.OUT_OF_MEMORY_GPU) for tail in GPU],
        *[(tail, R.OUT_OF_MEMORY_HOST) for tail in HOST],
        *[(tail, R.NCCL_ERROR) for tail in NCCL],
        *[(tail, R.GPU_LOST) for tail in LOST],
        *[(tail, R.CODE_ERROR) for tail in CODE],
    ],
)
def test_texts_of_libraries_are_known(tail: str, reason: R) -> None:
    assert of(tail) is reason
    assert of(f"step 1\nstep 2\n{tail}\n") is reason
    assert of(f"{tail}\nwandb: View run at https://x\n\nsrun: error: box: task 0: Exited with exit code 1") is reason


PLAIN = {
    "an exception of the program's own": HEAD + "ValueError: bad learning rate",
    "a launch failure is no lost GPU": HEAD + "RuntimeError: CUDA error: unspecified launch failure",
    "an illegal address is no lost GPU": HEAD + "RuntimeError: CUDA error: an illegal memory access was encountered",
    "a warning": "WARNING: CUDA out of memory, retrying with batch size 8\nloss is nan, giving up",
    "TensorFlow's harmless warning": "W bfc_allocator.cc:311] Allocator (GPU_0_bfc) ran out of memory trying "
    "to allocate 2.2GiB. The caller indicates that this is not a failure, but there could be performance gains.",
    "what was survived": HEAD + TORCH_OOM + "\nbatch size is 4 now\n" + HEAD + "ValueError: no data",
    "what was long ago": HEAD + TORCH_OOM + "\nbatch size is 4 now" + "\nepoch ok" * 50,
    "a module that was done without": HEAD + "ModuleNotFoundError: No module named 'apex'" + "\nstep" * 8,
    "a traceback whose exception has an odd name": HEAD + TORCH_OOM + "\nsmaller\n" + HEAD + "queue.Empty",
    "source text": HEAD
    + "    except torch.cuda.OutOfMemoryError:  # CUDA out of memory\nConnectionResetError: by peer",
    "PyTorch's farewell": "[rank0]:[W ProcessGroupNCCL.cpp:1250] Warning: WARNING: process group has NOT been "
    "destroyed before we destruct ProcessGroupNCCL. On normal program exit, call destroy_process_group",
    "settings of NCCL": "TORCH_NCCL_ASYNC_ERROR_HANDLING=1\nNCCL INFO comm 0x1 rank 0 nranks 2 - Init COMPLETE",
    "a full disk": HEAD + "ResourceExhaustedError: /out/ckpt; No space left on device",
    "somebody's quota": HEAD + "google.api_core.exceptions.ResourceExhausted: 429 RESOURCE_EXHAUSTED: Quota exceeded",
    "nothing": "",
}


@pytest.mark.parametrize("what", PLAIN)
def test_a_plain_failure_stays_one(what: str) -> None:
    assert classify(exit_code=1, signal=None, log_tail=PLAIN[what]) == (R.EXIT_NONZERO, "")
    assert classify(exit_code=None, signal=11, log_tail=PLAIN[what]) == (R.SIGNALLED, "")


ROOTS = {
    "a rank without memory breaks the others' connections": (
        "[rank1]: " + TORCH_OOM + "\n[rank0]: Traceback (most recent call last):\n[rank0]: " + NCCL_END,
        R.OUT_OF_MEMORY_GPU,
    ),
    "a launcher only tells that its child failed": (HEAD + TORCH_OOM + "\n" + TORCHRUN, R.OUT_OF_MEMORY_GPU),
    "an exception while another is dealt with": (
        HEAD + TORCH_OOM + "\n\nDuring handling of the above exception, another exception occurred:\n\n" + HEAD
        + "KeyError: 'batch'",
        R.OUT_OF_MEMORY_GPU,
    ),
    "an exception that nobody heeds": (
        HEAD + TORCH_OOM + "\nException ignored in: <function Pool.__del__>\n" + HEAD + "AttributeError: x",
        R.OUT_OF_MEMORY_GPU,
    ),
    "a sibling's broken pipe": (HEAD + TORCH_OOM + "\n" + HEAD + "BrokenPipeError: [Errno 32]", R.OUT_OF_MEMORY_GPU),
    "memory that ended last, not the import before": (
        HEAD + "ImportError: no apex\n" + HEAD + TORCH_OOM, R.OUT_OF_MEMORY_GPU,
    ),
    "an import after memory that was survived": (HEAD + TORCH_OOM + "\n" + HEAD + "ImportError: no x", R.CODE_ERROR),
    "a lost card behind everything": (LOST[0] + "\n" + HEAD + TORCH_OOM, R.GPU_LOST),
}  # fmt: skip


@pytest.mark.parametrize("what", ROOTS)
def test_the_root_of_a_failure_is_told(what: str) -> None:
    tail, reason = ROOTS[what]
    assert of(tail) is reason


@pytest.mark.parametrize(
    ("exit_code", "tail", "reason"),
    [
        (127, "bash: line 1: trian.py: command not found", R.CODE_ERROR),
        (127, "bash: ./run.sh: No such file or directory", R.CODE_ERROR),
        (126, "bash: line 1: ./run.sh: Permission denied", R.CODE_ERROR),
        (2, "bash: -c: line 1: syntax error near unexpected token `)'", R.CODE_ERROR),
        (1, "bash: line 1: nvcc: command not found", R.EXIT_NONZERO),
        (127, "", R.EXIT_NONZERO),
        (2, "usage: train.py [-h]", R.EXIT_NONZERO),
    ],
)
def test_a_shell_that_cannot_run_a_command_is_broken_code(exit_code: int, tail: str, reason: R) -> None:
    assert of(tail, exit_code=exit_code) is reason


@pytest.mark.parametrize(
    ("exit_code", "signal", "tail", "reason"),
    [
        (None, 9, "", R.OUT_OF_MEMORY_HOST),
        (137, None, "", R.OUT_OF_MEMORY_HOST),
        (1, None, "run.sh: line 3: 4711 Killed                  python train.py", R.OUT_OF_MEMORY_HOST),
        (1, None, HEAD + "RuntimeError: DataLoader worker (pid 9) is killed by signal: Killed.", R.OUT_OF_MEMORY_HOST),
        (1, None, "train.py FAILED\n  Signal 9 (SIGKILL) received by PID 9", R.OUT_OF_MEMORY_HOST),
        (1, None, HEAD + "ValueError: x", R.EXIT_NONZERO),
        (None, 11, "", R.SIGNALLED),
    ],
)
def test_the_kernel_s_word_counts_for_what_was_killed(
    exit_code: int | None, signal: int | None, tail: str, reason: R
) -> None:
    evidence = "Out of memory: Killed process 4711 (python)"
    assert of(tail, exit_code, signal, host_oom=evidence) is reason
    assert of(tail, exit_code, signal) in (R.SIGNALLED, R.EXIT_NONZERO)


def test_a_card_that_failed_outweighs_all_texts() -> None:
    assert classify(exit_code=1, signal=None, log_tail=HEAD + TORCH_OOM, faulty_gpu="GPU 3: Xid 79") == (
        R.GPU_LOST, "GPU 3: Xid 79",
    )  # fmt: skip


def test_the_line_that_decided_is_told_in_a_bearable_length() -> None:
    _, detail = classify(exit_code=1, signal=None, log_tail="[rank3]: " + TORCH_OOM)
    assert detail.startswith("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB.")
    assert len(detail) <= 300
    _, odd = classify(exit_code=1, signal=None, log_tail="CUDA out of memory\x07\u202e\x00!")
    assert odd.isprintable()


@pytest.mark.parametrize(
    "line",
    ["cuda " * 200, "out of memory " * 70, "NCCL operation " * 60, "[rank1]: " * 100, "A.B" * 333, "\x1b[" * 500,
     "OOM when allocating tensor by allocator " * 25, "x.sh: line 3: " * 70, "ResourceExhaustedError " * 40,
     "\0" * 999],
)  # fmt: skip
def test_no_output_makes_it_backtrack(line: str) -> None:
    """A pattern that does would hang here."""
    assert of((line + "\n") * 4000) in (R.EXIT_NONZERO, R.OUT_OF_MEMORY_GPU)


def test_only_the_end_of_a_log_counts() -> None:
    early = HEAD + TORCH_OOM + "\n"
    assert of(early + "." * (MAX_CHARS + 1)) is R.EXIT_NONZERO
    assert of(early + "  indented\n" * 300) is R.EXIT_NONZERO
