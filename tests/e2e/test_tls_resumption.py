"""Sessions that outlive what served them: threads, reloads, a worker's death, an upgrade, machines."""
import os
import signal

import pytest

from proxy import session_pids
from tls_client import TLS12, TLS13, connect_tls, context, https, site_files
from wait import until

pytestmark = pytest.mark.usher_only("nginx 1.22's ticket keys go with the configuration")

BODY = "location / { return 200 fine; }"
VERSIONS = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])


def visit(p, ctx, session=None):
    """One request; the session that it leaves, and whether it resumed one."""
    with connect_tls(p, ctx=ctx, session=session) as c:
        assert c.get().text == "fine"
        return c.sock.session, c.sock.session_reused


def resumes(p, ctx, session):
    return visit(p, ctx, session)[1]


def successor(p, old):
    try:
        return p.pid if p.pid != old else None
    except FileNotFoundError:
        return None


@VERSIONS
def test_any_thread_resumes(usher, version):
    p = usher(https(BODY), files=site_files(), main="worker_processes 4;")
    ctx = context(version=version)
    session, _ = visit(p, ctx)
    assert all(resumes(p, ctx, session) for _ in range(12))


@VERSIONS
def test_a_shared_cache_serves_all_threads_and_outlives_reloads(usher, version):
    text = https("ssl_session_tickets off; ssl_session_cache shared:web:1m; " + BODY)
    p = usher(text, files=site_files(), main="worker_processes 4;")
    ctx = context(version=version)
    session, _ = visit(p, ctx)
    if version == TLS12:
        assert all(resumes(p, ctx, session) for _ in range(8))
    p.reload()
    assert resumes(p, ctx, session)


@VERSIONS
def test_tickets_outlive_a_reload_that_changes_ciphers(usher, version):
    p = usher(https(BODY), files=site_files())
    ctx = context(version=version)
    session, _ = visit(p, ctx)
    p.reload(https("ssl_session_timeout 10m; ssl_prefer_server_ciphers on; " + BODY))
    assert resumes(p, ctx, session)


@VERSIONS
def test_tickets_outlive_a_worker(usher, version):
    p = usher(https(BODY), files=site_files(), may_log="exited on signal 9")
    ctx = context(version=version)
    session, _ = visit(p, ctx)
    [pid] = set(session_pids(p.process.pid)) - {p.pid}
    os.kill(pid, signal.SIGKILL)
    p.wait_log(rf"worker process {pid} exited")
    assert resumes(p, ctx, session)


@VERSIONS
def test_tickets_outlive_the_program(usher, version):
    p = usher(https(BODY), files=site_files())
    ctx = context(version=version)
    session, _ = visit(p, ctx)
    old = p.pid
    os.kill(old, signal.SIGUSR2)
    new = until(lambda: successor(p, old), "the new program")
    os.kill(old, signal.SIGQUIT)
    p.process.wait(10)
    assert resumes(p, ctx, session)
    os.kill(new, signal.SIGQUIT)
    until(lambda: not session_pids(p.process.pid), "the session to be empty")
    p.process = None
    p.judge_logs()


@VERSIONS
def test_machines_with_one_key_resume_each_others(usher, version):
    files = site_files(**{"ticket.key": os.urandom(80)})
    text = https("ssl_session_ticket_key ticket.key; " + BODY)
    one, other = usher(text, files=files), usher(text, files=files)
    ctx = context(version=version)
    session, _ = visit(one, ctx)
    assert resumes(other, ctx, session)
    stranger = usher(https(BODY), files=files)
    assert not resumes(stranger, ctx, session)
