/* The version of nginx whose behaviour usher follows: -V, $nginx_version and tools that parse them.
 */
#pragma once

#define NGINX_VERSION "1.31.5"
