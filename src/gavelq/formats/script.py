"""What runs a script: its `#!` line, else the suffix of its name."""

_SUFFIXES: dict[str, tuple[str, ...]] = {
    ".sh": ("bash",),
    ".bash": ("bash",),
    ".zsh": ("zsh",),
    ".py": ("python3",),
    ".pl": ("perl",),
    ".r": ("Rscript",),
    ".jl": ("julia",),
    ".rb": ("ruby",),
    ".lua": ("lua",),
    ".js": ("node",),
}
_LONGEST = 4096
"""The kernel reads 256 bytes (BINPRM_BUF_SIZE); paths of conda environments are often longer, and work here."""


def interpreter(name: str, content: bytes) -> tuple[str, ...]:
    """The program and its arguments that stand before the script's path, for example `("python3", "-u")`.

    `#!/usr/bin/env NAME` and `env -S` are resolved into the program itself, so that the task's own PATH decides.
    Without a usable `#!` line the suffix decides, and bash runs what has none.
    """
    line = content[:_LONGEST].split(b"\n", 1)[0]
    if line.startswith(b"\xef\xbb\xbf"):
        line = line[3:]
    if line.startswith(b"#!"):
        found = _from_line(line[2:].decode("utf-8", "replace").strip())
        if found:
            return found
    dot = name.rfind(".")
    return _SUFFIXES.get(name[dot:].lower(), ("bash",)) if dot >= 0 else ("bash",)


def _from_line(line: str) -> tuple[str, ...]:
    if not line or "\0" in line or "\ufffd" in line:
        return ()
    program, _, rest = line.replace("\t", " ").partition(" ")
    rest = rest.strip()
    if program.rpartition("/")[2] != "env":
        # execve(2) hands everything behind the program over as one argument.
        return (program, rest) if rest else (program,)
    return _from_env(rest)


def _from_env(rest: str) -> tuple[str, ...]:
    """`env NAME` takes one word; `env -S` splits (env(1)). Assignments and other options need env itself."""
    if rest.startswith(("-S", "--split-string")):
        split = rest.removeprefix("--split-string=").removeprefix("--split-string").removeprefix("-S").strip()
        words = _words(split)
        if not words:
            return ()
        return tuple(words) if not words[0].startswith("-") and "=" not in words[0] else ("env", *words)
    if not rest:
        return ()
    return ("env", rest) if rest.startswith("-") or "=" in rest.split(" ", 1)[0] else tuple(rest.split())


def _words(text: str) -> list[str]:
    import shlex  # here, because it brings regular expressions along

    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
