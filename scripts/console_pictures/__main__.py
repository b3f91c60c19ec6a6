"""`scripts/pictures [NAME...]`: take the pictures of the web console into docs/console; without a name all of them."""

import argparse
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console_pictures.palette import shrink
from console_pictures.scene import DRAFT, Scene, scene
from tests.support.browser import NARROW, WIDE, Visit, chromium, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MOST_BYTES = 250_000
Act = Callable[["Page", Scene], None]


def _nothing(page: "Page", shown: Scene) -> None:
    """Most pages need no hand."""


def _charts(page: "Page", shown: Scene) -> None:
    """Charts are drawn when their history has come."""
    page.locator("canvas").first.wait_for()
    page.wait_for_timeout(1500)


def _days(page: "Page", shown: Scene) -> None:
    """The report by days takes longest."""
    page.get_by_role("img", name=re.compile("GPU-hours per day")).wait_for()


def _edit(page: "Page", shown: Scene) -> None:
    """A text that somebody is changing."""
    page.get_by_role("textbox", name=re.compile("Text of")).fill(DRAFT)
    page.get_by_text("1 error").wait_for()


def _write(page: "Page", shown: Scene) -> None:
    """A form that is filled in."""
    page.get_by_role("button", name="New task").click()
    form = page.get_by_role("dialog", name="New task")
    form.get_by_label("Command", exact=True).fill("python train.py --model qwen-7b --epochs 3")
    form.get_by_label("Name", exact=True).fill("qwen-7b")
    form.get_by_label("Memory per GPU, GiB", exact=True).fill("20")
    page.wait_for_timeout(4000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One file, and what is to be seen on it. `{name}` in the path is a task's id."""

    path: str
    act: Act = _nothing
    theme: str = "light"
    width: int = WIDE
    language: str = "en"


_GPU, _STATE, _COMMAND = "/ui/gpu", "/ui/state/{qwen-32b-lora}", "/ui/command/multi/1"
PICTURES = {
    "gpu-light": Picture(path=_GPU),
    "gpu-dark": Picture(path=_GPU, theme="dark"),
    "gpu-narrow": Picture(path=_GPU, width=NARROW),
    "gpu-detail-light": Picture(path="/ui/gpu/3", act=_charts),
    "state-light": Picture(path=_STATE),
    "state-dark": Picture(path=_STATE, theme="dark"),
    "state-zh": Picture(path=_STATE, language="zh"),
    "state-narrow": Picture(path="/ui/state", width=NARROW),
    "state-log-light": Picture(path="/ui/state/{embed-corpus}?tab=log"),
    "state-new-light": Picture(path="/ui/state", act=_write),
    "command-light": Picture(path=_COMMAND, act=_edit),
    "command-dark": Picture(path=_COMMAND, act=_edit, theme="dark"),
    "rule-light": Picture(path="/ui/rule"),
    "rule-dark": Picture(path="/ui/rule", theme="dark"),
    "usage-light": Picture(path="/ui/usage", act=_days),
    "usage-dark": Picture(path="/ui/usage", theme="dark", act=_days),
    "usage-narrow": Picture(path="/ui/usage", width=NARROW, act=_days),
    "setting-light": Picture(path="/ui/setting"),
    "setting-dark": Picture(path="/ui/setting", theme="dark"),
    "login-light": Picture(path="/ui/login"),
}


def take(browser: "Browser", shown: Scene, picture: Picture, path: Path) -> str | None:
    """Take one; what went wrong."""
    height = 844 if picture.width == NARROW else 900
    try:
        with visit(
            browser, shown.instance, theme=picture.theme, width=picture.width, height=height, language=picture.language
        ) as visitor:
            _look(visitor, shown, picture, path)
    except AssertionError as error:
        return str(error)
    return None


def _look(visitor: Visit, shown: Scene, picture: Picture, path: Path) -> None:
    page, target = visitor.page, picture.path.replace("{", "{0[").replace("}", "]}").format(shown.ids)
    if target == "/ui/login":
        visitor.expect("401")
        visitor.goto(target)
    else:
        visitor.enter(target, shown.mei)
    page.wait_for_timeout(2500)  # for eyes, not for tests: live values settle, fonts and charts are drawn
    picture.act(page, shown)
    page.screenshot(path=path)


def is_small(path: Path) -> bool:
    """Make a picture smaller; whether it is small enough then, or what is wrong is told."""
    if not path.exists():
        return True
    shrink(path)
    if (size := path.stat().st_size) > MOST_BYTES:
        print(f"{path.name}: {size:,} bytes are more than {MOST_BYTES:,}")
    return size <= MOST_BYTES


def main() -> int:
    """Take pictures; 1 where something went wrong with one."""
    parser = argparse.ArgumentParser(prog="scripts/pictures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(PICTURES)}")
    parser.add_argument("--to", type=Path, default=Path("docs/console"), metavar="DIRECTORY", help="docs/console")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in PICTURES]:
        parser.error(f"{', '.join(unknown)}: the pictures are {', '.join(PICTURES)}")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that all of it is ended
    names = options.names or list(PICTURES)
    options.to.mkdir(parents=True, exist_ok=True)
    troubles = 0
    with scene() as shown, chromium() as browser:
        for name in names:
            trouble = take(browser, shown, PICTURES[name], options.to / f"{name}.png")
            print(f"{name}: {trouble or 'taken'}", flush=True)
            troubles += trouble is not None
    for name in names:  # not while the daemon counts the machine's load
        troubles += not is_small(options.to / f"{name}.png")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
