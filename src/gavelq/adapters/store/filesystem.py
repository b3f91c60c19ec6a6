"""Which file system a path is on: SQLite's WAL mode and fsync need one of this machine."""

import os

NETWORK_TYPES = frozenset(
    {
        "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fhgfs", "fuse.beegfs", "fuse.ceph",
        "fuse.ceph-fuse", "fuse.cephfs", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.juicefs",
        "fuse.mfs", "fuse.moosefs", "fuse.rclone", "fuse.s3fs", "fuse.seaweedfs", "fuse.sshfs", "fuse.weed",
        "glusterfs", "gpfs", "lustre", "mmfs", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "orangefs", "panfs",
        "pvfs2", "smb2", "smb3", "smbfs", "wekafs",
    }
)  # fmt: skip
"""Types as /proc/self/mountinfo names them. A virtual machine's shared folders (virtiofs) are not among them."""


def network_file_system(path: str, mountinfo: str = "/proc/self/mountinfo") -> str | None:
    """The type of the network file system that `path` is (or would be) on; None: a local one, or nobody can tell.

    The last mount over the longest prefix decides (proc(5), mountinfo). Never raises.
    """
    try:
        with open(mountinfo, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.readlines()
    except OSError:
        return None
    place = os.path.realpath(path)
    best, kind = "", None
    for line in lines:
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5 or not after:
            continue
        mount_point = _unescaped(fields[4])
        if _is_below(place, mount_point) and len(mount_point) >= len(best):
            best, kind = mount_point, after.split(" ", 1)[0]
    return kind if kind in NETWORK_TYPES else None


def _is_below(path: str, mount_point: str) -> bool:
    return mount_point == "/" or path == mount_point or path.startswith(mount_point + "/")


def _unescaped(text: str) -> str:
    """Space, tab, newline and backslash stand as three octal digits."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
