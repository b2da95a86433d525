/* nginx's directives by module, for those that no row has: the answer to "unknown directive" then
 * says which module is missing. A row always wins over this table. Names are those of nginx's
 * documentation, and of the add-on modules that Debian packages; each is written without the
 * family's prefix. */
#include "config/foreign.h"

#include <stdio.h>

struct family {
    const char *module, *prefix;
    const char *names; /* apart by one blank; "." is the prefix without its "_" */
};

/* What proxy, fastcgi, uwsgi and scgi have in common. */
#define GATEWAY                                                                                \
    "pass bind buffer_size buffering buffers busy_buffers_size cache cache_background_update " \
    "cache_bypass cache_key cache_lock cache_lock_age cache_lock_timeout "                     \
    "cache_max_range_offset cache_methods cache_min_uses cache_path cache_purge "              \
    "cache_revalidate cache_use_stale cache_valid connect_timeout force_ranges hide_header "   \
    "ignore_client_abort ignore_headers intercept_errors limit_rate max_temp_file_size "       \
    "next_upstream next_upstream_timeout next_upstream_tries no_cache pass_header "            \
    "pass_request_body pass_request_headers read_timeout request_buffering send_lowat "        \
    "send_timeout socket_keepalive store store_access temp_file_write_size temp_path "         \
    "allow_upstream bind_dynamic request_dynamic "
#define TO_TLS                                                                       \
    "ssl_certificate ssl_certificate_cache ssl_certificate_key ssl_ciphers "         \
    "ssl_conf_command ssl_crl ssl_key_log ssl_name ssl_password_file ssl_protocols " \
    "ssl_server_name ssl_session_reuse ssl_trusted_certificate ssl_verify ssl_verify_depth "
#define HTTP(name)   "ngx_http_" name "_module"
#define STREAM(name) "ngx_stream_" name "_module"
#define MAIL(name)   "ngx_mail_" name "_module"

