/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-context.h"
#include "http/kv-http-sink.h"
#include "principal/kv-rate-limiter.h"

#include <string.h>

G_BEGIN_DECLS

/**
 * KvHttpMethod:
 *
 * The methods that some route answers, and one for all others (RFC 9110, section 9).
 */
typedef enum {
  KV_HTTP_GET,
  KV_HTTP_HEAD,
  KV_HTTP_PUT,
  KV_HTTP_POST,
  KV_HTTP_DELETE,
  KV_HTTP_OPTIONS,
  KV_HTTP_OTHER,
} KvHttpMethod;

#define KV_HTTP_N_METHODS (KV_HTTP_OTHER + 1)

/**
 * KvHttpSpan:
 *
 * Some bytes of a request, borrowed, not NUL-terminated. @data is %NULL for what is not there (as against empty).
 */
typedef struct {
  const char *data;
  gsize length;
} KvHttpSpan;

typedef struct _KvHttpRoute KvHttpRoute;
typedef struct _KvHttpRefusal KvHttpRefusal;

/**
 * KvHttpSocket:
 * @fd: a connected, non-blocking stream socket with nothing buffered on our side
 * @owner: what keeps @fd open
 * @close: closes the connection and frees @owner; called exactly once, by whoever took the socket
 * @unsent: (owned) (nullable): what is to be sent before anything else: the answers to requests before this one that the
 *   client has not taken yet
 *
 * A connection that an exchange has handed over for good, after its request was read.
 */
typedef struct {
  int fd;
  gpointer owner;
  void (*close) (gpointer owner);
  GBytes *unsent;
} KvHttpSocket;

/**
 * KvHttpCarrier:
 * @get_header: gives a request header by its lower-case name; a span without data when it is absent. Names
 *   occur once (the carrier has refused or joined repeated ones)
 * @send: the response has been filled in: send it. The exchange is over and may be freed before this returns
 * @take_socket: gives the socket away instead of answering: nothing has been sent on it yet. The exchange is over
 * @resume_body: reads on in the body, which the exchange's sink has been waiting to go on with. Not to be called from within
 *   the sink's functions
 *
 * What carries an exchange over a wire: libsoup, or the express lane. Routes do not see which.
 */
typedef struct {
  KvHttpSpan (*get_header) (KvHttpExchange *exchange, const char *name);
  void (*send) (KvHttpExchange *exchange);
  void (*take_socket) (KvHttpExchange *exchange, KvHttpSocket *socket);
  void (*resume_body) (KvHttpExchange *exchange);
} KvHttpCarrier;

/**
 * KvHttpHeader:
 *
 * A response header, with the lengths of both. @name is static; @value is static or lies in the exchange's scratch space.
 */
typedef struct {
  const char *name;
  const char *value;
  guint32 name_length;
  guint32 value_length;
} KvHttpHeader;

#define KV_HTTP_HEADER(name, value)                                                                \
  (KvHttpHeader)                                                                                   \
  {                                                                                                \
    name, value, (guint32) strlen (name), (guint32) strlen (value)                                 \
  }

#define KV_HTTP_MAX_RESPONSE_HEADERS 12
#define KV_HTTP_SCRATCH_SIZE 256

/**
 * KvHttpResponse:
 * @status: an HTTP status code
 * @headers: its headers, without Content-Length, Date and Connection, which are the carrier's
 * @body_entry: (owned) (nullable): the body is this entry's value, sent from the entry itself
 * @body_bytes: (owned) (nullable): or it is these bytes
 * @body: or this static text; where all three are %NULL the body is empty
 * @endless: what nobody knows the length of, or a HEAD for that: there is no Content-Length (RFC 9110, section 8.6)
 *
 * For a HEAD the response is filled in as for a GET, and the carrier leaves the body out.
 */
typedef struct {
  guint status;
  gboolean endless;
  KvEntry *body_entry;
  GBytes *body_bytes;
  const char *body;
  gsize scratch_used;
  guint n_headers;
  KvHttpHeader headers[KV_HTTP_MAX_RESPONSE_HEADERS];
  char scratch[KV_HTTP_SCRATCH_SIZE];
} KvHttpResponse;

