/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-watch.h"

#include "core/kv-error-details.h"
#include "http/kv-http-json.h"
#include "http/kv-http-router.h"
#include "http/kv-http-uri.h"
#include "http/stream/kv-http-sse.h"
#include "store/kv-watch.h"

gboolean
kv_route_watch_read_last_id (KvHttpExchange *exchange, guint64 *since, GError **error)
{
  KvHttpSpan id = kv_http_exchange_get_header (exchange, "last-event-id");

  *since = KV_WATCH_FROM_NOW;
  if (id.data == NULL)
    return TRUE;
  if (!kv_http_uri_parse_decimal (id, since))
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, "Last-Event-ID",
                               "Last-Event-ID is not the id of an event of ours");
  /* The largest number is an id from the future, as any other too large one is, and not the mark
   * for "now". */
  *since = MIN (*since, KV_WATCH_FROM_NOW - 1);
  return TRUE;
}

static gboolean
open_stream (KvHttpExchange *exchange, const char *const *keys, GError **error)
{
  KvSseRequest request = { .keys = keys, .shape = KV_HTTP_FRAME_LINES };

  return kv_route_watch_read_last_id (exchange, &request.since, error)
         && kv_sse_group_open (exchange->context->streams, exchange, &request, error);
}

void
kv_route_watch_answer_head (KvHttpExchange *exchange)
{
  kv_http_exchange_add_header (exchange, "Content-Type", "text/event-stream");
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-store");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  exchange->response.endless = TRUE;
  kv_http_exchange_send (exchange, 200);
}

void
kv_route_watch_get (KvHttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;
  KvHttpKey key;
  const char *keys[] = { key.text, NULL };
  KvSseRequest request = { .keys = keys, .shape = KV_HTTP_FRAME_LINES };
  gboolean valid = kv_http_uri_decode_key (kv_http_router_get_segment (exchange), &key, &error)
                   && kv_route_watch_read_last_id (exchange, &request.since, &error);

  if (valid && exchange->method == KV_HTTP_HEAD)
    kv_route_watch_answer_head (exchange);
  else if (!valid || !kv_sse_group_open (exchange->context->streams, exchange, &request, &error))
    kv_http_exchange_send_error (exchange, error);
}

/* Returns: (transfer container): the keys, borrowed from @body */
static const char **
read_keys (const json_t *body, guint max, GError **error)
{
  gsize length = json_array_size (body);
  g_autofree const char **keys = NULL;

  if (!json_is_array (body))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_UNPROCESSABLE,
                           "The body must be an array of keys");
      return NULL;
    }
  if (length == 0)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, "There is no key to watch");
      return NULL;
    }
  if (length > max)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_TOO_LARGE, "One stream watches %u keys at most", max);
      return NULL;
    }
  keys = g_new0 (const char *, length + 1);
  for (gsize i = 0; i < length; i++)
    {
      const json_t *key = json_array_get (body, i);

      if (!json_is_string (key))
        {
          g_set_error_literal (error, KV_ERROR, KV_ERROR_UNPROCESSABLE, "A key must be a string");
          return NULL;
        }
      keys[i] = json_string_value (key);
      if (!kv_key_validate (keys[i], (gssize) json_string_length (key), error))
        return NULL;
    }
  return g_steal_pointer (&keys);
}

void
kv_route_watch_post (KvHttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) body = kv_http_json_parse (exchange->body, &error);
  g_autofree const char **keys = NULL;

  if (body != NULL)
    keys = read_keys (body, exchange->context->limits->max_batch, &error);
  if (keys == NULL || !open_stream (exchange, keys, &error))
    kv_http_exchange_send_error (exchange, error);
}
