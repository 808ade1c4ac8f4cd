"""FAULTS 19, 21: readers that die, and readers that stay, are nobody's loss."""

import os
import socket
import subprocess
import unittest

from harness import JcnCase, wait_for



class Readers(JcnCase):
    def fill(self, count, size):
        for number in range(count):
            self.write(f"{number}.json", {"id": f"v{number:04}", "text": os.urandom(size).hex()})

    def held(self, daemon):
        """A tool of its own process with a snapshot that it never lets go: nobody reads its output."""
        reader = subprocess.Popen([daemon.jcnctl, "--index", daemon.index, "dump"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(reader.stdout.close)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        return reader

    def begun(self, reader):
        self.assertTrue(reader.stdout.read(1), "it dumps")
        return reader

    def slots_used(self, index):
        """Processes in the slots of LMDB's lock file: their number at 56, then 64 bytes each."""
        with open(os.path.join(os.path.dirname(self.data_file(index)), "lock.mdb"), "rb") as file:
            data = file.read()
        slots = int.from_bytes(data[56:60], "little")
        pids = [int.from_bytes(data[at + 8:at + 12], "little")
                for at in range(128, 128 + 64 * slots, 64)]
        return [pid for pid in pids if pid]

    def test_fault_19_killed_readers_take_no_slots(self):
        self.fill(300, 600)
        daemon = self.daemon()
        daemon.sync(durable=True)
        for turn in range(4):
            readers = [self.begun(self.held(daemon)) for _ in range(8)]
            for reader in readers:
                reader.kill()
                reader.wait()
        killed = 4 * 8
        dead = [pid for pid in self.slots_used(daemon.index) if pid != daemon.process.pid]
        self.assertTrue(dead, "a killed reader leaves its slot taken")
        self.assertLess(len(dead), killed, "an opening reader clears what the dead have left")
        self.write("new.json", {"id": "new"})
        daemon.sync(durable=True)
        daemon.restart()
        self.assertEqual([pid for pid in self.slots_used(daemon.index)
                          if pid != daemon.process.pid], [])
        self.assert_converged(daemon)

    def churn(self, daemon, turns):
        for turn in range(turns):
            for number in range(40):
                self.drop(f"{number}.json",
                          {"id": f"v{number:04}", "turn": turn, "text": os.urandom(2000).hex()})
            daemon.sync(durable=True)

    def test_fault_21_slow_clients_do_not_hold_the_file(self):
        self.fill(1500, 3000)
        daemon = self.daemon()
        daemon.sync(durable=True)
        self.churn(daemon, 15)
        before = daemon.status()["index_bytes"]
        for _ in range(20):  # each asks for 8 MiB and takes nothing
            client = socket.create_connection(("127.0.0.1", daemon.port))
            self.addCleanup(client.close)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(f"GET /v1/videos?_size=1000 HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n"
                           "\r\n".encode())
        self.churn(daemon, 30)
        after = daemon.status()["index_bytes"]
        print(f"{before} bytes before, {after} bytes after 1,200 more changes")
        self.assertLess(after, 1.6 * before)

    def test_fault_21_a_reader_that_stays_for_long_and_leaves(self):
        self.fill(300, 600)
        daemon = self.daemon()
        daemon.sync(durable=True)
        usual = self.size_after(daemon, 40)
        reader = self.begun(self.held(daemon))
        held = self.size_after(daemon, 20)
        reader.stdout.read()  # to its end
        self.assertEqual(reader.wait(), 0)
        after = self.size_after(daemon, 40)  # takes what was held
        print(f"{usual} bytes, {held} while it was held, {after} afterwards")
        self.assertLess(after, 1.5 * max(usual, held))
        self.assert_converged(daemon)

    def size_after(self, daemon, rounds):
        self.churn(daemon, rounds)
        wait_for(lambda: daemon.status()["upkeep"]["state"] == "idle", "the upkeep to be over")
        return os.path.getsize(self.data_file(daemon.index))

    def data_file(self, index):
        with open(os.path.join(index, "CURRENT"), encoding="ascii") as current:
            return os.path.join(index, current.read().strip(), "data.mdb")


if __name__ == "__main__":
    unittest.main()
