"""gRPC through usher, with the real client and server of grpcio: generic handlers, messages that
are bytes."""
import concurrent.futures
import queue
import threading

import grpc
import pytest

import certs
from h2origin import answer
from wait import until

CA = certs.Authority()
UNAVAILABLE, CANCELLED = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED


class Service(grpc.GenericRpcHandler):
    """/t.T/unary, /t.T/out, /t.T/up, /t.T/both; what it saw is in .seen."""

    def __init__(self):
        self.seen, self.cancelled, self.metadata = [], threading.Event(), []
        self.release = threading.Event()

    def service(self, call):
        name = call.method.rsplit("/", 1)[1]
        kinds = {"unary": grpc.unary_unary_rpc_method_handler,
                 "out": grpc.unary_stream_rpc_method_handler,
                 "up": grpc.stream_unary_rpc_method_handler,
                 "both": grpc.stream_stream_rpc_method_handler}
        kind = next((k for k in kinds if name.startswith(k)), None)
        self.metadata.append(dict(call.invocation_metadata))
        return kinds[kind](getattr(self, name)) if kind and hasattr(self, name) else None

    def unary(self, message, context):
        context.set_trailing_metadata((("x-trailer", "t"),))
        return b"re:" + message

    def unary_fail(self, message, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: %")

    def unary_wait(self, message, context):
        context.add_callback(self.cancelled.set)
        self.seen.append(context.time_remaining())
        self.release.wait(10)
        return b"late"

    def out(self, message, context):
        for i in range(int(message)):
            yield b"%d" % i

    def out_large(self, message, context):
        for _ in range(50):
            yield b"x" * 300_000

    def up(self, messages, context):
        return b"+".join(messages)

    def both(self, messages, context):
        for m in messages:
            yield b"<" + m + b">"

    def both_early(self, messages, context):
        next(messages)
        yield b"enough"


@pytest.fixture
def service(stage):
    """service(tls=None) starts a server; .address and .service."""
    def begin(tls=None):
        class Backend:
            errors = []

            def stop(self):
                self.service.release.set()
                self.server.stop(0).wait(10)
        b = Backend()
        b.service = Service()
        b.server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), [b.service])
        if tls:
            pair = grpc.ssl_server_credentials([(tls.key, tls.chain)])
            b.address = "127.0.0.1:%d" % b.server.add_secure_port("127.0.0.1:0", pair)
        else:
            b.address = "127.0.0.1:%d" % b.server.add_insecure_port("127.0.0.1:0")
        b.server.start()
        stage.origins.append(b)
        return b
    return begin


@pytest.fixture
def channel():
    opened = []

    def begin(proxy, tls=False, options=()):
        where = f"127.0.0.1:{proxy.port}"
        if tls:
            c = grpc.secure_channel(where, grpc.ssl_channel_credentials(CA.cert), [
                ("grpc.ssl_target_name_override", "front.test"), *options])
        else:
            c = grpc.insecure_channel(where, list(options))
        opened.append(c)
        return c
    yield begin
    for c in opened:
        c.close()


def server(inner="", target="grpc://%%O%%", listen="127.0.0.1:%%PORT%%"):
    return (f"server {{ listen {listen}; http2 on; client_max_body_size 0; location / {{"
            f" grpc_pass {target}; {inner} }} }}")


@pytest.fixture(params=["h2c", "tls"])
def path(request, usher, service, channel):
    """A client and a server of the service, with usher between, in clear or sealed on both sides."""
    if request.param == "h2c":
        backend = service()
        proxy = usher(server(), O=backend)
        return channel(proxy), backend.service, proxy
    backend, front = service(tls=CA.issue("back.test")), CA.issue("front.test")
    proxy = usher(server("grpc_ssl_verify on; grpc_ssl_trusted_certificate ca.pem;"
                         " grpc_ssl_name back.test; grpc_ssl_server_name on;", "grpcs://%%O%%",
                         "127.0.0.1:%%PORT%% ssl; ssl_certificate f.crt; ssl_certificate_key f.key"),
                  files={"ca.pem": CA.cert, "f.crt": front.chain, "f.key": front.key}, O=backend)
    return channel(proxy, tls=True), backend.service, proxy