static const struct family families[] = {
    { "ngx_core_module", "",
      "accept_mutex accept_mutex_delay daemon debug_connection debug_points env error_log events "
      "include load_module lock_file master_process multi_accept pcre_jit pid thread_pool "
      "timer_resolution use user worker_aio_requests worker_connections worker_cpu_affinity "
      "worker_priority worker_processes worker_rlimit_core worker_rlimit_nofile "
      "worker_shutdown_timeout working_directory" },
    { HTTP("core"), "",
      "absolute_redirect aio aio_write alias auth_delay chunked_transfer_encoding "
      "client_body_buffer_size client_body_in_file_only client_body_in_single_buffer "
      "client_body_temp_path client_body_timeout client_header_buffer_size client_header_timeout "
      "client_max_body_size connection_pool_size default_type directio directio_alignment "
      "disable_symlinks early_hints error_page etag http if_modified_since "
      "ignore_invalid_headers internal keepalive_disable keepalive_min_timeout "
      "keepalive_requests keepalive_time keepalive_timeout large_client_header_buffers "
      "limit_except limit_rate limit_rate_after lingering_close lingering_time "
      "lingering_timeout listen location log_not_found log_subrequest max_headers max_ranges "
      "merge_slashes msie_padding msie_refresh open_file_cache open_file_cache_errors "
      "open_file_cache_min_uses open_file_cache_valid output_buffers port_in_redirect "
      "postpone_output read_ahead recursive_error_pages request_pool_size "
      "reset_timedout_connection resolver resolver_timeout root satisfy send_lowat "
      "send_timeout sendfile sendfile_max_chunk server server_name server_name_in_redirect "
      "server_names_hash_bucket_size server_names_hash_max_size server_tokens "
      "subrequest_output_buffer_size tcp_nodelay tcp_nopush try_files types "
      "types_hash_bucket_size types_hash_max_size underscores_in_headers "
      "variables_hash_bucket_size variables_hash_max_size" },
    { HTTP("access"), "", "allow deny" },
    { HTTP("acme"), "",
      "acme_certificate acme_issuer acme_shared_zone account_key accept_terms_of_service "
      "challenge contact external_account_key" },
    { HTTP("addition"), "", "add_after_body add_before_body addition_types" },
    { HTTP("api"), "", "api status_zone" },
    { HTTP("auth_basic"), "auth_basic_", ". user_file" },
    { HTTP("auth_jwt"), "auth_jwt_",
      ". claim_set header_set key_cache key_file key_request leeway require type" },
    { HTTP("auth_request"), "auth_request_", ". set" },
    { HTTP("auth_require"), "", "auth_require" },
    { HTTP("autoindex"), "autoindex_", ". exact_size format localtime" },
    { HTTP("browser"), "",
      "ancient_browser ancient_browser_value modern_browser modern_browser_value" },
    { HTTP("charset"), "", "charset charset_map charset_types override_charset source_charset" },
    { HTTP("dav"), "", "create_full_put_path dav_access dav_methods min_delete_depth" },
    { HTTP("empty_gif"), "", "empty_gif" },
    { HTTP("f4f"), "f4f_", ". buffer_size" },
    { HTTP("fastcgi"), "fastcgi_", GATEWAY "catch_stderr index keep_conn param split_path_info" },
    { HTTP("flv"), "", "flv" },
    { HTTP("geo"), "", "geo" },
    { HTTP("geoip"), "geoip_", "city country org proxy proxy_recursive" },
    { HTTP("grpc"), "grpc_",
      "bind buffer_size connect_timeout hide_header ignore_headers intercept_errors next_upstream "
      "next_upstream_timeout next_upstream_tries pass pass_header read_timeout send_timeout "
      "set_header socket_keepalive " TO_TLS },
    { HTTP("gunzip"), "gunzip_", ". buffers" },
    { HTTP("gzip"), "gzip_",
      ". buffers comp_level disable http_version min_length proxied types vary" },
    { HTTP("gzip_static"), "", "gzip_static" },
    { HTTP("headers"), "",
      "add_header add_header_inherit add_trailer add_trailer_inherit expires" },
    { HTTP("hls"), "hls_", ". buffers forward_args fragment mp4_buffer_size mp4_max_buffer_size" },
    { HTTP("image_filter"), "image_filter_",
      ". buffer interlace jpeg_quality sharpen transparency webp_quality" },
    { HTTP("index"), "", "index" },
    { HTTP("internal_redirect"), "", "internal_redirect" },
    { HTTP("js"), "js_",
      "access body_filter content context_reuse fetch_buffer_size fetch_ciphers "
      "fetch_keepalive fetch_keepalive_requests fetch_keepalive_time fetch_keepalive_timeout "
      "fetch_max_response_buffer_size fetch_protocols fetch_proxy fetch_timeout "
      "fetch_trusted_certificate fetch_verify fetch_verify_depth filter header_filter import "
      "include load_http_native_module path periodic preload_object preread set "
      "shared_array_zone shared_dict_zone var" },
    { HTTP("keyval"), "", "keyval keyval_zone" },
    { HTTP("limit_conn"), "",
      "limit_conn limit_conn_dry_run limit_conn_log_level "
      "limit_conn_status limit_conn_zone limit_zone" },
    { HTTP("limit_req"), "limit_req_", ". dry_run log_level status zone" },
    { HTTP("log"), "", "access_log log_format open_log_file_cache" },
    { HTTP("map"), "map_", ". hash_bucket_size hash_max_size" },
    { HTTP("memcached"), "memcached_",
      "bind buffer_size connect_timeout gzip_flag next_upstream "
      "next_upstream_timeout next_upstream_tries pass read_timeout send_timeout "
      "socket_keepalive" },
    { HTTP("mirror"), "mirror_", ". request_body" },
    { HTTP("mp4"), "mp4_",
      ". buffer_size limit_rate limit_rate_after max_buffer_size start_key_frame" },
    { HTTP("num_map"), "", "num_map" },
    { HTTP("oidc"), "",
      "oidc_provider auth_oidc client_id client_secret config_url cookie_name extra_auth_args "
      "frontchannel_logout_uri issuer logout_token_hint logout_uri pkce post_logout_uri "
      "redirect_uri scope session_store session_timeout userinfo" },
    { HTTP("perl"), "perl_", ". modules require set" },
    { HTTP("proxy"), "proxy_",
      GATEWAY TO_TLS "cache_convert_head cookie_domain cookie_flags cookie_path "
                     "headers_hash_bucket_size headers_hash_max_size http_version method "
                     "pass_trailers redirect set_body set_header" },
    { HTTP("random_index"), "", "random_index" },
    { HTTP("realip"), "", "real_ip_header real_ip_recursive set_real_ip_from" },
    { HTTP("referer"), "", "referer_hash_bucket_size referer_hash_max_size valid_referers" },
    { HTTP("rewrite"), "", "break if return rewrite rewrite_log set uninitialized_variable_warn" },
    { HTTP("scgi"), "scgi_", GATEWAY "param" },
    { HTTP("secure_link"), "secure_link_", ". md5 secret" },
    { HTTP("session_log"), "", "session_log session_log_format session_log_zone" },
    { HTTP("slice"), "", "slice" },
    { HTTP("spdy"), "spdy_", "chunk_size headers_comp" },
    { HTTP("split_clients"), "", "split_clients" },
    { HTTP("ssi"), "ssi_",
      ". last_modified min_file_chunk silent_errors types value_length "
      "ignore_recycled_buffers" },
    { HTTP("ssl"), "ssl_",
      ". alpn buffer_size certificate certificate_cache certificate_compression certificate_key "
      "ciphers client_certificate conf_command crl dhparam early_data ecdh_curve ech_file engine "
      "handshake_timeout key_log object_cache_inheritable ocsp ocsp_cache ocsp_responder "
      "password_file prefer_server_ciphers protocols reject_handshake session_cache "
      "session_ticket_key session_tickets session_timeout stapling stapling_file "
      "stapling_responder stapling_verify trusted_certificate verify_client verify_depth" },
    { HTTP("status"), "", "status status_format" },
    { HTTP("stub_status"), "", "stub_status" },
    { HTTP("sub"), "sub_filter_", ". last_modified once types" },
    { HTTP("tunnel"), "tunnel_",
      "allow_upstream bind bind_dynamic buffer_size connect_timeout next_upstream "
      "next_upstream_timeout next_upstream_tries pass read_timeout send_lowat send_timeout "
      "socket_keepalive" },
    { HTTP("upstream"), "",
      "upstream hash ip_hash keepalive least_conn least_time ntlm queue random state sticky "
      "sticky_cookie_insert zone" },
    { HTTP("upstream_conf"), "", "upstream_conf" },
    { HTTP("upstream_hc"), "", "health_check match" },
    { HTTP("userid"), "userid_", ". domain expires flags mark name p3p path service" },
    { HTTP("uwsgi"), "uwsgi_", GATEWAY TO_TLS "modifier1 modifier2 param string" },
    { HTTP("v2"), "http2_",
      ". body_preread_size chunk_size idle_timeout max_concurrent_pushes max_concurrent_streams "
      "max_field_size max_header_size max_requests push push_preload recv_buffer_size "
      "recv_timeout" },
    { HTTP("v3"), "http3_",
      ". hq max_concurrent_pushes max_concurrent_streams push push_preload stream_buffer_size" },
    { HTTP("v3"), "quic_", "active_connection_id_limit bpf gso host_key mtu retry" },
    { HTTP("xslt"), "",
      "xml_entities xslt_last_modified xslt_param xslt_string_param "
      "xslt_stylesheet xslt_types" },
    { STREAM("core"), "", "stream preread_buffer_size preread_timeout proxy_protocol_timeout" },
    { STREAM("proxy"), "proxy_",
      "download_rate half_close protocol requests responses ssl ssl_alpn timeout upload_rate" },
    { STREAM("pass"), "", "pass" },
    { STREAM("mqtt_preread"), "", "mqtt_preread" },
    { STREAM("mqtt_filter"), "mqtt_", ". buffers rewrite_buffer_size set_connect" },
    { STREAM("ssl_preread"), "", "ssl_preread" },
    { STREAM("upstream_hc"), "", "health_check_timeout" },
    { STREAM("zone_sync"), "zone_sync_",
      ". buffers connect_retry_interval connect_timeout interval recv_buffer_size server ssl "
      "ssl_certificate ssl_certificate_key ssl_ciphers ssl_conf_command ssl_crl ssl_name "
      "ssl_password_file ssl_protocols ssl_server_name ssl_trusted_certificate ssl_verify "
      "ssl_verify_depth timeout" },
    { MAIL("core"), "", "mail max_errors protocol timeout" },
    { MAIL("auth_http"), "auth_http_", ". header pass_client_cert timeout" },
    { MAIL("imap"), "imap_", "auth capabilities client_buffer" },
    { MAIL("pop3"), "pop3_", "auth capabilities" },
    { MAIL("proxy"), "",
      "proxy_buffer proxy_pass_error_message proxy_protocol proxy_smtp_auth "
      "xclient" },
    { MAIL("smtp"), "smtp_", "auth capabilities client_buffer greeting_delay" },
    { MAIL("ssl"), "", "starttls" },
    { "ngx_google_perftools_module", "", "google_perftools_profiles" },
    { "ngx_mgmt_module", "",
      "mgmt enforce_initial_report license_token usage_report ssl_crl uuid_file" },
    { "ngx_otel_module", "otel_",
      "exporter service_name span_attr span_name trace "
      "trace_context resource_attr" },
    { "the add-on brotli", "brotli_", ". buffers comp_level min_length static types window" },
    { "the add-on zstd", "zstd_", ". buffers comp_level min_length static types" },
    { "the add-on cache_purge", "", "cache_purge_response_type" },
    { "the add-on echo", "echo_",
      ". after_body before_body duplicate end exec flush foreach_split location location_async "
      "read_request_body request_body reset_timer sleep status subrequest subrequest_async" },
    { "the add-on fancyindex", "fancyindex_", ". css_href exact_size footer header localtime" },
    { "the add-on geoip2", "", "geoip2 geoip2_proxy geoip2_proxy_recursive" },
    { "the add-on headers_more", "more_",
      "clear_headers clear_input_headers set_headers set_input_headers" },
    { "the add-on lua", "",
      "lua_package_path lua_package_cpath lua_shared_dict lua_code_cache init_by_lua "
      "init_by_lua_block init_by_lua_file init_worker_by_lua_block set_by_lua_block "
      "rewrite_by_lua_block rewrite_by_lua_file access_by_lua_block access_by_lua_file "
      "content_by_lua content_by_lua_block content_by_lua_file header_filter_by_lua_block "
      "body_filter_by_lua_block log_by_lua_block balancer_by_lua_block "
      "ssl_certificate_by_lua_block" },
    { "the add-on modsecurity", "modsecurity_",
      ". rules rules_file rules_remote transaction_id use_error_log" },
    { "the add-on nchan", "nchan_", "pubsub publisher subscriber channel_id" },
    { "the add-on rtmp", "rtmp_", ". stat stat_stylesheet control" },
    { "the add-on upload", "upload_", ". pass store set_form_field" },
    { "the add-on vhost traffic status", "vhost_traffic_status_",
      ". display display_format filter filter_by_host filter_by_set_key zone" },
    { 0 },
};

