/* The challenge's page: one text without anything from elsewhere, under a policy that lets only its
 * own script and style work. Its script hashes with code of its own: WebCrypto is there for HTTPS
 * only, and slower for many small hashes. */
#include "exchange/limits/challenge.h"

#include "base/random.h"
#include "exchange/snapshot.h"
#include "http/uri.h"

/* @n nonce, @t task, @d difficulty, @u URL, @r refresh in the head, @w words for who has no script
 */
static const char page[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"robots\" content=\"noindex\"><meta name=\"color-scheme\" content=\"light "
    "dark\">\n"
    "<title>One moment, please</title>@r\n"
    "<style nonce=\"@n\">\n"
    ":root{--back:#f4f5f7;--card:#fff;--text:#1c2330;--soft:#5b6472;--line:#e1e4ea;--bar:#2f6fde}\n"
    "@media (prefers-color-scheme:dark){:root{--back:#14171c;--card:#1d2128;--text:#e8eaee;"
    "--soft:#a2aab8;--line:#2f353f;--bar:#6ea2ff}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;"
    "background:var(--back);color:var(--text);font:1.0625rem/1.55 system-ui,sans-serif}\n"
    "main{width:100%;max-width:30rem;padding:2rem;background:var(--card);"
    "border:1px solid var(--line);border-radius:.875rem}\n"
    "h1{margin:0 0 .75rem;font-size:1.375rem;line-height:1.3}\n"
    "p{margin:0 0 1rem;color:var(--soft)}\n"
    "p:last-child{margin:0}\n"
    "a{color:var(--bar)}\n"
    "progress{display:block;width:100%;height:.5rem;margin:1.25rem 0 .75rem;border:0;"
    "border-radius:.25rem;overflow:hidden;background:var(--line);accent-color:var(--bar);"
    "appearance:none}\n"
    "progress::-webkit-progress-bar{background:var(--line)}\n"
    "progress::-webkit-progress-value{background:var(--bar)}\n"
    "progress::-moz-progress-bar{background:var(--bar)}\n"
    "[hidden]{display:none}\n"
    "</style></head>\n"
    "<body><main><h1>One moment, please</h1>\n"
    "<p>Many requests are coming from your network. Before you go on, your browser does a little "
    "work to show that you are not one of a flood. Nothing is stored about you but one "
    "cookie.</p>\n"
    "<div id=\"work\" hidden><progress id=\"bar\" max=\"100\" aria-label=\"Progress\"></progress>\n"
    "<p id=\"say\" role=\"status\">Working. This takes a few seconds.</p></div>\n"
    "<noscript>@w</noscript></main>\n"
    "<script nonce=\"@n\">\n"
    "'use strict';\n"
    "const task='@t',bits=@d,url='@u';\n"
    "const el=id=>document.getElementById(id),say=text=>{el('say').textContent=text};\n"
    "const K=new Int32Array(64),H=new Int32Array(8),W=new Int32Array(64),B=new Uint8Array(64);\n"
    "for(let n=2,i=0;i<64;n++){let prime=true;for(let k=2;k*k<=n;k++)if(n%k===0)prime=false;\n"
    "if(prime){if(i<8)H[i]=Math.sqrt(n)%1*4294967296;K[i++]=Math.cbrt(n)%1*4294967296}}\n"
    "const start=task.length+1;\n"
    "for(let i=0;i<task.length;i++)B[i]=task.charCodeAt(i);\n"
    "B[task.length]=46;\n"
    "function first(number){\n"
    "const digits=String(number),n=start+digits.length;\n"
    "for(let i=0;i<digits.length;i++)B[start+i]=digits.charCodeAt(i);\n"
    "B[n]=128;B.fill(0,n+1);B[62]=n>>5;B[63]=n<<3;\n"
    "for(let i=0;i<16;i++)W[i]=B[4*i]<<24|B[4*i+1]<<16|B[4*i+2]<<8|B[4*i+3];\n"
    "for(let i=16;i<64;i++){const x=W[i-15],y=W[i-2];\n"
    "W[i]=W[i-16]+W[i-7]+((x>>>7|x<<25)^(x>>>18|x<<14)^x>>>3)"
    "+((y>>>17|y<<15)^(y>>>19|y<<13)^y>>>10)}\n"
    "let [a,b,c,d,e,f,g,h]=H;\n"
    "for(let i=0;i<64;i++){\n"
    "const t=h+((e>>>6|e<<26)^(e>>>11|e<<21)^(e>>>25|e<<7))+(e&f^~e&g)+K[i]+W[i]|0;\n"
    "const u=((a>>>2|a<<30)^(a>>>13|a<<19)^(a>>>22|a<<10))+(a&b^a&c^b&c)|0;\n"
    "h=g;g=f;f=e;e=d+t|0;d=c;c=b;b=a;a=t+u|0}\n"
    "return a+H[0]>>>0}\n"
    "const most=2**(32-bits);let number=0;\n"
    "function work(){\n"
    "const until=performance.now()+40;\n"
    "while(performance.now()<until)for(let i=0;i<200;i++,number++)if(first(number)<most){\n"
    "el('bar').value=100;say('Done.');location.replace(url+'&task='+task+'&answer='+number);return}"
    "\n"
    "el('bar').value=100*(1-Math.exp(-number/2**bits));setTimeout(work)}\n"
    "el('work').hidden=false;\n"
    "if(navigator.cookieEnabled){el('bar').value=0;work()}\n"
    "else{el('bar').hidden=true;say('Please allow cookies for this site and load the page "
    "again.')}\n"
    "</script></body></html>\n";

struct parts {
    struct str nonce, task, difficulty, url, refresh, words;
};

static struct str
part(const struct parts *p, char letter)
{
    switch (letter) {
    case 'n':
        return p->nonce;
    case 't':
        return p->task;
    case 'd':
        return p->difficulty;
    case 'u':
        return p->url;
    case 'r':
        return p->refresh;
    case 'w':
        return p->words;
    default:
        return STR_NONE; /* an at-rule of the style */
    }
}

static struct str
fill(struct exchange *x, const struct parts *p)
{
    struct buf b;
    struct str rest = { page, sizeof page - 1 };
    ptrdiff_t at;
    buf_init(&b, &x->arena, sizeof page + 1024, 0);
    while ((at = str_find(rest, '@')) >= 0) {
        struct str value = part(p, rest.p[at + 1]);
        buf_put(&b, str_head(rest, (size_t)at + (value.p == NULL)));
        buf_put(&b, value);
        rest = str_skip(rest, (size_t)at + 1 + (value.p != NULL));
    }
    buf_put(&b, rest);
    return buf_str(&b);
}

static struct str
token(struct exchange *x, enum challenge_kind kind, const struct challenge_whom *whom)
{
    char *text = arena_text(&x->arena, CHALLENGE_TOKEN_TEXT);
    challenge_sign(x->snapshot->challenge, kind, whom, clock_wall_us() / 1000000, text);
    return (struct str){ text, CHALLENGE_TOKEN_TEXT };
}

/* Letters, digits and "%" only in what comes from outside: it stands in a script and an attribute.
 */
static struct str
hand_in_url(struct exchange *x, const struct challenge_whom *whom)
{
    struct str to = x->request.path;
    if (x->request.args.n)
        to = arena_printf(&x->arena, STR_FMT "?" STR_FMT, STR_ARG(to), STR_ARG(x->request.args));
    to = uri_escape(challenge_way_back(to), ESCAPE_URI_COMPONENT, &x->arena);
    return arena_printf(&x->arena, CHALLENGE_URL "?zone=" STR_FMT "&key=%.*s&to=" STR_FMT,
                        STR_ARG(whom->zone), CHALLENGE_KEY_TEXT, whom->key, STR_ARG(to));
}

static void
say_without_script(struct exchange *x, const struct challenge_whom *whom, struct parts *p)
{
    unsigned long long wait = x->snapshot->challenge->wait_s;
    p->refresh = STR("");
    p->words = STR("<p>Your browser does not run scripts here. Please allow them for this page, or "
                   "come back a little later.</p>");
    if (wait == 0)
        return;
    struct str sign = token(x, CHALLENGE_WAIT, whom);
    struct str link =
        arena_printf(&x->arena, STR_FMT "&wait=" STR_FMT, STR_ARG(p->url), STR_ARG(sign));
    p->refresh = arena_printf(&x->arena,
                              "<noscript><meta http-equiv=\"refresh\" content=\"%llu;url=" STR_FMT
                              "\"></noscript>",
                              wait + 1, STR_ARG(link));
    p->words = arena_printf(&x->arena,
                            "<p>Your browser does not run scripts here, which is fine: this page "
                            "goes on by itself in %llu seconds. If it does not, <a href=\"" STR_FMT
                            "\">go on by hand</a> after that time.</p>",
                            wait + 1, STR_ARG(link));
}

static struct str
random_nonce(struct exchange *x)
{
    unsigned char bytes[16];
    struct buf b;
    random_bytes(bytes, sizeof bytes);
    buf_init(&b, &x->arena, 2 * sizeof bytes + 1, 0);
    for (unsigned i = 0; i < sizeof bytes; i++)
        buf_printf(&b, "%02x", bytes[i]);
    return buf_str(&b);
}

enum verdict
challenge_page(struct exchange *x, struct str zone, struct str key)
{
    const struct challenge *c = x->snapshot->challenge;
    struct challenge_whom whom = challenge_for(c, zone, key);
    struct parts p = { .nonce = random_nonce(x),
                       .task = token(x, CHALLENGE_TASK, &whom),
                       .difficulty = arena_printf(&x->arena, "%u", c->difficulty),
                       .url = hand_in_url(x, &whom) };
    say_without_script(x, &whom, &p);
    enum verdict v = answer(x, c->status, STR("text/html; charset=utf-8"), fill(x, &p));
    response_add(x, STR("Cache-Control"), STR("no-store"));
    response_add(x, STR("Content-Security-Policy"),
                 arena_printf(&x->arena,
                              "default-src 'none'; script-src 'nonce-" STR_FMT
                              "'; style-src 'nonce-" STR_FMT
                              "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                              STR_ARG(p.nonce), STR_ARG(p.nonce)));
    response_add(x, STR("X-Content-Type-Options"), STR("nosniff"));
    response_add(x, STR("Referrer-Policy"), STR("same-origin"));
    response_add(x, STR("X-Robots-Tag"), STR("noindex"));
    return v;
}