def test_unary(path):
    call = path[0].unary_unary("/t.T/unary")
    reply, state = call.with_call(b"hi", metadata=[("x-mine", "1")], timeout=10)
    assert reply == b"re:hi"
    assert dict(state.trailing_metadata())["x-trailer"] == "t"
    assert path[1].metadata[0]["x-mine"] == "1"
    assert len(call(b"y" * 2_000_000, timeout=10)) == 2_000_003


def test_a_status_comes_as_it_was_said(path):
    with pytest.raises(grpc.RpcError) as e:
        path[0].unary_unary("/t.T/unary_fail")(b"x", timeout=10)
    assert e.value.code() == grpc.StatusCode.NOT_FOUND
    assert e.value.details() == "no such thing: %"


def test_a_method_that_is_not_there_is_answered_by_trailers_alone(path):
    with pytest.raises(grpc.RpcError) as e:
        path[0].unary_unary("/t.T/nothing")(b"x", timeout=10)
    assert e.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_streams_of_a_server(path):
    assert list(path[0].unary_stream("/t.T/out")(b"1000", timeout=20)) == [b"%d" % i for i in range(1000)]
    assert sum(map(len, path[0].unary_stream("/t.T/out_large")(b"", timeout=20))) == 15_000_000


def test_streams_of_a_client(path):
    pieces = [b"%d" % i for i in range(500)]
    assert path[0].stream_unary("/t.T/up")(iter(pieces), timeout=20) == b"+".join(pieces)


def test_conversations_go_word_by_word(path):
    words = queue.Queue()
    talk = path[0].stream_stream("/t.T/both")(iter(words.get, None), timeout=20)
    for word in (b"a", b"b", b"c"):
        words.put(word)
        assert next(talk) == b"<" + word + b">"
    words.put(None)
    assert list(talk) == []
    assert talk.code() == grpc.StatusCode.OK


def test_a_server_may_end_a_conversation(path):
    words = queue.Queue()
    words.put(b"x")
    talk = path[0].stream_stream("/t.T/both_early")(iter(words.get, None), timeout=20)
    assert list(talk) == [b"enough"] and talk.code() == grpc.StatusCode.OK
    words.put(None)


def test_many_at_once(path):
    call = path[0].unary_unary("/t.T/unary")
    futures = [call.future(b"%d" % i, timeout=20) for i in range(300)]
    assert [f.result() for f in futures] == [b"re:%d" % i for i in range(300)]


def test_a_deadline_reaches_the_server_and_its_end_cancels(path):
    with pytest.raises(grpc.RpcError) as e:
        path[0].unary_unary("/t.T/unary_wait")(b"x", timeout=1)
    assert e.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert 0 < path[1].seen[0] <= 1
    assert path[1].cancelled.wait(5)


def test_a_cancelled_call_is_cancelled_at_the_server(path):
    future = path[0].unary_unary("/t.T/unary_wait").future(b"x", timeout=20)
    until(lambda: path[1].seen, "the call")
    future.cancel()
    assert path[1].cancelled.wait(5)


# --- errors, and directives ---

def code_of(call):
    with pytest.raises(grpc.RpcError) as e:
        call(b"x", timeout=10)
    return e.value.code()


def test_no_server_is_unavailable(usher, channel, refusing):
    proxy = usher(server(), O=refusing())
    assert code_of(channel(proxy).unary_unary("/t.T/unary")) == UNAVAILABLE
    proxy.wait_log(r'connect\(\) failed .* while connecting to upstream.*upstream: "grpc://127.0.0.1')


def test_the_next_server_is_asked(usher, channel, service, refusing):
    proxy = usher("upstream g { server %%BAD%%; server %%GOOD%% backup; }" + server(target="g"),
                  BAD=refusing(), GOOD=service())
    assert channel(proxy).unary_unary("/t.T/unary")(b"x", timeout=10) == b"re:x"


def test_a_server_that_is_slow_is_a_timeout(usher, channel, service):
    backend = service()
    proxy = usher(server("grpc_read_timeout 300ms;"), O=backend)
    assert code_of(channel(proxy).unary_unary("/t.T/unary_wait")) == UNAVAILABLE
    assert " 504 " in proxy.access_log(1)[0]


