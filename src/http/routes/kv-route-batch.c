/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-batch.h"

#include "core/kv-error-details.h"
#include "core/kv-json-text.h"
#include "http/kv-http-json.h"
#include "http/kv-http-ttl.h"
#include "http/kv-http-uri.h"

#include <string.h>

static gboolean
refuse_entry (GError **error, KvError code, const char *reason)
{
  g_set_error_literal (error, KV_ERROR, (int) code, reason);
  return FALSE;
}

static gboolean
read_deadline (const json_t *entry, gint64 *deadline, GError **error)
{
  const json_t *ttl = json_object_get (entry, "ttl");

  *deadline = KV_NO_DEADLINE;
  if (ttl == NULL || json_is_null (ttl))
    return TRUE;
  if (!json_is_integer (ttl) || json_integer_value (ttl) < 0)
    return kv_error_set_about (error, KV_ERROR_UNPROCESSABLE, "ttl",
                               "\"ttl\" must be a whole number of seconds, 0 or more");
  *deadline = kv_http_ttl_to_deadline ((guint64) json_integer_value (ttl));
  return TRUE;
}

static gboolean
read_put (const KvHttpExchange *exchange,
          const json_t *entry,
          KvHttpSpan key,
          KvOperation *operation,
          GError **error)
{
  KvHttpSpan value;
  gint64 deadline;

  if (!kv_http_json_get_string (entry, "value", &value, error)
      || !read_deadline (entry, &deadline, error)
      || !kv_http_exchange_check_value (exchange, value.length, "value", "The value is too long",
                                        error))
    return FALSE;
  return kv_operation_init_put (operation, key.data, (gssize) key.length, value.data,
                                (gssize) value.length, deadline, error);
}

static gboolean
read_entry (const KvHttpExchange *exchange,
            const json_t *entry,
            KvOperation *operation,
            GError **error)
{
  KvHttpSpan method, key;

  if (!json_is_object (entry))
    return refuse_entry (error, KV_ERROR_UNPROCESSABLE, "It must be an object");
  if (!kv_http_json_get_string (entry, "method", &method, error)
      || !kv_http_json_get_string (entry, "key", &key, error))
    return FALSE;
  switch (kv_http_method_parse (method.data, method.length))
    {
    case KV_HTTP_GET:
      return kv_operation_init (operation, KV_OPERATION_GET, key.data, (gssize) key.length, error);
    case KV_HTTP_PUT:
      return read_put (exchange, entry, key, operation, error);
    case KV_HTTP_DELETE:
      return kv_operation_init (operation, KV_OPERATION_DELETE, key.data, (gssize) key.length,
                                error);
    case KV_HTTP_HEAD:
    case KV_HTTP_POST:
    case KV_HTTP_OPTIONS:
    case KV_HTTP_OTHER:
      break;
    }
  return kv_error_set_about (error, KV_ERROR_UNPROCESSABLE, "method",
                             "\"method\" must be GET, PUT or DELETE");
}

/* Whatever is wrong with an entry, the request as a whole cannot be processed; only a value over
 * its limit keeps the status that it has elsewhere. Programs are told where it is by a JSON pointer (RFC 6901). */
static void
name_entry (GError *error, gsize index)
{
  const char *member = kv_error_get_subject (error);
  g_autofree char *pointer = NULL;

  if (member == NULL && error->code == KV_ERROR_INVALID_KEY)
    member = "key";
  if (member == NULL && error->code == KV_ERROR_INVALID_VALUE)
    member = "value";
  pointer = g_strdup_printf ("/%" G_GSIZE_FORMAT "%s%s", index, member != NULL ? "/" : "",
                             member != NULL ? member : "");
  kv_error_set_subject (error, pointer);
  if (error->code != KV_ERROR_TOO_LARGE)
    error->code = KV_ERROR_UNPROCESSABLE;
  g_prefix_error (&error, "Entry %" G_GSIZE_FORMAT " of the batch: ", index);
}

static void
refuse_length (guint most, GError **error)
{
  GError *problem =
    g_error_new (KV_ERROR, KV_ERROR_TOO_LARGE, "A batch has %u entries at most", most);

  kv_error_set_limit (problem, most);
  g_propagate_error (error, problem);
}

static KvTransaction *
read_batch (const KvHttpExchange *exchange, const json_t *body, GError **error)
{
  g_autoptr (KvTransaction) batch = kv_transaction_new (FALSE);
  gsize length = json_array_size (body);

  if (!json_is_array (body))
    {
      refuse_entry (error, KV_ERROR_UNPROCESSABLE, "The body must be an array");
      return NULL;
    }
  if (length > exchange->context->limits->max_batch)
    {
      refuse_length (exchange->context->limits->max_batch, error);
      return NULL;
    }
  for (gsize i = 0; i < length; i++)
    {
      g_auto (KvOperation) operation = { 0 };
      GError *problem = NULL;

      if (!read_entry (exchange, json_array_get (body, i), &operation, &problem))
        {
          name_entry (problem, i);
          g_propagate_error (error, problem);
          return NULL;
        }
      kv_transaction_add (batch, &operation);
    }
  return g_steal_pointer (&batch);
}

