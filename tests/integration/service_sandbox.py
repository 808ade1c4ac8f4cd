"""Runs a program as a unit's system call restrictions would have it: no new privileges, and a filter
made from the unit with libseccomp, by the rules of systemd 252. What the unit does not allow kills the
process (SIGSYS) where systemd only refuses it: so nothing that is missing goes unseen.

usage: service_sandbox.py [--user NUMBER] UNIT PROGRAM [ARGUMENT...]
"""

import ctypes
import errno
import os
import socket
import subprocess
import sys

# seccomp.h, prctl(2), sched(7), mman(2).
ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
ERRNO = 0x00050000
NOT_EQUAL, EQUAL, MASKED_EQUAL = 1, 4, 7
PR_SET_NO_NEW_PRIVS = 38
PROT_WRITE, PROT_EXEC = 2, 4
NAMESPACES = 0x7E020080  # all CLONE_NEW… flags
SET_ID_BITS = (0o4000, 0o2000)


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("how", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def settings(unit):
    """Name → values, in their order; an empty one takes back those before, as in systemd.syntax(7)."""
    found = {}
    with open(unit, encoding="utf-8") as lines:
        for line in lines:
            name, separator, value = line.strip().partition("=")
            if separator and not name.startswith(("#", ";")):
                found[name] = found.get(name, []) + [value] if value else []
    return found


def calls_in(names, known={}):
    """The system calls in a set such as @file-system, sets within it included."""
    calls = set()
    for name in names:
        if not name.startswith("@"):
            calls.add(name)
            continue
        if name not in known:
            listed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name],
                                    capture_output=True, text=True, check=True).stdout
            inside = [line.strip() for line in listed.splitlines()[1:]]
            known[name] = calls_in([word for word in inside if word and word[0] != "#"])
        calls |= known[name]
    return calls


def allowed_calls(unit):
    """What SystemCallFilter= lets through: the first line says that it is a list of allowed ones."""
    calls = calls_in(["@default"])
    for line in settings(unit)["SystemCallFilter"]:
        words = line.removeprefix("~").split()
        calls = calls - calls_in(words) if line.startswith("~") else calls | calls_in(words)
    return calls


class Filter:
    def __init__(self, default):
        self._library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action, call, *comparisons):
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return  # not of this machine
        array = (Comparison * len(comparisons))(*comparisons)
        code = self._library.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), number, len(comparisons), array)
        if code not in (0, -errno.EEXIST):
            raise OSError(-code, f"{call}: {os.strerror(-code)}")

    def load(self):
        code = self._library.seccomp_load(self._context)
        if code != 0:
            raise OSError(-code, f"seccomp_load: {os.strerror(-code)}")


def said(unit, name):
    return settings(unit).get(name, ["no"])[-1:] in (["yes"], ["true"], ["1"])


def restrict(unit):
    """Each restriction is a filter of its own, as systemd's are: the strictest says what happens."""
    if ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError("prctl")
    further = Filter(ALLOW)
    families = settings(unit).get("RestrictAddressFamilies")
    if families:
        allowed = {int(getattr(socket, name)) for name in " ".join(families).split()}
        for family in set(range(46)) - allowed:
            further.add(KILL_PROCESS, "socket", Comparison(0, EQUAL, family, 0))
    if said(unit, "MemoryDenyWriteExecute"):
        both = PROT_WRITE | PROT_EXEC
        further.add(KILL_PROCESS, "mmap", Comparison(2, MASKED_EQUAL, both, both))
        for call in ("mprotect", "pkey_mprotect"):
            further.add(KILL_PROCESS, call, Comparison(2, MASKED_EQUAL, PROT_EXEC, PROT_EXEC))
    if said(unit, "RestrictNamespaces"):
        further.add(ERRNO | errno.ENOSYS, "clone3")  # its flags can't be seen
        further.add(KILL_PROCESS, "setns")
        for bit in (1 << place for place in range(32) if NAMESPACES & (1 << place)):
            for call in ("clone", "unshare"):
                further.add(KILL_PROCESS, call, Comparison(0, MASKED_EQUAL, bit, bit))
    if said(unit, "RestrictSUIDSGID"):
        further.add(ERRNO | errno.ENOSYS, "openat2")  # its mode can't be seen
        for bit in SET_ID_BITS:
            for call, place in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2)):
                further.add(KILL_PROCESS, call, Comparison(place, MASKED_EQUAL, bit, bit))
    further.load()
    calls = Filter(KILL_PROCESS)
    for call in sorted(allowed_calls(unit)):
        calls.add(ALLOW, call)
    calls.load()


def main():
    arguments = sys.argv[1:]
    if arguments[0] == "--user":
        number = int(arguments[1])
        os.setgroups([])
        os.setresgid(number, number, number)
        os.setresuid(number, number, number)
        arguments = arguments[2:]
    restrict(arguments[0])
    os.execvp(arguments[1], arguments[1:])


if __name__ == "__main__":
    main()