def test_error_pages_may_speak_grpc(usher, channel, refusing):
    proxy = usher(server("error_page 502 = /down;", ).replace("location / ", "location = /down {"
                  " default_type application/grpc; return 204; } location / "), O=refusing())
    assert code_of(channel(proxy).unary_unary("/t.T/unary")) is not None
    assert " 204 " in proxy.access_log(1)[0]


def test_fields_are_set_hidden_and_passed(usher, channel, h2origin):
    frame = b"\0\0\0\0\2ok"
    o = h2origin(answer(frame, headers=[("content-type", "application/grpc"), ("x-secret", "1"),
                                        ("server", "me"), ("x-open", "2")],
                        trailers=[("grpc-status", "0")], length=False))
    proxy = usher(server("grpc_set_header X-Peer $remote_addr; grpc_set_header Host svc.test;"
                         " grpc_hide_header X-Secret; grpc_pass_header Server;"), O=o)
    reply, call = channel(proxy).unary_unary("/t.T/x").with_call(b"hi", timeout=10)
    first = dict(call.initial_metadata())
    assert reply == b"ok" and "x-secret" not in first
    assert first["x-open"] == "2" and first["server"] == "me"
    s = o.requests[0]
    assert (s.method, s.path, s.authority, s.scheme) == ("POST", "/t.T/x", "svc.test", "http")
    assert s.get("x-peer") == "127.0.0.1" and s.get("te") == "trailers"
    assert s.get("content-type") == "application/grpc" and s.get("content-length") is None


def test_a_message_that_was_not_looked_at_goes_to_another_connection(usher, channel, h2origin):
    def script(s):
        if len(o.requests) == 1:
            s.recv()
            return s.reset(7)
        assert s.read_body() == b"\0\0\0\0\5hello"
        answer(b"\0\0\0\0\2ok", headers=[("content-type", "application/grpc")],
               trailers=[("grpc-status", "0")], length=False)(s)
    o = h2origin(script)
    proxy = usher(server(), O=o)
    assert channel(proxy).unary_unary("/t.T/x")(b"hello", timeout=10) == b"ok"


def test_a_reset_within_an_answer_is_no_end(usher, channel, h2origin):
    def script(s):
        s.read_body()
        s.send_head(200, [("content-type", "application/grpc")])
        s.send(b"\0\0\0\0\2ok")
        s.reset(2)
    o = h2origin(script)
    proxy = usher(server(), O=o)
    with pytest.raises(grpc.RpcError):
        channel(proxy).unary_unary("/t.T/x")(b"hello", timeout=10)


def test_the_address_may_have_variables(usher, channel, service):
    backend = service()
    proxy = usher(server(target="grpc://$http_x_to"))
    call = channel(proxy).unary_unary("/t.T/unary")
    assert call(b"x", metadata=[("x-to", backend.address)], timeout=10) == b"re:x"


@pytest.mark.parametrize("target, line", [
    ("http://127.0.0.1:1", "invalid URL prefix"),
    ("grpc://127.0.0.1:1/uri", '"grpc_pass" cannot have URI part'),
    ("grpc://", "no host in upstream"),
])
def test_what_is_no_address_is_told(usher, target, line):
    proxy = usher(server(target=target), start=False)
    r = proxy.run("-t")
    assert r.returncode == 1 and line in r.stderr


def test_calls_survive_a_reload(usher, channel, service):
    backend = service()
    proxy = usher(server(), O=backend)
    c = channel(proxy)
    late = c.unary_unary("/t.T/unary_wait").future(b"x", timeout=20)
    until(lambda: backend.service.seen, "the call")
    proxy.reload()
    assert c.unary_unary("/t.T/unary")(b"x", timeout=10) == b"re:x"
    backend.service.release.set()
    assert late.result() == b"late"


@pytest.mark.one_thread
def test_a_call_on_a_connection_that_was_cut_unseen_goes_to_another(usher, channel, h2origin):
    ok = answer(b"\0\0\0\0\2ok", headers=[("content-type", "application/grpc")],
                trailers=[("grpc-status", "0")], length=False)
    o = h2origin(ok)
    proxy = usher("upstream g { server %%O%%; }" + server(target="g"), O=o)
    call = channel(proxy).unary_unary("/t.T/x")
    for _ in range(5):
        assert call(b"hello", timeout=10) == b"ok"
        o.connections[-1].close()
