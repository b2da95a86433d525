/* OCSP responses: what a responder, or whoever stands between, may send. */
#include "target.h"
#include "tls/ocsp_response.h"

#include <openssl/pem.h>

/* Whom the seeds are about: tests/fuzz/corpus/ocsp. */
static const char authority[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBOTCB4aADAgECAhQGbHThMFESp6k4KCyVFvWymuXa8jAKBggqhkjOPQQDAjAS\n"
                                "MRAwDgYDVQQDDAdUZXN0IENBMCAXDTI2MTEyMDExMjkzNFoYDzIxMjYxMDI4MTEy\n"
                                "OTM0WjASMRAwDgYDVQQDDAdUZXN0IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD\n"
                                "QgAESJxXEaWFaRtLonK8Sh9RCqqW4iDMgBR2yKVrcr91X55vJiA0giTNW0ekCbKv\n"
                                "SoHbf4k2nDAEcS5a0mRCStaKLaMTMBEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjO\n"
                                "PQQDAgNHADBEAiBxPKo6k4nQOP+tf2T3f6I3Hm/xA3bk8bfVUev0E4krXAIgX1n1\n"
                                "V+BlwxjTAGxB6r0IBYVBZYpIe3CA4tWqP23YSIM=\n"
                                "-----END CERTIFICATE-----\n";
static const char subject[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBTzCB9qADAgECAhQRgcc2DlH6irB/WMfrVNjBJOm5LDAKBggqhkjOPQQDAjAS\n"
                              "MRAwDgYDVQQDDAdUZXN0IENBMCAXDTI2MTEyMDExMjkzNFoYDzIxMjYxMDI4MTEy\n"
                              "OTM0WjAUMRIwEAYDVQQDDAlhLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMB\n"
                              "BwNCAAT0SqJxgaz4YOcpOrKvDqdCzD/CTWUpBr3TYvIx7iRxIlclGXrDJ0RJZcXV\n"
                              "kYLpjvHaUsdhN8noyFwdggRl+myFoyYwJDAMBgNVHRMBAf8EAjAAMBQGA1UdEQQN\n"
                              "MAuCCWEuZXhhbXBsZTAKBggqhkjOPQQDAgNIADBFAiBv/wUkbgXAWOLp+hHvHTSl\n"
                              "e5ewRa22z/9no9Z1h/4r2QIhAJxlrKsWlF6xUx4jtC++KslLkwyVQWtgbDmt7Uih\n"
                              "TnBh\n"
                              "-----END CERTIFICATE-----\n";

static X509 *
read_pem(const char *text)
{
    BIO *b = BIO_new_mem_buf(text, -1);
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
    BIO_free(b);
    must(x != NULL);
    return x;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ocsp_subject s;
    struct ocsp_answer answer = { 0 };
    struct tls_problem p = { "" };
    if (s.x == NULL) {
        s.issuer = read_pem(authority);
        s.x = read_pem(subject);
    }
    if (!ocsp_response_read(&s, (struct str){ (const char *)data, size }, &answer, &p))
        must(p.text[0] != '\0');
    return 0;
}
