/* exchange/secure/tls_server.c: which servers share a context, and which of them ask the same of
 * their clients' certificates. */
#include "exchange/secure/tls_server.h"

#include "exchange/snapshot.h"
#include "main/registry.h"

#include "../../test.h"
#include "../../tls/mint.h"

#include <stdlib.h>
#include <unistd.h>

static char directory[] = "/tmp/usher-unit-XXXXXX";
static struct diags diags;

static void
write_file(const char *name, char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    free(text);
}

static int
make_files(void **state)
{
    EVP_PKEY *key = mint_key("EC");
    assert_non_null(mkdtemp(directory));
    for (int i = 0; i < 2; i++) {
        X509 *x = mint_certificate(&(struct mint){ .name = i ? "ca" : "a", .key = key });
        write_file(i ? "ca.crt" : "a.crt", mint_pem(x));
        X509_free(x);
    }
    write_file("a.key", mint_key_pem(key, false, NULL));
    EVP_PKEY_free(key);
    return 0;
}

static int
remove_files(void **state)
{
    static const char *const names[] = { "a.crt", "a.key", "ca.crt" };
    char path[200];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    return rmdir(directory);
}

/* Two servers with one certificate; what differs is said of each. */
static struct snapshot *
compile_two(const char *one, const char *two)
{
    static char text[1000];
    snprintf(text, sizeof text,
             "http { ssl_certificate %s/a.crt; ssl_certificate_key %s/a.key;"
             " server { listen 1 ssl; server_name a; %s }"
             " server { listen 1 ssl; server_name b; %s } }",
             directory, directory, one, two);
    struct snapshot_request r = { .text = str_of(text),
                                  .prefix = str_of(directory),
                                  .sets = registry_sets() };
    struct snapshot *s = snapshot_compile(&r, &diags);
    assert_int_equal(diags.errors, 0);
    return s;
}

static void
servers_that_differ_in_nothing_share_a_context(void **state)
{
    struct snapshot *s = compile_two("", "");
    assert_ptr_equal(s->servers[0]->tls->context, s->servers[1]->tls->context);
    assert_ptr_equal(s->servers[0]->tls->certificates[0], s->servers[1]->tls->certificates[0]);
    snapshot_free(s);
}

static void
settings_of_ones_own_are_a_context_of_ones_own(void **state)
{
    struct snapshot *s = compile_two("", "ssl_protocols TLSv1.3;");
    assert_ptr_not_equal(s->servers[0]->tls->context, s->servers[1]->tls->context);
    snapshot_free(s);
}

static void
the_next_snapshot_finds_the_same_objects(void **state)
{
    struct snapshot *s = compile_two("", ""), *next = compile_two("", "");
    assert_ptr_equal(s->servers[0]->tls->context, next->servers[0]->tls->context);
    assert_ptr_equal(s->servers[0]->tls->certificates[0], next->servers[0]->tls->certificates[0]);
    snapshot_free(s);
    snapshot_free(next);
}

static const char asks[] = "ssl_verify_client on; ssl_client_certificate ca.crt;";

static bool
ask_the_same(const char *one, const char *two)
{
    struct snapshot *s = compile_two(one, two);
    bool same = s->servers[0]->tls->verification == s->servers[1]->tls->verification;
    snapshot_free(s);
    return same;
}

static void
what_is_asked_of_clients_tells_servers_apart(void **state)
{
    assert_true(ask_the_same("", "ssl_protocols TLSv1.3;"));
    assert_true(ask_the_same(asks, "ssl_protocols TLSv1.3; ssl_verify_client on;"
                                   "ssl_client_certificate ca.crt;"));
    assert_false(ask_the_same("", asks));
    assert_false(ask_the_same(asks, "ssl_verify_client optional; ssl_client_certificate ca.crt;"));
    assert_false(ask_the_same(asks, "ssl_verify_client on; ssl_client_certificate a.crt;"));
    assert_false(ask_the_same(asks, "ssl_verify_client on; ssl_client_certificate ca.crt;"
                                    "ssl_verify_depth 2;"));
}

static void
servers_of_plain_addresses_have_none(void **state)
{
    struct snapshot_request r = { .text = STR("server { listen 1; ssl_protocols TLSv1.3; }"),
                                  .prefix = str_of(directory),
                                  .sets = registry_sets() };
    struct snapshot *s = snapshot_compile(&r, &diags);
    assert_null(s->servers[0]->tls);
    snapshot_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_that_differ_in_nothing_share_a_context),
        cmocka_unit_test(settings_of_ones_own_are_a_context_of_ones_own),
        cmocka_unit_test(the_next_snapshot_finds_the_same_objects),
        cmocka_unit_test(what_is_asked_of_clients_tells_servers_apart),
        cmocka_unit_test(servers_of_plain_addresses_have_none),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
