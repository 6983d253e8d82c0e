/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-exchange.h"

#include "backup/kv-dump.h"
#include "core/kv-decimal.h"
#include "core/kv-error-details.h"
#include "core/kv-timestamp.h"
#include "http/kv-http-refusal.h"
#include "http/kv-http-router.h"

#include <string.h>

/* Of a body that means nothing to its route: taken, so that the connection can go on, and
 * ignored. */
#define MAX_IGNORED_BODY (64 * 1024)

void
kv_http_exchange_init (KvHttpExchange *exchange,
                       const KvHttpCarrier *carrier,
                       const KvHttpContext *context)
{
  /* All but the arrays, which are written before they are read. */
  memset (exchange, 0, offsetof (KvHttpExchange, response.headers));
  exchange->carrier = carrier;
  exchange->context = context;
  exchange->method = KV_HTTP_OTHER;
}

static inline void
reset (KvHttpResponse *response)
{
  g_clear_pointer (&response->body_entry, kv_entry_unref);
  g_clear_pointer (&response->body_bytes, g_bytes_unref);
  response->body = NULL;
  response->endless = FALSE;
  response->n_headers = 0;
  response->scratch_used = 0;
}

void
kv_http_exchange_reset_response (KvHttpExchange *exchange)
{
  reset (&exchange->response);
}

void
kv_http_exchange_clear (KvHttpExchange *exchange)
{
  if (G_UNLIKELY (exchange->sink != NULL))
    exchange->route->sink->close (g_steal_pointer (&exchange->sink));
  reset (&exchange->response);
}

static const struct {
  const char *name;
  KvHttpMethod method;
} methods[] = {
  { "GET", KV_HTTP_GET },   { "HEAD", KV_HTTP_HEAD },     { "PUT", KV_HTTP_PUT },
  { "POST", KV_HTTP_POST }, { "DELETE", KV_HTTP_DELETE }, { "OPTIONS", KV_HTTP_OPTIONS },
};

KvHttpMethod
kv_http_method_parse (const char *name, gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (length == strlen (methods[i].name) && memcmp (name, methods[i].name, length) == 0)
      return methods[i].method;
  return KV_HTTP_OTHER;
}

const char *
kv_http_method_get_name (KvHttpMethod method)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (methods[i].method == method)
      return methods[i].name;
  return "other";
}

static gboolean
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

/* The media type without its parameters (RFC 9110, section 8.3.1). */
static KvHttpSpan
strip_parameters (KvHttpSpan type)
{
  const char *semicolon;

  if (type.data == NULL)
    return type;
  semicolon = memchr (type.data, ';', type.length);
  if (semicolon != NULL)
    type.length = semicolon - type.data;
  while (type.length > 0 && is_blank (type.data[type.length - 1]))
    type.length--;
  while (type.length > 0 && is_blank (type.data[0]))
    {
      type.data++;
      type.length--;
    }
  return type;
}

/* @type has no parameters. */
static gboolean
is_json (KvHttpSpan type)
{
  const gsize tree = strlen ("application/");
  const gsize suffix = strlen ("+json");

  if (type.length <= tree || g_ascii_strncasecmp (type.data, "application/", tree) != 0)
    return FALSE;
  if (type.length == tree + strlen ("json"))
    return g_ascii_strncasecmp (type.data + tree, "json", strlen ("json")) == 0;
  return type.length > tree + suffix
         && g_ascii_strncasecmp (type.data + type.length - suffix, "+json", suffix) == 0;
}

static gboolean
is_json_lines (KvHttpSpan type)
{
  static const char name[] = KV_DUMP_CONTENT_TYPE;

  return type.length == strlen (name) && g_ascii_strncasecmp (type.data, name, strlen (name)) == 0;
}

/* That a body has to be called what it is keeps other sites' pages from having a browser send it (the Fetch standard,
 * "CORS-safelisted request-header"). Fills in a refusal. */
static gboolean
check_content_type (KvHttpExchange *exchange)
{
  KvHttpBodyKind kind = exchange->route->body;
  KvHttpSpan type;

  if (kind != KV_HTTP_BODY_JSON && kind != KV_HTTP_BODY_STREAM)
    return TRUE;
  type = strip_parameters (kv_http_exchange_get_header (exchange, "content-type"));
  if (is_json (type) || (kind == KV_HTTP_BODY_STREAM && is_json_lines (type)))
    return TRUE;
  kv_http_exchange_refuse (exchange, 415,
                           kind == KV_HTTP_BODY_JSON
                             ? "This takes a body of Content-Type: application/json"
                             : "This takes a body of Content-Type: " KV_DUMP_CONTENT_TYPE);
  return FALSE;
}

static gsize
get_body_limit (const KvHttpExchange *exchange)
{
  switch (exchange->route->body)
    {
    case KV_HTTP_BODY_VALUE:
      return exchange->context->limits->max_value_size;
    case KV_HTTP_BODY_JSON:
      return exchange->context->limits->max_json_size;
    case KV_HTTP_BODY_STREAM:
      return G_MAXSIZE;
    case KV_HTTP_BODY_NONE:
      break;
    }
  return MAX_IGNORED_BODY;
}

static gboolean
open_sink (KvHttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;

  exchange->sink = exchange->route->sink->open (exchange, &error);
  if (exchange->sink == NULL)
    kv_http_refusal_fill_in_error (error, exchange);
  return exchange->sink != NULL;
}

