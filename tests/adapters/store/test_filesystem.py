"""Which file system a path is on."""

from pathlib import Path

import pytest

from gavelq.adapters.store.filesystem import network_file_system

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw,vers=4.2
31 30 0:27 / /home/me/scratch rw - xfs /dev/vdb rw
32 22 0:28 / /mnt/with\\040space rw - cifs //server/share rw
33 22 0:29 / /data rw - lustre mds@tcp:/fs rw
34 22 0:30 / /over rw - nfs server:/old rw
35 34 0:31 / /over rw - ext4 /dev/vdc rw
broken line
36 22 0:32 / /sshfs rw - fuse.sshfs host: rw
37 22 0:33 / /hom rw - fuse.rclone remote: rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib", None),
        ("/home/me/state", "nfs4"),
        ("/home", "nfs4"),
        ("/homework", None),
        ("/home/me/scratch/x", None),
        ("/mnt/with space/x", "cifs"),
        ("/data/not/yet/there", "lustre"),
        ("/over/x", None),
        ("/sshfs", "fuse.sshfs"),
        ("/hom/x", "fuse.rclone"),
    ],
)
def test_the_last_mount_over_the_longest_prefix_decides(tmp_path: Path, path: str, kind: str | None) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(MOUNTS)
    assert network_file_system(path, str(mountinfo)) == kind


def test_a_link_is_followed_to_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {tmp_path}/far rw - nfs s:/ rw\n")
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    assert network_file_system(str(tmp_path / "near" / "state"), str(tmp_path / "mountinfo")) == "nfs"


def test_where_nobody_can_tell_it_counts_as_local(tmp_path: Path) -> None:
    assert network_file_system(str(tmp_path), str(tmp_path / "missing")) is None


def test_this_machine_answers() -> None:
    assert network_file_system("/proc") is None
