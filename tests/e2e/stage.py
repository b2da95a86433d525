"""What a test has started, and its end in the right order."""
import client


class Stage:
    def __init__(self):
        self.origins, self.proxies, self.sockets, self.problems = [], [], [], []

    def clear(self):
        client.close_all()
        for part in self.origins + self.proxies:
            try:
                part.stop()
            except AssertionError as e:
                self.problems.append(str(e))
        for s in self.sockets:
            s.close()
        for p in self.proxies:
            p.forget()
        assert not self.problems, "\n".join(self.problems)
