/* Name, version, and an honest `configure arguments:` line. */
#include "main/command/version.h"

#include <openssl/crypto.h>

#define NGINX_VERSION "1.31.5"

static const char *name = "usher";

const char *
program_name(void)
{
    return name;
}

void
program_name_set(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');
    name = str_starts(str_of(slash ? slash + 1 : argv0), STR("nginx")) ? "nginx" : "usher";
}

void
program_print_version(FILE *to)
{
    fprintf(to, "nginx version: nginx/" NGINX_VERSION " (usher " USHER_VERSION ")\n");
}

/* A module of nginx and a directive that usher has when it does the module's work. */
struct module {
    const char *option, *directive;
};

/* nginx has these unless told --without… */
static const struct module usual[] = {
    { "http_charset_module", "charset" },
    { "http_gzip_module", "gzip" },
    { "http_ssi_module", "ssi" },
    { "http_userid_module", "userid" },
    { "http_access_module", "allow" },
    { "http_auth_basic_module", "auth_basic" },
    { "http_mirror_module", "mirror" },
    { "http_autoindex_module", "autoindex" },
    { "http_geo_module", "geo" },
    { "http_map_module", "map" },
    { "http_split_clients_module", "split_clients" },
    { "http_referer_module", "valid_referers" },
    { "http_rewrite_module", "rewrite" },
    { "http_proxy_module", "proxy_pass" },
    { "http_fastcgi_module", "fastcgi_pass" },
    { "http_uwsgi_module", "uwsgi_pass" },
    { "http_scgi_module", "scgi_pass" },
    { "http_grpc_module", "grpc_pass" },
    { "http_memcached_module", "memcached_pass" },
    { "http_limit_conn_module", "limit_conn" },
    { "http_limit_req_module", "limit_req" },
    { "http_empty_gif_module", "empty_gif" },
    { "http_browser_module", "ancient_browser" },
    { "http_upstream_hash_module", "hash" },
    { "http_upstream_ip_hash_module", "ip_hash" },
    { "http_upstream_least_conn_module", "least_conn" },
    { "http_upstream_random_module", "random" },
    { "http_upstream_keepalive_module", "keepalive" },
    { "http_upstream_zone_module", "zone" },
    { "http_upstream_sticky_module", "sticky" },
    { "http-cache", "proxy_cache_path" },
};

/* nginx has these only when told --with… */
static const struct module optional[] = {
    { "http_ssl_module", "ssl_certificate" },
    { "http_v2_module", "http2" },
    { "http_v3_module", "http3" },
    { "http_realip_module", "set_real_ip_from" },
    { "http_addition_module", "add_before_body" },
    { "http_sub_module", "sub_filter" },
    { "http_gunzip_module", "gunzip" },
    { "http_gzip_static_module", "gzip_static" },
    { "http_auth_request_module", "auth_request" },
    { "http_random_index_module", "random_index" },
    { "http_secure_link_module", "secure_link" },
    { "http_slice_module", "slice" },
    { "http_stub_status_module", "stub_status" },
    { "stream", "preread_timeout" },
    { "stream_ssl_preread_module", "ssl_preread" },
};

static bool
has(const struct directive_set *const *sets, const char *directive)
{
    for (; *sets; sets++)
        for (const struct directive *d = (*sets)->directives; d && d->name; d++)
            if (strcmp(d->name, directive) == 0 && !(d->flags & IGNORED))
                return true;
    return false;
}

void
program_print_build(FILE *to, const struct directive_set *const *sets)
{
    program_print_version(to);
    fprintf(to, "built by " COMPILER "\nbuilt with " OPENSSL_VERSION_TEXT);
    if (strcmp(OPENSSL_VERSION_TEXT, OpenSSL_version(OPENSSL_VERSION)) != 0)
        fprintf(to, " (running with %s)", OpenSSL_version(OPENSSL_VERSION));
    fprintf(to, "\nTLS SNI support enabled\nconfigure arguments: --prefix=" PREFIX_PATH
                " --conf-path=" CONF_PATH " --error-log-path=" ERROR_LOG_PATH
                " --http-log-path=" HTTP_LOG_PATH " --pid-path=" PID_PATH " --user=" USER_NAME
                " --group=" GROUP_NAME " --with-threads --with-pcre --with-pcre-jit");
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++)
        if (has(sets, optional[i].directive))
            fprintf(to, " --with-%s", optional[i].option);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (!has(sets, usual[i].directive))
            fprintf(to, " --without-%s", usual[i].option);
    fprintf(to, "\n");
}
