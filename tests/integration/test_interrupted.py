"""What interrupts jcn at a bad moment: a kill before the configuration changes, a full index disk."""
import os
import signal
import subprocess
import unittest

from harness import JcnCase, TIME_FACTOR, wait_for, write_whole


class Interrupted(JcnCase):
    def test_kill_in_the_first_crawl_then_another_configuration(self):
        for number in range(4000):
            self.write(f"{number % 40}/{number}.json", {"id": f"v{number}", "n": number})
        daemon = self.new_daemon(config="[fold]\nquiet_ms = 1\ninterval_ms = 1\n").launch()
        data = os.path.join(daemon.index, "CURRENT")
        wait_for(lambda: os.path.exists(data), "an index to be there")
        # Killed as soon as something was folded, or at the end of the crawl at the latest.
        generation = os.path.join(daemon.index, "gen-000001", "data.mdb")
        wait_for(lambda: os.path.exists(generation) and os.stat(generation).st_blocks * 512 > 200_000,
                 "a first fold")
        daemon.kill9()
        daemon.config = '[[rule]]\nkind = "talks"\nid = ["/id"]\n'
        daemon.start()
        daemon.sync()
        self.assertEqual(daemon.status()["kinds"], {"talks": 4000})
        self.assert_converged(daemon)

    def test_reload_with_other_rules_judges_anew(self):
        for number in range(200):
            self.write(f"{number}.json", {"id": f"v{number}"})
        daemon = self.daemon(config='[[rule]]\nkind = "videos"\nid = ["/id"]\n')
        daemon.config = '[[rule]]\nkind = "talks"\nid = ["/id"]\n'
        write_whole(daemon.config_file, daemon.config.encode())
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: daemon.status()["kinds"] == {"talks": 200}, "the new rules' records")
        self.assert_converged(daemon)


class FullDisk(JcnCase):
    """FAULTS 8 and 53. A small tmpfs for the index, in a mount namespace of the test's own."""

    def setUp(self):
        super().setUp()
        probe = subprocess.run(["unshare", "-m", "true"], capture_output=True)
        if os.geteuid() != 0 or probe.returncode != 0:
            self.skipTest("needs root and mount namespaces")

    def test_sigterm_ends_it_while_nothing_can_be_folded(self):
        index = self.folder("small/index")
        for number in range(3000):
            self.write(f"{number}.json", {"id": f"v{number}", "text": os.urandom(1500).hex()})
        mounted = os.path.dirname(index)
        daemon = self.new_daemon(
            index="small/index", config="[fold]\nfresh_limit_bytes = 2097152\n",
            before=["unshare", "-m", "sh", "-c",
                    f"mount -t tmpfs -o size=1500k none '{mounted}' && exec \"$@\"", "sh"])
        # The configuration and the log lie beside the index, outside the small disk.
        daemon.config_file = os.path.join(self.tmp, "jcn.toml")
        daemon.stderr_file = os.path.join(self.tmp, "stderr")
        daemon.launch()
        wait_for(lambda: "fold: index_full" in daemon.stderr_text(), "the first fold that fails", 60)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(timeout=5 * TIME_FACTOR)
        daemon.kill9()


if __name__ == "__main__":
    unittest.main()
