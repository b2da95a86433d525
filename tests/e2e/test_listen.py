"""listen: ranges of ports and names of this machine."""
from client import get
from proxy import free_port


def test_a_range_of_ports(usher):
    first = free_port()
    usher("server { listen 127.0.0.1:%%PORT%%; return 200 other; }"
          f"server {{ listen 127.0.0.1:{first}-{first + 2}; return 200 $server_port; }}")
    for port in range(first, first + 3):
        assert get(port).text == str(port)


def test_a_name_of_this_machine(usher):
    proxy = usher("server { listen localhost:%%PORT%%; return 200 here; }")
    assert get(proxy).text == "here"