static void
append_result (GString *json, const KvResult *result)
{
  const char *value;
  gsize length;

  switch (result->status)
    {
    case KV_RESULT_FOUND:
      value = kv_entry_get_value (result->entry, &length);
      if (json->len + length > KV_ROUTE_BATCH_MAX_ANSWER)
        {
          g_string_append (json, "{\"status\":413}");
          return;
        }
      g_string_append (json, "{\"status\":200,\"value\":");
      kv_json_text_append_string (json, value, length);
      g_string_append_c (json, '}');
      return;
    case KV_RESULT_CREATED:
      g_string_append (json, "{\"status\":201}");
      return;
    case KV_RESULT_REPLACED:
    case KV_RESULT_DELETED:
      g_string_append (json, "{\"status\":204}");
      return;
    case KV_RESULT_NOT_FOUND:
      g_string_append (json, "{\"status\":404}");
      return;
    case KV_RESULT_CONDITION_FAILED:
    case KV_RESULT_NOT_A_NUMBER:
    case KV_RESULT_ABORTED:
      break;
    }
  g_assert_not_reached ();
}

/* Of the request, which is there until the answer. */
static gboolean
read_atomic (const KvHttpExchange *exchange, gboolean *atomic, GError **error)
{
  char buffer[8];
  KvHttpSpan text;

  if (!kv_http_uri_get_parameter (exchange->query, "atomic", buffer, sizeof buffer, &text, error))
    return FALSE;
  *atomic = text.length == strlen ("true") && memcmp (text.data, "true", text.length) == 0;
  return *atomic || text.data == NULL
         || (text.length == strlen ("false") && memcmp (text.data, "false", text.length) == 0)
         || kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, "atomic",
                                "\"atomic\" must be true or false");
}

static gboolean
is_atomic (const KvHttpExchange *exchange)
{
  gboolean atomic;

  return read_atomic (exchange, &atomic, NULL) && atomic;
}

/* All that it has changed is at one revision. */
static void
add_revision (KvHttpExchange *exchange, const KvResult *results, guint length)
{
  for (guint i = 0; i < length; i++)
    if (results[i].status == KV_RESULT_CREATED || results[i].status == KV_RESULT_REPLACED
        || results[i].status == KV_RESULT_DELETED)
      {
        kv_http_exchange_add_header (
          exchange, "KV-Revision",
          kv_http_exchange_scratch (exchange, "%" G_GUINT64_FORMAT, results[i].revision));
        return;
      }
}

static void
answer (KvStore *store,
        KvResult *results,
        guint length,
        gboolean committed,
        const GError *error,
        gpointer user_data)
{
  KvHttpExchange *exchange = user_data;
  GString *json;

  if (error != NULL)
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  json = g_string_new ("[");
  for (guint i = 0; i < length; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      append_result (json, &results[i]);
    }
  g_string_append_c (json, ']');
  if (is_atomic (exchange))
    add_revision (exchange, results, length);
  exchange->response.body_bytes = g_string_free_to_bytes (json);
  kv_http_exchange_add_header (exchange, "Content-Type", "application/json");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-store");
  kv_http_exchange_send (exchange, 200);
}

static void
submit (KvHttpExchange *exchange, KvTransaction *batch, gboolean atomic)
{
  guint length, retry_after;
  KvOperation *operations = kv_transaction_get_operations (batch, &length);

  if (length == 0)
    answer (exchange->context->store, NULL, 0, TRUE, NULL, exchange);
  else if (exchange->bucket != NULL && length >= KV_RATE_ENTRIES_A_REQUEST
           && !kv_rate_bucket_admit (exchange->bucket, length / KV_RATE_ENTRIES_A_REQUEST,
                                     &retry_after))
    {
      kv_http_exchange_refuse_busy (exchange, "Too many requests", retry_after);
      kv_http_exchange_send (exchange, 429);
    }
  else
    kv_store_submit (exchange->context->store, operations, length, atomic, answer, exchange);
}

void
kv_route_batch_post (KvHttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) body = kv_http_json_parse (exchange->body, &error);
  g_autoptr (KvTransaction) batch = NULL;
  gboolean atomic = FALSE;

  if (body != NULL && read_atomic (exchange, &atomic, &error))
    batch = read_batch (exchange, body, &error);
  if (batch != NULL)
    submit (exchange, batch, atomic);
  else
    kv_http_exchange_send_error (exchange, error);
}