gboolean
kv_http_exchange_admit (KvHttpExchange *exchange, gsize *body_limit)
{
  gboolean known;

  exchange->route = kv_http_router_find (exchange->path, exchange->method, &known);
  if (!known)
    {
      kv_http_exchange_refuse (exchange, 404, "There is nothing at this path");
      return FALSE;
    }
  if (exchange->route == NULL)
    {
      kv_http_exchange_refuse (exchange, 405, "This path does not answer that method");
      kv_http_router_add_allow (exchange);
      return FALSE;
    }
  if (!check_content_type (exchange))
    return FALSE;
  *body_limit = get_body_limit (exchange);
  return exchange->route->body != KV_HTTP_BODY_STREAM || open_sink (exchange);
}

KvHttpSinkState
kv_http_exchange_take_body (KvHttpExchange *exchange, const char *data, gsize length)
{
  g_autoptr (GError) error = NULL;
  KvHttpSinkState state = exchange->route->sink->take (exchange->sink, data, length, &error);

  if (state == KV_HTTP_SINK_FAILED)
    kv_http_refusal_fill_in_error (error, exchange);
  return state;
}

void
kv_http_exchange_dispatch (KvHttpExchange *exchange)
{
  exchange->route->handler (exchange);
}

void
kv_http_exchange_refuse (KvHttpExchange *exchange, guint status, const char *reason)
{
  const KvHttpRefusal refusal = {
    .type = kv_http_problem_from_status (status),
    .status = status,
    .detail = reason,
    .limit = status == 413 && exchange->route != NULL ? get_body_limit (exchange) : 0,
  };

  kv_http_refusal_fill_in (&refusal, exchange);
}

void
kv_http_exchange_refuse_busy (KvHttpExchange *exchange, const char *reason, guint retry_after)
{
  const KvHttpRefusal refusal = {
    .type = KV_HTTP_PROBLEM_TOO_MANY_REQUESTS,
    .detail = reason,
    .retry_after = retry_after,
  };

  kv_http_refusal_fill_in (&refusal, exchange);
}

const char *
kv_http_exchange_scratch (KvHttpExchange *exchange, const char *format, ...)
{
  KvHttpResponse *response = &exchange->response;
  char *text = response->scratch + response->scratch_used;
  gsize room = sizeof response->scratch - response->scratch_used;
  va_list arguments;
  int length;

  va_start (arguments, format);
  length = g_vsnprintf (text, room, format, arguments);
  va_end (arguments);
  g_return_val_if_fail (length >= 0 && (gsize) length < room, "");

  response->scratch_used += (gsize) length + 1;
  return text;
}

void
kv_http_exchange_add_revision (KvHttpExchange *exchange, guint64 revision)
{
  KvHttpResponse *response = &exchange->response;
  const gsize room = KV_DECIMAL_MAX + sizeof "\"\"";
  char *tag = response->scratch + response->scratch_used;
  char *plain = tag + room;
  guint32 length;

  g_return_if_fail (response->scratch_used + 2 * room <= sizeof response->scratch);
  g_return_if_fail (response->n_headers + 2 <= KV_HTTP_MAX_RESPONSE_HEADERS);

  *tag = '"';
  length = (guint32) (kv_decimal_format (tag + 1, revision) - tag) - 1;
  memcpy (plain, tag + 1, length);
  plain[length] = '\0';
  memcpy (tag + 1 + length, "\"", sizeof "\"");
  response->scratch_used += 2 * room;
  /* How long they are is known, and each GET comes past here. */
  response->headers[response->n_headers++] =
    (KvHttpHeader){ "ETag", tag, sizeof "ETag" - 1, length + 2 };
  response->headers[response->n_headers++] =
    (KvHttpHeader){ "KV-Revision", plain, sizeof "KV-Revision" - 1, length };
}

void
kv_http_exchange_add_entry (KvHttpExchange *exchange, const KvEntry *entry)
{
  gint64 deadline = kv_entry_get_deadline (entry);

  kv_http_exchange_add_header (exchange, "Cache-Control", "no-cache");
  kv_http_exchange_add_revision (exchange, kv_entry_get_revision (entry));
  if (deadline != KV_NO_DEADLINE)
    {
      char text[KV_TIMESTAMP_SIZE];

      kv_timestamp_format (kv_clock_to_wall (deadline), text);
      kv_http_exchange_add_header (exchange, "KV-Expires",
                                   kv_http_exchange_scratch (exchange, "%s", text));
    }
}

void
kv_http_exchange_send (KvHttpExchange *exchange, guint status)
{
  exchange->response.status = status;
  exchange->carrier->send (exchange);
}

void
kv_http_exchange_send_error (KvHttpExchange *exchange, const GError *error)
{
  kv_http_refusal_fill_in_error (error, exchange);
  exchange->carrier->send (exchange);
}

void
kv_http_exchange_send_refusal (KvHttpExchange *exchange, const KvHttpRefusal *refusal)
{
  kv_http_refusal_fill_in (refusal, exchange);
  exchange->carrier->send (exchange);
}

gboolean
kv_http_exchange_set_too_long (const KvHttpExchange *exchange,
                               const char *subject,
                               const char *reason,
                               GError **error)
{
  GError *problem = NULL;

  kv_error_set_about (&problem, KV_ERROR_TOO_LARGE, subject, "%s", reason);
  kv_error_set_limit (problem, exchange->context->limits->max_value_size);
  g_propagate_error (error, problem);
  return FALSE;
}

KvHttpSpan
kv_http_exchange_get_header (KvHttpExchange *exchange, const char *name)
{
  return exchange->carrier->get_header (exchange, name);
}