const char *
foreign_module(struct str name)
{
    for (const struct family *family = families; family->module; family++) {
        struct str prefix = str_of(family->prefix);
        if (str_starts(name, prefix) && name.n > prefix.n &&
            str_is_among(str_skip(name, prefix.n), str_of(family->names)))
            return family->module;
        if (prefix.n && str_eq(name, str_head(prefix, prefix.n - 1)) &&
            str_is_among(STR("."), str_of(family->names)))
            return family->module;
    }
    return NULL;
}

/* What usher does not mean to have. */
static bool
is_left_to_others(const char *module)
{
    static const char *const modules[] = { HTTP("dav"),  HTTP("flv"),  HTTP("image_filter"),
                                           HTTP("mp4"),  HTTP("perl"), HTTP("spdy"),
                                           HTTP("xslt"), NULL };
    for (const char *const *each = modules; *each; each++)
        if (strcmp(module, *each) == 0)
            return true;
    return strncmp(module, "ngx_mail_", 9) == 0;
}

void
foreign_print(struct str name, const char *module, struct buf *b)
{
    if (str_eq(name, STR("ssl"))) {
        buf_put(b, STR("TLS belongs to an address: \"listen ... ssl\""));
        return;
    }
    buf_printf(b, "\"" STR_FMT "\" of %s is not %s", STR_ARG(name), module,
               is_left_to_others(module) ? "part of usher" : "in usher yet");
}

void
foreign_each(foreign_fn *fn, void *arg)
{
    char room[128];
    for (const struct family *family = families; family->module; family++) {
        struct str rest = str_of(family->names), prefix = str_of(family->prefix);
        bool later = !is_left_to_others(family->module);
        while (rest.p) {
            struct str name = str_cut(&rest, ' ');
            if (name.n == 0)
                continue;
            bool bare = str_eq(name, STR("."));
            int n =
                bare ? snprintf(room, sizeof room, STR_FMT, STR_ARG(str_head(prefix, prefix.n - 1)))
                     : snprintf(room, sizeof room, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(name));
            fn(arg, family->module, later, (struct str){ room, (size_t)n });
        }
    }
}