/**
 * KvHttpExchange:
 * @carrier: who carries it
 * @context: the worker's
 * @method: the request's method
 * @minor_version: of HTTP/1: 0 for a client that does not know chunks
 * @conditional: whether it has an If-Match or an If-None-Match, so that nobody else has to look for them
 * @accepts: the same for an Accept
 * @path: the target's path as it came, not decoded
 * @query: what stands behind the first '?', or no data
 * @body: the whole body, in memory until the answer; empty where there is none, or where it has gone to a sink
 * @sink: (owned) (nullable): what the route's #KvHttpSink has made of the body
 * @bucket: (nullable) (borrowed): the client's allowance; the carrier has charged it for one request, and a route
 *   charges it for more when the request is worth more
 * @route: (nullable): set by kv_http_exchange_admit()
 * @begun: when the carrier had the whole of it, in monotonic microseconds; 0 before that, and as long as that is in the same turn
 *   of the loop
 * @response: the answer
 *
 * One request and its answer, without any word of who carries them. The carrier embeds it in a record of its own,
 * initialises it with kv_http_exchange_init(), and ends it with kv_http_exchange_clear(). The route that gets it
 * answers exactly once, at once or later, in the worker's thread.
 */
struct _KvHttpExchange {
  const KvHttpCarrier *carrier;
  const KvHttpContext *context;
  KvHttpMethod method;
  guint8 minor_version;
  guint8 conditional;
  guint8 accepts;
  KvHttpSpan path;
  KvHttpSpan query;
  KvHttpSpan body;
  gpointer sink;
  KvRateBucket *bucket;
  const KvHttpRoute *route;
  gint64 begun;
  KvHttpResponse response;
};

void kv_http_exchange_init (KvHttpExchange *exchange,
                            const KvHttpCarrier *carrier,
                            const KvHttpContext *context);
void kv_http_exchange_clear (KvHttpExchange *exchange);

/**
 * kv_http_method_parse:
 *
 * Returns: the method of that name (they are case-sensitive), or %KV_HTTP_OTHER
 */
KvHttpMethod kv_http_method_parse (const char *name, gsize length);

/**
 * kv_http_method_get_name:
 *
 * Returns: its name; `other` for %KV_HTTP_OTHER, whatever it was called
 */
const char *kv_http_method_get_name (KvHttpMethod method);

/**
 * kv_http_exchange_admit:
 * @exchange: its method, path, query and headers are there, its body is not
 * @body_limit: (out): how many bytes of body the route takes
 *
 * The first half of answering, called by the carrier as soon as the head has been read: finds the route and refuses what
 * the head alone condemns (404, 405 with Allow, 415). The carrier refuses by itself what is over @body_limit, with
 * kv_http_exchange_refuse().
 *
 * Returns: %FALSE when it filled in a refusal in the response; the carrier sends that
 */
gboolean kv_http_exchange_admit (KvHttpExchange *exchange, gsize *body_limit);

/**
 * kv_http_exchange_take_body:
 * @exchange: admitted, and it has a sink
 * @data: (array length=length): a piece of its body
 *
 * What comes between the halves where the route has its bodies as they come.
 *
 * Returns: what to do next; with %KV_HTTP_SINK_FAILED a refusal has been filled in, which the carrier sends
 */
KvHttpSinkState
kv_http_exchange_take_body (KvHttpExchange *exchange, const char *data, gsize length);

/**
 * kv_http_exchange_dispatch:
 * @exchange: admitted, and its body is there
 *
 * The second half: runs the route, which will call the carrier's send() or take_socket().
 */
void kv_http_exchange_dispatch (KvHttpExchange *exchange);

/**
 * kv_http_exchange_refuse:
 * @status: an HTTP status code, 400 or higher
 * @reason: static text for the person who sent the request, one line without its end
 *
 * Fills in an error response, as kv_http_refusal_fill_in() has it. Does not send it.
 */
void kv_http_exchange_refuse (KvHttpExchange *exchange, guint status, const char *reason);

/**
 * kv_http_exchange_refuse_busy:
 * @reason: as kv_http_exchange_refuse() has it
 * @retry_after: in how many seconds the client's allowance will do
 *
 * The same with 429 and `Retry-After`.
 */
void kv_http_exchange_refuse_busy (KvHttpExchange *exchange, const char *reason, guint retry_after);

/**
 * kv_http_exchange_reset_response:
 *
 * Forgets all that has been filled in but the status.
 */
void kv_http_exchange_reset_response (KvHttpExchange *exchange);

/* For routes. */

/**
 * kv_http_exchange_add_header:
 * @name: static
 * @value: static, or made with kv_http_exchange_scratch()
 */
static inline void
kv_http_exchange_add_header (KvHttpExchange *exchange, const char *name, const char *value)
{
  KvHttpResponse *response = &exchange->response;

  g_return_if_fail (response->n_headers < KV_HTTP_MAX_RESPONSE_HEADERS);

  /* Inline, as the compiler knows the lengths of literals. */
  response->headers[response->n_headers++] = KV_HTTP_HEADER (name, value);
}

/**
 * kv_http_exchange_scratch:
 *
 * Returns: (transfer none): the text as printf() makes it, in the response's own space, without allocating
 */
const char *kv_http_exchange_scratch (KvHttpExchange *exchange, const char *format, ...)
  G_GNUC_PRINTF (2, 3);

/**
 * kv_http_exchange_add_revision:
 *
 * Adds the headers that tell at what revision a key is. A revision is what changes when the value does, and never comes
 * back: a strong validator (RFC 9110, section 8.8).
 */
void kv_http_exchange_add_revision (KvHttpExchange *exchange, guint64 revision);

/**
 * kv_http_exchange_add_entry:
 *
 * Adds the headers of an answer under `/v1` about a key that holds @entry: its revision, and when it expires, if it does. That
 * may be seen to have changed only by asking again, so nothing between here and the client is to keep it.
 */
void kv_http_exchange_add_entry (KvHttpExchange *exchange, const KvEntry *entry);

/**
 * kv_http_exchange_send:
 * @status: with whatever headers and body have been set
 */
void kv_http_exchange_send (KvHttpExchange *exchange, guint status);

/**
 * kv_http_exchange_send_error:
 * @error: a #KvError
 *
 * Sends @error as the one table has it, see kv_http_problem_from_error().
 */
void kv_http_exchange_send_error (KvHttpExchange *exchange, const GError *error);

/**
 * kv_http_exchange_send_refusal:
 *
 * Sends a refusal that is more than an error.
 */
void kv_http_exchange_send_refusal (KvHttpExchange *exchange, const KvHttpRefusal *refusal);

/**
 * kv_http_exchange_set_too_long:
 * @subject: (nullable): what the value is called where it came from
 * @reason: what to say
 * @error: set to %KV_ERROR_TOO_LARGE, with the limit of values
 *
 * Returns: %FALSE
 */
gboolean kv_http_exchange_set_too_long (const KvHttpExchange *exchange,
                                        const char *subject,
                                        const char *reason,
                                        GError **error);

/**
 * kv_http_exchange_check_value:
 * @length: bytes of a value
 * @subject: (nullable): what it is called where it came from
 * @reason: what to say when it is too long
 * @error: set to %KV_ERROR_TOO_LARGE when it is
 */
static inline gboolean
kv_http_exchange_check_value (const KvHttpExchange *exchange,
                              gsize length,
                              const char *subject,
                              const char *reason,
                              GError **error)
{
  return length <= exchange->context->limits->max_value_size
         || kv_http_exchange_set_too_long (exchange, subject, reason, error);
}

/**
 * kv_http_exchange_get_header:
 * @name: in lower case
 */
KvHttpSpan kv_http_exchange_get_header (KvHttpExchange *exchange, const char *name);

G_END_DECLS
